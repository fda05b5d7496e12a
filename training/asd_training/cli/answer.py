"""`asd-train answer`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="File that `asd probe questions` wrote.")],
    model: Annotated[str, typer.Option(help="Folder of a transformers model, its name on the hub, or a GGUF file.")],
    out: Annotated[Path, typer.Option(help="JSON Lines file to write: the questions with the model's answers.")],
    adapter: Annotated[str | None, typer.Option(help="Folder of a PEFT adapter on top of the model.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens of one answer at most.")] = 256,
) -> None:
    """Answer a probe's questions with a transformers model, with or without an adapter; `asd probe compare` reads them."""
    from asd.probing.items import read_items, write_items
    from asd_training.disk import require_file_place
    from asd_training.evaluation.probe_answers import answer_items, load_to_answer

    require_file_place(out, "--out")
    items = read_items(questions)
    loaded, reader = load_to_answer(model, adapter)

    def tell(done: int, of: int) -> None:
        print(f"\r{done} of {of} answered", end="", file=sys.stderr, flush=True)

    answered = answer_items(loaded, reader, items, questions.parent, max_new_tokens=max_new_tokens, tell=tell)
    print(file=sys.stderr)
    write_items(out, answered)
    print(f"{out}: {len(answered):,} answers")
