"""The checks that every converted row passes before it is written: each one a plain predicate with a stable
name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from asd.makers.english.verdict import natural_verdict
from asd.makers.normalise import answer_form, answer_set
from asd.makers.option_text import option_key
from asd.makers.wording import contains_words
from asd.makers.wrong_answers import is_conflict
from asd.records import Draft, Sample
from asd.schemas.answers import parse_response
from asd.schemas.boxes import read_box
from asd.schemas.image_marks import MARK, make_inert
from asd.schemas.styles import CHINESE_VERDICTS, LETTERS, SPELLINGS, AnswerStyle, Maker
from asd.styles.style_rows import Rendered, StyleRows, StyleTexts

Check = Callable[[Rendered, Sample, Draft], bool]


def gold_recoverable(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """The parser of the style reads the gold answer out of the response."""
    parsed = parse_response(draft.style, rendered.response, options=rendered.options)
    if draft.style is AnswerStyle.MULTIPLE_CHOICE:
        return parsed is not None and rendered.options[LETTERS.index(str(parsed))] == draft.gold
    if draft.style is AnswerStyle.YES_NO:
        verdict = "yes" if rendered.candidate == draft.gold else "no"
        return parsed == (verdict if draft.wrong else draft.gold) == rendered.gold
    return parsed is not None and parsed == parse_response(draft.style, make_inert(draft.gold))


def question_preserved(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """The question, its context and the candidate stand in the prompt unchanged (a literal image token made inert); or
    the question that `natural_verdict` makes of question and candidate does."""
    prompt, asked = rendered.prompt, draft.question or sample.question
    if rendered.candidate and asked not in prompt:
        asked = natural_verdict(asked, rendered.candidate) or asked
    for text in (asked, sample.context, rendered.candidate):
        if text and text not in prompt and make_inert(text).strip() not in prompt:
            return False
    return True


def options_hold_gold_once(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    return rendered.options.count(draft.gold) == 1 and len(rendered.options) >= 2


def options_distinct(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """No two options look the same to a reader, and none is empty."""
    keys = {option_key(option) for option in rendered.options}
    return len(keys) == len(rendered.options) and "" not in keys


def no_option_conflict(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """No wrong option, or wrong candidate, could be taken for an accepted answer."""
    if draft.style is AnswerStyle.YES_NO:
        wrong = [draft.wrong] if draft.wrong else []
    else:
        wrong = [option for option in rendered.options if option != draft.gold]
    return not is_disputed(wrong, draft.gold, sample.accepted, draft.maker)


def is_disputed(wrong: list[str], gold: str, accepted: list[str], maker: Maker) -> bool:
    """Whether one of the wrong answers could be taken for an accepted one."""
    if gold[:1] == "[" and read_box(gold):  # boxes are drawn by overlap, so only equality is left to see
        return gold in wrong
    if maker is Maker.FIELD:
        return any(is_conflict(text, gold, accepted, maker) for text in wrong)
    right = answer_set((gold, *accepted))
    for text in wrong:  # noqa: SIM110  (a generator would cost more than the comparisons)
        if right.clashes(answer_form(text)):
            return True
    return False


def explanation_contains_gold(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    return contains_words(rendered.response, make_inert(draft.gold).rstrip("."))


def rfp_last(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    return rendered.prompt.endswith(rendered.rfp)


def image_count(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """One image token per image in front of the prompt, and nowhere else."""
    expected = len(sample.images)
    return (
        rendered.prompt.count(MARK) == expected
        and rendered.prompt.startswith(f"{MARK}\n" * expected)
        and MARK not in rendered.response
    )


FRAME: tuple[Check, ...] = (question_preserved, rfp_last, image_count)
"""The checks of every style."""


def not_framed(rows: StyleRows, texts: StyleTexts) -> Iterable[int]:
    """Places of the rows that may fail FRAME. This and what follows are the checks again, told of whole columns and without
    names: quick, and on the safe side where they are in doubt."""
    prompts, numbers = texts.prompts, rows.num_images
    images = [f"{MARK}\n" * number for number in range(max(numbers, default=0) + 1)]
    unsure = [
        place
        for place, (prompt, question, rfp, number) in enumerate(
            zip(prompts, texts.questions, texts.rfps, numbers, strict=True)
        )
        if question not in prompt or not prompt.endswith(rfp) or not prompt.startswith(images[number])
    ]
    if unsure or "\n".join(prompts).count(MARK) != sum(numbers):  # else none has more than those it begins with
        unsure += [place for place, prompt in enumerate(prompts) if prompt.count(MARK) != numbers[place]]
    for inside in (rows.contexts, texts.candidates):
        if any(inside):
            unsure += [place for place, text in enumerate(inside) if text not in prompts[place]]
    if MARK in "\n".join(texts.responses):
        unsure += [place for place, text in enumerate(texts.responses) if MARK in text]
    return unsure


_VERDICT_OF = {
    word: verdict for pair in (*SPELLINGS, CHINESE_VERDICTS) for word, verdict in zip(pair, ("yes", "no"), strict=True)
}


def unsure_yes_no(rows: StyleRows, texts: StyleTexts) -> Iterable[int]:
    table = zip(
        texts.responses, texts.golds, texts.candidates, rows.golds, rows.wrong, rows.accepted, rows.makers, strict=True
    )
    for place, (response, shown, candidate, gold, wrong, accepted, maker) in enumerate(table):
        expected = ("yes" if candidate == gold else "no") if wrong else gold
        if not (_VERDICT_OF.get(response) == expected == shown) or (
            wrong and is_disputed([wrong], gold, accepted, maker)
        ):
            yield place


def unsure_choices(rows: StyleRows, texts: StyleTexts) -> Iterable[int]:
    table = zip(texts.responses, texts.options, rows.golds, rows.accepted, rows.makers, strict=True)
    for place, (response, options, gold, accepted, maker) in enumerate(table):
        letter = LETTERS.find(response) if len(response) == 1 else -1
        if not 0 <= letter < len(options) or options[letter] != gold or options.count(gold) != 1:
            yield place
            continue
        keys = set(map(option_key, options))
        wrong = [option for option in options if option != gold]
        if len(options) < 2 or len(keys) != len(options) or "" in keys or is_disputed(wrong, gold, accepted, maker):
            yield place


def unsure_phrases(rows: StyleRows, texts: StyleTexts) -> Iterable[int]:
    for place, (response, gold) in enumerate(zip(texts.responses, rows.golds, strict=True)):
        if response != make_inert(gold) or "\n" in response or not response.strip() or response[-1] == ".":
            yield place


def unsure_boxes(rows: StyleRows, texts: StyleTexts) -> Iterable[int]:
    for place, (response, gold) in enumerate(zip(texts.responses, rows.golds, strict=True)):
        if response != gold or read_box(gold) is None:
            yield place


def unsure_sentences(rows: StyleRows, texts: StyleTexts) -> Iterable[int]:
    for place, (text, gold) in enumerate(zip(texts.responses, rows.golds, strict=True)):
        if not contains_words(text, make_inert(gold).rstrip(".")):
            yield place
