"""Reading on a real cluster of two nodes: the version, the notes and the errors of the local engine."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.errors import AsdError, RejectLimitError, SourceError
from asd.pipeline import ray_reading
from asd.pipeline.config import ConvertConfig
from asd.pipeline.convert import convert
from asd.pipeline.pool import WorkerLostError
from asd.shards.store import Store
from asd.sources import open as opening
from tests.asd.pipeline.ray_nodes import Told
from tests.asd.robustness.conversions import assert_only_this_remains, contents
from tests.asd.sources.test_layouts import make_spec, write

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("connected", "every_file_a_part")]

FILES, ROWS = 6, 700
LAYOUT = """
    files: "*_questions.jsonl"
    joins:
      ann: {pair: [{_questions: _answers}], key: id, lookup: id}
      place: {files: places.csv, key: id, lookup: place}
    columns: {source_id: id, question: q, gold: ann.a, context: place.name}
"""


@pytest.fixture
def every_file_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening.Source.parts, "__defaults__", (0,))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the task `task.yaml`, its source in `source`, and the version made by one process in `whole`."""
    folder = tmp_path_factory.mktemp("reading")
    write_task(folder)
    write_source(folder / "source")
    asd.convert(**settings(folder, folder / "whole"))
    return folder


def write_task(folder: Path) -> None:
    spec = make_spec(LAYOUT, name="own", styles={"yes_no": ["rule"], "multiple_choice": ["mined"]}, scorer="vqa_soft")
    (folder / "task.yaml").write_text(spec.model_dump_json(exclude_defaults=True, by_alias=True))


def write_source(folder: Path) -> None:
    """Several files, with ids that occur again, rows that cannot be read or used, and something to note of each."""
    for number in range(FILES):
        split = "val" if number == 2 else "train"
        rows = [
            {"id": f"{number}-{row % (ROWS - 3)}", "q": f"What is {row}?" if row % 97 else "", "place": row % 5}
            for row in range(ROWS + 100 * number)
        ]
        path = write(folder, f"{number}_{split}_questions.jsonl", rows)
        path.write_text(path.read_text() + "{broken\n" * number)
        answers = [{"id": row["id"], "a": f"thing {turn % 40}"} for turn, row in enumerate(rows) if turn % 89]
        write(folder, path.name.replace("questions", "answers"), answers)
    (folder / "places.csv").write_bytes("id,name\n0,caf\xe9\n1,street\n1,again\n2,\n3,a box\n".encode("latin-1"))


def settings(whole: Path, out: Path, **other: Any) -> dict[str, Any]:
    return {"task": str(whole / "task.yaml"), "source": whole / "source", "out": out, "ratio": 0.5, "seed": 3,
            "shard_rows": 1000, "workers": 1, **other}  # fmt: skip


def on_ray(whole: Path, out: Path, **other: Any) -> Told:
    given = settings(whole, out, engine="ray", **other)
    told = Told()
    convert(ConvertConfig(**{**given, "source": str(given["source"])}), told)
    return told


def assert_same(root: Path, whole: Path) -> None:
    version = Store(whole).latest()
    assert Store(root).latest() == version
    assert contents(root / "versions" / str(version)) == contents(whole / "versions" / str(version))
    assert_only_this_remains(root)


class Killer(threading.Thread):
    """Kills so many workers while they read."""

    def __init__(self, most: int) -> None:
        super().__init__(daemon=True)
        self.most, self.killed, self.is_over = most, [], threading.Event()

    def run(self) -> None:
        while not self.is_over.is_set() and len(self.killed) < self.most:
            for process in reading_now():
                if process not in self.killed and len(self.killed) < self.most:
                    os.kill(process, signal.SIGKILL)
                    self.killed.append(process)
            time.sleep(0.001)

    def __enter__(self) -> Killer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.join()


def reading_now() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue
        if command.startswith(b"ray::read_part"):
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("ship", [False, True], ids=["nodes that see the source", "nodes that do not"])
def test_same_bytes(whole: Path, tmp_path: Path, ship: bool) -> None:
    local = Told()
    asd_convert = settings(whole, tmp_path / "again")
    convert(ConvertConfig(**{**asd_convert, "source": str(asd_convert["source"])}), local)
    told = on_ray(whole, tmp_path / "data", ray_ship_files=ship)
    assert_same(tmp_path / "data", whole / "whole")
    assert [line for line in told.lines if line.startswith("note")] == local.lines
    assert told.rows["reading"] == local.rows["reading"]


def test_a_split_alone(whole: Path, tmp_path: Path) -> None:
    asd.convert(**settings(whole, tmp_path / "local", split="val"))
    on_ray(whole, tmp_path / "data", split="val")
    assert_same(tmp_path / "data", tmp_path / "local")


def test_a_killed_worker_costs_its_own_part(whole: Path, tmp_path: Path) -> None:
    with Killer(1) as killer:
        on_ray(whole, tmp_path / "data", ray_ship_files=True)
    assert len(killer.killed) == 1
    assert_same(tmp_path / "data", whole / "whole")


def test_workers_that_always_die_are_one_message(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_reading, "MAX_TRIES", 2)
    with (
        Killer(100) as killer,
        pytest.raises(WorkerLostError, match=r"was to read \d_\w+_questions.jsonl died 2 times .* Run the same command"),
    ):
        on_ray(whole, tmp_path / "data", ray_ship_files=True)
    assert len(killer.killed) >= 2


def message(work: Any, *given: Any, **other: Any) -> tuple[type[AsdError], str]:
    with pytest.raises(AsdError) as caught:
        work(*given, **other)
    return caught.type, str(caught.value)


@pytest.mark.parametrize("ship", [False, True])
@pytest.mark.parametrize(
    ("error", "other"), [(RejectLimitError, {"strict": True}), (RejectLimitError, {"max_reject_rate": 0.01})]
)
def test_rejects_that_stop_the_run(
    whole: Path, tmp_path: Path, error: type[AsdError], other: dict[str, Any], ship: bool
) -> None:
    local = message(asd.convert, **settings(whole, tmp_path / "local", **other))
    assert message(on_ray, whole, tmp_path / "data", ray_ship_files=ship, **other) == local
    assert local[0] is error
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("ship", [False, True])
def test_a_damaged_file(whole: Path, tmp_path: Path, ship: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    write_source(tmp_path / "source")
    (tmp_path / "source" / "3_train_answers.jsonl").write_text("{broken\n")
    monkeypatch.chdir(tmp_path)
    given = {"source": Path("source")}
    local = message(asd.convert, **settings(whole, tmp_path / "local", **given))
    assert local[0] is SourceError
    assert "3_train_answers.jsonl: line 1 is not valid JSON" in local[1]
    assert message(on_ray, whole, tmp_path / "data", ray_ship_files=ship, **given) == local
