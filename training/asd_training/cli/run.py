"""`asd-train run`."""

from __future__ import annotations

from shlex import quote
from typing import Annotated, Any

import typer

from asd_training.valid_json import json_text


def command(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="YAML file of the run, or a built-in name.")],
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. train.lr=1e-4.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Run folder. [default: runs/<name>]")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print results.json instead of a table.")] = False,
) -> None:
    """Tune a model on a sequence of tasks and evaluate it after each; goes on where it stopped."""
    from asd_training.config import load_config

    given = [*(changes or []), *([f"out={out}"] if out else [])]
    settings = load_config(config, given)
    from asd_training.loop import run, say_on_stderr
    from asd_training.processes import writes_files

    results = run(settings, say_on_stderr)
    if writes_files():
        print(json_text(results, indent=1) if json else describe(results, str(settings.run_dir)))


def describe(results: dict[str, Any], folder: str) -> str:
    """The accuracy matrix in percent and the metrics, as text."""
    from asd.cli.table import Table

    names = results["tasks"]
    lines = [f"{results['method']}, seed {results['seed']}: {folder}"]
    for kind, rows in results["matrices"].items():
        table = Table([f"{kind}, %", *names])
        for name, row in zip(names, rows, strict=True):
            if any(cell is not None for cell in row):
                table.add(f"after {name}", *("" if cell is None else f"{100 * cell:.1f}" for cell in row))
        figures = [f"{name} {100 * value:.2f}" for name, value in results["metrics"][kind].items() if value is not None]
        lines += ["", *table.lines(), "", "  ".join(figures)]
    return "\n".join([*lines, "", f"look at it, with every figure explained:  asd-train report {quote(folder)}"])
