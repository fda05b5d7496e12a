"""A row taken apart: prompt parts, boxes, text that cannot act."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from report_rows import make_choice, make_row

from asd.report.cards import find_boxes, make_card, split_prompt
from asd.report.visible_text import visible

TEXT = st.text(st.sampled_from("ab .\n?<image>AB:"), max_size=12)


def test_prompt_is_cut_into_its_parts() -> None:
    parts = [(part.kind, part.text) for part in split_prompt(make_choice())]
    assert parts == [
        ("text", "<image>\n"),
        ("question", "Which animal is it?"),
        ("text", "\n"),
        ("option", "A. dog"),
        ("text", "\n"),
        ("option", "B. cat"),
        ("text", "\n"),
        ("rfp", "Give the letter."),
    ]


def test_candidate_takes_in_the_words_before_it() -> None:
    row = make_row(candidate="dog", rfp="Yes or no?", prompt="Which animal is it?\nProposed answer: dog\nYes or no?")
    assert ("candidate", "Proposed answer: dog") in [(part.kind, part.text) for part in split_prompt(row)]


@given(question=TEXT, options=st.lists(TEXT, max_size=3), candidate=st.none() | TEXT, rfp=TEXT, prompt=TEXT)
def test_parts_joined_are_the_prompt(
    question: str, options: list[str], candidate: str | None, rfp: str, prompt: str
) -> None:
    whole = f"{question}{prompt}{''.join(options)}{rfp}".replace("<image>", "< image >")
    for text in (prompt, whole):
        row = make_row(question=question, options=options, candidate=candidate, rfp=rfp, prompt=text)
        assert "".join(part.text for part in split_prompt(row)) == text


def test_boxes_of_gold_options_candidate_and_question() -> None:
    gold, other = "[0.10,0.20,0.30,0.40]", "[0.5,0.5,0.9,0.9]"
    row = make_row(gold=gold, options=[other, gold], candidate=other, question="What is in [0.0, 0.0, 1.0, 1.0]?")
    assert [(box.kind, box.label, box.corners) for box in find_boxes(row)] == [
        ("gold", "gold", (0.1, 0.2, 0.3, 0.4)),
        ("other", "A", (0.5, 0.5, 0.9, 0.9)),
        ("asked", "asked 1", (0.0, 0.0, 1.0, 1.0)),
    ]
    assert find_boxes(make_row()) == []


def test_control_and_direction_marks_are_made_visible() -> None:
    assert visible("a\x1b[31mb\u202ec\x00") == "a\ufffd[31mb\ufffdc\ufffd"
    assert visible("tab\tline\n") == "tab\tline\n"
    assert visible(None) == ""


def test_absent_columns_are_shown_as_empty() -> None:
    card = make_card({"id": "x"})
    assert (card.sample_id, card.segments, card.images, card.also_accepted) == ("x", [], [], [])


def test_gold_is_not_listed_again_as_accepted() -> None:
    assert make_card(make_row(accepted=["cat", "kitten", "kitten"])).also_accepted == ["kitten"]
