"""A source read in parts, by readers that went through pickle, is the source read in one go: bytes, rejects, notes."""

from __future__ import annotations

import gzip
import itertools
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asd.errors import SourceError
from asd.schemas.task import TaskSpec
from asd.sources.batch import NativeBatch
from asd.sources.in_order import map_in_order
from asd.sources.open import Source, open_source
from asd.sources.parts import SourcePart
from tests.asd.sources.test_layouts import make_spec, write
from tests.asd.sources_made import record, vqa_records

Cut = tuple[int, int]
"""Bytes from which on files make a part, and bytes from which on one file makes several."""
CUTS = [(0, 1 << 30), (300, 1 << 30), (1 << 30, 1 << 30), (0, 1), (0, 90), (400, 200)]
PLAIN = "columns: {question: q, gold: a, context: c}"


def exact(batches: list[NativeBatch]) -> list[tuple[bytes, list[Any]]]:
    """Every byte of the tables; of those without rows nothing is ever written."""
    return [(batch.table.serialize().to_pybytes() if batch.table.num_rows else b"", batch.rejects) for batch in batches]


def in_parts(source: Source, cut: Cut, batch_rows: int) -> tuple[list[NativeBatch], list[str], list[SourcePart]]:
    """Each part by another process's reader, the last part first."""
    parts = source.parts(*cut)
    pieces, notes = {}, {}
    for part in reversed(parts):
        reader = pickle.loads(pickle.dumps(source.reader)).at(source.root.absolute())
        notes[part] = []
        pieces[part] = list(reader.pieces(part.mains, batch_rows, notes[part].append, {}, part.span))
    for text in itertools.chain.from_iterable(notes[part] for part in parts):
        source.note(text)
    arranged = source.arrange(itertools.chain.from_iterable(pieces[part] for part in parts), batch_rows)
    return list(arranged), source.notes, parts


def assert_same_in_parts(spec: TaskSpec, folder: Path, batch_rows: int, **options: Any) -> None:
    source = open_source(spec, folder, **options)
    whole = exact(list(source.batches(batch_rows)))
    for cut in CUTS:
        found, notes, parts = in_parts(open_source(spec, folder, **options), cut, batch_rows)
        assert exact(found) == whole
        assert notes == source.notes
        mains = [main for part in parts for main in part.mains]
        assert list(dict.fromkeys(mains)) == list(range(len(source.reader.mains)))
    assert len(source.parts(*CUTS[0])) == len(source.reader.mains) > 1
    assert len(source.parts(*CUTS[2])) == 1


RECORDS = st.lists(
    st.sampled_from(
        [
            '{"q": "Which?", "a": "this", "c": "where\\u00e9"}',
            '{"q": "Which?", "a": "that", "c": null}',
            '{"q": "", "a": "no question"}',
            '{"q": "No answer?"}',
            "7",
            "{broken",
            "",
        ]
    ),
    max_size=12,
)


@given(files=st.lists(RECORDS, min_size=2, max_size=5), batch_rows=st.integers(1, 9))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_with_all_that_can_be_wrong(
    files: list[list[str]], batch_rows: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("files")
    for number, lines in enumerate(files):
        (folder / f"{number}.jsonl").write_text("\n".join(['{"q": "First?", "a": "yes", "c": "x"}', *lines]) + "\n")
    assert_same_in_parts(make_spec(PLAIN), folder, batch_rows)


def _lists(folder: Path) -> TaskSpec:
    for name in ("train_a", "val_b", "c"):
        rows = [{"q": ["x?", "y?"][: 1 + n % 2], "a": ["1", "2"][: 1 + n % 3 % 2]} for n in range(7)]
        write(folder, f"{name}.json", rows)
    return make_spec({"explode": {"q": "q", "a": "a"}, "columns": {"question": "$item.q", "gold": "$item.a"}})


def _variants(folder: Path) -> TaskSpec:
    for name in "ab":
        write(folder, f"{name}.jsonl", [{"q": "x?", "a": "1", "b": "2" if n % 3 else ""} for n in range(10)])
    return make_spec({"columns": {"question": "q"}, "variants": [{"gold": "a"}, {"gold": "b"}]})


def _csv(folder: Path) -> TaskSpec:
    for name in "abc":
        rows = "".join(f"x{n}?,{n},\n" for n in range(5)) + ("caf\xe9?,1,\n" if name != "a" else "only two,cells\n")
        (folder / f"{name}.csv").write_bytes(("q,a,c\n" + rows).encode("latin-1"))
    return make_spec(PLAIN)


def _parquet(folder: Path) -> TaskSpec:
    for name in ("train", "val"):
        rows = [{"q": f"{name} {n}?", "a": str(n) if n % 4 else None, "c": None} for n in range(9)]
        table = pa.Table.from_pylist(rows, pa.schema([(key, pa.string()) for key in "qac"]))
        pq.write_table(table, folder / f"{name}.parquet")
    return make_spec(PLAIN)


def _one_record_a_file(folder: Path) -> TaskSpec:
    for number in range(12):
        (folder / f"{number:02d}.json").write_text(json.dumps({"q": "x?", "a": "" if number == 5 else str(number)}))
    return make_spec({"one_record_per_file": True, "columns": {"question": "q", "gold": "a"}})


def _joined(folder: Path) -> TaskSpec:
    for name in "ab":
        write(folder, f"{name}_questions.jsonl", [{"id": n, "q": "x?"} for n in range(6)])
        write(folder, f"{name}_answers.jsonl", [{"id": n // 2, "a": f"{name}{n}"} for n in range(8)])
    write(folder, "places.jsonl", [{"id": n % 3, "p": f"place {n}"} for n in range(6)])
    return make_spec(
        """
        files: "*_questions.jsonl"
        joins:
          ann: {pair: [{_questions: _answers}], key: id, lookup: id}
          place: {files: places.jsonl, key: id, lookup: id}
        columns: {question: q, gold: ann.a, context: place.p}
        """
    )


def _conversations(folder: Path) -> TaskSpec:
    rows = vqa_records(20)
    rows[7] = record("q7", "", "")
    write(folder, "train.json", rows[:9])
    write(folder, "more.jsonl", rows[9:])
    pq.write_table(pa.Table.from_pylist(rows[:5]), folder / "val.parquet")
    return make_spec([])


@pytest.mark.parametrize("batch_rows", [1, 4, 100])
@pytest.mark.parametrize(
    "write_files", [_lists, _variants, _csv, _parquet, _one_record_a_file, _joined, _conversations]
)
def test_layouts(write_files: Callable[[Path], TaskSpec], batch_rows: int, tmp_path: Path) -> None:
    assert_same_in_parts(write_files(tmp_path), tmp_path, batch_rows)


@pytest.mark.parametrize("write_files", [_parquet, _conversations])
def test_one_split(write_files: Callable[[Path], TaskSpec], tmp_path: Path) -> None:
    assert_same_in_parts(write_files(tmp_path), tmp_path, 4, split="val")


def test_notes_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    source = open_source(_joined(tmp_path), tmp_path)
    list(source.batches())
    assert [note.partition(":")[0] for note in source.notes] == ["a_answers.jsonl", "places.jsonl", "b_answers.jsonl"]
    assert source.parts(0, 1 << 30)[1].beside == ("b_answers.jsonl", "places.jsonl")


def test_small_files_are_read_together(tmp_path: Path) -> None:
    source = open_source(_one_record_a_file(tmp_path), tmp_path)
    size = source.files[0].size_bytes
    assert [len(part.mains) for part in source.parts(4 * size)] == [4, 5, 3]


def test_lines_are_read_from_the_middle(tmp_path: Path) -> None:
    rows = [{"q": "x?", "a": str(n), "c": ""} for n in range(100)]
    source = open_source(make_spec(PLAIN), write(tmp_path, "a.jsonl", rows))
    parts = source.parts(0, 1000)
    assert [part.span.line for part in parts if part.span] == [0, 32, 64, 96]
    assert [str(part) for part in parts][:2] == ["a.jsonl from line 1 on", "a.jsonl from line 33 on"]
    golds = [
        [row["gold"] for batch in source.pieces(part.mains, span=part.span) for row in batch.table.to_pylist()]
        for part in parts
    ]
    assert golds[1] == [str(n) for n in range(32, 64)]
    assert list(itertools.chain.from_iterable(golds)) == [str(n) for n in range(100)]


def test_files_that_have_to_be_read_whole(tmp_path: Path) -> None:
    write(tmp_path, "a.json", [{"q": "x?", "a": str(n), "c": ""} for n in range(100)])
    (tmp_path / "b.jsonl").write_bytes(gzip.compress(b'{"q": "y?", "a": "b", "c": ""}\n' * 9))
    write(tmp_path, "c.jsonl", [{"q": "x?", "a": str(n), "c": ""} for n in range(9)])
    parts = open_source(make_spec(PLAIN), tmp_path).parts(1 << 30, 60)
    assert [(part.names, part.span is None) for part in parts][:2] == [(("a.json",), True), (("b.jsonl",), True)]
    assert {part.names for part in parts[2:]} == {("c.jsonl",)}
    assert len(parts) > 4


def test_a_file_that_all_are_joined_with_is_counted_once(tmp_path: Path) -> None:
    source = open_source(_joined(tmp_path), tmp_path)
    sizes = {file.path: file.size_bytes for file in source.files}
    first, shared = sizes["a_questions.jsonl"] + sizes["a_answers.jsonl"], sizes["places.jsonl"]
    assert [part.names for part in source.parts(first + shared)] == [("a_questions.jsonl",), ("b_questions.jsonl",)]
    assert len(source.parts(first + shared + 1)) == 1


def test_what_was_read_before_a_fault_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "a.json", [{"q": "x?", "a": str(n), "c": ""} for n in range(3)])
    (tmp_path / "b.json").write_text('[{"q": "y?", "a": "", "c": ""}, {"q": "z?", "a": "4", "c": ""}, {"q": ')
    source = open_source(make_spec(PLAIN), tmp_path)
    for cut in CUTS:
        parts = source.parts(*cut)
        pieces = itertools.chain.from_iterable(source.pieces(part.mains) for part in parts)
        batches = map_in_order(lambda batch: batch, source.arrange(pieces))
        (found,) = itertools.islice(batches, 1)
        assert found.table["gold"].to_pylist() == ["0", "1", "2", "4"]
        assert [reject.reason for reject in found.rejects] == ["no_answer"]
        with pytest.raises(SourceError, match=r"b\.json: .* in the middle of record 2"):
            next(batches)


def test_rows_in_memory_are_not_for_other_processes(tmp_path: Path) -> None:
    import datasets

    rows = [{"q": "x?", "a": str(n), "c": ""} for n in range(4)]
    datasets.Dataset.from_list(rows).save_to_disk(str(tmp_path / "saved"))
    source = open_source(make_spec(PLAIN), tmp_path / "saved")
    assert source.parts(0) == []
    assert [row["gold"] for batch in source.batches() for row in batch.table.to_pylist()] == ["0", "1", "2", "3"]
