"""The probe sees traces that are there, and none that are not."""

from __future__ import annotations

import random

import pytest

from asd.quality.answer_prior import AnswerPrior
from asd.quality.probe import PriorRow, ProbeResult, ProbeRow, probe, wilson_interval

WORDS = [f"word{number}" for number in range(300)]


def choices(n: int, *, gold_is_longest: bool = False, seed: int = 0) -> list[ProbeRow]:
    """Wrong options are the gold answers of other rows, as in a conversion."""
    draw = random.Random(seed)
    answers = [draw.choice(WORDS) for _ in range(n)]
    rows = []
    for number in range(n):
        options = [answers[number]]
        while len(options) < 4:
            if (other := draw.choice(answers)) not in options:
                options.append(other)
        gold = draw.randrange(4)
        options[0], options[gold] = options[gold], options[0]
        if gold_is_longest:
            options[gold] += f" and {draw.choice(WORDS)}"
        question = f"what is the {draw.choice(WORDS)} near the {draw.choice(WORDS)}?"
        rows.append(ProbeRow(question, tuple(options), gold, f"image{number // 2}"))
    return rows


def proposals(n: int, *, yes_is_capital: bool = False) -> list[ProbeRow]:
    draw = random.Random(1)
    rows = []
    for number in range(n):
        is_yes, word = draw.randrange(2), draw.choice(WORDS)
        candidate = word.capitalize() if yes_is_capital and is_yes else word
        rows.append(ProbeRow(f"what is {draw.choice(WORDS)}?", (candidate,), is_yes, f"image{number}"))
    return rows


def golds(rows: list[ProbeRow]) -> list[PriorRow]:
    return [PriorRow(row.question, row.alternatives[row.gold % len(row.alternatives)], row.key) for row in rows]


def run(rows: list[ProbeRow], *, is_yes_no: bool = False) -> ProbeResult:
    result = probe(rows, golds(rows), is_yes_no=is_yes_no)
    assert result is not None
    return result


def test_gold_that_is_always_longest_is_found() -> None:
    result = run(choices(400, gold_is_longest=True))
    assert result.accuracy > 0.95
    assert result.chance == 0.25


def test_exchangeable_options_do_not_beat_chance() -> None:
    """A little below is right: an answer that rows of the other half have as gold is a wrong one more often here."""
    result = run(choices(2000))
    assert 0.1 < result.accuracy < 0.28
    assert result.prior == pytest.approx(0.25, abs=0.04)
    assert result.interval[0] < result.accuracy < result.interval[1]
    assert result.num_rows == 2000


def test_a_candidate_whose_case_tells_yes_is_found() -> None:
    assert run(proposals(400, yes_is_capital=True), is_yes_no=True).accuracy > 0.95


def test_exchangeable_candidates_stay_at_chance() -> None:
    assert run(proposals(2000), is_yes_no=True).accuracy == pytest.approx(0.5, abs=0.05)


def test_a_prior_that_the_source_has_shows_in_the_prior() -> None:
    draw = random.Random(2)
    rows = []
    for number in range(600):
        options = ["yellow", *draw.sample(WORDS, 3)]
        draw.shuffle(options)
        rows.append(ProbeRow("what colour is the banana", tuple(options), options.index("yellow"), str(number)))
    assert run(rows).prior == 1.0


def test_order_of_rows_changes_nothing_but_too_few_rows_give_none() -> None:
    rows = choices(300)
    assert run(rows).prior == run(rows[::-1]).prior
    assert run(rows).accuracy == pytest.approx(run(rows[::-1]).accuracy, abs=0.01)
    assert probe(rows[:30], golds(rows), is_yes_no=False) is None
    assert probe([], [], is_yes_no=True) is None


@pytest.mark.slow
def test_twenty_thousand_rows_without_a_trace_are_guessed_by_chance() -> None:
    rows = choices(20_000)
    assert 0.2 < run(rows).accuracy < 0.26


def test_prior_never_counts_the_row_it_judges() -> None:
    import numpy as np

    prior = AnswerPrior(["what is it"] * 3, ["cat", "cat", "dog"], np.array([0, 1, 7]))
    scores = prior.scores(["what is it"] * 2, ["cat", "cat"], np.array([0, 7]), "train")
    assert scores[-1][0] == pytest.approx(0.97, abs=0.15)  # fold 1 says cat; its own fold is 0
    assert scores[-1][1] == pytest.approx(1 / 3)  # nothing left to learn from
    tested = prior.scores(["what is it"], ["cat"], np.array([0]), "test")
    assert tested[-1][0] < 1 / 3  # the other half only knows dogs


def test_wilson_interval_of_a_hand_worked_case() -> None:
    low, high = wilson_interval(0.5, 100)
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)
