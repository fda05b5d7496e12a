"""`asd-train compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from asd_training.valid_json import json_text


def command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR...", help="Run folders; the first is the reference.")],
    html: Annotated[Path | None, typer.Option(help="Also write a page with plots.")] = None,
    published: Annotated[
        list[str] | None,
        typer.Option(metavar="RECIPE", help="Show the published results of this recipe, e.g. coin/asd; repeatable."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line a figure, instead of tables.")] = False,
) -> None:
    """Put runs side by side: method by method the mean over seeds with its 95 % interval, and paired differences."""
    from asd_training.disk import require_file_place
    from asd_training.errors import SettingError
    from asd_training.report.comparison import compare
    from asd_training.report.comparison_text import print_comparison, to_csv, width_needed

    if json and csv:
        raise SettingError("--json and --csv exclude each other; give one")
    if html is not None:
        require_file_place(html, "--html")
    comparison = compare(runs, published or ())
    if json:
        print(json_text(comparison.to_json(), indent=1))
    elif csv:
        sys.stdout.write(to_csv(comparison))
    else:
        from asd.shown_text import open_console

        console = open_console()
        print_comparison(comparison, console if console.is_terminal else open_console(width=width_needed(comparison)))
    if html is not None:
        from asd_training.report.comparison_page import write_comparison

        write_comparison(comparison, html)
        print(f"written to {html}", file=sys.stderr)
