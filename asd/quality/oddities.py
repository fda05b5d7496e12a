"""What is odd about single rows: the tests of the quality figures, row by row, so that a reader can begin with the worst.

Each oddity has points; a row's suspicion is their sum. Only converted rows have any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asd.makers.normalise import conflicts, is_one_of
from asd.quality.recovery import is_gold_recoverable, is_question_preserved

READ = ["question", "options", "candidate", "prompt", "response", "style", "maker", "gold", "accepted"]
"""Columns that `find_oddities` looks at, beside `rewrite`."""
_STANDS_OUT = 2.0
"""How many times as long as every wrong option a right one must be to stand out."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """points: what it adds to a row's suspicion. meaning: what is odd, in a sentence."""

    name: str
    points: int
    meaning: str


ODDITIES = (
    Oddity("gold not recoverable", 8, "The original answer cannot be read from the response."),
    Oddity("question changed", 4, "The prompt does not hold the question word for word."),
    Oddity(
        "wrong option may be right", 4, "An option other than the gold one, or a candidate answered No, may be right."
    ),
    Oddity("second opinion disagrees", 4, "The model that was asked for a second opinion gave another answer."),
    Oddity("second opinion unclear", 2, "What the model gave as a second opinion could not be read."),
    Oddity("gold option stands out", 1, "The right option is more than twice as long as every wrong one."),
    Oddity("rewriter not taken", 1, "The language model was to write the row, and its text was not taken."),
)
"""By falling points."""
_PLACE = {oddity.name: place for place, oddity in enumerate(ODDITIES)}


def find_oddities(row: Mapping[str, Any]) -> list[Oddity]:
    """What is odd about a row with the columns `READ`, in the order of `ODDITIES`; `rewrite` may be absent or null."""
    names = set(_oddities_of_rewriting(row.get("rewrite")))
    if row["maker"] != "native":
        names |= set(_oddities_of_content(row))
    return [oddity for oddity in ODDITIES if oddity.name in names]


def as_bits(oddities: Sequence[Oddity]) -> int:
    """One bit for each, by its place in `ODDITIES`."""
    return sum(1 << _PLACE[oddity.name] for oddity in oddities)


def from_bits(bits: int) -> list[Oddity]:
    """What `as_bits` was made of."""
    return [oddity for place, oddity in enumerate(ODDITIES) if bits >> place & 1]


def _oddities_of_rewriting(rewrite: Mapping[str, Any] | None) -> list[str]:
    if rewrite is None:
        return []
    names = {"disagrees": "second opinion disagrees", "unclear": "second opinion unclear"}
    judged = [names[rewrite["judge"]]] if rewrite.get("judge") in names else []
    return [*judged, "rewriter not taken"] if rewrite.get("template") is None else judged


def _oddities_of_content(row: Mapping[str, Any]) -> list[str]:
    style, response, gold = row["style"], row["response"], row["gold"]
    options, candidate, accepted = row["options"], row["candidate"], row["accepted"]
    names = []
    if not is_gold_recoverable(style, response, gold, options, candidate, accepted, row["question"]):
        names.append("gold not recoverable")
    if not is_question_preserved(row["question"], row["prompt"]):
        names.append("question changed")
    wrong = wrong_answers(row)
    if wrong and find_conflict(wrong, row)[0]:
        names.append("wrong option may be right")
    place = letter_index(response, len(options)) if style == "multiple_choice" else None
    if place is not None and wrong and len(options[place]) > _STANDS_OUT * max(map(len, wrong)):
        names.append("gold option stands out")
    return names


def wrong_answers(row: Mapping[str, Any]) -> list[str]:
    """Of multiple choice the options but the one chosen, of yes/no a candidate that is answered No."""
    options, candidate = row["options"], row["candidate"]
    if row["style"] == "multiple_choice":
        gold = letter_index(row["response"], len(options))
        return [] if gold is None else [option for place, option in enumerate(options) if place != gold]
    if row["style"] == "yes_no" and candidate is not None and not says_yes(row["response"]):
        return [candidate]
    return []


def find_conflict(wrong: Sequence[str], row: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether one of the wrong answers may itself be right; and whether it may by meaning.

    For the source's own options (`field`) notation decides, for all others meaning.
    """
    accepted, maker = row["accepted"] or [row["gold"]], row["maker"]
    by_meaning = any(conflicts(answer, accepted) for answer in wrong)
    if by_meaning and maker == "field":
        return any(is_one_of(answer, accepted, in_order=True) for answer in wrong), by_meaning
    return by_meaning, by_meaning


def says_yes(response: str) -> bool:
    """Whether a yes/no response is Yes."""
    return response.strip(" .").lower() in ("yes", "y", "是")


def letter_index(response: str, num_options: int) -> int | None:
    """The place of the option that a response names by its letter; None where there is no such option."""
    letter = response.strip(" (").upper()[:1]
    index = ord(letter) - ord("A") if letter else -1
    return index if 0 <= index < num_options else None
