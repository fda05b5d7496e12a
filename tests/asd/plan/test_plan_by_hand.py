"""The plan read in windows, over files, block by block, is the plan drawn by hand with everything in view."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.errors import StorageError
from asd.plan.codes import NUM_STYLES, Column
from asd.plan.keys import mix
from asd.plan.planner import MULTIPLE_CHOICE, NOBODY, Assignment, Planner, Questions, run_planner
from asd.plan.pools import NUM_STEPS, about_of, count_pools, floor_of, steps_of
from asd.plan.shares import count_masks, primary_shares, primary_styles
from asd.work.ingested import StoredColumn
from tests.asd.plan.plan_reference import Reference

LARGEST = 2**64 - 1


@dataclass
class Case:
    keys: list[int]
    capable: list[int]
    polarity: list[int]
    total: int | None
    quotas: dict[int, int] | None
    declining: list[float]
    """By style: share of the samples that its maker declines."""
    seed: int

    def accepts(self, row: int, style: int) -> bool:
        value = mix(np.array([row * 5 + style + 1000 * self.seed], np.uint64))[0]
        return float(value >> np.uint64(11)) / 2.0**53 >= self.declining[style]

    def options(self, row: int) -> int:
        return (4, 4, 3, 2, 0, 1, 26)[row % 7]

    def columns(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        return np.array(self.keys, np.uint64), np.array(self.capable, np.uint8), np.array(self.polarity, np.uint8)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    few = st.sampled_from([0, 1, 2, 2**40, 2**63, LARGEST - 1, LARGEST])
    keys = draw(st.lists(st.one_of(few, st.integers(0, LARGEST)), min_size=1, max_size=150))
    count = len(keys)
    masks = draw(st.lists(st.integers(0, 31), min_size=1, max_size=4))
    polarities = draw(st.sampled_from([[0], [1, 2], [0, 0, 1], [0, 1, 2, 2]]))
    total, quotas = draw(st.integers(0, count)), None
    if draw(st.booleans()):
        total, quotas = None, draw(st.dictionaries(st.integers(0, 4), st.integers(0, count), min_size=1))
    random = draw(st.randoms(use_true_random=False))
    return Case(
        keys,
        [random.choice(masks) for _ in keys],
        [random.choice(polarities) for _ in keys],
        total,
        quotas,
        draw(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=NUM_STYLES, max_size=NUM_STYLES)),
        draw(st.integers(0, 3)),
    )


def planned(
    case: Case, columns: tuple[Column, Column, Column], *, thrifty: bool, block: int, window: int
) -> Assignment:
    planner = Planner(
        *columns, total=case.total, quotas=case.quotas, seed=case.seed, thrifty=thrifty, block=block, window=window
    )

    def answer(questions: Questions) -> None:
        assert len(questions)
        rows, primary = questions.chain_between(0, len(case.keys))
        outcomes = []
        for row, first in zip(rows.tolist(), primary.tolist(), strict=True):
            order = [(first + step) % NUM_STYLES for step in range(NUM_STYLES)]
            able = [style for style in order if case.capable[row] >> style & 1 and case.accepts(row, style)]
            outcomes.append(able[0] if able else NOBODY)
        planner.answer_chain(rows, outcomes, options(rows.tolist(), outcomes))
        singles, styles = questions.single[:, 0].tolist(), questions.single[:, 1].tolist()
        accepted = [case.accepts(row, style) for row, style in zip(singles, styles, strict=True)]
        planner.answer_singles(singles, styles, accepted, options(singles, styles))

    def options(rows: list[int], styles: list[int]) -> list[int]:
        return [case.options(row) if style == MULTIPLE_CHOICE else 0 for row, style in zip(rows, styles, strict=True)]

    return run_planner(planner, answer)


def by_hand(case: Case) -> Reference:
    keys, capable, _ = case.columns()
    shares = primary_shares(count_masks(capable), NUM_STYLES)
    primary = primary_styles(keys, capable, shares).tolist()
    drawn = Reference(case.keys, case.capable, case.polarity, primary, case.accepts, case.options, case.seed)
    drawn.draw_all(case.total if case.quotas is None else sum(case.quotas.values()), case.quotas)
    return drawn


@settings(max_examples=250, deadline=None)
@given(cases(), st.booleans(), st.sampled_from([1, 7, 1000]), st.sampled_from([1, 5, 1000]))
def test_the_plan_is_the_one_drawn_by_hand(case: Case, thrifty: bool, block: int, window: int) -> None:
    drawn = by_hand(case)
    found = planned(case, case.columns(), thrifty=thrifty, block=block, window=window)
    rows, styles, deals = (column.tolist() for column in found.between(0, len(case.keys)))
    assert dict(zip(rows, zip(styles, deals, strict=True), strict=True)) == drawn.given
    assert set(np.flatnonzero(found.used_between(0, len(case.keys))).tolist()) == drawn.used
    assert found.converted == len(drawn.given)
    assert found.by_style == {s: styles.count(s) for s in set(styles)}


@settings(max_examples=50, deadline=None)
@given(cases())
def test_which_answers_are_used_does_not_depend_on_how_many_are_asked_for(case: Case) -> None:
    one = planned(case, case.columns(), thrifty=False, block=1000, window=1000)
    other = planned(case, case.columns(), thrifty=True, block=3, window=2)
    for here, there in zip(
        one.answers_between(0, len(case.keys)), other.answers_between(0, len(case.keys)), strict=True
    ):
        assert here.tolist() == there.tolist()


@settings(max_examples=50, deadline=None)
@given(cases(), st.integers(0, 150))
def test_what_is_known_of_all_samples_adds_up_from_parts(case: Case, cut: int) -> None:
    keys, capable, polarity = case.columns()
    about = about_of(capable % 8, polarity)
    parts = slice(None, cut), slice(cut, None)
    assert (sum(count_masks(capable[part]) for part in parts) == count_masks(capable)).all()
    assert (sum(count_pools(keys[part], about[part]) for part in parts) == count_pools(keys, about)).all()


@given(st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_steps_keep_the_order_of_keys(one: int, other: int) -> None:
    low, high = (int(step) for step in steps_of(np.array(sorted([one, other]), np.uint64)))
    assert 0 <= low <= high < NUM_STEPS
    assert floor_of(low) <= min(one, other)
    assert low == high or min(one, other) < floor_of(high) <= max(one, other)


def test_steps_are_a_thousandth_of_where_they_begin() -> None:
    keys = np.geomspace(2**52, 2**63, 100_000).astype(np.uint64)
    firsts = np.array([floor_of(int(step)) for step in np.unique(steps_of(keys))], np.float64)[1:]
    assert (np.diff(firsts) <= 0.002 * firsts[1:]).all()


def test_columns_are_read_from_their_files(tmp_path: Path) -> None:
    case = Case(list(range(2**63, 2**63 + 300)), [27] * 300, [0, 1, 2] * 100, 200, None, [0.1] * 5, 0)
    for name, column in zip("abc", case.columns(), strict=True):
        np.save(tmp_path / f"{name}.npy", column)
    stored = tuple(StoredColumn(tmp_path / f"{name}.npy") for name in "abc")
    assert stored[0][10:20].tolist() == case.keys[10:20] and len(stored[0]) == 300
    assert stored[1][290:400].tolist() == [27] * 10 and stored[1][5:5].tolist() == []
    kept = planned(case, case.columns(), thrifty=False, block=64, window=50)
    read = planned(case, stored, thrifty=False, block=64, window=50)  # type: ignore[arg-type]
    assert [column.tolist() for column in read.between(0, 300)] == [column.tolist() for column in kept.between(0, 300)]


def test_a_column_that_is_cut_off_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "keys.npy"
    np.save(path, np.arange(100, dtype=np.uint64))
    stored = StoredColumn(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(
        StorageError, match=r"keys\.npy cannot be read any more \(500 bytes are left of it\).*begin anew"
    ):
        stored[0:100]
    path.unlink()
    with pytest.raises(StorageError, match=r"keys\.npy cannot be read any more .*No such file"):
        stored[0:100]
