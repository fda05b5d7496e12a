"""Makers and checks on many rows at once give what they give on rows one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maker_samples import make_context, make_spec

from asd.makers.drafting import Drafter, draft, is_plain, plain_sample
from asd.makers.keyed import Keyed
from asd.makers.normalise import AnswerSet, answer_form, conflicts, is_clear
from asd.makers.rendering import RenderContext, render_style
from asd.records import Draft, Sample
from asd.schemas.image_marks import MARK
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.styles.checking import check, suspects
from asd.styles.style_rows import StyleRows, StyleTexts
from asd.templating import TemplateSet

TEXTS = st.sampled_from(
    ["apple", "Apple.", "pear", "pears", "red apple", "yes", "No", "12", "twelve", "unanswerable", "fig", "[0.1,0.1,0.5,0.5]",
     " ", "", "?", "none", f"an {MARK} of it", "a\nb", "both a and b", "the kiwi that was eaten by a man."]
)  # fmt: skip
QUESTIONS = st.sampled_from(
    ["Which fruit is it?", "Is it an apple or a pear?", "Is this a fruit?", "What is it?", "How many are there?",
     "Which of these is a fruit?", "Can you tell me what this is?", "Where is the apple?", "", f"What {MARK}?"]
)  # fmt: skip
SAMPLES = st.builds(
    Sample,
    source_id=st.text(max_size=4),
    question=QUESTIONS,
    gold=TEXTS,
    accepted=st.lists(TEXTS, max_size=4),
    options=st.one_of(st.just([]), st.lists(TEXTS, max_size=4)),
    context=st.sampled_from(["", "Fruit on a table."]),
    images=st.lists(st.just("a.jpg"), max_size=2),
    rationales=st.one_of(st.just([]), st.lists(st.just("It is round and it hangs from a tree."), max_size=2)),
    full_answer=st.sampled_from([None, "", "It is an apple."]),
    solution=st.sampled_from([None, "", "We look at the bowl. The fruit is red. So it is an apple."]),
    other_boxes=st.one_of(st.just([]), st.just(["[0.6,0.6,0.9,0.9]"])),
    answer_type=st.sampled_from([None, "other", "unanswerable"]),
    passthrough=st.sampled_from([None, None, None, "[]"]),
)
CONTEXTS = {family: make_context(make_spec(family)) for family in ("vqa", "grounding", "statement", "caption")}
DRAFTERS = {family: Drafter(ctx) for family, ctx in CONTEXTS.items()}
RENDERING = RenderContext.build(make_spec(), 0, TemplateSet())


@given(SAMPLES, st.sampled_from(TARGET_STYLES), st.sampled_from(sorted(CONTEXTS)))
@settings(max_examples=400, deadline=None)
def test_what_serves_all_samples_is_what_one_alone_gets(sample: Sample, style: AnswerStyle, family: str) -> None:
    if is_plain(sample, style, family):
        number, drafter = TARGET_STYLES.index(style), DRAFTERS[family]
        plain = plain_sample(sample.question, sample.gold, sample.accepted, sample.answer_type)
        made = drafter.prepare(number, plain)
        settled = drafter.settled(made, number, sample.source_id) if isinstance(made, Keyed) else made
        assert settled == draft(sample, style, CONTEXTS[family])


@given(TEXTS, TEXTS)
def test_two_answers_are_alike_as_in_a_set(left: str, right: str) -> None:
    one, other = answer_form(left), answer_form(right)
    assert is_clear(one, [other]) != AnswerSet([other]).clashes(one)
    assert is_clear(one, [other]) != conflicts(left, [right])


DRAFTS = st.builds(
    Draft,
    style=st.just(AnswerStyle.YES_NO),
    maker=st.sampled_from([Maker.FIELD, Maker.MINED]),
    gold=TEXTS,
    options=st.lists(TEXTS, min_size=1, max_size=4),
    gold_index=st.just(0),
    wrong=TEXTS,
    text=TEXTS,
    question=st.sampled_from(["", "What is here?"]),
)
DAMAGE = st.sampled_from([None, *StyleTexts._fields])
MOVES: list[Callable[[str], str]] = [
    lambda prompt: prompt,
    lambda prompt: prompt.replace("\n", f"\n{MARK} ", 1),
    lambda prompt: prompt.removeprefix(f"{MARK}\n"),
]
"""What may befall image tokens: none lost, one more, one less; the sum over rows can be as it should."""


@pytest.mark.parametrize("style", TARGET_STYLES)
@given(
    rows=st.lists(st.tuples(SAMPLES, DRAFTS, DAMAGE, TEXTS), min_size=1, max_size=4),
    moves=st.lists(st.integers(0, 2), max_size=4),
)
@settings(max_examples=120, deadline=None)
def test_rows_that_fail_a_check_are_suspects(style: AnswerStyle, rows: list[Any], moves: list[int]) -> None:
    columns = StyleRows.of([sample for sample, *_ in rows], [made for _, made, *_ in rows])
    texts = render_style(style, columns, [0] * len(rows), RENDERING)
    damaged = {name: list(column) for name, column in texts._asdict().items()}
    for place, (*_, name, text) in enumerate(rows):
        if name is not None:
            damaged[name][place] = [text] if name == "options" else text
    for place, (move, prompt) in enumerate(zip(moves, damaged["prompts"], strict=False)):
        damaged["prompts"][place] = MOVES[move](prompt)
    texts = StyleTexts(**damaged)
    failing = {
        place
        for place, (sample, *_) in enumerate(rows)
        if check(texts.row(place, "t"), sample, columns.draft(style, place))
    }
    assert failing <= suspects(style, columns, texts)
    for place in failing:
        rebuilt = check(texts.row(place, "t"), columns.sample(place), columns.draft(style, place))
        assert rebuilt == check(texts.row(place, "t"), rows[place][0], columns.draft(style, place))


def test_sound_rows_are_no_suspects() -> None:
    ctx = CONTEXTS["vqa"]
    samples = [Sample(f"s{n}", "Which fruit is it?", "apple", accepted=["apple"]) for n in range(20)]
    for style in TARGET_STYLES[:4]:
        drafts = [made for sample in samples if isinstance(made := draft(sample, style, ctx), Draft)]
        rows = StyleRows.of(samples, drafts)
        texts = render_style(style, rows, [n % 2 for n in range(20)], RENDERING)
        assert suspects(style, rows, texts) == set()


def test_a_token_too_many_beside_one_too_few_makes_two_suspects() -> None:
    style = AnswerStyle.SHORT_ANSWER
    samples = [Sample(f"s{n}", "What fruit is in the bowl?", "apple", images=["a.png"]) for n in range(3)]
    rows = StyleRows.of(samples, [Draft(style, Maker.FIELD, "apple") for _ in samples])
    texts = render_style(style, rows, [0] * 3, RENDERING)
    assert suspects(style, rows, texts) == set()
    more, less, sound = texts.prompts
    moved = texts._replace(prompts=[more.replace("fruit", f"{MARK} fruit"), less.removeprefix(f"{MARK}\n"), sound])
    moved = moved._replace(questions=["is in the bowl?"] * 3)
    for place in (0, 1):
        assert "image_count" in check(moved.row(place, "t"), rows.sample(place), rows.draft(style, place))
    assert suspects(style, rows, moved) == {0, 1}
