"""Runs the real command line in this process; no start-up cost, same exit codes and streams."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass

from asd.cli.main import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def run_asd(*arguments: object) -> Outcome:
    """`asd ARGUMENTS...`"""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["asd", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    finally:
        sys.argv = before
    return Outcome(code, out.getvalue(), err.getvalue())
