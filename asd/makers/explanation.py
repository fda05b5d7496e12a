"""Any style -> brief or detailed explanation, from what people wrote about the sample; never from thin air.

Brief: a full answer or a rationale of the source, else the question and answer put into one sentence.
Detailed: the source's worked solution, or several rationales; where it has neither, only a language model
could write one.
"""

from __future__ import annotations

import re

import xxhash

from asd.makers.declarative import declarative
from asd.makers.grounding import draft_region_description
from asd.makers.maker_context import MakerContext
from asd.makers.option_text import (
    as_verdict,
    collapsed_key,
    is_unanswerable,
    mentions_options,
    names_letters,
    points_at_options,
)
from asd.makers.wording import (
    as_sentence,
    collapse,
    collapse_lines,
    contains_words,
    count_words,
    folded_contains,
    sentences,
)
from asd.makers.wrong_answers import has_image_options
from asd.records import Decline, Draft, Sample
from asd.schemas.styles import AnswerStyle, Maker

MIN_RATIONALE_WORDS, MAX_RATIONALE_WORDS = 5, 40
MIN_CONCLUSION_WORDS = 4
MIN_DETAILED_WORDS = 20
MIN_RATIONALES = 3
_BRIEF = AnswerStyle.BRIEF_EXPLANATION
_DETAILED = AnswerStyle.DETAILED_EXPLANATION
_COMMON_START_WORDS = """
the a an there this that these those at in on one two three four five six all both each every no some it
they exactly only several most more none neither left right
"""
_COMMON_STARTS = frozenset(_COMMON_START_WORDS.split())
_CLOSINGS = (
    "So the answer is {}.",
    "This makes the answer {}.",
    "The answer, then, is {}.",
    "Hence the answer: {}.",
)
_CONNECTIVE = re.compile(
    r"^(?:So|Therefore|Thus|Hence|As a result|This means that|In conclusion|Finally),? (?=\w)"
)
_NOT_PROSE = re.compile(r"[\\=<>|{}]|\b(?:not|nor|neither|never|no|but|options?|choices?)\b|n't\b")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_TAIL = 160  # characters; a solution states its answer where it ends


def draft_brief_explanation(sample: Sample, ctx: MakerContext) -> Draft | Decline:
    if ctx.spec.family == "grounding":
        return draft_region_description(sample, _BRIEF)
    gold = collapse(sample.gold)
    if has_image_options(sample.options):
        return Decline("image_options")
    if is_unanswerable(gold):
        return Draft(_BRIEF, Maker.RULE, gold, text=_say_unanswerable(gold))
    if ctx.spec.family == "caption":
        return Draft(_BRIEF, Maker.FIELD, gold, text=as_sentence(gold))
    if ctx.allows(_BRIEF, Maker.FIELD):
        text = (
            _from_full_answer(sample, gold) or _from_rationale(sample, gold) or _from_conclusion(sample, gold)
        )
        if text:
            return Draft(_BRIEF, Maker.FIELD, gold, options=_options_shown(sample, gold, text), text=text)
    if not ctx.allows(_BRIEF, Maker.RULE):
        return Decline("no_rationale")
    stated = _state(sample, gold, ctx)
    if stated is None:
        return Decline("unparsed_question", collapse(sample.question))
    return Draft(_BRIEF, Maker.RULE, gold, options=_options_shown(sample, gold, ""), text=stated)


def draft_detailed_explanation(sample: Sample, ctx: MakerContext) -> Draft | Decline:
    gold = collapse(sample.gold)
    if ctx.spec.family in (
        "grounding",
        "caption",
    ):  # several captions say one thing in turn: that is no detail
        return Decline("needs_rewriter")
    if has_image_options(sample.options):
        return Decline("image_options")
    made = _from_solution(sample, gold, ctx) if sample.solution else _from_rationales(sample, gold, ctx)
    if isinstance(made, Decline):
        return made
    return Draft(_DETAILED, Maker.FIELD, gold, options=_options_shown(sample, gold, made), text=made)


def _options_shown(sample: Sample, gold: str, text: str) -> list[str]:
    """The options, where the question or the explanation means nothing to a reader who does not see them."""
    if not sample.options:
        return []
    options = [collapse(option) for option in sample.options]
    others = [option for option in options if option != gold]
    shown = points_at_options(sample.question, sample.context) or mentions_options(text, others)
    return options if shown else []


def _say_unanswerable(gold: str) -> str:
    key = gold.strip().rstrip(".").lower()
    if " " in key and not key.startswith("unsuitable"):
        return as_sentence(gold)
    if key.startswith("unsuitable"):
        return f"The image gives no answer to this question: it is {gold.rstrip('.')}."
    return f"The question cannot be answered from what is shown, so it is {gold.rstrip('.')}."


def _from_full_answer(sample: Sample, gold: str) -> str | None:
    if not sample.full_answer:
        return None
    text = as_sentence(sample.full_answer)
    return text if contains_words(text, gold) and not names_letters(text) else None


def _from_rationale(sample: Sample, gold: str) -> str | None:
    fitting = _fitting_rationales(sample, gold)
    if not fitting:
        return None
    saying = [text for text in fitting if contains_words(text, gold)]
    return f"{_lead(sample, gold)} {(saying or fitting)[0]}"


def _from_conclusion(sample: Sample, gold: str) -> str | None:
    """The sentence in which a worked solution states the answer: its last one, else its first."""
    if not sample.solution:
        return None
    parts = sentences(sample.solution)
    for part in (parts[-1], parts[0]):
        text = _CONNECTIVE.sub("", collapse(part))
        if not MIN_CONCLUSION_WORDS <= count_words(text) <= MAX_RATIONALE_WORDS or not contains_words(
            text, gold
        ):
            continue
        beside = text.replace(gold, "")
        if text[-1] != "." or _NOT_PROSE.search(beside) or names_letters(text):
            continue
        others = _other_options(sample, gold)
        if any(contains_words(beside, other) for other in others) or not _share_a_word(
            beside, sample.question
        ):
            continue
        return as_sentence(text)
    return None


def _share_a_word(text: str, question: str) -> bool:
    """Whether a sentence speaks of what the question asks about."""
    return not _long_words(text).isdisjoint(_long_words(question))


def _long_words(text: str) -> set[str]:
    return set(_LONG_WORD.findall(text.casefold()))


def _other_options(sample: Sample, gold: str) -> list[str]:
    gold_key = collapsed_key(gold)
    return [option for option in map(collapse, sample.options) if collapsed_key(option) != gold_key]


def _fitting_rationales(sample: Sample, gold: str) -> list[str]:
    """Distinct rationales of a usable length, as sentences, that neither name letters nor argue for another
    option."""
    folded_gold = gold.casefold()
    others = [other.casefold() for other in _other_options(sample, gold)]
    others = [other for other in others if not folded_contains(folded_gold, other)]
    fitting: dict[str, str] = {}
    for rationale in sample.rationales:
        text = as_sentence(rationale)
        if not MIN_RATIONALE_WORDS <= count_words(text) <= MAX_RATIONALE_WORDS or names_letters(text):
            continue
        folded = text.casefold()
        if not any(folded_contains(folded, other) for other in others):
            fitting.setdefault(folded, text)
    return list(fitting.values())


def _lead(sample: Sample, gold: str) -> str:
    """A sentence that states the answer, in the question's own words where that works."""
    stated = declarative(sample.question, gold, sample.answer_type)
    if stated and contains_words(stated, gold):
        return as_sentence(stated)
    verdict = as_verdict(gold)
    if verdict:
        return f"{verdict.capitalize()}."
    return f"The answer is {gold.rstrip('.')}."


def _state(sample: Sample, gold: str, ctx: MakerContext) -> str | None:
    verdict = as_verdict(gold)
    if ctx.spec.family == "statement":
        return _judge_statement(collapse(sample.question), verdict) if verdict else None
    stated = declarative(sample.question, gold, sample.answer_type)
    if not stated:
        return None
    if contains_words(stated, gold):
        return as_sentence(stated)
    return f"{verdict.capitalize()}. {as_sentence(stated)}" if verdict else None


def _judge_statement(statement: str, verdict: str) -> str:
    quoted = statement.rstrip(".")
    if verdict == "yes":
        return f"Yes, it is true that {_lower_first(quoted)}."
    return f"No, it is not true that {_lower_first(quoted)}."


def _lower_first(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text[0].lower() + text[1:] if first.lower() in _COMMON_STARTS else text


def _from_solution(sample: Sample, gold: str, ctx: MakerContext) -> str | Decline:
    text = collapse_lines(sample.solution or "")
    if count_words(text) < MIN_DETAILED_WORDS:
        return Decline("short_solution", f"{count_words(text)} words")
    if sample.options and names_letters(text):
        return Decline("letters_in_solution")
    if not contains_words(text, gold) and _concludes_other(text, _other_options(sample, gold)):
        return Decline("solution_disagrees", sentences(text)[-1])
    if contains_words(text[-(_TAIL + len(gold)) :], gold):
        return text if text[-1] in ".!?" else text + "."
    return f"{_closed(text)} {_closing(sample, gold, ctx)}"


def _concludes_other(text: str, others: list[str]) -> bool:
    end = sentences(text)[-1]
    return any(contains_words(end, other) for other in others)


def _from_rationales(sample: Sample, gold: str, ctx: MakerContext) -> str | Decline:
    fitting = _fitting_rationales(sample, gold)
    if len(fitting) < MIN_RATIONALES:
        return Decline("needs_rewriter")
    text = " ".join((_lead(sample, gold), *fitting))
    if count_words(text) < MIN_DETAILED_WORDS:
        return Decline("short_solution", f"{count_words(text)} words")
    return text


def _closed(text: str) -> str:
    return text if text[-1] in ".!?" else text + "."


def _closing(sample: Sample, gold: str, ctx: MakerContext) -> str:
    key = xxhash.xxh3_64_intdigest(f"{ctx.seed}:{sample.source_id}:closing".encode())
    return _CLOSINGS[key % len(_CLOSINGS)].format(gold.rstrip("."))
