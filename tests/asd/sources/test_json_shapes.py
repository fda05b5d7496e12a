"""Where records stand in a JSON file, and how its text is coded: read, or named for what it is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asd.errors import SourceError
from asd.sources import json_stream
from asd.sources.open import open_source
from tests.asd.sources.test_llava import make_record, make_spec

RECORDS = [make_record(f"What is {number}?", f"thing {number}", id=str(number)) for number in range(3)]
LIST = json.dumps(RECORDS)


def lines(**options: Any) -> str:
    return "".join(json.dumps(record, **options) + "\n" for record in RECORDS)


SHAPES: dict[str, tuple[str, str | bytes]] = {
    "by id": ("a.json", json.dumps({record["id"]: record for record in RECORDS})),
    "by id, spread out": ("a.json", json.dumps({record["id"]: record for record in RECORDS}, indent=2)),
    "under data": ("a.json", json.dumps({"data": RECORDS})),
    "under data, behind a heading": ("a.json", json.dumps({"info": {"version": 1}, "n": 3, "annotations": RECORDS})),
    "under data, spread out": ("a.json", json.dumps({"version": "1.0", "items": RECORDS, "end": True}, indent=1)),
    "under data by id": ("a.json", json.dumps({"data": {record["id"]: record for record in RECORDS}})),
    "spread out, one after the other": ("a.json", lines(indent=2)),
    "spread out, called lines": ("a.jsonl", lines(indent=2)),
    "spread out with commas": ("a.json", lines(indent=2).replace("}\n{", "},\n{")),
    "on one line": ("a.json", lines().replace("\n", "")),
    "on one line, called lines": ("a.jsonl", lines().replace("\n", " ")),
    "a list called lines": ("a.jsonl", LIST),
    "a list called lines, spread out": ("a.jsonl", json.dumps(RECORDS, indent=4)),
    "a list of lines called lines": ("a.ndjson", "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n"),
    "lines called a list": ("a.json", lines()),
    "without a name": ("a", lines()),
    "mark of UTF-8": ("a.json", b"\xef\xbb\xbf" + LIST.encode()),
    "mark of UTF-8, lines": ("a.jsonl", b"\xef\xbb\xbf" + lines().encode()),
    "mark of UTF-8, by id": ("a.json", b"\xef\xbb\xbf" + json.dumps({r["id"]: r for r in RECORDS}).encode()),
    "UTF-16": ("a.json", LIST.encode("utf-16")),
    "UTF-16, other order": ("a.json", b"\xfe\xff" + LIST.encode("utf-16-be")),
    "UTF-16 without a mark": ("a.json", LIST.encode("utf-16-le")),
    "UTF-16 without a mark, other order": ("a.json", LIST.encode("utf-16-be")),
    "UTF-16, lines": ("a.jsonl", lines().replace("\n", "\r\n").encode("utf-16")),
    "UTF-16, spread out": ("a.json", json.dumps(RECORDS, indent=2).encode("utf-16")),
    "UTF-32": ("a.json", LIST.encode("utf-32")),
    "zipped": ("a.json.gz", gzip.compress(json.dumps({"data": RECORDS}).encode())),
    "lines of Windows": ("a.jsonl", lines().replace("\n", "\r\n")),
    "blank lines": ("a.jsonl", "\n\n" + lines().replace("\n", "\n\n")),
    "NaN": ("a.json", json.dumps([record | {"score": float("nan")} for record in RECORDS])),
    "NaN, lines": ("a.jsonl", lines().replace('{"id"', '{"score": NaN, "loss": -Infinity, "id"')),
    "NaN in one of them": ("a.jsonl", lines().replace('{"id": "1"', '{"w": [Infinity], "id": "1"')),
    "NaN, by id": ("a.json", json.dumps({record["id"]: record | {"w": float("inf")} for record in RECORDS})),
}  # fmt: skip


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    found = list(open_source(make_spec(), path).batches())
    assert [reject for batch in found for reject in batch.rejects] == []
    return [
        (row["source_id"], row["question"], row["gold"], row["images"])
        for batch in found
        for row in batch.table.to_pylist()
    ]


EXPECTED = [(str(number), f"What is {number}?", f"thing {number}", ["a/7.jpg"]) for number in range(3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_records_are_found_in_every_shape(shape: str, tmp_path: Path) -> None:
    assert rows_of(write(tmp_path, *SHAPES[shape])) == EXPECTED


@pytest.mark.parametrize("size", [16, 100, 1000])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if "id" in shape or "after" in shape or "data" in shape])
def test_shapes_do_not_depend_on_what_is_read_at_once(
    shape: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "BLOCK_BYTES", size)
    assert rows_of(write(tmp_path, *SHAPES[shape])) == EXPECTED


@pytest.mark.parametrize("dump", [json.dumps, lambda record: json.dumps(record, indent=2)])
def test_one_record_alone(dump: Callable[[Any], str], tmp_path: Path) -> None:
    for name in ("one.json", "one.jsonl"):
        assert rows_of(write(tmp_path, name, dump(RECORDS[0]))) == EXPECTED[:1]


def test_what_pandas_writes_for_nothing_is_nothing(tmp_path: Path) -> None:
    records = [RECORDS[0] | {"image": float("nan"), "id": float("nan"), "system": float("nan")}]
    assert rows_of(write(tmp_path, "b.json", json.dumps([RECORDS[1] | {"id": 1.0}]))) == EXPECTED[1:2]
    (row,) = rows_of(write(tmp_path, "a.json", json.dumps(records)))
    assert row == ("a.json:0", "What is 0?", "thing 0", [])


def test_a_bad_line_among_lines_costs_itself_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"id": 1, "te\n' + lines())
    (batch,) = open_source(make_spec(), path).batches()
    assert batch.table.num_rows == 3
    assert [(reject.row, reject.reason) for reject in batch.rejects] == [(0, "bad_json")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (json.dumps({"train": RECORDS, "test": RECORDS[:1]}),
         "records stand under 'train' and under 'test'; save each list as a file of its own"),
        (json.dumps({"data": RECORDS})[:-40], "in the middle of record"),
        (LIST.encode("utf-16")[:-1], "the text is not what its first bytes say"),
        (LIST.encode("utf-16")[:-40], "the file is truncated"),
        (json.dumps({"a": 1, "b": [1, 2]}), "no file whose first record is a conversation"),
        (LIST + LIST, "something follows the end of the JSON array"),
        (LIST + "\n" + LIST, "lists where records are expected"),
        (json.dumps([RECORDS, RECORDS]), "lists where records are expected"),
        ("".join(json.dumps(json.dumps(record)) + "\n" for record in RECORDS), "it was written as JSON twice"),
        (json.dumps([json.dumps(record) for record in RECORDS]), "it was written as JSON twice"),
        ("<!DOCTYPE html>\n<html></html>", "holds a web page or XML, and no data"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "fetch it with `git lfs pull`"),
        ("".join(f"{record!r}\n" for record in RECORDS), "double quotes"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(content: str | bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=told):
        list(open_source(make_spec(), write(tmp_path, "a.json", content)).batches())


def test_layouts_read_the_same_shapes(tmp_path: Path) -> None:
    layout = {"name": "rows", "files": "*", "columns": {"question": "ask", "gold": "reply"}}
    records = [{"ask": f"{number}?", "reply": "a"} for number in range(2)]
    for content in (
        "".join(json.dumps(record, indent=2) + "\n" for record in records),
        json.dumps(records).encode("utf-16"),
        json.dumps({"x": records[0], "y": records[1]}),
    ):
        path = write(tmp_path, "rows.json", content)
        (batch,) = open_source(make_spec(layouts=[layout]), path).batches()
        assert batch.table["question"].to_pylist() == ["0?", "1?"]
