"""Each figure on rows counted by hand."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from asd.quality import quality_figures
from asd.quality.keyed_sample import KeyedSample

Rows = Callable[..., dict[str, Any]]
Batches = Callable[..., list[pa.RecordBatch]]

REQUIRED = (
    "samples converted by_style by_maker gold_recoverable question_preserved option_conflicts letter_chi2_p "
    "yes_share longest_is_gold longest_is_gold_chance probe_multiple_choice probe_multiple_choice_prior "
    "probe_yes_no probe_yes_no_prior"
)


def test_no_converted_rows_leave_every_figure_undefined(row: Rows, batches: Batches) -> None:
    figures = quality_figures(batches([row(0), row(1)]))
    assert set(REQUIRED.split()) <= set(figures)
    counted = {"samples": 2, "converted": 0, "by_style": {"short_answer": 2}, "by_maker": {"native": 2}}
    assert {key: figures[key] for key in counted} == counted
    assert all(figures[key] is None for key in REQUIRED.split() if key not in counted)


def test_no_rows_at_all() -> None:
    figures = quality_figures([])
    assert figures["samples"] == 0
    assert figures["gold_recoverable"] is None


def test_shares_are_over_converted_rows(row: Rows, choice: Rows, proposal: Rows, batches: Batches) -> None:
    rows = [
        row(0, response="not the gold answer"),  # native rows are not judged
        choice(1, ["cat", "dog"], 0),
        choice(2, ["cat", "dog"], 0, prompt="<image>\nAnother question?"),
        proposal(3, "dog", "cat") | {"response": "Yes"},
        row(4, question="Is it?", style="yes_no", maker="field", response="No", gold="no"),
    ]
    figures = quality_figures(batches(rows))
    assert figures["converted"] == 4
    assert figures["by_maker"] == {"field": 1, "mined": 3, "native": 1}
    assert figures["gold_recoverable"] == 0.75
    assert figures["question_preserved"] == 0.75
    assert figures["yes_share"] == 0.5
    assert figures["yes_share_candidates"] == 1.0


def test_image_marks_in_the_source_text_are_spaced_out(choice: Rows, batches: Batches) -> None:
    row = choice(0, ["<image>", "dog"], 0, question="Which <image>?", prompt="<image>\nWhich < image >?")
    figures = quality_figures(batches([row | {"options": ["< image >", "dog"]}]))
    assert (figures["gold_recoverable"], figures["question_preserved"]) == (1.0, 1.0)


def test_wrong_answers_that_may_be_right_are_counted_once_a_row(choice: Rows, proposal: Rows, batches: Batches) -> None:
    rows = [
        choice(0, ["cat", "dog", "Cats", "the cat"], 0),
        choice(1, ["dog", "red", "blue"], 0),
        choice(2, ["bus", "kitten", "tree"], 0, accepted=["bus", "kitten"], maker="field"),
        choice(5, ["cat", "wild cat"], 0, maker="field"),
        proposal(3, "cats", "cat"),
        proposal(4, "cat", "cat"),
    ]
    figures = quality_figures(batches(rows))
    assert figures["option_conflicts"] == 3
    assert figures["option_conflicts_by_maker"] == {"field": 1, "mined": 2}
    assert figures["option_conflicts_by_meaning"] == 4


def test_length_ties_count_in_parts(choice: Rows, batches: Batches) -> None:
    rows = [
        choice(0, ["elephant", "dog"], 0),
        choice(1, ["cat", "dog", "bird"], 0),
        choice(2, ["cat", "dog", "ox", "fox"], 0),
    ]
    figures = quality_figures(batches(rows))
    assert figures["longest_is_gold"] == pytest.approx((1 + 0 + 1 / 3) / 3)
    assert figures["longest_is_gold_chance"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)


def test_letters_count_dealt_rows_only(choice: Rows, batches: Batches) -> None:
    balanced = [choice(n, ["cat", "dog"], n % 2) for n in range(40)]
    fixed = [choice(n, ["cat", "dog", "none of the above"], 2, maker="field") for n in range(40, 80)]
    assert quality_figures(batches(balanced + fixed))["letter_chi2_p"] == 1.0
    skewed = [choice(n, ["cat", "dog"], 0) for n in range(40)]
    assert quality_figures(batches(skewed))["letter_chi2_p"] < 1e-6


def leaky_rows(choice: Rows, proposal: Rows) -> list[dict[str, Any]]:
    draw = random.Random(0)
    words = [f"word{number}" for number in range(80)]
    rows = []
    for number in range(300):
        options = draw.sample(words, 4)
        gold = draw.randrange(4)
        options[gold] += " exactly so"
        rows.append(choice(number, options, gold))
        rows.append(proposal(300 + number, draw.choice(words), draw.choice([*words[:2], "x"])))
    return rows


def test_probe_is_part_of_the_figures(choice: Rows, proposal: Rows, batches: Batches) -> None:
    figures = quality_figures(batches(leaky_rows(choice, proposal)))
    assert figures["probe_multiple_choice"] > 0.95
    assert figures["probe_multiple_choice_n"] == 300
    low, high = figures["probe_multiple_choice_ci"]
    assert low < figures["probe_multiple_choice"] <= high + 1e-9
    assert 0 <= figures["probe_yes_no"] <= 1


def test_figures_depend_on_neither_order_nor_batches(choice: Rows, proposal: Rows, batches: Batches) -> None:
    rows = leaky_rows(choice, proposal)
    shuffled = random.Random(1).sample(rows, len(rows))
    assert quality_figures(batches(rows)) == quality_figures(batches(shuffled, size=7))


def test_sliced_batches_and_rows_without_images(choice: Rows, row: Rows, batches: Batches) -> None:
    rows = [row(n, images=[] if n % 3 else [{"path": f"{n}.jpg", "bytes": None}]) for n in range(20)]
    whole = batches(rows + [choice(30 + n, ["cat", "dog"], 0, images=[]) for n in range(60)])[0]
    figures = quality_figures([whole.slice(5, 70)])
    assert figures["samples"] == 70
    assert figures["converted"] == 55


def test_rewritten_rows_are_not_probed(choice: Rows, batches: Batches) -> None:
    rows = [choice(n, ["cat", "dog"], n % 2, maker="rewriter") for n in range(200)]
    assert quality_figures(batches(rows))["probe_multiple_choice"] is None


def test_keyed_sample_is_bounded_and_order_independent() -> None:
    ids = [str(number) for number in range(500)]
    forwards, backwards = KeyedSample[str](20, "p"), KeyedSample[str](20, "p")
    forwards.add(ids, ids)
    for one in reversed(ids):
        backwards.offer(one, lambda one=one: one)
    assert forwards.rows() == backwards.rows()
    assert len(forwards.rows()) == 20
    assert KeyedSample[str](0, "p").rows() == []
