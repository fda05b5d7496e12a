"""Source files that are meant to break things: bad rows are rejects, bad files are one message, nothing is half-written."""

from __future__ import annotations

import gzip
import json
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.asd.robustness.hostile_rows import (
    SOUND,
    assert_counted,
    assert_told,
    convert,
    lines,
    row,
    sound_rows,
    task_file,
)

HALF = "\ud83d"


def nested(levels: int, inner: str = '"x"') -> str:
    return "[" * levels + inner + "]" * levels


def raw_row(**fields: str) -> bytes:
    """A row whose fields are given as JSON text."""
    plain = {name: json.dumps(value) for name, value in row(99).items()} | fields
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in plain.items()) + "}").encode() + b"\n"


BAD_ROWS: dict[str, tuple[bytes, str]] = {
    "half an emoji in the question": (raw_row(question='"What \\ud83d?"'), "bad_json"),
    "half an emoji in the answer": (raw_row(answer='"\\ud83d"'), "bad_json"),
    "the second half in the id": (raw_row(id='"\\udc00"'), "bad_json"),
    "halves in the wrong order": (raw_row(question='"\\udc00\\ud83d"'), "bad_json"),
    "half an emoji in the image": (raw_row(image='"\\ud83d.png"'), "bad_json"),
    "half an emoji in an unused field": (raw_row(note='"\\ud83d"'), "bad_json"),
    "half an emoji in a key": (raw_row(**{"\\ud83d": "1"}), "bad_json"),
    "half an emoji beside NaN": (raw_row(note="NaN", question='"\\ud83d?"'), "bad_json"),
    "half an emoji in a list": (raw_row(question='["\\ud83d"]'), "bad_json"),
    "a question of 1,000 lists": (raw_row(question=nested(1000)), "bad_field"),
    "a question of 100,000 lists": (raw_row(question=nested(100_000)), "bad_json"),
    "an answer of 900 lists": (raw_row(answer=nested(900)), "bad_field"),
    "an answer of 5,000 objects": (raw_row(answer='{"a":' * 5000 + "1" + "}" * 5000), "bad_json"),
    "an id of 1,000 lists": (raw_row(id=nested(1000)), "bad_field"),
    "images of 1,000 lists": (raw_row(image=nested(1000)), "bad_image"),
    "a split of lists and objects": (raw_row(split='[{"a":' * 400 + "1" + "}]" * 400), "bad_field"),
    "a record of 1,000 lists": (nested(1000).encode() + b"\n", "not_an_object"),
    "brackets that never close": (b"[" * 5000 + b"\n", "bad_json"),
    "a number of 5,000 digits": (raw_row(question="9" * 5000), "bad_json"),
    "NUL in the image path": (raw_row(image='"a\\u0000.png"'), "bad_image"),
    "an absolute image path": (raw_row(image='"/etc/passwd"'), "image_outside_root"),
    "an image path that climbs": (raw_row(image='"a/../../b.png"'), "image_outside_root"),
    "a drive letter": (raw_row(image='"C:\\\\x.png"'), "image_outside_root"),
    "no UTF-8 in a line": (b'{"id": "\xff\xfe", "question": "What?", "answer": "x"}\n', "bad_json"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_hostile_row_is_a_reject(bad: bytes, reason: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines(sound_rows()) + bad)
    assert_counted(convert(tmp_path, source), SOUND, {reason: 1}, tmp_path)


@pytest.mark.parametrize(("bad", "reason"), [one for one in BAD_ROWS.values() if one[1] == "bad_field"])
def test_a_deep_row_that_comes_first_is_a_reject(bad: bytes, reason: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_bytes(bad + lines(sound_rows()))
    assert_counted(convert(tmp_path, source), SOUND, {reason: 1}, tmp_path)


@pytest.mark.parametrize(
    "bad", ['"\\ud83d"', '"\\udfff x"', nested(3000), nested(100_000)], ids=["half", "other half", "deep", "very deep"]
)
@pytest.mark.parametrize("place", [0, 4, SOUND])
def test_a_hostile_element_of_an_array_is_a_reject(bad: str, place: int, tmp_path: Path) -> None:
    texts = [json.dumps(one) for one in sound_rows()]
    texts.insert(place, raw_row(question=bad).decode().strip())
    source = tmp_path / "rows.json"
    source.write_text("[" + ",\n".join(texts) + "]")
    assert_counted(convert(tmp_path, source), SOUND, {"bad_json": 1}, tmp_path)


def conversation(number: int, **fields: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\nWhat is number {number}?"}, {"from": "gpt", "value": "a cup"}]
    return {"id": f"c{number}", "image": "a.png", "conversations": turns} | fields


def json_of(record: dict[str, Any], **fields: str) -> str:
    parts = {name: json.dumps(value) for name, value in record.items()} | fields
    return "{" + ", ".join(f'"{name}": {text}' for name, text in parts.items()) + "}"


BAD_CONVERSATIONS = {
    "half an emoji in a turn": ({"conversations": '[{"from":"human","value":"\\ud83d?"}]'}, "bad_json"),
    "half an emoji in the id": ({"id": '"\\ud83d"'}, "bad_json"),
    "a turn of 1,000 lists": ({"conversations": f'[{{"from":"human","value":{nested(1000)}}}]'}, "bad_part"),
    "an id of 1,000 lists": ({"id": nested(1000)}, "bad_id"),
    "an image of 900 lists": ({"image": nested(900)}, "bad_image"),
    "tools of 600 lists": ({"tools": nested(600)}, "bad_tools"),
    "a call with 600 lists": (
        {"conversations": f'[{{"role":"user","content":"a"}}, {{"role":"assistant","tool_calls":{nested(600)}}}]'}, "bad_tools",
    ),
    "conversations of 100,000 lists": ({"conversations": nested(100_000)}, "bad_json"),
    "NUL in the image": ({"image": '"a\\u0000b"'}, "image_outside_root"),
    "an image above": ({"image": '"../../x.png"'}, "image_outside_root"),
    "an id that is an object": ({"id": '{"a": 1}'}, "bad_id"),
}  # fmt: skip


@pytest.mark.parametrize("is_array", [False, True], ids=["lines", "array"])
@pytest.mark.parametrize(("fields", "reason"), BAD_CONVERSATIONS.values(), ids=BAD_CONVERSATIONS)
def test_a_hostile_conversation_is_a_reject(
    fields: dict[str, str], reason: str, is_array: bool, tmp_path: Path
) -> None:
    texts = [json.dumps(conversation(number)) for number in range(SOUND)]
    texts.insert(3, json_of(conversation(99), **fields))
    source = tmp_path / ("rows.json" if is_array else "rows.jsonl")
    source.write_text("[" + ",\n".join(texts) + "]" if is_array else "\n".join(texts) + "\n")
    assert_counted(convert(tmp_path, source, "--source-format", "llava"), SOUND, {reason: 1}, tmp_path)


def arrow_file(path: Path) -> None:
    table = pa.Table.from_pylist(sound_rows(200))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def arrow_stream(path: Path) -> None:
    table = pa.Table.from_pylist(sound_rows(200))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def compressed_arrow(path: Path) -> None:
    table = pa.Table.from_pylist(sound_rows(200))
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)


def arrow_of_conversations(path: Path) -> None:
    table = pa.Table.from_pylist([conversation(number) for number in range(200)])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(sound_rows(200)), path)


def gzipped(path: Path) -> None:
    path.write_bytes(gzip.compress(lines(sound_rows(200)), mtime=0))


def zstandard(path: Path) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as sink:
        sink.write(lines(sound_rows(200)))


BINARY: dict[str, Callable[[Path], None]] = {
    "rows.arrow": arrow_file,
    "stream.arrow": arrow_stream,
    "packed.arrow": compressed_arrow,
    "talk.arrow": arrow_of_conversations,
    "rows.parquet": parquet,
    "rows.jsonl.gz": gzipped,
    "rows.jsonl.zst": zstandard,
}


@pytest.mark.parametrize(("name", "write"), BINARY.items())
def test_a_damaged_file_is_one_message_or_counts_that_add_up(
    name: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    """One bit flipped, a stretch put to zero, cut off; a change that nothing can notice gives as many rows."""
    source = tmp_path / name
    write(source)
    whole, rng = source.read_bytes(), random.Random(name)
    outcomes = []
    for trial in range(12):
        data = bytearray(whole)
        place = rng.randrange(len(data))
        if trial % 3 == 0:
            del data[place:]
        elif trial % 3 == 1:
            data[place] ^= 1 << rng.randrange(8)
        else:
            data[place : place + 16] = bytes(len(data[place : place + 16]))
        source.write_bytes(data)
        outcome = convert(tmp_path, source, "--dry-run", "--json")
        if outcome.code:
            assert_told(outcome)
        else:
            counts = json.loads(outcome.out)["counts"]
            assert counts["samples"] + sum(counts["rejects"].values()) <= 200
        outcomes.append(outcome.code)
    assert 1 in outcomes
    assert not (tmp_path / "out").exists()


def test_an_arrow_file_with_offsets_that_point_outside_is_one_message(tmp_path: Path) -> None:
    offsets = pa.py_buffer(b"".join(number.to_bytes(4, "little") for number in (0, 1 << 30, 11)))
    texts = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"hello world"))
    batch = pa.RecordBatch.from_arrays([texts] * 3, names=["id", "question", "answer"])
    source = tmp_path / "rows.arrow"
    with pa.OSFile(str(source), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    assert_told(convert(tmp_path, source), "rows.arrow", "damaged")


def test_an_arrow_file_whose_text_is_no_utf8_is_one_message(tmp_path: Path) -> None:
    texts = pa.array([b"\xff\xfe", b"x"]).view(pa.string())
    batch = pa.RecordBatch.from_arrays([texts] * 3, names=["id", "question", "answer"])
    source = tmp_path / "rows.arrow"
    with pa.OSFile(str(source), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    assert_told(convert(tmp_path, source), "rows.arrow", "UTF8")


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(path.parent)  # the names of sockets are short
        try:
            server.bind(path.name)
        finally:
            os.chdir(before)


def link_to_zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


IRREGULAR = {"pipe": make_fifo, "socket": make_socket, "device": link_to_zero}


@pytest.mark.parametrize("make", IRREGULAR.values(), ids=IRREGULAR)
def test_a_source_that_is_no_regular_file_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    make(source)
    assert_told(convert(tmp_path, source), "rows.jsonl", "expected a regular file")


@pytest.mark.parametrize("make", [*IRREGULAR.values(), link_to_itself], ids=[*IRREGULAR, "circle"])
def test_a_folder_with_something_irregular_is_read_without_it(make: Callable[[Path], None], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "rows.jsonl").write_bytes(lines(sound_rows()))
    make(folder / "other.txt")
    assert_counted(convert(tmp_path, folder), SOUND, {}, tmp_path)


@pytest.mark.parametrize("make", IRREGULAR.values(), ids=IRREGULAR)
def test_a_task_file_that_is_no_regular_file_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    from tests.asd.cli_runner import run_asd

    make(tmp_path / "task.yaml")
    assert_told(run_asd("tasks", tmp_path / "task.yaml"), "task.yaml", "expected a regular file")


@pytest.mark.parametrize("kind", ["source", "out", "images", "cwd"])
def test_a_folder_whose_name_is_no_utf8_is_refused_before_any_work(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfe"))
    odd.mkdir()
    (odd / "rows.jsonl").write_bytes(lines(sound_rows()))
    (tmp_path / "rows.jsonl").write_bytes(lines(sound_rows()))
    task_file(tmp_path)
    if kind == "source":
        outcome = convert(tmp_path, odd)
    elif kind == "images":
        outcome = convert(tmp_path, tmp_path / "rows.jsonl", "--image-root", odd)
    elif kind == "out":
        outcome = convert(odd, tmp_path / "rows.jsonl")
    else:
        monkeypatch.chdir(odd)
        outcome = convert(tmp_path, "rows.jsonl")
    assert_told(outcome, "is no UTF-8 text. Rename")
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in odd.iterdir() if path.suffix != ".yaml") == ["rows.jsonl"]


def test_the_package_refuses_such_a_name_as_the_command_does(tmp_path: Path) -> None:
    import asd
    from asd.errors import AsdError

    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfe"))
    odd.mkdir()
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines(sound_rows()))
    link = tmp_path / "link"
    link.symlink_to(odd)
    for settings in ({"out": odd / "o"}, {"out": tmp_path / "o", "image_root": link}):
        with pytest.raises(AsdError, match="is no UTF-8 text"):
            asd.convert(task=task_file(tmp_path), source=source, workers=1, **settings)
    assert not list(odd.iterdir())


def test_a_line_without_an_end_is_refused_at_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asd.sources.line_spans.MAX_RECORD_BYTES", 1 << 16)
    source = tmp_path / "rows.jsonl.gz"
    source.write_bytes(gzip.compress(lines(sound_rows()) + b'{"id": "' + b"x" * (1 << 20)))
    assert_told(convert(tmp_path, source), "a line longer than")


def test_a_record_without_an_end_is_refused_at_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asd.sources.json_stream.MAX_RECORD_BYTES", 1 << 16)
    source = tmp_path / "rows.json.gz"
    texts = ", ".join(json.dumps(one) for one in sound_rows())
    source.write_bytes(gzip.compress(f'[{texts}, {{"id": "{"x" * (1 << 23)}'.encode()))
    assert_told(convert(tmp_path, source), "without an end of the record")
