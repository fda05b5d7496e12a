"""The README shows what really happens: its commands run, and its output is theirs.

`ASD_UPDATE_README=1 python -m pytest tests/test_readme.py` writes the output anew; read the diff.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from asd.errors import UsageError
from asd.schemas.task import TaskSpec
from asd.tasks.registry import load_task
from asd.tasks.task_files import builtin_tasks
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import write_lines

README = Path(__file__).resolve().parent.parent / "README.md"


def block(text: str, marker: str) -> str:
    """The fenced block that follows `<!-- marker -->`."""
    found = re.search(rf"<!-- {re.escape(marker)} -->\n```\w*\n(.*?)```", text, re.DOTALL)
    assert found is not None, f"README has no block {marker!r}"
    return found[1]


def masked(text: str) -> str:
    """Version ids change with the code."""
    return re.sub(r"version [0-9a-f]{12}", "version ............", text)


def test_the_first_command_gives_the_output_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    text = README.read_text("utf-8")
    output = ""
    for line in block(text, "command: convert").splitlines():
        words = shlex.split(line)
        if words[0] == ".venv/bin/asd":
            done = run_asd(*words[1:])
            assert done.code == 0, done.err
            output += done.err + done.out
    if os.environ.get("ASD_UPDATE_README"):
        shown = f"<!-- output: convert -->\n```\n{output}```"
        README.write_text(
            re.sub(r"<!-- output: convert -->\n```\n.*?```", lambda _: shown, text, flags=re.DOTALL), "utf-8"
        )
        text = README.read_text("utf-8")
    assert masked(block(text, "output: convert")) == masked(output)


def test_the_task_of_ones_own_works(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n# my_task.yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    task = tmp_path / "my_task.yaml"
    task.write_text(found[1])
    names = ["bolt", "nut", "washer", "gear", "spring", "hinge", "bracket", "clamp"]
    rows = [{"part_id": n, "photo": f"{n}.jpg", "ask": "Which part is this?", "reply": names[n % 8]} for n in range(80)]
    source = write_lines(tmp_path / "rows.jsonl", rows)
    done = run_asd("convert", "--task", task, "--source", source, "--out", tmp_path / "out", "--ratio", "0.3")
    assert done.code == 0, done.err
    assert "converted" in done.out
    assert run_asd("verify", tmp_path / "out").code == 0


def test_the_number_of_tasks_is_right() -> None:
    assert f"{len(builtin_tasks())} known tasks" in README.read_text("utf-8")


@pytest.mark.parametrize("name", builtin_tasks())
def test_every_task_is_whole(name: str) -> None:
    spec = load_task(name)
    assert isinstance(spec, TaskSpec)
    assert spec.name == name
    assert spec.licence
    assert spec.citation


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8")):
        if not target.startswith("http"):
            assert (README.parent / target).exists(), target


def test_a_wrong_task_is_refused_as_documented() -> None:
    with pytest.raises(UsageError):
        load_task("no-such-task")
