"""`asd-train` called in this process."""

from __future__ import annotations

import pytest

from asd_training.cli.main import main


def call(*arguments: str) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return int(stop.value.code or 0)
