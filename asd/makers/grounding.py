"""Boxes turned round: the prompt gives the box, the answer says what is in it, in the source's expression."""

from __future__ import annotations

from asd.lazy_regex import regex
from asd.makers.wording import as_sentence, collapse
from asd.records import Decline, Draft, Sample
from asd.schemas.styles import AnswerStyle, Maker
from asd.word_count import count_words

MAX_WORDS = 25
_DETERMINER_WORDS = """
the a an this that these those his her their its my your our one two three four five six seven both all some
"""
_PLACE_WORDS = """
in on at with behind under above below beside near by next to between inside over closest wearing holding
sitting standing facing without from
"""
_COMMAND_WORDS = """
turn pull park stop follow drive go wait let slow move get keep speed switch change take make back give
overtake pass watch stay do don't please once when if after i we you there can could proceed continue drop
pick find look lets let's be merge open close hey ok okay alright slowly quickly start head try use call
honk signal flash wow oh it's it he she they just enter exit yield reverse cross beware careful hurry avoid
approach reach
"""
_DETERMINERS = frozenset(_DETERMINER_WORDS.split())
_PLACES = frozenset(_PLACE_WORDS.split())
_COMMANDS = frozenset(_COMMAND_WORDS.split())
_NO_DESCRIPTION = regex(r"[?!]|[.;] |\b(?:please|we|us|I)\b")


def draft_region_phrase(sample: Sample, max_words: int) -> Draft | Decline:
    """The expression itself as the short answer to "what is in this box?"."""
    expression = _expression(sample)
    if isinstance(expression, Decline):
        return expression
    if count_words(expression) > max_words:
        return Decline("long_answer", f"{count_words(expression)} words")
    question = region_question(collapse(sample.gold))
    return Draft(AnswerStyle.SHORT_ANSWER, Maker.FIELD, expression, question=question)


def draft_region_description(sample: Sample, style: AnswerStyle) -> Draft | Decline:
    """A sentence that names the object in the region."""
    question = region_question(collapse(sample.gold))
    if sample.full_answer:
        text = as_sentence(sample.full_answer)
        return Draft(style, Maker.FIELD, text.rstrip("."), text=text, question=question)
    expression = _expression(sample)
    if isinstance(expression, Decline):
        return expression
    text = f"The region shows {_named(expression)}."
    return Draft(style, Maker.FIELD, expression, text=text, question=question)


def _expression(sample: Sample) -> str | Decline:
    """The referring expression, where it names a thing; commands and whole sentences do not."""
    expression = collapse(sample.question).rstrip(".")
    first = expression.split(" ", 1)[0].lower().rstrip(",")
    if first in _COMMANDS or _NO_DESCRIPTION.search(expression) or not 0 < count_words(expression) <= MAX_WORDS:
        return Decline("no_noun_phrase", expression)
    return expression


def region_question(box: str) -> str:
    """The question that stands in place of the expression, which is now the answer."""
    return f"What does the region {box} of the image show?"


def _named(expression: str) -> str:
    first = expression.split(" ", 1)[0].lower()
    if first in _DETERMINERS:
        return expression[0].lower() + expression[1:]
    return f"the one {expression}" if first in _PLACES else f"the {expression}"
