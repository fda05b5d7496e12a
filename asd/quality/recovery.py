"""Reads the answer back out of a stored row, written apart from the converters' own parsers on purpose.

The pipeline writes a row only if its parser gives the gold answer back. Measuring that with the same parser
would only show that the check ran, so this one shares no parser with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from asd.schemas.image_marks import make_inert
from asd.styles.style import Recovery
from asd.styles.table import STYLES

_YES_NO = {"yes": True, "true": True, "y": True, "是": True, "no": False, "false": False, "n": False, "否": False}
_LETTER = re.compile(r"\(?([A-Za-z])\)?(?:[.:)]?$|[.:)]\s)")
_STATED_LETTER = re.compile(r"\banswer(?: is|:)\s*\(?([A-Z])\b")
_NUMBER = re.compile(r"-?\d*\.?\d+(?:[eE][+-]?\d+)?")
_BOX = re.compile(r"\[\s*{n}\s*,\s*{n}\s*,\s*{n}\s*,\s*{n}\s*\]".replace("{n}", _NUMBER.pattern))


def is_question_preserved(question: str, prompt: str) -> bool:
    """Whether the prompt holds the question word for word (runs of white space count as one space)."""
    return " ".join(make_inert(question).split()) in " ".join(make_inert(prompt).split())


def is_gold_recoverable(
    style: str,
    response: str,
    gold: str,
    options: Sequence[str],
    candidate: str | None,
    accepted: Sequence[str],
    question: str = "",
) -> bool:
    """Whether a reader who knows only the style, the options and the candidate gets the gold answer from
    `response`.

    yes_no with a candidate: "Yes" must stand on the gold answer, "No" on something that is not accepted.
    yes_no without one: the response is the gold answer. multiple_choice: the letter's option is the gold
    answer, and no other option is. short_answer: the response is the gold answer. Explanations: the gold
    answer stands in the response as whole words, or the response states its letter. Case, outer punctuation
    and spacing are ignored. A box may stand in the question instead, which then asks what the region shows.
    """
    recovery = _RECOVERY.get(style, "phrase")
    if _BOX.fullmatch(gold.strip()) and recovery in ("phrase", "statement"):
        boxes = _BOX.findall(f"{question} {response}")
        return any(_numbers(box) == _numbers(gold) for box in boxes) and bool(_plain(response))
    if recovery == "verdict":
        return _is_polarity_right(response, gold, candidate, accepted)
    if recovery == "letter":
        return _chosen_option(response, options) == _plain(gold) and _count(options, gold) == 1
    if recovery == "box":
        return _numbers(response) == _numbers(gold)
    if recovery == "statement":
        return _is_stated(response, gold, options)
    return _plain(response) == _plain(gold)


_RECOVERY: dict[str, Recovery] = {style.value: STYLES[style].recovery for style in STYLES}


def _plain(text: str) -> str:
    bare = " ".join(make_inert(text).split()).casefold()
    return bare.strip(" .,;:!?\"'") or bare


def _count(options: Sequence[str], gold: str) -> int:
    wanted = _plain(gold)
    return sum(_plain(option) == wanted for option in options)


def _is_polarity_right(response: str, gold: str, candidate: str | None, accepted: Sequence[str]) -> bool:
    said = _YES_NO.get(_plain(response))
    if said is None:
        return False
    if candidate is None:
        return said == _YES_NO.get(_plain(gold))
    proposed = _plain(candidate)
    if said:
        return proposed == _plain(gold)
    return proposed != _plain(gold) and all(proposed != _plain(answer) for answer in accepted)


def _option_at(letter: str, options: Sequence[str]) -> str | None:
    index = ord(letter.upper()) - ord("A")
    return _plain(options[index]) if 0 <= index < len(options) else None


def _chosen_option(response: str, options: Sequence[str]) -> str | None:
    match = _LETTER.match(response.strip())
    return _option_at(match.group(1), options) if match else None


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _is_stated(response: str, gold: str, options: Sequence[str]) -> bool:
    if _has_words(_plain(response), _plain(gold)):
        return True
    stated = _STATED_LETTER.search(response)
    return stated is not None and _option_at(stated.group(1), options) == _plain(gold)


def _has_words(text: str, words: str) -> bool:
    """Whether `words` stands in `text` with no letter or digit touching it."""
    start = text.find(words)
    while words and start >= 0:
        end = start + len(words)
        touches_before = start > 0 and text[start - 1].isalnum() and words[0].isalnum()
        touches_after = end < len(text) and text[end].isalnum() and words[-1].isalnum()
        if not touches_before and not touches_after:
            return True
        start = text.find(words, start + 1)
    return False
