"""Arrays whose elements are not all objects: every way of reading gives the same rows and the same rejects."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asd.errors import SourceError
from asd.records import Reject
from asd.schemas.task import TaskSpec
from asd.sources import json_stream, llava
from asd.sources.json_stream import iterate_collection
from asd.sources.llava_record import make_record_rules, read_record, rows_to_batch
from asd.sources.open import open_source
from asd.sources.record_blocks import find_elements, iterate_blocks

BLOCK_SIZES = (1, 7, 64, 300, 5000)
TRAPS = ['}, {"id": "', "]", "[{", "},", ",", '\\"', "\\", '", "', "é", "\n", " ", "a"]
RULES = {"name": "toy", "title": "Toy", "scorer": "exact", "licence": "-", "citation": "-", "family": "vqa"}


def make_spec(style: str = "short_answer", **more: Any) -> TaskSpec:
    return TaskSpec.model_validate(RULES | {"native_style": style} | more)


def record(number: int, question: str = "What?", answer: str = "a cat", **more: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"id": str(number), "image": f"{number}.jpg", "conversations": turns} | more


texts = st.lists(st.sampled_from(TRAPS), max_size=4).map("".join)
objects = st.one_of(
    st.builds(record, st.integers(0, 99)),
    st.builds(record, st.integers(0, 99), texts, texts),
    st.builds(lambda number, count: record(number, tokens=[{"id": "1"}] * count), st.integers(0, 9), st.integers(0, 3)),
    st.just({}),
)
scalars = st.one_of(texts, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False))
nested = st.one_of(st.lists(texts, max_size=3), st.lists(objects, max_size=2), st.just([[]]))
# Runs of objects, or no boundary would be guessed.
arrays = st.lists(
    st.one_of(st.lists(objects, min_size=2, max_size=12), st.lists(st.one_of(scalars, nested), max_size=3)), max_size=6
).map(lambda runs: [element for run in runs for element in run])


def by_record(elements: list[Any], spec: TaskSpec) -> tuple[list[dict[str, Any]], list[Reject]]:
    """The plain reader: Python's own parser, and each element for itself."""
    rules, rows, rejects = make_record_rules(spec, "f.json"), [], []
    for number, element in enumerate(elements):
        found, refused = read_record(element, number, rules)
        rows += found
        rejects += refused
    return rows_to_batch(rows).to_pylist(), rejects


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(elements=[record(1), 5, record(2), record(3)], style="short_answer", indent=None)
@example(elements=[record(n, tokens=[{"id": "1"}, {"id": "2"}]) for n in range(9)] + [1, record(9)], style="free_form",
         indent=None)  # fmt: skip
@example(elements=[1, "}, {", None], style="short_answer", indent=1)
@given(arrays, st.sampled_from(["short_answer", "free_form"]), st.sampled_from([None, 0, 1]))
def test_blocks_of_any_size_give_what_one_element_after_the_other_gives(
    tmp_path: Path, elements: list[Any], style: str, indent: int | None
) -> None:
    path, spec = tmp_path / "f.json", make_spec(style)
    path.write_text(json.dumps(elements, indent=indent, ensure_ascii=False), encoding="utf-8")
    rows, rejects = by_record(json.loads(path.read_text("utf-8")), spec)
    for size in BLOCK_SIZES:
        found = list(llava.batches(path, "f.json", spec, batch_rows=16, block_bytes=size))
        assert [row for batch in found for row in batch.table.to_pylist()] == rows
        assert [reject for batch in found for reject in batch.rejects] == rejects


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays, st.sampled_from([None, 1]), st.booleans())
def test_a_collection_is_the_same_whatever_is_read_at_once(
    monkeypatch: pytest.MonkeyPatch, elements: list[Any], indent: int | None, keyed: bool
) -> None:
    whole = {str(number): element for number, element in enumerate(elements)} if keyed else elements
    data = json.dumps(whole, indent=indent).encode()
    expected = list(whole.items()) if isinstance(whole, dict) else [(None, element) for element in whole]
    for size in BLOCK_SIZES:
        monkeypatch.setattr(json_stream, "BLOCK_BYTES", size)
        assert list(iterate_collection(io.BytesIO(data), "f.json")) == expected


@settings(max_examples=100, deadline=None)
@given(arrays, st.sampled_from([None, 1]))
def test_every_element_has_an_end(elements: list[Any], indent: int | None) -> None:
    data = json.dumps(elements, indent=indent, ensure_ascii=False).encode()
    found = find_elements(data[1:])
    starts = [0, *found.ends.tolist()]
    texts = [data[1:][start:end].strip().removeprefix(b",") for start, end in itertools.pairwise(starts)]
    assert [json.loads(text) for text in texts] == elements
    assert (found.close, found.unseparated) == (len(data) - 2, -1)


@pytest.mark.parametrize("size", BLOCK_SIZES)
@pytest.mark.parametrize(
    ("text", "rows", "reasons"),
    [
        ("[{0}, nope, {1}]", 2, ["bad_json"]),
        ("[{0}, , {1}]", 2, ["bad_json"]),
        ("[, {0}, {1}]", 2, ["bad_json"]),
        ("[{0}, {1}, ]", 2, []),
        ("[{0}, 5 6, {1}]", 2, ["bad_json"]),
        ('[{0}, NaN, {1}, "x]"]', 2, ["not_an_object", "not_an_object"]),
        ("[{0}, [{1}], {1}]", 2, ["not_an_object"]),
    ],
)
def test_what_is_no_json_costs_its_own_place_alone(
    tmp_path: Path, text: str, rows: int, reasons: list[str], size: int
) -> None:
    path = tmp_path / "f.json"
    path.write_text(text.replace("{0}", json.dumps(record(0))).replace("{1}", json.dumps(record(1))))
    found = list(llava.batches(path, "f.json", make_spec(), batch_rows=16, block_bytes=size))
    assert sum(len(batch.table) for batch in found) == rows
    assert [reject.reason for batch in found for reject in batch.rejects] == reasons


@pytest.mark.parametrize("size", BLOCK_SIZES)
@pytest.mark.parametrize(
    ("between", "before"), [(" ", 1), (", 5 ", 2), (" 5, ", 1), (', 5, "x" ', 3), ("\n", 1), ("", 1)]
)
def test_a_missing_comma_is_told_whatever_the_block_size(tmp_path: Path, between: str, before: int, size: int) -> None:
    data = f"[{json.dumps(record(0))}, {json.dumps(record(1))}{between}{json.dumps(record(2))}]".encode()
    with pytest.raises(SourceError, match=rf"f\.json: expected ',' after record {before} at byte \d+, found b'"):
        list(iterate_blocks(io.BytesIO(data), "array", "f.json", size))
    (tmp_path / "f.json").write_bytes(data)
    with pytest.raises(SourceError, match=rf"f\.json: expected ',' after record {before} at byte"):
        list(llava.batches(tmp_path / "f.json", "f.json", make_spec(), batch_rows=16, block_bytes=size))


def test_layouts_refuse_the_same_elements(tmp_path: Path) -> None:
    layout = {"name": "rows", "files": "*.json", "columns": {"question": "ask?", "gold": "reply?"}}
    kept = {"ask": "What?", "reply": "a"}
    (tmp_path / "a.json").write_text(json.dumps([kept, 5, None, "x", [1], True, kept]))
    (batch,) = open_source(make_spec(layouts=[layout]), tmp_path).batches()
    assert batch.table["source_row"].to_pylist() == [0, 6]
    assert [(one.row, one.reason) for one in batch.rejects] == [(row, "not_an_object") for row in range(1, 6)]
    assert "expected a JSON object, found 'None'" in batch.rejects[1].detail
