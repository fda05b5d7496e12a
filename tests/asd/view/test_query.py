"""What the viewer finds is what a look at all rows finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asd
from asd.quality.figures import quality_figures
from asd.quality.oddities import ODDITIES, as_bits, find_oddities, from_bits
from asd.shards.marks import read_marks, set_mark
from asd.shards.store import Store
from asd.view import rows as rows_module
from asd.view.comparison import Comparison
from asd.view.query import Measured, Query, Search
from asd.view.rows import VersionRows
from asd.view.viewer import Viewer
from tests.asd.view.conftest import Shown


def found_by(rows: VersionRows, query: Query, against: Comparison | None = None) -> list[int]:
    marks = read_marks(rows.store, rows.version)
    search = Search(rows, query, Measured(rows), marks, against)
    while not search.is_complete:
        search.go_on(1 << 30, 0.0)
    assert search.share_done == 1.0
    return search.numbers(0, len(rows))


def test_rows_are_those_of_load_in_their_order(made: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "BLOCK_ROWS", 7)
    rows = VersionRows(made.data, "v2")
    loaded = asd.load(made.data)
    assert len(rows) == len(loaded) == 120
    assert rows.rows([0, 49, 50, 119]) == [loaded[number] for number in (0, 49, 50, 119)]
    starts = [first for _, _, _, first in rows.blocks]
    assert starts == [*range(0, 50, 7), *range(50, 100, 7), *range(100, 120, 7)]
    with pytest.raises(asd.AsdError, match=r"there is no row 120: version \w+ has 120"):
        rows.row(120)


@given(st.sampled_from(["", "yes_no", "multiple_choice", "short_answer"]), st.sampled_from(["", "native", "mined", "rule"]),
       st.sampled_from(["", "color", "IS THE", "<script>", "nowhere", "q11", "(", "source.jsonl"]))  # fmt: skip
def test_filters_and_search(made: Shown, style: str, maker: str, text: str) -> None:
    rows = VersionRows(made.data, "v2")

    def is_wanted(row: dict[str, Any]) -> bool:
        words = "\n".join(row[name] for name in ("id", "prompt", "response", "gold", "source_file")).lower()
        return style in ("", row["style"]) and maker in ("", row["maker"]) and text.lower() in words

    wanted = [number for number, row in enumerate(asd.load(made.data)) if is_wanted(row)]
    assert found_by(rows, Query(style=style, maker=maker, text=text)) == wanted


def test_a_search_ends_early_and_goes_on(made: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "BLOCK_ROWS", 10)
    rows = VersionRows(made.data, "v2")
    search = Search(rows, Query(), Measured(rows), {}, None)
    assert search.numbers(0, 5) == []
    search.go_on(15, 60.0)
    assert (search.num_found, search.is_complete, search.numbers(10, 3)) == (20, False, [10, 11, 12])
    search.go_on(1000, 60.0)
    assert (search.num_found, search.is_complete, search.numbers(118, 10)) == (120, True, [118, 119])


def test_most_suspicious_first(made: Shown) -> None:
    rows = VersionRows(made.data, "v2")
    points = [sum(oddity.points for oddity in find_oddities(row)) for row in asd.load(made.data)]
    assert found_by(rows, Query(order="suspicion")) == sorted(range(120), key=lambda number: (-points[number], number))
    odd = [number for number in range(120) if points[number]]
    assert found_by(rows, Query(reason="any")) == odd


def test_oddities_agree_with_the_quality_figures(made: Shown) -> None:
    rows = asd.load(made.data).to_list()
    for row in rows[:30]:
        if row["maker"] != "native":
            row["response"] = "something else"
            row["prompt"] = row["prompt"].replace(row["question"], "")
    import pyarrow as pa

    from asd.columns import SHARD_SCHEMA

    figures = quality_figures(pa.Table.from_pylist(rows, schema=SHARD_SCHEMA).to_batches())
    names = [oddity.name for row in rows for oddity in find_oddities(row)]
    assert names.count("gold not recoverable") == round((1 - figures["gold_recoverable"]) * figures["converted"]) > 5
    assert names.count("question changed") == round((1 - figures["question_preserved"]) * figures["converted"]) > 5
    assert names.count("wrong option may be right") == figures["option_conflicts"]


def row_of(**changes: Any) -> dict[str, Any]:
    row = {"style": "multiple_choice", "maker": "mined", "question": "Which?", "prompt": "Which?\nA. cat\nB. dog",
           "response": "A", "gold": "cat", "accepted": ["cat"], "options": ["cat", "dog"], "candidate": None}  # fmt: skip
    return row | changes


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"response": "B"}, ["gold not recoverable", "wrong option may be right"]),
        ({"prompt": "What?"}, ["question changed"]),
        ({"options": ["cat", "Cats"]}, ["wrong option may be right"]),
        ({"options": ["very long", "dog"], "gold": "very long", "accepted": ["very long"]}, ["gold option stands out"]),
        ({"maker": "native", "response": "?"}, []),
        ({"rewrite": {"judge": "disagrees", "template": "x"}}, ["second opinion disagrees"]),
        ({"rewrite": {"judge": "unclear", "template": None}}, ["second opinion unclear", "rewriter not taken"]),
        ({"maker": "native", "rewrite": {"judge": None, "template": None}}, ["rewriter not taken"]),
    ],
)  # fmt: skip
def test_what_is_odd(changes: dict[str, Any], names: list[str]) -> None:
    assert [oddity.name for oddity in find_oddities(row_of(**changes))] == names


@given(st.lists(st.sampled_from(ODDITIES), unique=True))
def test_bits_hold_oddities(oddities: list[Any]) -> None:
    assert from_bits(as_bits(oddities)) == [oddity for oddity in ODDITIES if oddity in oddities]


def test_a_comparison_counts_as_diff_does(made: Shown) -> None:
    left, right = VersionRows(made.data, "v2"), VersionRows(made.data, "v1")
    compared = Comparison(left, right)
    told = asd.diff(f"{made.data}@v1", f"{made.data}@v2")
    assert compared.counts() == {"same": told.same, "re-styled": told.restyled, "changed": told.changed, "only here": 0}
    assert told.restyled > 5 and compared.num_only_there == 0
    assert all(right.row(int(place))["id"] == left.row(number)["id"] for number, place in enumerate(compared.partner))
    changed = found_by(left, Query(change="re-styled"), compared)
    assert len(changed) == told.restyled
    assert all(left.row(number)["style"] != right.row(int(compared.partner[number]))["style"] for number in changed)


def test_marks_are_found(copy: Path) -> None:
    rows = VersionRows(copy, "v2")
    for number, value in ((3, "good"), (60, "bad"), (119, "bad")):
        set_mark(rows.store, rows.version, rows.row(number)["id"], value)
    assert found_by(rows, Query(mark="good")) == [3]
    assert found_by(rows, Query(mark="bad")) == [60, 119]
    assert found_by(rows, Query(mark="marked")) == [3, 60, 119]
    assert len(found_by(rows, Query(mark="unmarked"))) == 117


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query(style="poem"), "no style named 'poem'"),
        (Query(maker="me"), "no maker named 'me'"),
        (Query(split="x"), "no split named 'x'"),
        (Query(reason="x"), "no reason named 'x'"),
        (Query(mark="x"), "no mark named 'x'"),
        (Query(order="x"), "no order named 'x'"),
        (Query(change="same"), "no change named 'same'"),
        (Query(text="x" * 501), "a search for 501 letters: give at most 500"),
    ],
)
def test_what_cannot_be_asked(made: Shown, query: Query, message: str) -> None:
    with pytest.raises(asd.AsdError, match=message):
        Viewer(made.data).page("v2", query, "", 0, 10)


def test_damage_is_told(copy: Path) -> None:
    shard = next((copy / "latest" / "data").glob("*-00001.arrow"))
    content = bytearray(shard.read_bytes())
    middle = slice(len(content) // 4, 3 * len(content) // 4)
    content[middle] = b"\xff" * len(content[middle])
    shard.write_bytes(content)
    rows = VersionRows(copy, None)
    assert rows.row(0)["id"]  # another file
    with pytest.raises(asd.AsdError, match="cannot be read"):
        rows.row(60)
    shard.write_bytes(content[:-10])
    with pytest.raises(asd.AsdError, match=r"has \d+ bytes, expected \d+"):
        VersionRows(copy, None)


def test_marks_stand_beside_the_version(copy: Path) -> None:
    store = Store(copy)
    version = store.resolve("v1")
    before = asd.quality_figures(f"{copy}@v1")
    assert set_mark(store, version, "a", "good") is not None
    set_mark(store, version, "b", "bad", " wrong picture ")
    set_mark(store, version, "c", "bad", "wrong picture")
    set_mark(store, version, "d", "bad")
    assert set_mark(store, version, "a", None) is None
    assert asd.verify(f"{copy}@v1").problems == []
    assert asd.quality_figures(f"{copy}@v1") == before | {
        "marks": {"bad": 3},
        "marked_bad": {"": 1, "wrong picture": 2},
    }
    assert "marks" not in asd.quality_figures(f"{copy}@v2")
    with pytest.raises(asd.AsdError, match="mark 'so-so': give 'good' or 'bad'"):
        set_mark(store, version, "a", "so-so")
    with pytest.raises(asd.AsdError, match="a reason of 2,001 letters"):
        set_mark(store, version, "a", "bad", "x" * 2001)
    path = copy / "marks" / f"{version}.json"
    for damage in ("{", "[]", '{"marks": {"a": {"mark": "so-so"}}}', '{"marks": 3}'):
        path.write_text(damage)
        with pytest.raises(asd.AsdError, match=r"cannot be read .*Mend it or move it away"):
            read_marks(store, version)
