"""The task that peers are given: both forms of it agree, and what it makes is true."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers.agreement import digest
from peers.task import LETTERS, POOLS, STYLES, convert, convert_columns, threshold

GOLDS = [answer for pool in POOLS for answer in pool] + ["yes", "no"]
RFP = "Answer the question using a single word or phrase."
records = st.builds(
    lambda number, gold: {
        "id": str(number),
        "image": f"{number}.jpg",
        "conversations": [
            {"from": "human", "value": f"<image>\nWhat is it?\n{RFP}"},
            {"from": "gpt", "value": gold},
        ],
    },
    st.integers(0, 10**9),
    st.sampled_from(GOLDS),
)


@given(st.lists(records, min_size=1, max_size=20), st.sampled_from([0.0, 0.2, 1.0]))
def test_a_batch_is_converted_like_its_records(rows: list[dict], ratio: float) -> None:
    columns = convert_columns({name: [row[name] for row in rows] for name in rows[0]}, threshold(ratio))
    by_row = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    assert by_row == [convert(row, threshold(ratio)) for row in rows]


@given(records)
def test_what_is_converted_is_true(record: dict) -> None:
    row = convert(record, threshold(1.0))
    gold = record["conversations"][1]["value"]
    assert row["style"] in STYLES
    assert row["gold"] == gold
    assert row["prompt"].startswith("<image>\nWhat is it?\n")
    if row["style"] == "multiple_choice":
        options = [line[3:] for line in row["prompt"].splitlines() if line[1:3] == ". "]
        assert len(set(options)) == 4
        assert options[LETTERS.index(row["response"])] == gold
    elif row["style"] == "brief_explanation":
        assert row["response"].endswith(f"is {gold}.")
    elif "Proposed answer" in row["prompt"]:
        assert (row["response"] == "Yes") == (f"Proposed answer: {gold}\n" in row["prompt"])
    else:
        assert row["response"].lower() == gold


def test_at_zero_all_rows_stay_and_the_share_is_about_what_was_asked_for() -> None:
    rows = [
        {"id": str(n), "image": "", "conversations": [{"value": "Why?"}, {"value": "red"}]} for n in range(5000)
    ]  # fmt: skip
    assert {convert(row, threshold(0.0))["style"] for row in rows} == {"short_answer"}
    converted = sum(convert(row, threshold(0.2))["style"] != "short_answer" for row in rows)
    assert converted == pytest.approx(1000, abs=120)


@given(st.lists(records, min_size=2, max_size=8, unique_by=lambda record: record["id"]), st.randoms())
def test_the_digest_sees_every_cell_and_no_order(rows: list[dict], random) -> None:
    done = [convert(row, threshold(0.5)) for row in rows]
    shuffled = random.sample(done, len(done))
    found = digest(pa.Table.from_pylist(done))
    assert digest(pa.Table.from_pylist(shuffled)) == found
    shuffled[0] = {**shuffled[0], "response": shuffled[0]["response"] + "!"}
    assert digest(pa.Table.from_pylist(shuffled)) != found
