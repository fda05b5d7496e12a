"""Records of every file format, by content; damage is named with its place."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.errors import SourceError
from asd.sources import formats, json_stream
from asd.sources.formats import BadRecord, ReadOptions, detect_format, iterate_records, rows_of_parquet
from asd.sources.json_stream import PathError, iterate_collection

RECORDS = [{"id": i, "text": f'says "{{[{i}]}}", twice \\ é', "nested": [{"id": i}, {"id": -i}]} for i in range(5)]
PLAIN = [{"id": i, "text": f"line {i}"} for i in range(5)]


def compressed(data: bytes, suffix: str) -> bytes:
    if suffix == ".zst":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(data)
        return sink.getvalue().to_pybytes()
    return gzip.compress(data) if suffix in (".gz", ".gzip") else data


def values(path: Path, **options) -> list:
    return [value for _, _, value in iterate_records(path, ReadOptions(**options))]


def jsonl(records) -> bytes:
    return b"".join(json.dumps(r).encode() + b"\n" for r in records)


@pytest.mark.parametrize("suffix", ["", ".gz", ".gzip", ".zst"])
@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.json", json.dumps(RECORDS).encode(), "json"),
        ("pretty.json", json.dumps(RECORDS, indent=1).encode(), "json"),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(RECORDS).encode(), "json"),
        ("lines.json", jsonl(RECORDS), "jsonl"),
        ("a.jsonl", jsonl(RECORDS), "jsonl"),
        ("no_suffix", jsonl(RECORDS), "jsonl"),
    ],
)
def test_json_by_content(tmp_path, name, text, kind, suffix):
    path = tmp_path / (name + suffix)
    path.write_bytes(compressed(text, suffix))
    assert detect_format(path) == kind
    assert values(path) == RECORDS


def test_dict_by_id_gives_keys(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({str(r["id"]): r for r in RECORDS}))
    assert [(row, key) for row, key, _ in iterate_records(path)] == [(i, str(i)) for i in range(5)]


def test_nested_list(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"info": {"questions": 1}, "data": {"x": [3], "questions": RECORDS}, "z": "}]"}))
    assert values(path, records=("data", "questions")) == RECORDS
    with pytest.raises(PathError, match=r"no key 'question' in data \(keys: x, questions\); did you mean 'questions'"):
        values(path, records=("data", "question"))
    with pytest.raises(PathError, match="looked for 'a', but z is not a JSON object"):
        values(path, records=("z", "a"))


def test_one_record_per_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(RECORDS[0]))
    assert values(path, whole=True) == [RECORDS[0]]


@pytest.mark.parametrize("cut", [3, 60, 200])
def test_truncated_json_names_byte_and_record(tmp_path, cut):
    text = json.dumps(RECORDS).encode()[:cut]
    path = tmp_path / "cut.json"
    path.write_bytes(text)
    with pytest.raises(SourceError, match=rf"cut.json: .*byte {cut} in the middle of record \d .*truncated"):
        values(path)


def test_broken_json_names_byte_and_record(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1}, {"a": nope}]')
    with pytest.raises(SourceError, match=r"not valid JSON .* at byte 11, in record 1"):
        values(path)
    path.write_text('[{"a": 1} {"a": 2}]')
    with pytest.raises(SourceError, match="expected ',' between records"):
        values(path)
    path.write_text('[{"a": 1}]\n[{"a": 2}]')
    with pytest.raises(SourceError, match="something follows the end"):
        values(path, format="json")


def test_bad_line_is_one_bad_record(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(PLAIN[:2]) + b'{"id": 2, "te\n\n' + jsonl(PLAIN[3:4]))
    found = list(iterate_records(path))
    assert [row for row, _, _ in found] == [0, 1, 2, 4]
    assert isinstance(found[2][2], BadRecord)
    assert found[2][2].detail.startswith("line 3 is not valid JSON")


def test_numbers_that_json_forbids_are_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": NaN, "b": 1}]')
    assert values(path)[0]["b"] == 1


def test_csv_with_and_without_header(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,title\n1,"two\nlines, ""quoted"""\n2\n', encoding="utf-8")
    found = values(path)
    assert found[0] == {"id": "1", "title": 'two\nlines, "quoted"'}
    assert found[1] == BadRecord("bad_csv", "line 4 has 1 fields, expected 2")
    path.write_text("1,a\n2,b\n")
    assert values(path, csv_columns=("id", "title")) == [{"id": "1", "title": "a"}, {"id": "2", "title": "b"}]
    assert detect_format(path) == "csv"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a;b\n"1, 2";x\n', {"a": "1, 2", "b": "x"}),
        ("a\tb\n1;2\tx,y\n", {"a": "1;2", "b": "x,y"}),
        ('"a;b";c\n1;2\n', {"a;b": "1", "c": "2"}),
        ("a,b;c\n1,2\n", {"a": "1", "b;c": "2"}),
        ("a\n1;2\n", {"a": "1;2"}),
        ('"a\nb",c\n1,2\n', {"a\nb": "1", "c": "2"}),
        ("\r\na;b\r\n1;2\r\n", {"a": "1", "b": "2"}),
        ("a;b (c, d)\n1;2\n", {"a": "1", "b (c, d)": "2"}),
        ('a;b (c, d)\n"1, x";2\n', {"a": "1, x", "b (c, d)": "2"}),
        ("a; b\n1\n", {"a; b": "1"}),
        ('"a\nb";c\n1;2\n', {"a\nb": "1", "c": "2"}),
        ('a,b;c\n"1;x",2;3\n', {"a": "1;x", "b;c": "2;3"}),
        ("a;b\n1;" + '"' + "x\n" * 100 + '"\n', {"a": "1", "b": "x\n" * 100}),
    ],
)
def test_the_first_two_records_say_what_stands_between_fields(tmp_path, text, expected):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert values(tmp_path / "a.csv") == [expected]
    (tmp_path / "b.tsv").write_text("a,b\n1,2\n")
    assert values(tmp_path / "b.tsv") == [{"a": "1", "b": "2"}]
    (tmp_path / "b.tsv").write_text("a, b\n1\n")
    assert values(tmp_path / "b.tsv") == [{"a, b": "1"}]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert values(tmp_path / "a.csv.gz") == [expected]


def test_known_names_say_how_many_fields_there_are(tmp_path):
    (tmp_path / "a.csv").write_text("a; b; c\n")
    assert values(tmp_path / "a.csv", csv_columns=("text",)) == [{"text": "a; b; c"}]
    assert values(tmp_path / "a.csv", csv_columns=("x", "y", "z")) == [{"x": "a", "y": " b", "z": " c"}]
    (tmp_path / "a.csv").write_text("1, x;2\n3;4\n")
    assert values(tmp_path / "a.csv", csv_columns=("q", "a")) == [{"q": "1, x", "a": "2"}, {"q": "3", "a": "4"}]


def test_csv_that_ends_in_a_quoted_field(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,title\n1,"never closed\n2,b\n')
    with pytest.raises(SourceError, match="a quoted field from line 2 on never ends; the file is truncated"):
        values(path)


def test_other_encoding_is_read_and_reported(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,title\n1,Ærø\n".encode() + "2,Café – bar\n".encode("cp1252") + b"3,\x81odd\n")
    notes: list[str] = []
    assert [r["title"] for r in values(path, on_note=notes.append)] == ["Ærø", "Café – bar", "\x81odd"]
    assert len(notes) == 1
    assert "not UTF-8 and were read as Windows-1252: 2 (first: line 3)" in notes[0]


def test_text_lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"first, line\r\n\nthird")
    assert detect_format(path) == "text"
    assert values(path) == ["first, line", "", "third"]


def test_columnar_formats(tmp_path):
    table = pa.table({"id": [1, 2, 3], "text": ["a", "b", None], "big": [b"x", b"y", b"z"]})
    pq.write_table(table, tmp_path / "a.bin")
    with pa.OSFile(str(tmp_path / "b.bin"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.OSFile(str(tmp_path / "c.bin"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    for name, kind in (("a.bin", "parquet"), ("b.bin", "arrow_file"), ("c.bin", "arrow_stream")):
        path = tmp_path / name
        assert detect_format(path) == kind
        assert values(path, columns=("id", "text")) == table.drop_columns("big").to_pylist()
        zipped = tmp_path / f"{name}.gz"
        zipped.write_bytes(gzip.compress(path.read_bytes()))
        assert detect_format(zipped) == kind
        assert values(zipped) == table.to_pylist()


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(json.dumps(RECORDS * 100).encode())[:-20])
    with pytest.raises(SourceError, match=r"a.json.gz: the compressed data ends too early"):
        values(path)
    path.write_bytes(b"\x1f\x8bnot gzip at all")
    with pytest.raises(SourceError, match=r"a.json.gz: the file is damaged"):
        values(path)
    path.write_bytes(b" \n")
    with pytest.raises(SourceError, match="the file is empty"):
        detect_format(path)
    with pytest.raises(SourceError, match=r"gone.json: cannot be read \(No such file"):
        detect_format(tmp_path / "gone.json")
    broken = tmp_path / "a.parquet"
    broken.write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match="cannot be read as parquet after row 0"):
        values(broken)


_scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\{}[],: é', max_size=6)
_json = st.recursive(
    _scalars, lambda kids: st.lists(kids, max_size=3) | st.dictionaries(st.text("ab,{", max_size=2), kids)
)


@given(
    st.lists(_json, max_size=12) | st.dictionaries(st.text(max_size=3), _json, max_size=12),
    st.integers(1, 40),
)
def test_stream_equals_parsing_at_once(collection, block_bytes):
    before = json_stream.BLOCK_BYTES
    json_stream.BLOCK_BYTES = block_bytes  # tiny blocks, so that every boundary is met
    try:
        stream = io.BytesIO(json.dumps(collection).encode())
        found = list(iterate_collection(stream, "x"))
    finally:
        json_stream.BLOCK_BYTES = before
    expected = list(collection.items()) if isinstance(collection, dict) else [(None, v) for v in collection]
    assert found == expected


@pytest.mark.parametrize("keyed", [False, True])
def test_blocks_of_like_records(monkeypatch, keyed):
    monkeypatch.setattr(json_stream, "BLOCK_BYTES", 700)
    records = [{"id": i, "boxes": [{"id": j, "s": '}, {"id": 1'} for j in range(i % 4)]} for i in range(300)]
    collection = {f"k{i}": r for i, r in enumerate(records)} if keyed else records
    found = list(iterate_collection(io.BytesIO(json.dumps(collection).encode()), "x"))
    assert [value for _, value in found] == records


def test_large_csv_field(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["id", "text"], ["1", "x" * 200_000]])
    assert len(values(path)[0]["text"]) == 200_000


def test_a_batch_of_a_parquet_file_is_bounded_by_bytes(tmp_path: Path) -> None:
    texts = ["x" * 1000, "y" * 1000] * 500
    pq.write_table(pa.table({"a": texts}), tmp_path / "p.parquet", use_dictionary=False, compression="none")
    with pq.ParquetFile(tmp_path / "p.parquet") as parquet:
        assert rows_of_parquet(parquet, 1 << 14) == 1 << 14
        size = parquet.metadata.row_group(0).total_byte_size / 1000
        assert size > 900
    small = pa.table({"a": ["z"] * 3})
    pq.write_table(small, tmp_path / "s.parquet")
    with pq.ParquetFile(tmp_path / "s.parquet") as parquet:
        assert rows_of_parquet(parquet, 7) == 7


def test_large_rows_come_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_PARQUET_BYTES", 10_000)
    pq.write_table(pa.table({"a": [str(n) * 1000 for n in range(10)] * 20}), tmp_path / "p.parquet",
                   use_dictionary=False, compression="none")  # fmt: skip
    with pq.ParquetFile(tmp_path / "p.parquet") as parquet:
        assert formats.rows_of_parquet(parquet, 1 << 14) <= 10
    rows = [record for _, _, record in iterate_records(tmp_path / "p.parquet", ReadOptions())]
    assert [row["a"][0] for row in rows] == [str(n) for n in range(10)] * 20
