"""Placeholders as answers, and closed sets of answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from maker_samples import make_context, make_sample, make_spec
from pydantic import ValidationError

from asd.makers.distractors import AnswerRules, DistractorIndex
from asd.makers.drafting import MakerContext, draft
from asd.makers.placeholders import is_placeholder
from asd.records import Decline
from asd.schemas.styles import TARGET_STYLES, AnswerStyle


@pytest.mark.parametrize(
    "answer", ["<no answer>", "[N/A]", "n/a", "No answer", "--", "...", "(unknown)", "<unk>", "null"]
)
def test_usual_placeholders(answer: str) -> None:
    assert is_placeholder(answer)


@pytest.mark.parametrize(
    "answer", ["none", "no", "-5", "nancy", "a null hypothesis", "<b>", "blank", "3.", "unknown artist"]
)
def test_answers_that_are_none(answer: str) -> None:
    assert not is_placeholder(answer)


def test_a_task_names_its_own() -> None:
    ctx = make_context(make_spec(placeholders=["Not stated."]))
    for style in TARGET_STYLES:
        made = draft(make_sample(gold="not stated"), style, ctx)
        assert isinstance(made, Decline) and made.reason == "placeholder_answer"


def test_a_closed_set_stands_among_itself(tmp_path: Path) -> None:
    genres = ["Law", "Travel", "History", "Cooking", "Medical Books"]
    sets = {"genre": genres}
    asked = [("Which genre is it?", name) for name in genres * 4]
    asked += [("Which title is it?", f"The {name} Handbook {n}") for n, name in enumerate(genres * 4)]
    built = DistractorIndex.build([(row, *one, None) for row, one in enumerate(asked)], 0, AnswerRules(sets))
    built.save(tmp_path / "index")
    for index in (built, DistractorIndex.load(tmp_path / "index")):
        for row in range(20):
            sample = make_sample("Which genre is it?", "Law", source_id=f"s{row}")
            assert set(index.draw(sample, 3, 0)) < set(genres) - {"Law"}
        ctx = MakerContext(make_spec(answer_sets=sets), 0, index)
        assert not isinstance(draft(make_sample("What is there?", "Law"), AnswerStyle.MULTIPLE_CHOICE, ctx), Decline)


def test_answers_of_which_several_may_be_right_are_not_offered_beside_each_other(tmp_path: Path) -> None:
    genres = ["Law", "Travel", "History", "Cooking", "Medical", "Poetry", "Romance", "Novels", "Sports"]
    rules = AnswerRules(overlapping=[["Romance", "Novels", "Poetry"], ["History", "Travel"]])
    built = DistractorIndex.build([(n, "Which genre?", genres[n % 9], None) for n in range(36)], 0, rules)
    built.save(tmp_path / "index")
    for index in (built, DistractorIndex.load(tmp_path / "index")):
        assert index.overlapping("romance") == ("Novels", "Poetry") and index.overlapping("Law") == ()
        for row in range(40):
            drawn = index.draw(make_sample("Which genre?", "Romance", source_id=f"s{row}"), 3, 0)
            assert len(drawn) == 3 and not {*drawn} & {"Novels", "Poetry"}


def test_classes_of_a_classification_exclude_each_other() -> None:
    asked = "Which object does the picture show?"
    rows = [
        (n, asked, name, None) for n, name in enumerate(["otter", "beaver", "badger", "weasel", "skunk", "mink"] * 6)
    ]
    rows += [(100 + n, asked, name, None) for n, name in enumerate(["lynx", "cougar", "hyena", "jackal"] * 6)]
    for family in ("classification", "vqa"):
        spec = make_spec(family)
        index = DistractorIndex.build(rows, 0, AnswerRules.of(spec))
        made = draft(make_sample(asked, "otter"), AnswerStyle.MULTIPLE_CHOICE, MakerContext(spec, 0, index))
        is_open = isinstance(made, Decline) and made.reason == "open_question"
        assert is_open is (family == "vqa")


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"genre": ["Law"]}, "answer_sets: 'genre' has 1 answers, expected 2 or more"),
        ({"a": ["Law", "x"], "b": ["law", "y"]}, "answer_sets: 'law' stands in 'a' and in 'b'; one set may hold it"),
    ],
)
def test_sets_that_are_refused(sets: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_spec(answer_sets=sets)
