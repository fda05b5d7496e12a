"""The pocket benchmark: eight tiny tasks in CoIN's layout and a tiny vision-language model to tune on them.

`asd-train pocket data` draws and writes the tasks, `asd-train pocket base` trains the base model from scratch;
its weights ship in `base/`. README.md says why both are as they are.
"""

TASKS = ("scienceqa", "textvqa", "imagenet", "gqa", "vizwiz", "grounding", "vqav2", "ocrvqa")
"""CoIN's tasks in CoIN's order; the names of ASD's task specs."""
