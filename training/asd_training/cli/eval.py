"""`asd-train eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from asd_training.valid_json import json_text


def command(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Run folder, as `asd-train run` printed it.")],
    after: Annotated[str | None, typer.Option(help="Stage, e.g. 03-imagenet. [default: the last finished one]")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; repeatable.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another setting, e.g. eval.constrained=true."),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="transformers or vllm: what writes the answers. [default: the run's]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the prediction files; none are written without it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Evaluate the model that a run had after a stage again, e.g. on tasks not seen yet, or with other settings."""
    from asd_training.disk import require_folder
    from asd_training.evaluation.prediction_rows import write_predictions
    from asd_training.evaluation.stage_scores import lenient_reader, mean_scores
    from asd_training.finished_run import evaluate_again, load_run

    run = load_run(run_dir, after=after, changes=[*(changes or []), *([f"eval.engine={engine}"] if engine else [])])
    if out is not None:
        require_folder(out, "--out")
    answers = evaluate_again(run, task or ())
    tasks = {task.name: task for task in run.tasks}
    scores = {name: mean_scores(rows, lenient_reader(tasks[name])) for name, rows in answers.items()}
    for name, rows in answers.items():
        if out is not None:
            write_predictions(out / f"{name}.arrow", rows)
    print(json_text({"after": run.stage.folder, "scores": scores}, indent=1) if json else _table(scores))


def _table(scores: dict[str, dict[str, Any]]) -> str:
    from asd.cli.table import Table

    kinds = ("strict", "recovered", "constrained")
    table = Table(["task", "questions", *(f"{kind} %" for kind in kinds)])
    for name, score in scores.items():
        cells = ["" if score[kind] is None else f"{100 * score[kind]:.1f}" for kind in kinds]
        table.add(name, f"{score['questions']:,}", *cells)
    return "\n".join(table.lines())
