"""`asd-train forgetting`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from asd_training.valid_json import json_text


def command(
    predictions: Annotated[
        list[Path],
        typer.Argument(metavar="PREDICTIONS...", help="Run folders, or released output files or folders of them."),
    ],
    task: Annotated[str, typer.Option(help="Task whose forgetting is split (see `asd tasks`), or its YAML file.")],
    order: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            help="Tasks in training order, in any case. Otherwise that of the run, and CoIN's for released files.",
        ),
    ] = None,
    clipped: Annotated[
        list[str] | None,
        typer.Option(
            "--clipped",
            metavar="RUN",
            help="Run whose stored answers lost their first letter (noticed where many did); repeatable.",
        ),
    ] = None,
    known: Annotated[
        str, typer.Option(help="What counts as known after its own task: strict (right), or recovered (right in fact).")
    ] = "strict",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Split what was forgotten: only the answer style, the fact, or both; counts by category and stage."""
    from asd.errors import UnknownNameError
    from asd.tasks.registry import load_task
    from asd_training.evaluation.forgetting import Known
    from asd_training.evaluation.forgetting_table import find_runs, forgetting_table
    from asd_training.evaluation.stage_order import read_order

    if known not in get_args(Known):
        raise UnknownNameError("way to count what was known", known, get_args(Known))
    spec = load_task(task)
    runs = find_runs(predictions, spec, read_order(order) if order is not None else None)
    figures = forgetting_table(runs, spec, clipped=clipped or (), known=cast(Known, known))
    print(json_text(figures, indent=1) if json else describe(figures))


def describe(figures: dict[str, Any]) -> str:
    """One table a run: accuracy and the split of the forgotten questions, in percent of them."""
    return "\n\n".join("\n".join(_run_lines(run, figures["rule"])) for run in figures["runs"])


def _run_lines(run: dict[str, Any], rule: str) -> list[str]:
    from asd.cli.table import Table

    header = ["after", f"{rule} %", "forgotten", "superficial %", "less specific %", "style lost %", "both wrong %",
              "essential %", "recovered %", "+ broader %"]  # fmt: skip
    table = Table(header)
    table.add(run["own"]["stage"], f"{run['own']['accuracy_percent']:.2f}", *[""] * (len(header) - 2))
    for stage in run["later"]:
        split = stage["forgetting"]
        shares = ["-" if share is None else f"{100 * share:.1f}" for share in split["shares"].values()]
        read = [f"{100 * split[name]:.2f}" for name in ("recovered_later", "recovered_or_broader_later")]
        table.add(stage["stage"], f"{stage['accuracy_percent']:.2f}", f"{split['forgotten']:,}", *shares, *read)
    lines = [f"{run['run']}: {run['questions']:,} questions", *table.lines()]
    ran_on = [f"{stage['stage']} {stage['ran_on']:,}" for stage in [run["own"], *run["later"]] if stage["ran_on"]]
    if ran_on:
        lines.append(f"wrong answers that ran on, read up to there: {', '.join(ran_on)}")
    return lines + [_beside(stage) for stage in run["beside_the_sequence"]]


def _beside(stage: dict[str, Any]) -> str:
    kinds = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in stage["wrong_by_category"].items())
    return f"{stage['stage']}: {stage['accuracy_percent']:.2f} %, wrong answers: {kinds}"
