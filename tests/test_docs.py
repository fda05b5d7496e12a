"""The pages in docs/: the site builds without a warning, and every command on it exists with its options."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.asd.cli_runner import run_asd
from tests.conftest import REPO

PAGES = sorted((REPO / "docs").glob("*.md"))
_BLOCK = re.compile(r"```(?:bash|console|sh)\n(.*?)```", re.DOTALL)


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert {page.stem for page in PAGES} <= {path.name for path in (tmp_path / "site").iterdir()} | {"index"}


def commands(page: Path) -> list[list[str]]:
    """The words of every `asd` call in the page's shell blocks."""
    text = "\n".join(_BLOCK.findall(page.read_text("utf-8"))).replace("\\\n", " ")
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("asd ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_exists_with_its_options(page: Path) -> None:
    for words in commands(page):
        depth = 1
        while "COMMAND [ARGS]" in run_asd(*words[:depth], "--help").out:  # a group of commands
            depth += 1
        help_text = run_asd(*words[:depth], "--help-all")
        assert help_text.code == 0, words
        for word in words:
            if word.startswith("--"):
                assert re.search(rf"(?<![\w-]){re.escape(word.partition('=')[0])}(?![\w-])", help_text.out), (
                    words,
                    word,
                )
