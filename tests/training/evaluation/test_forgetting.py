"""The split of what was forgotten, question by question, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from asd_training.errors import PredictionError
from asd_training.evaluation.agreement import Agreement
from asd_training.evaluation.forgetting import count_errors, reader_for, split_forgetting
from asd_training.evaluation.recovered_matrix import read_out_matrices

READER = reader_for("short_answer", rule="label", class_labels=True)


def row(name: str, text: str, gold: str, score: float, constrained: float | None = None) -> dict[str, Any]:
    return {
        "id": name, "text": text, "gold": gold, "accepted": [gold], "options": [], "score": score,
        "constrained_text": None, "constrained_score": constrained,
    }  # fmt: skip


OWN = [
    row("kept", "Teapot.", "Teapot", 1), row("case", "Banjo.", "Banjo", 1), row("dog", "Whippet.", "Whippet", 1),
    row("box", "Desk.", "Desk", 1), row("fact", "Koala.", "Koala", 1), row("never", "Fig.", "Lemon", 0),
    row("gain", "Fig.", "Hog", 0), row("both", "Organ.", "Organ", 1),
]  # fmt: skip
LATER = [
    row("kept", "Teapot.", "Teapot", 1), row("case", "banjo", "Banjo", 0, 1.0), row("dog", "dog", "Whippet", 0, 0.0),
    row("box", "[0.1,0.1,0.9,0.9]", "Desk", 0, 1.0), row("fact", "Hog.", "Koala", 0, 0.0), row("never", "fig", "Lemon", 0, 0.0),
    row("gain", "Hog.", "Hog", 1), row("both", "Playing of music is what the picture shows here", "Organ", 0, None),
]  # fmt: skip


def test_every_category_by_hand() -> None:
    split = split_forgetting(OWN, LATER, native_style="short_answer", reader=READER)
    assert (split.questions, split.right_own, split.right_later, split.forgotten, split.gained) == (8, 6, 2, 5, 1)
    assert split.counts == {"superficial": 1, "less_specific": 1, "style_lost": 2, "both_wrong": 0, "essential": 1}
    assert split.ids == {
        "superficial": ["case"], "less_specific": ["dog"], "style_lost": ["box", "both"], "both_wrong": [], "essential": ["fact"],
    }  # fmt: skip
    assert split.shares["superficial"] == pytest.approx(0.2)
    assert (split.accuracy_own, split.accuracy_later) == (6 / 8, 2 / 8)
    assert (split.recovered_later, split.recovered_or_broader_later) == (3 / 8, 4 / 8)
    assert split.readings["superficial: spelling"] == 1


def test_agreement_with_the_constrained_read_out() -> None:
    split = split_forgetting(OWN, LATER, native_style="short_answer", reader=READER)
    assert split.constrained == Agreement(both=1, reader_only=0, constrained_only=1, neither=2)  # "both" has none
    assert split.constrained.agree == 0.75
    assert split.constrained.kappa == pytest.approx((0.75 - (0.25 * 0.5 + 0.75 * 0.5)) / 0.5)
    assert split_forgetting(OWN, OWN, native_style="short_answer", reader=READER).constrained is None


def test_agreement_without_variation_has_no_kappa() -> None:
    assert Agreement.of([(True, True)] * 3).kappa is None
    assert Agreement.of([(True, True)] * 3).agree == 1.0


def test_wrong_style_and_wrong_fact() -> None:
    reader = reader_for("multiple_choice", rule="letter")
    own = [{**row("q", "B", "attract", 1), "options": ["repel", "attract"]}]
    later = [{**own[0], "text": "they repel", "score": 0.0}]
    assert split_forgetting(own, later, native_style="multiple_choice", reader=reader).counts["both_wrong"] == 1


def test_nothing_forgotten_has_no_shares() -> None:
    split = split_forgetting(OWN, OWN, native_style="short_answer", reader=READER)
    assert split.forgotten == 0
    assert set(split.shares.values()) == {None}
    assert split.to_json()["shares"]["essential"] is None


def test_counts_add_up() -> None:
    split = split_forgetting(OWN, LATER, native_style="short_answer", reader=READER)
    assert sum(split.counts.values()) == split.forgotten == split.right_own - split.right_later + split.gained
    assert sum(split.readings.values()) == split.forgotten


def test_known_but_for_the_style() -> None:
    """What was right but for its style after the own task counts as known if asked so."""
    own = [row("q", "banjo", "Banjo", 0)]
    later = [row("q", "[0,0,1,1]", "Banjo", 0)]
    assert split_forgetting(own, later, native_style="short_answer", reader=READER).forgotten == 0
    recovered = split_forgetting(own, later, native_style="short_answer", reader=READER, own_right="recovered")
    assert (recovered.forgotten, recovered.counts["style_lost"]) == (1, 1)


def test_all_wrong_answers_of_one_evaluation() -> None:
    assert count_errors(LATER, READER) == {
        "superficial": 1, "less_specific": 1, "style_lost": 2, "both_wrong": 0, "essential": 2,
    }  # fmt: skip


def test_soft_scores_are_kept_where_they_are_right() -> None:
    split = split_forgetting([row("q", "red", "red", 0.9)], [row("q", "red", "red", 0.6)], native_style="short_answer")
    assert (split.forgotten, split.accuracy_later, split.recovered_later) == (0, 0.6, 0.6)


def test_matrices_by_three_read_outs() -> None:
    cells = {("labels", "labels"): OWN, ("boxes", "labels"): LATER}
    outs = read_out_matrices(["labels", "boxes"], cells, {"labels": READER})
    assert outs.strict.to_rows() == [[0.75, None], [0.25, None]]
    assert outs.recovered.to_rows() == [[0.75, None], [0.375, None]]
    assert outs.constrained.to_rows() == [[None, None], [0.4, None]]


@pytest.mark.parametrize(
    ("own", "later", "message"),
    [
        (OWN[:2], LATER[:1], "must ask the same questions; only after its own task: 'case'"),
        (OWN[:1], LATER[:2], "must ask the same questions; only later: 'case'"),
        (OWN[:1], [LATER[0], LATER[0]], "predictions later: an id stands for one question, but twice there are 'kept'"),
        (OWN[:1], [row("kept", "x", "Kettle", 0)], "the gold answer differs between the two evaluations of 'kept'"),
        ([], [], "there are no predictions after its own task"),
        (
            [{"id": "a", "text": "x", "gold": "y"}],
            [{"id": "a", "text": "x", "gold": "y"}],
            "prediction 'a' has no column 'score'",
        ),
    ],
)
def test_rows_that_do_not_pair_up(own: list[dict[str, Any]], later: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        split_forgetting(own, later, native_style="short_answer", reader=READER)
