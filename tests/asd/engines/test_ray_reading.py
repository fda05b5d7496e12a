"""Reading on a real cluster of two nodes: the version, the notes and the errors of the local engine."""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.conversion.config import ConvertConfig
from asd.conversion.convert import convert
from asd.engines.base import WorkerLostError
from asd.engines.ray import reading as ray_reading
from asd.engines.ray import tasks as ray_tasks
from asd.engines.ray.reading import read_on_cluster
from asd.errors import AsdError, RejectLimitError, SourceError
from asd.plain_files import stamps_of
from asd.schemas.styles import AnswerStyle
from asd.sources.batch import NativeBatch
from asd.sources.open import Source, open_source
from asd.tasks.registry import load_task
from asd.work.measuring import Measured, MeasuredRows, Measuring, read_here
from tests.asd.engines.ray_nodes import Killer, Told, assert_same, processes
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
    """And the larger ones several."""
    monkeypatch.setattr(Source.parts, "__defaults__", (0, 30_000))


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


def reading_now() -> list[int]:
    return processes("ray::asd_read")


def test_same_bytes(whole: Path, tmp_path: Path) -> None:
    local, given = Told(), settings(whole, tmp_path / "again")
    convert(ConvertConfig(**{**given, "source": str(given["source"])}), local)
    told = on_ray(whole, tmp_path / "data")
    assert_same(tmp_path / "data", whole / "whole")
    assert [line for line in told.lines if line.startswith("note")] == local.lines
    assert told.rows["reading"] == local.rows["reading"]


def test_a_split_alone(whole: Path, tmp_path: Path) -> None:
    asd.convert(**settings(whole, tmp_path / "local", split="val"))
    on_ray(whole, tmp_path / "data", split="val")
    assert_same(tmp_path / "data", tmp_path / "local")


def test_a_worker_killed(whole: Path, tmp_path: Path) -> None:
    with Killer(reading_now, 1) as killer:
        on_ray(whole, tmp_path / "data")
    assert len(killer.killed) == 1
    assert_same(tmp_path / "data", whole / "whole")


def test_workers_that_always_die_are_one_message(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_tasks, "MAX_TRIES", 2)
    with (
        Killer(reading_now, 100) as killer,
        pytest.raises(
            WorkerLostError, match=r"was to read \d_\w+_questions.jsonl.* died 2 times .* run the same command again"
        ),
    ):
        on_ray(whole, tmp_path / "data")
    assert len(killer.killed) >= 2


def on_nodes(source: Source, measure: Measuring, say: Callable[[str], None] = print, **other: Any) -> Measured:
    return read_on_cluster(source, measure, stamps_of(source.root / file.path for file in source.files), say, **other)


def seen(batches: Iterable[tuple[NativeBatch, list[MeasuredRows]]]) -> list[Any]:
    return [
        (
            batch.rejects,
            [(one.split, one.rows.serialize().to_pybytes(), one.keys.tolist(), one.capable.tolist()) for one in rows],
        )
        for batch, rows in batches
    ]


def test_a_worker_killed_in_the_middle_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one reads the file from its beginning; what came of it before does not come again."""
    monkeypatch.setattr(Source.parts, "__defaults__", (0, 1 << 30))
    spec = make_spec("columns: {question: q, gold: a}", styles={"yes_no": ["rule"]})
    rows = [{"q": "What is it?", "a": str(row) if row % 1000 else ""} for row in range(80_000)]
    for name in "ab":
        write(tmp_path, f"{name}.jsonl", rows)
    source = open_source(spec, tmp_path)
    measure = Measuring(spec, (AnswerStyle.YES_NO,), None, 0, None)
    expected = seen(read_here(source, measure, 700))
    batches = on_nodes(source, measure, batch_rows=700)
    found = seen(itertools.islice(batches, 1))
    killed = reading_now()
    for process in killed:
        os.kill(process, signal.SIGKILL)
    found += seen(batches)
    assert len(killed) in (1, 2)
    assert found == expected


def test_joined_files_that_no_node_has_memory_for(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_reading, "_PER_JOINED", 10**6)
    spec = load_task(str(whole / "task.yaml"))
    source = open_source(spec, whole / "source")
    measure, told = Measuring(spec, (), None, 0, None), []
    found = seen(on_nodes(source, measure, told.append))
    assert found == seen(read_here(source, measure))
    assert re.fullmatch(r"note: the source is read here: a reader needs [\d,]+ MB, more than a node has", told[0])


def test_a_file_that_is_joined_with_itself(tmp_path: Path) -> None:
    """Every stretch of it needs all of it."""
    layout = """
        files: all.jsonl
        joins: {parent: {files: all.jsonl, key: id, lookup: parent}}
        columns: {source_id: id, question: q, gold: a, context: parent.q}
    """
    rows = [
        {"id": str(row), "q": f"What is {row}?", "a": f"thing {row}", "parent": str(2999 - row)} for row in range(3000)
    ]
    write(tmp_path, "all.jsonl", rows)
    spec = make_spec(layout)
    source = open_source(spec, tmp_path)
    measure = Measuring(spec, (), None, 0, None)
    assert len(source.parts()) > 2
    assert seen(on_nodes(source, measure)) == seen(read_here(source, measure))


def test_a_source_that_a_node_does_not_see(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nodes of this cluster see all of this machine, so the file has another time than when the version got its id."""
    spec = load_task(str(whole / "task.yaml"))
    source = open_source(spec, whole / "source")
    measure, told = Measuring(spec, (), None, 0, None), list[str]()
    stamps = stamps_of(source.root / file.path for file in source.files)
    first = next(iter(stamps))
    elsewhere = {**stamps, first: (stamps[first][0], 0)}
    assert seen(read_on_cluster(source, measure, elsewhere, told.append)) == seen(read_here(source, measure))
    assert re.fullmatch(rf"note: the source is read here: node \S+ does not see {first} as this one does .*", told[0])


def test_one_file_is_read_by_the_driver(tmp_path: Path) -> None:
    spec = make_spec("columns: {question: q, gold: a}")
    source = open_source(spec, write(tmp_path, "a.json", [{"q": "What?", "a": "x"}] * 5))
    measure = Measuring(spec, (), None, 0, None)
    assert seen(on_nodes(source, measure)) == seen(read_here(source, measure))


def message(work: Any, *given: Any, **other: Any) -> tuple[type[AsdError], str]:
    with pytest.raises(AsdError) as caught:
        work(*given, **other)
    return caught.type, str(caught.value)


@pytest.mark.parametrize(
    ("error", "other"), [(RejectLimitError, {"strict": True}), (RejectLimitError, {"max_reject_rate": 0.01})]
)
def test_rejects_that_stop_the_run(whole: Path, tmp_path: Path, error: type[AsdError], other: dict[str, Any]) -> None:
    local = message(asd.convert, **settings(whole, tmp_path / "local", **other))
    assert message(on_ray, whole, tmp_path / "data", **other) == local
    assert local[0] is error
    assert not (tmp_path / "data").exists()


def test_a_damaged_file(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_source(tmp_path / "source")
    (tmp_path / "source" / "3_train_answers.jsonl").write_text("{broken\n")
    monkeypatch.chdir(tmp_path)
    given = {"source": Path("source")}
    local = message(asd.convert, **settings(whole, tmp_path / "local", **given))
    assert local[0] is SourceError
    assert "3_train_answers.jsonl: line 1 is not valid JSON" in local[1]
    assert message(on_ray, whole, tmp_path / "data", **given) == local
