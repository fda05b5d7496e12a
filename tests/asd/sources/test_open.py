"""Which layout is chosen, what is said where none fits, splits, and data sets of `datasets`."""

from __future__ import annotations

import json

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from asd.columns import NATIVE_SCHEMA
from asd.errors import SourceError, UnknownNameError, UsageError
from asd.sources.open import open_source
from tests.asd.sources.test_layouts import make_spec, read, write

ROWS = [{"q": "a?", "a": "1", "set": "train"}, {"q": "b?", "a": "2", "set": "valid"}]
PLAIN = {"columns": {"question": "q", "gold": "a"}}


def test_layouts_are_tried_in_order(tmp_path):
    spec = make_spec(
        [
            {"name": "first", "columns": {"question": "text", "gold": "a"}},
            {"name": "second", **PLAIN, "without": ["set"]},
            {"name": "third", **PLAIN},
            {"name": "fourth", **PLAIN},
        ]
    )
    path = write(tmp_path, "rows.jsonl", ROWS)
    assert open_source(spec, path).layout == "third"
    assert open_source(spec, path, source_format="fourth").layout == "fourth"
    with pytest.raises(UnknownNameError, match=r"no source format named 'fift'.*did you mean 'first'.*llava"):
        open_source(spec, path, source_format="fift")


def test_nothing_fits_lists_what_was_looked_for_and_found(tmp_path):
    write(tmp_path, "a/rows.jsonl", [{"text": "?", "a": 1}])
    (tmp_path / "empty.json").write_text("")
    spec = make_spec([{"name": "one", "files": "*.csv", **PLAIN}, {"name": "two", "files": "rows.jsonl", **PLAIN}])
    with pytest.raises(SourceError) as caught:
        open_source(spec, tmp_path)
    message = str(caught.value)
    assert "layout 'one': no file matches *.csv" in message
    assert "layout 'two': a/rows.jsonl: no field 'q' in the first record (it has: text, a)" in message
    assert "layout 'llava': no file whose first record is a conversation" in message
    assert "a/rows.jsonl (jsonl; fields text, a); empty.json (not readable)" in message


def test_missing_places(tmp_path):
    with pytest.raises(SourceError, match="there is no such file or folder"):
        open_source(make_spec(PLAIN), tmp_path / "gone")
    with pytest.raises(SourceError, match="Found: no data file"):
        open_source(make_spec(PLAIN), tmp_path)
    with pytest.raises(UsageError, match=r"image root .* is not a folder"):
        open_source(make_spec(PLAIN), tmp_path, image_root=tmp_path / "gone")


def test_files_are_identified_by_content(tmp_path):
    path = write(tmp_path, "a/rows.jsonl", ROWS)
    (file,) = open_source(make_spec(PLAIN), tmp_path).files
    assert (file.path, file.size_bytes) == ("a/rows.jsonl", path.stat().st_size)
    assert file.xxh3_128 == xxhash.xxh3_128_hexdigest(path.read_bytes())


def test_unnamed_files_that_do_not_fit_are_noted(tmp_path):
    write(tmp_path, "a.jsonl", ROWS)
    write(tmp_path, "b.jsonl", [{"x": 1}])
    source = open_source(make_spec(PLAIN), tmp_path)
    assert [file.path for file in source.files] == ["a.jsonl"]
    assert source.notes == ["left out b.jsonl: no field 'q' in the first record (it has: x)"]


def test_named_files_must_all_fit(tmp_path):
    write(tmp_path, "a.jsonl", ROWS)
    write(tmp_path, "b.jsonl", [{"x": 1}])
    with pytest.raises(SourceError, match=r"b.jsonl: does not fit layout 'own'.*leave the file out with `exclude`"):
        read(make_spec({"files": "*.jsonl", **PLAIN}), tmp_path)
    assert len(read(make_spec({"files": "*.jsonl", "exclude": ["b.*"], **PLAIN}), tmp_path)[0]) == 2


def test_split_of_the_records(tmp_path):
    path = write(tmp_path, "rows.jsonl", ROWS)
    spec = make_spec({"columns": {**PLAIN["columns"], "split": "set"}})
    assert [row["split"] for row in read(spec, path)[0]] == ["train", "val"]
    for name in ("val", "validation"):
        assert [row["question"] for row in read(spec, path, split=name)[0]] == ["b?"]
    with pytest.raises(SourceError, match=r"no row of split 'test' \(found train: 1 rows, val: 1 rows\)"):
        read(spec, path, split="test")


def test_split_of_the_file_name_or_the_user(tmp_path):
    spec = make_spec(PLAIN)
    assert {r["split"] for r in read(spec, write(tmp_path, "x/dev_rows.jsonl", ROWS))[0]} == {"val"}
    path = write(tmp_path, "rows.jsonl", ROWS)
    assert {r["split"] for r in read(spec, path)[0]} == {"train"}
    assert {r["split"] for r in read(spec, path, split="test")[0]} == {"test"}


def test_bad_lines_are_rejects(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"q": "a?", "a": "1"}\n{"q": \n{"q": "c?", "a": null}\n[1]\n')
    rows, rejects = read(make_spec(PLAIN), path)
    assert len(rows) == 1
    assert [reason for reason, _ in rejects] == ["bad_json", "no_answer", "not_an_object"]
    assert rejects[0][1].startswith("line 2 is not valid JSON")


def test_conversations_are_read_for_every_task(tmp_path):
    turns = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A cat"}]
    path = write(tmp_path, "train.json", [{"id": "1", "image": "a.jpg", "conversations": turns}])
    source = open_source(make_spec(PLAIN), path)
    assert source.layout == "llava"
    rows = [row for batch in source.batches() for row in batch.table.to_pylist()]
    assert [(row["question"], row["gold"], row["images"]) for row in rows] == [("What is it?", "A cat", ["a.jpg"])]


def test_saved_data_set(tmp_path):
    features = datasets.Features(
        {
            "q": datasets.Value("string"),
            "a": datasets.ClassLabel(names=["owl", "cat"]),
            "big": datasets.Value("binary"),
        }
    )
    part = datasets.Dataset.from_dict({"q": ["x?", "y?"], "a": [1, 0], "big": [b"", b""]}, features=features)
    datasets.DatasetDict({"train": part, "validation": part.select([1])}).save_to_disk(str(tmp_path / "both"))
    part.save_to_disk(str(tmp_path / "one"))

    rows, _ = read(make_spec(PLAIN), tmp_path / "both")
    assert [(r["split"], r["gold"], r["source_id"]) for r in rows] == [
        ("train", "cat", "train/0"),
        ("train", "owl", "train/1"),
        ("val", "owl", "validation/0"),
    ]
    assert [r["question"] for r in read(make_spec(PLAIN), tmp_path / "both", split="val")[0]] == ["y?"]
    assert len(read(make_spec(PLAIN), tmp_path / "one")[0]) == 2
    with pytest.raises(SourceError, match=r"no layout of task 't' fits this data set.*\n.*\n.*no field 'x'"):
        open_source(make_spec({"columns": {"question": "x", "gold": "a"}}), tmp_path / "one")
    with pytest.raises(SourceError, match="no split 'test'"):
        open_source(make_spec(PLAIN), tmp_path / "both", split="test")


CONVERSATIONS = [
    {
        "id": str(n),
        "image": f"./{n}.jpg",
        "conversations": [{"from": "human", "value": f"<image>\nWhat is {n}?"}, {"from": "gpt", "value": "A cat"}],
    }
    for n in range(3)
]


@pytest.mark.parametrize("name", ["a.parquet", "file.arrow", "stream.arrow", "lines.of.records", "saved", "splits"])
def test_conversations_are_found_in_every_format_and_under_any_name(tmp_path, name):
    path, table = tmp_path / name, pa.Table.from_pylist(CONVERSATIONS)
    if name == "a.parquet":
        pq.write_table(table, path)
    elif name.endswith(".arrow"):
        make = pa.ipc.new_file if name == "file.arrow" else pa.ipc.new_stream
        with make(path, table.schema) as writer:
            writer.write_table(table)
    elif name == "lines.of.records":
        path.write_text("\n".join(json.dumps(record) for record in CONVERSATIONS))
    elif name == "saved":
        datasets.Dataset.from_list(CONVERSATIONS).save_to_disk(str(path))
    else:
        datasets.DatasetDict({"validation": datasets.Dataset.from_list(CONVERSATIONS)}).save_to_disk(str(path))
    source = open_source(make_spec(PLAIN), path)
    assert source.layout == "llava"
    rows = [row for batch in source.batches() for row in batch.table.to_pylist()]
    split = "val" if name == "splits" else "train"
    assert [(row["source_id"], row["question"], row["images"], row["split"]) for row in rows] == [
        (str(n), f"What is {n}?", [f"{n}.jpg"], split) for n in range(3)
    ]


def test_batches_have_the_native_schema(tmp_path):
    source = open_source(make_spec(PLAIN), write(tmp_path, "rows.jsonl", ROWS))
    assert [batch.table.schema for batch in source.batches()] == [NATIVE_SCHEMA]
