"""`asd-train predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Run folder, as `asd-train run` printed it.")],
    data: Annotated[str, typer.Option(metavar="DIR[@VERSION]", help="Dataset that `asd convert` wrote.")],
    out: Annotated[Path, typer.Option(help="Arrow file to write: id, prompt, raw text, parsed answer, score.")],
    split: Annotated[str, typer.Option(help="Split to answer.")] = "test",
    after: Annotated[str | None, typer.Option(help="Stage, e.g. 03-imagenet. [default: the last finished one]")] = None,
    scorer: Annotated[str | None, typer.Option(help="Scoring rule. [default: the task's]")] = None,
    engine: Annotated[
        str | None, typer.Option(help="transformers or vllm: what writes the answers. [default: the run's]")
    ] = None,
    image_root: Annotated[Path | None, typer.Option(help="Folder that image paths are relative to.")] = None,
) -> None:
    """Answer the questions of any dataset, in whatever styles it has, with the model of a run."""
    from asd_training.disk import require_file_place
    from asd_training.evaluation.prediction_rows import write_predictions
    from asd_training.finished_run import load_run, predict

    run = load_run(run_dir, after=after, changes=[f"eval.engine={engine}"] if engine else [])
    require_file_place(out, "--out")
    rows = predict(run, data, split=split, scorer=scorer, image_root=image_root)
    write_predictions(out, rows)
    score = sum(row["score"] for row in rows) / len(rows)
    print(f"{len(rows):,} answers, mean score {100 * score:.2f} %, written to {out}")
