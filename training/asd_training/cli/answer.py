"""`asd-train answer`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asd.probing.items import ProbeItem

    Answering = Callable[[Sequence[ProbeItem], Callable[[int, int], None]], list[ProbeItem]]


def command(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="File that `asd probe questions` wrote.")],
    out: Annotated[Path, typer.Option(help="JSON Lines file to write: the questions with the model's answers.")],
    model: Annotated[
        str | None, typer.Option(help="Folder of a transformers model, its name on the hub, or a GGUF file.")
    ] = None,
    adapter: Annotated[str | None, typer.Option(help="Folder of a PEFT adapter on top of the model.")] = None,
    run: Annotated[Path | None, typer.Option(help="Run folder of `asd-train run`, in place of --model.")] = None,
    after: Annotated[
        str | None, typer.Option(help="Stage of the run, e.g. 03-imagenet. [default: the last finished one]")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Where --model answers: cpu, cuda, cuda:1, mps, ... [default: an accelerator if there is one]"
        ),
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens of one answer at most.")] = 256,
) -> None:
    """Answer a probe's questions with a transformers model, with or without an adapter, or with the model of a run.

    `asd probe compare` reads the answers.
    """
    from asd.probing.items import read_items, write_items
    from asd_training.disk import require_file_place
    from asd_training.errors import SettingError

    if (model is None) == (run is None) or (run and adapter) or (model and after):
        raise SettingError("give --model NAME (and --adapter DIR, if there is one) or --run DIR (and --after STAGE)")
    if run and device:
        raise SettingError(f"--device {device} is for --model; the model of --run answers where `asd-train eval` would")
    require_file_place(out, "--out")
    items = read_items(questions)
    answer = (
        _of_model(str(model), adapter, device, questions.parent, max_new_tokens)
        if run is None
        else _of_run(run, after, questions.parent, max_new_tokens)
    )

    def tell(done: int, of: int) -> None:
        print(f"\r{done} of {of} answered", end="", file=sys.stderr, flush=True)

    answered = answer(items, tell)
    print(file=sys.stderr)
    write_items(out, answered)
    print(f"{out}: {len(answered):,} answers")


def _of_model(model: str, adapter: str | None, device: str | None, beside: Path, max_new_tokens: int) -> Answering:
    from asd_training.evaluation.probe_answers import answer_items, load_to_answer

    loaded, reader = load_to_answer(model, adapter, device)
    return lambda items, tell: answer_items(loaded, reader, items, beside, max_new_tokens=max_new_tokens, tell=tell)


def _of_run(root: Path, after: str | None, beside: Path, max_new_tokens: int) -> Answering:
    from asd_training.finished_run import answer_probe, load_run

    run = load_run(root, after=after, changes=[f"eval.max_new_tokens={max_new_tokens}"])
    return lambda items, tell: answer_probe(run, items, beside, tell)
