"""What an answer says, whatever style it says it in: the fact by a lenient reading, the style by the strict schema.

The reader is asked only about answers that the task's rule calls wrong. It looks for the right answer in another
style: a letter for its option and the reverse, yes or no inside a sentence, a class name in other case, spelling or
number, under another name or below a broader one, a box inside a text. `docs/forgetting.md` states its limits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from asd.makers.normalise import normalise_answer
from asd.makers.noun_taxonomy import NounTaxonomy
from asd.schemas.answers import parse_letter, parse_yes_no
from asd.schemas.boxes import iou, read_answer
from asd.schemas.styles import LETTERS, AnswerStyle
from asd.scoring import Reference, find_scorer
from asd.scoring.answer_text import challenge_form
from asd.scoring.iou import THRESHOLD, read_box
from asd.scoring.letter import gold_letter
from asd.sources.annotators import is_refusal
from asd_training.evaluation.class_names import AROUND_NAMES, SENSE_NUMBER, ClassNames, Fact
from asd_training.evaluation.first_answer import beginnings, own_turn

_RIGHT_FROM = 0.5
_EXPLAINED = (AnswerStyle.BRIEF_EXPLANATION, AnswerStyle.DETAILED_EXPLANATION, AnswerStyle.FREE_FORM)
"""Styles of more than one sentence or line."""
_SPELT = "number or spelling"
_INSIDE = "inside a longer answer"
_SHORT_ANSWER = 3  # words; up to here an answer is no sentence
_LONG_ANSWER = 6  # words; longer ones are sentences unless the right answer is long, too
_BARE_LETTER = re.compile(r"\s*[(\[]?([A-Za-z])[)\].:]{0,2}\s*")
_BOX_MARKS = re.compile(r"<ref>.*?</ref>|</?(?:box|quad)>", re.DOTALL)
"""What a model that marks places in text writes around a box."""
_REFUSES = re.compile(
    r"(?:sorry, )?(?:i )?(?:do not|don'?t|can ?not|can'?t|could not|couldn'?t|am unable to)"
    r" (?:know|tell|say|see|read|determine|identify|answer|recognize)\b.*"
    r"|(?:it is |it'?s )?(?:unknown|unclear|unsure|undetermined|illegible|blurry|n/?a)"
    r"|(?:it is |it'?s )?not (?:sure|clear|visible|known|given|available|applicable|possible|shown|enough information)\b.*"
    r"|no (?:answer|idea|image|information)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_LETTER_AND_TEXT = re.compile(r"\s*\(?[A-Z][.):]\s+\S.*", re.DOTALL)
_SAYS_THAT = re.compile(r"\b(?:is|are|was|were|has|have|shows?|depicts?|contains?|appears?|can be)\b", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:not|no|never|neither|nor|without|cannot)\b|n't\b", re.IGNORECASE)
_VERDICTS = {"yes": "yes", "true": "yes", "correct": "yes", "no": "no", "false": "no", "incorrect": "no", "not": "no"}
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?![\w])")


class Reading(NamedTuple):
    style_ok: bool
    """Whether the answer has the task's native style."""
    fact: Fact
    how: str
    """By which reading the fact was found ("spelling", "option's text", ...); for other facts what the answer is."""


@dataclass(frozen=True)
class LenientReader:
    """Reads answers of one task.

    rule: the task's scorer; its fixed form decides what is only a matter of spelling. taxonomy: for class labels;
    None elsewhere. clipped: also take a label without its first letter, for outputs stored that way.
    """

    native_style: AnswerStyle
    rule: str = "exact_match"
    taxonomy: NounTaxonomy | None = None
    clipped: bool = False

    def read(self, text: str, reference: Reference) -> Reading:
        """What an answer, wrong by the strict rule, says all the same; of a text that goes on, its first answer."""
        return _read(self, text, reference)

    def first_answer(self, text: str, reference: Reference) -> str:
        """The part of a text that is the answer: what stands before the model talks to itself or repeats itself.

        A line or a sentence ends an answer only if what it holds is complete, so thoughts before an answer stay.
        Where a right answer holds such a mark itself ("note: ..."), nothing is cut.
        """
        letters = self.native_style is AnswerStyle.MULTIPLE_CHOICE
        if any(own_turn(right, letters=letters) != right.strip() for right in reference.right_answers):
            return text
        if self.native_style is AnswerStyle.BOUNDING_BOX:
            text = _BOX_MARKS.sub(" ", text)
        turn = own_turn(text, letters=letters)
        if self.native_style in _EXPLAINED or self._is_spelt_right(turn, reference):
            return turn
        parts = [part for part in beginnings(turn) if self._is_complete(part, reference)]
        return parts[-1] if parts else turn

    def runs_on(self, text: str, reference: Reference) -> bool:
        """Whether the text goes on after its first answer."""
        return text.strip().rstrip(".") != self.first_answer(text, reference).rstrip(".")

    def _is_complete(self, text: str, reference: Reference) -> bool:
        """Of the native style, or a box or a refusal in place of a short answer."""
        is_short = self.native_style is AnswerStyle.SHORT_ANSWER
        return self.has_native_style(text, reference) or (
            is_short and style_seen(text, reference) in ("box", "refusal")
        )

    def _is_spelt_right(self, text: str, reference: Reference) -> bool:
        return any(_find_phrase(text, [right]) == _SPELT for right in reference.right_answers)

    def has_native_style(self, text: str, reference: Reference) -> bool:
        """Whether an answer keeps the task's answer style, right or wrong."""
        seen = style_seen(text, reference)
        if self.native_style is AnswerStyle.MULTIPLE_CHOICE:
            return seen in ("letter", "letter and text") and parse_letter(text, reference.options) is not None
        if self.native_style is AnswerStyle.YES_NO:
            return seen == "yes or no"
        if self.native_style is AnswerStyle.BOUNDING_BOX:
            return seen == "box" and read_answer(text) is not None
        if self.native_style is AnswerStyle.SHORT_ANSWER:
            if not (seen == "short answer" or _is_expected_form(seen, reference)):
                return False
            return self.taxonomy is None or ClassNames(self.taxonomy, self.clipped).is_name(text)
        return seen == "sentence"

    def find_fact(self, text: str, reference: Reference) -> tuple[Fact, str]:
        """What an answer says, and by which reading; its style plays no part."""
        if self.native_style is AnswerStyle.MULTIPLE_CHOICE:
            return _read_choice(text, reference)
        if self.native_style is AnswerStyle.YES_NO:
            return _read_verdict(text, reference)
        if self.native_style is AnswerStyle.BOUNDING_BOX:
            return _read_place(text, reference)
        return self._read_phrase(text, reference)

    def _read_phrase(self, text: str, reference: Reference) -> tuple[Fact, str]:
        if find_scorer(f"{self.rule.partition(':')[0]}:fixed")(text, reference) >= _RIGHT_FROM:
            return "right", "spelling"
        seen = style_seen(text, reference)
        if seen == "letter" and reference.options:
            return _read_choice(text, reference)
        if seen in ("nothing", "box", "letter", "refusal") and not _is_expected_form(seen, reference):
            return "unknown", seen
        verdict = parse_yes_no(reference.gold)
        if verdict is not None and len(reference.gold.split()) == 1:
            return _read_verdict(text, reference)
        if seen == "yes or no" and len(text.split()) == 1:
            return "unknown", seen
        place = _find_phrase(text, reference.right_answers)
        if place == _INSIDE and self.taxonomy is not None and self.taxonomy.knows(text.strip(AROUND_NAMES)):
            place = None  # the longer answer names a thing of its own: "toaster oven"
        if place is not None:
            return "right", place
        if self.taxonomy is None:
            return "wrong", seen
        return ClassNames(self.taxonomy, self.clipped).read(text, reference.right_answers)


@lru_cache(maxsize=1 << 16)  # a model that forgets gives few different answers
def _read(reader: LenientReader, text: str, reference: Reference) -> Reading:
    answer = reader.first_answer(text, reference)
    return Reading(reader.has_native_style(answer, reference), *reader.find_fact(answer, reference))


def style_seen(text: str, reference: Reference) -> str:
    """What an answer looks like: nothing, box, letter, letter and text, yes or no, refusal, sentence, short answer."""
    said = text.strip()
    if not said.strip(".,;:!?'\" "):
        return "nothing"
    if read_answer(said) is not None or ((said[0] in "[(" or said[-1] in "])") and len(_NUMBER.findall(said)) >= 3):
        return "box"
    if _BARE_LETTER.fullmatch(said):
        return "letter"
    if parse_yes_no(said) is not None:
        return "yes or no"
    if is_refusal(said) or _REFUSES.fullmatch(said.rstrip(".! ")):
        return "refusal"
    if _LETTER_AND_TEXT.fullmatch(said):
        return "letter and text"
    return "sentence" if _is_sentence(said, reference) else "short answer"


def _is_sentence(said: str, reference: Reference) -> bool:
    words = len(said.split())
    right_words = max(len(right.split()) for right in reference.right_answers)
    if words > max(_LONG_ANSWER, 2 * right_words):
        return True
    if words <= max(_SHORT_ANSWER, right_words):
        return False
    return said.endswith(".") or (_SAYS_THAT.search(said) is not None and _SAYS_THAT.search(reference.gold) is None)


def _is_expected_form(seen: str, reference: Reference) -> bool:
    """Whether a right answer of this question looks like that, too ("no", "B", "unanswerable")."""
    return any(style_seen(right, reference) == seen for right in reference.right_answers)


def _read_choice(text: str, reference: Reference) -> tuple[Fact, str]:
    gold = gold_letter(reference)
    bare = _BARE_LETTER.fullmatch(text.strip())
    if bare and not reference.options:
        return ("right" if bare[1].upper() == gold else "wrong"), "letter"
    said = parse_letter(text, reference.options)
    how = "letter" if bare or _LETTER_AND_TEXT.fullmatch(text) else "option's text"
    if said is None:
        said, how = _option_in(text, reference.options), "option's text"
    if said is None:
        said, how = (
            _only_one(text, "letter", LETTERS[: len(reference.options) or len(LETTERS)], reference.options),
            "letter inside a sentence",
        )
    if said is None:
        return "unknown", style_seen(text, reference)
    return ("right" if said == gold else "wrong"), how


def _option_in(text: str, options: Sequence[str]) -> str | None:
    """The letter of the one option whose words stand in a text; None if it is none or several."""
    words = f" {normalise_answer(text)} "
    named = [place for place, option in enumerate(options) if f" {normalise_answer(option)} " in words]
    longest = [
        place for place in named
        if not any(normalise_answer(options[place]) in normalise_answer(options[o]) for o in named if o != place)
    ]  # fmt: skip
    return LETTERS[longest[0]] if len(longest) == 1 else None


def _read_verdict(text: str, reference: Reference) -> tuple[Fact, str]:
    said, how = parse_yes_no(text), "first word"
    if said is None and reference.options:
        letter = parse_letter(text, reference.options)
        said, how = (parse_yes_no(reference.options[ord(letter) - 65]) if letter else None), "letter"
    if said is None:
        verdicts = {_VERDICTS[word] for word in challenge_form(text).split() if word in _VERDICTS}
        said, how = (verdicts.pop() if len(verdicts) == 1 else None), "inside a sentence"
    if said is None:
        said = _only_one(text, "yes_no", ("yes", "no"), ())
    if said is None:
        return "unknown", style_seen(text, reference)
    return ("right" if said == parse_yes_no(reference.gold) else "wrong"), how


def _only_one(text: str, rule: str, golds: Sequence[str], options: tuple[str, ...]) -> str | None:
    """The one gold answer for which the rule's fixed form calls the text right; None if it is none or several."""
    scorer = find_scorer(f"{rule}:fixed")
    said = [gold for gold in golds if scorer(text, Reference(gold, (), options)) == 1.0]
    return said[0] if len(said) == 1 else None


def _read_place(text: str, reference: Reference) -> tuple[Fact, str]:
    box, gold = read_box(text), read_answer(reference.gold)
    if box is None:
        numbers = [float(number) for number in _NUMBER.findall(text)]
        box = (numbers[0], numbers[1], numbers[2], numbers[3]) if len(numbers) == 4 else None
    if box is None or gold is None:
        return "unknown", style_seen(text, reference)
    if max(gold) <= 1.0 < max(box):
        box = (box[0] / 1000, box[1] / 1000, box[2] / 1000, box[3] / 1000)
        return ("right" if iou(box, gold) > THRESHOLD else "wrong"), "box in thousandths"
    return ("right" if iou(box, gold) > THRESHOLD else "wrong"), "box inside a text"


def _find_phrase(text: str, rights: Sequence[str]) -> str | None:
    """How a right answer stands in a text: in another number or spelling, or inside a sentence that does not deny it."""
    said = normalise_answer(text)
    padded = f" {said} "
    for right in rights:
        wanted = normalise_answer(SENSE_NUMBER.sub("", right))
        if said == wanted or said.replace(" ", "") == wanted.replace(" ", ""):
            return _SPELT
        if f" {wanted} " not in padded or _NEGATION.search(text):
            continue
        if not wanted.isdigit() or len([word for word in said.split() if word.isdigit()]) == 1:
            return _INSIDE
    return None
