"""`asd-train pocket`: draw the pocket benchmark's tasks, train its base model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from asd.cli.help import HelpfulCommand, HelpfulGroup

app = typer.Typer(
    cls=HelpfulGroup,
    help="The pocket benchmark: its tasks and its base model.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command(cls=HelpfulCommand, epilog="asd-train pocket data --out pocket")
def data(
    out: Annotated[Path, typer.Option(help="Folder to write to: <task>/train.json, <task>/test.json, and pictures.")],
    train: Annotated[int, typer.Option(min=1, help="Training questions per task.")] = 1920,
    test: Annotated[int, typer.Option(min=1, help="Test questions per task.")] = 100,
    seed: Annotated[int, typer.Option(help="Decides every picture and question.")] = 0,
) -> None:
    """Draw the eight tasks in CoIN's layout; `asd convert --task gqa --source OUT/gqa --image-root OUT` reads them."""
    from asd_training.pocket.data import write_tasks

    for task, counts in write_tasks(out, train=train, test=test, seed=seed).items():
        print(f"{task:<10} {counts['train']} training questions, {counts['test']} test questions")
    print(f"written to {out}")


@app.command(
    cls=HelpfulCommand,
    epilog="asd-train pocket base --out pocket-base\nasd-train pocket base --out knowing-base --facts all",
)
def base(
    out: Annotated[Path, typer.Option(help="Folder of the new model.")],
    seed: Annotated[int, typer.Option(help="Decides initial weights, pictures and texts.")] = 0,
    facts: Annotated[
        Literal["some", "all"],
        typer.Option(help="all: the shipped base, raised further on every fact that the tasks ask for."),
    ] = "some",
    start: Annotated[
        Path | None, typer.Option(help="Raise this base further in place of beginning from nothing.")
    ] = None,
) -> None:
    """Train the base model from scratch, or raise one further: about a quarter of an hour on one core."""
    from asd_training.disk import require_folder
    from asd_training.loop import say_on_stderr
    from asd_training.pocket.base_model import build_base, raise_further

    require_folder(out, "--out")
    if facts == "all" or start is not None:
        recipe = raise_further(out, facts=facts, start=start, seed=seed, say=say_on_stderr)
    else:
        recipe = build_base(out, seed=seed, say=say_on_stderr)
    print(f"written to {out}, sha256 {recipe['sha256']}")
