"""The pages in docs/: the site builds without a warning, and every command on it exists with its options."""

from __future__ import annotations

import os
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


def test_the_page_on_datasets_runs(tmp_path: Path) -> None:
    """Its blocks, in order; `asd push` needs a hub, and is tested with a stand-in elsewhere."""
    blocks = re.findall(r"```(bash|python)\n(.*?)```", (REPO / "docs" / "huggingface.md").read_text("utf-8"), re.DOTALL)
    places = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPO)}
    env = {name: value for name, value in os.environ.items() if name != "ASD_DATA_ROOT"} | places
    asd = f'asd() {{ "{sys.executable}" -m asd.cli.main "$@"; }}\n'
    shown = []
    python = ""
    for language, text in blocks:
        if "asd push" in text:
            continue
        python += text if language == "python" else ""
        script = text if language == "bash" else f"{sys.executable} - <<'END'\n{python}\nEND\n"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", asd + script], cwd=tmp_path, env=env, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        shown.append(done.stdout)
    assert len(shown) == 6
    assert "['default', 'v1', 'v2', 'paper']" in shown[1]
    assert "List(Image(" in shown[2] and "PngImageFile" in shown[2]
    assert shown[5].endswith("[{'@id': 'rows/prompt'}, {'@id': 'rows/response'}]\n")
