"""`asd-train check`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from asd.errors import FINDING
from asd_training.valid_json import json_text


def command(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="YAML file of the run, or a built-in name.")],
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. train.lr=1e-4.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Say what a run would do, and what stands in its way: model, prompts and what is learnt of them, lengths, steps,
    memory, how answers are written. Nothing is trained; tasks are converted where the configuration says so.

    Exit code 4 if something stands in its way.
    """
    from asd_training.config import load_config

    settings = load_config(config, changes or [])
    from asd_training.loop import check

    outlook = check(settings)
    if json:
        print(json_text({**outlook.facts, "problems": outlook.problems}, indent=1))
    else:
        from asd_training.preflight_text import describe

        print(describe(outlook.facts))
    for problem in outlook.problems:
        print(f"error: {problem}", file=sys.stderr)
    if outlook.problems:
        raise typer.Exit(FINDING)
