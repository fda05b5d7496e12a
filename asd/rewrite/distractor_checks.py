"""Is a wrong answer that a model wrote wrong, and fit to stand beside the right one? Pure; see CHECKS.md."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from asd.makers.answer_kinds import TEXT, answer_kind
from asd.makers.answer_types import is_colour, is_vague
from asd.makers.normalise import answer_form, conflicts, is_same_answer, same_form
from asd.makers.option_references import refers_to_options
from asd.makers.option_text import as_verdict, is_unanswerable, option_key
from asd.records import brief
from asd.rewrite.language import script_of
from asd.rewrite.meaning_checks import Check, find_markup
from asd.rewrite.self_talk import find_answer_talk
from asd.word_count import count_words

SPARE_WORDS, MIN_COPIED_WORDS, MAX_PHRASE_WORDS = 3, 4, 4
_NO_BEGINNING = frozenset(",;:!?)]}")
_SYMBOLS = "°©®™"
"""Symbols that stand in answers of words; boxes, dingbats and the like do not."""
_ELLIPSIS = ("...", "…")
_OF_ANSWERS = frozenset(("answer", "answers", "option", "options", "question"))
_UNKNOWN = re.compile(r"(?:unknown|unspecified|not (?:given|stated|shown|visible|known))\b", re.IGNORECASE)
_SENTENCE = re.compile(
    r"^(?:there|it|this|that|these|those|they|he|she|we|you|i|(?:the|a|an|his|her|its|their) (?:\w+ ){1,5}?)\s?"
    r"(?:is|are|was|were|has|have|had|says?|contains?)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^\(?(?:[A-Ha-h]|\d{1,2})[.):]\s+\S")
_KIN_WORDS = """
city state country continent nationality place
weather daytime season
brand person city place
size shape pattern
side place
room place
material pattern
feeling activity
weather nature
"""
_KIN = tuple(frozenset(line.split()) for line in _KIN_WORDS.strip().splitlines())
"""Kinds of answers that do stand beside each other in options people write."""
_SHAPES = frozenset("square cross crescent cone cylinder".split())
"""Whose first meaning is another one."""
_STRICT_WORDS = """
colour daytime season weather month weekday nationality city state country continent side size sleeve shape pattern
feeling
"""
_STRICT = frozenset(_STRICT_WORDS.split())
"""Kinds that stand among themselves. Things (food, furniture, animals, ...) do not: all of them answer "What is beside
the car?", and only the question can say that one kind is asked for."""
_ASKED_FOR = {
    "food": "food dish meal fruit vegetable topping ingredient dessert eating eat eaten",
    "drink": "drink beverage drinking",
    "clothing": "clothing clothes garment wearing wear",
    "vehicle": "vehicle transportation transport",
    "plant": "plant tree flower",
    "animal": "animal animals breed bird species",
    "person": "who whom whose person",
    "place": "place location where",
    "room": "room",
    "material": "material made",
    "furniture": "furniture",
    "sport": "sport sports game",
    "activity": "doing activity action",
}
_ASKS = {kind: re.compile(rf"\b(?:{'|'.join(words.split())})\b") for kind, words in _ASKED_FOR.items()}
"""Words of a question that ask for answers of one kind."""
_NUMBERS = frozenset({"integer", "decimal", "quantity", "ratio", "ordinal", "percent", "money", "code"})
_TIMES = frozenset({"time", "date", "year", "year_span", "integer", "code", "quantity"})


@dataclass(frozen=True, slots=True)
class DistractorCase:
    """`text`: the wrong answer; `before`: those of the same reply that stand before it."""

    text: str
    gold: str
    accepted: tuple[str, ...] = ()
    before: tuple[str, ...] = field(default=())
    question: str = ""

    @property
    def shown(self) -> str:
        """The text as problems quote it, which go into the next prompt."""
        return repr(brief(self.text))


def _find_empty(case: DistractorCase) -> str:
    if any(map(str.isalnum, case.text)) or not any(map(str.isalnum, case.gold)):
        return "" if case.text else "A wrong answer is empty."
    return f"{case.shown} holds no word and no number."


def _find_markup(case: DistractorCase) -> str:
    markup = find_markup(case.text, case.gold)
    if markup:
        return f"{case.shown} holds markup or control characters; write plain text."
    if case.text[:1] in _NO_BEGINNING and case.gold[:1] not in _NO_BEGINNING:
        return f"{case.shown} starts with {case.text[:1]!r}; write a whole answer."
    if odd := {char for char in case.text if unicodedata.category(char) == "So"} - {*case.gold, *_SYMBOLS}:
        return f"{case.shown} holds {min(odd)!r}; write words."
    if case.text.startswith(_ELLIPSIS) and not case.gold.startswith(_ELLIPSIS):
        return f"{case.shown} starts with dots; write a whole answer."
    if _LABEL.match(case.text) and not _LABEL.match(case.gold):
        return f"{case.shown} starts with a letter or number of an option; write the answer alone."
    return ""


def _find_accepted(case: DistractorCase) -> str:
    for answer in (case.gold, *case.accepted):
        if is_same_answer(case.text, answer):
            return f"{case.shown} is not wrong: it is {answer!r}, an accepted answer, in the same or another spelling."
    return ""


def _find_too_close(case: DistractorCase) -> str:
    if _find_accepted(case):
        return ""
    for answer in (case.gold, *case.accepted):
        if conflicts(case.text, [answer]):
            return (
                f"{case.shown} is too close to the accepted answer {answer!r}: one contains the other, or they are "
                "names of the same thing, or of a broader and a narrower one."
            )
    return ""


def _find_duplicate(case: DistractorCase) -> str:
    for other in case.before:
        if _is_same(case.text, other):
            return f"{case.shown} and {other!r} mean the same; the wrong answers must differ."
    return ""


def _is_same(left: str, right: str) -> bool:
    if option_key(left) == option_key(right):
        return True
    a, b = answer_form(left), answer_form(right)
    return same_form(a, b) or a.same == b.same >= 0


def _find_other_kind(case: DistractorCase) -> str:
    own, gold = _kind(case.text), _kind(case.gold)
    are_colours = is_colour(case.text) and is_colour(case.gold)
    if are_colours or (gold == "shape" and case.text.casefold() in _SHAPES):
        return ""  # orange is a colour beside blue, and a square a shape beside a circle
    if _may_stand_together(own, gold, case.question):
        return ""
    if TEXT in (own, gold) and all(any(map(str.isdigit, text)) for text in (case.text, case.gold)):
        return ""  # "40 years" beside "20-30 years"
    return (
        f"{case.shown} is another kind of thing ({_named(own)}) than the right answer {case.gold!r} ({_named(gold)})."
    )


def _kind(text: str) -> str:
    return answer_kind(text)[1].split("/", 1)[0]


def _named(kind: str) -> str:
    return "words" if kind == TEXT else kind.replace("_", " ")


def _may_stand_together(own: str, gold: str, question: str) -> bool:
    if own == gold:
        return True
    numeric = _NUMBERS | _TIMES
    if own in numeric and gold in numeric:
        return any(own in group and gold in group for group in (_NUMBERS, _TIMES))
    if own in numeric or gold in numeric:
        return "code" in (own, gold)  # "7up", "b52": such answers are names
    if "yes_no" in (own, gold):
        return False
    if TEXT in (own, gold):
        return True  # the tables do not know every word
    if any(own in group and gold in group for group in _KIN):
        return True
    if own in _STRICT or gold in _STRICT:
        return False
    return not (gold in _ASKS and _ASKS[gold].search(question.casefold()))


def _find_other_length(case: DistractorCase) -> str:
    words, gold = count_words(case.text), count_words(case.gold)
    if words > 2 * gold + SPARE_WORDS:
        return f"{case.shown} is much longer than the right answer {case.gold!r}; keep to about {gold} words."
    if gold > 3 * words + SPARE_WORDS:
        return f"{case.shown} is much shorter than the right answer; keep to about {gold} words."
    return ""


def _find_no_answer(case: DistractorCase) -> str:
    text = case.text
    is_none = is_vague(text) or is_unanswerable(text) or refers_to_options(text)
    is_none = is_none or bool(_UNKNOWN.match(text) and not _UNKNOWN.match(case.gold))
    if is_none or (as_verdict(text) is not None and as_verdict(case.gold) is None):
        return f"{text!r} says nothing about the matter; write a wrong answer that names something."
    return ""


def _find_other_script(case: DistractorCase) -> str:
    own, gold = script_of(case.text), script_of(case.gold)
    if own and gold and own != gold:
        return f"{case.shown} is written in another script than the right answer {case.gold!r}."
    return ""


def _find_talk(case: DistractorCase) -> str:
    talk = find_answer_talk(case.text)
    if talk and _OF_ANSWERS.isdisjoint(case.gold.casefold().split()):
        return (
            f"{case.shown} speaks of answers or of its writer ({talk!r}); write a wrong answer that stands for itself."
        )
    return ""


def _find_copied_question(case: DistractorCase) -> str:
    """Questions of a word or two may well stand in an answer."""
    question = option_key(case.question.rstrip("?.! "))
    if re.search(
        rf"\b(?:kind|type|sort|brand|breed|style) of (?:\w+ )?{re.escape(option_key(case.text))}(?!\w)", question
    ):
        return f"{case.shown} is what the question asks for a kind of; name a kind."
    if count_words(question) >= MIN_COPIED_WORDS and question in option_key(case.text):
        return f"{case.shown} repeats the question; write an answer to it."
    return ""


def _find_sentence(case: DistractorCase) -> str:
    """A question, or a statement, where the right answer is a word or a phrase: it would be known by its form."""
    if case.text.endswith(("?", "？")) and not case.gold.endswith(("?", "？")):
        return f"{case.shown} is a question; write a wrong answer."
    if count_words(case.gold) <= MAX_PHRASE_WORDS and _SENTENCE.match(case.text) and not _SENTENCE.match(case.gold):
        return f"{case.shown} is a sentence, and the right answer {case.gold!r} is none; write the bare answer."
    return ""


DISTRACTOR_CHECKS: tuple[Check[DistractorCase], ...] = (
    Check("empty_distractor", _find_empty),
    Check("markup", _find_markup),
    Check("accepted_answer", _find_accepted),
    Check("close_to_answer", _find_too_close),
    Check("duplicate", _find_duplicate),
    Check("self_talk", _find_talk),
    Check("copies_question", _find_copied_question),
    Check("no_answer", _find_no_answer),
    Check("other_form", _find_sentence),
    Check("other_kind", _find_other_kind),
    Check("other_length", _find_other_length),
    Check("other_script", _find_other_script),
)
