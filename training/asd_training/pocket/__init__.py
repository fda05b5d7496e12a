"""The pocket benchmark: eight tiny tasks in CoIN's layout and a tiny vision-language model to tune on them.

`asd-train pocket data` draws and writes the tasks, `asd-train pocket base` trains the base model from scratch;
its weights ship in `base/`, those of one that knows more before the sequence in `knowing_base/`. README.md says why all
are as they are.
"""

from typing import Literal

TASKS = ("scienceqa", "textvqa", "imagenet", "gqa", "vizwiz", "grounding", "vqav2", "ocrvqa")
"""CoIN's tasks in CoIN's order; the names of ASD's task specs."""

Facts = Literal["some", "all"]
"""What a base is told before the sequence. `some`: as the shipped one; `all`: every fact that the tasks ask for, but
relations and boxes as far as it learns them; about pictures still in sentences alone."""
