"""`asd-train report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Run folder, as `asd-train run` printed it.")],
    html: Annotated[Path | None, typer.Option(help="File to write. [default: RUN_DIR/report.html]")] = None,
    examples: Annotated[int, typer.Option(min=0, max=50, help="Wrong answers to show of each kind.")] = 4,
) -> None:
    """Write a page on a run: accuracy matrices, metrics, what was forgotten and how, losses, wrong answers."""
    from asd_training.disk import require_file_place
    from asd_training.report.run_page import write_run
    from asd_training.report.run_record import load_record

    run = load_record(run_dir)
    out = html or run_dir / "report.html"
    require_file_place(out, "--html")
    write_run(run, out, examples)
    state = "" if run.results.finished else f" (the run is not finished: {run.progress})"
    print(f"written to {out}{state}")
