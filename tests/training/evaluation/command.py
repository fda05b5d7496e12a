"""Runs `asd-train` in this process: same exit codes and streams, no start-up cost."""

from __future__ import annotations

import contextlib
import io

from asd_training.cli.main import main
from tests.asd.cli_runner import Outcome


def run_asd_train(*arguments: object) -> Outcome:
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(list(map(str, arguments)))
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return Outcome(code, out.getvalue(), err.getvalue())
