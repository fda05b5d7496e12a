"""Blocks of a JSON array: where their ends are guessed, reading gives what exact ends give."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asd.errors import SourceError
from asd.schemas.task import TaskSpec
from asd.sources.batch import NativeBatch
from asd.sources.llava import batches
from asd.sources.llava_columns import read_block
from asd.sources.llava_record import make_record_rules
from asd.sources.record_blocks import ArrayBlocks, iterate_blocks

BLOCK_BYTES = 600
TRAPS = ['}, {"id": "', '"}, {"id"', "\\", '\\"', "]", "[{", "é" * 3, "\n"]
"""Texts that look like the boundary between records, or like the array's end."""


def make_spec(style: str) -> TaskSpec:
    fields = {"name": "toy", "title": "Toy", "scorer": "exact", "licence": "-", "citation": "-", "family": "vqa"}
    return TaskSpec.model_validate(fields | {"native_style": style})


def record(number: int, question: str = "What?", answer: str = "a cat", **more: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"id": str(number), "image": f"{number}.jpg", "conversations": turns} | more


def as_array(records: list[Any], indent: int | None = None) -> bytes:
    return json.dumps(records, indent=indent, ensure_ascii=False).encode()


texts = st.lists(st.sampled_from([*TRAPS, "a", " b "]), min_size=1, max_size=3).map("".join)
odd = st.sampled_from(
    [
        {"image": "x.jpg", "id": "9", "conversations": []},
        {"question_id": 4, "text": "q?", "answer": "a"},
        record(5, tokens=[{"id": 1}, {"id": 2}, {"id": 3}]),
        record(6, answer=""),
        record(7, "long " * 300),
        [1, 2],
    ]
)
records = st.lists(
    st.one_of(st.builds(record, st.integers(0, 99), texts, texts), st.builds(record, st.integers(0, 9)), odd),
    min_size=15,
    max_size=40,
)


def read(path: Path, style: str, block_bytes: int) -> list[NativeBatch]:
    return list(batches(path, "f.json", make_spec(style), batch_rows=16, block_bytes=block_bytes))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(found=[record(n) for n in range(50)], style="short_answer", indent=None, zipped=False)
@given(records, st.sampled_from(["short_answer", "free_form"]), st.sampled_from([None, 1]), st.booleans())
def test_guessed_ends_give_the_same_batches(
    tmp_path: Path, found: list[Any], style: str, indent: int | None, zipped: bool
) -> None:
    data, path = as_array(found, indent), tmp_path / "f.json"
    path.write_bytes(gzip.compress(data, 1) if zipped else data)
    rules = make_record_rules(make_spec(style), "f.json")
    exact = [read_block(block, rules) for block in iterate_blocks(io.BytesIO(data), "array", "f.json", BLOCK_BYTES)]
    guessed = read(path, style, BLOCK_BYTES)
    rows = [row for batch in guessed for row in batch.table.to_pylist()]
    assert rows == [row for table, _ in exact for row in table.to_pylist()]
    assert [reject for batch in guessed for reject in batch.rejects] == [one for _, rejects in exact for one in rejects]


def test_plain_arrays_are_guessed_and_blocks_end_where_exact_ones_do() -> None:
    data = as_array([record(number, answer="} , {") for number in range(400)])
    exact = list(iterate_blocks(io.BytesIO(data), "array", "x", BLOCK_BYTES))
    guessed = list(ArrayBlocks(io.BytesIO(data), "x", BLOCK_BYTES))
    assert [(b.first_row, b.rows, bytes(b.data)) for b in guessed] == [
        (b.first_row, b.rows, bytes(b.data)) for b in exact
    ]
    assert sum(block.is_guess for block in guessed) >= len(guessed) - 2 > 50
    assert not any(block.is_guess for block in exact)


def test_blocks_that_were_taken_back_come_again_exactly() -> None:
    data = as_array([record(number) for number in range(400)])
    exact = [(b.first_row, bytes(b.data)) for b in iterate_blocks(io.BytesIO(data), "array", "x", BLOCK_BYTES)]
    blocks = ArrayBlocks(io.BytesIO(data), "x", BLOCK_BYTES)
    first = [next(blocks) for _ in range(9)]
    blocks.take_back(first[4:])
    found = [*first[:4], *blocks]
    assert [(block.first_row, bytes(block.data)) for block in found] == exact
    assert not any(block.is_guess for block in found[4:])
    blocks.take_back(found[-2:])  # behind the end of the file as well
    assert [(block.first_row, bytes(block.data)) for block in blocks] == exact[-2:]


@pytest.mark.parametrize("place", [5, 200, 394])
def test_what_is_wrong_in_the_middle_is_told_as_by_exact_reading(tmp_path: Path, place: int) -> None:
    """A record less its closing bracket: everything behind is one level deeper, so the array never ends."""
    parts = [json.dumps(record(number)) for number in range(400)]
    parts[place] = parts[place][:-1]
    data, path = f"[{', '.join(parts)}]".encode(), tmp_path / "f.json"
    path.write_bytes(gzip.compress(data, 1))  # of a plain file the end is looked at first
    with pytest.raises(SourceError, match=r"in the middle of record \d+ .*is truncated") as exact:
        list(iterate_blocks(io.BytesIO(data), "array", "f.json", BLOCK_BYTES))
    with pytest.raises(SourceError) as told:
        read(path, "short_answer", BLOCK_BYTES)
    assert str(told.value) == str(exact.value)


def test_text_behind_the_array_is_told_though_blocks_were_guessed(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes(as_array([record(number) for number in range(400)]) + b" {]")
    with pytest.raises(SourceError, match="something follows the end of the JSON array"):
        read(tmp_path / "f.json", "short_answer", BLOCK_BYTES)
