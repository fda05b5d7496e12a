"""Options written below a question: their lines, and what stands behind the last one.

Letters run from A without a gap, behind Z as AA, AB, ... or AA, BB, ...; a line without the next letter belongs to the
option before it. What stands behind the last option is no part of it where it is known as a closing line
(`instructions`), follows a blank line, or where every other option is a single line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from asd.lazy_regex import regex
from asd.schemas.image_marks import BLANKS
from asd.schemas.styles import LETTERS
from asd.sources.instructions import closes_options, cut_tail_cue, cut_tail_instruction, is_instruction

_OPTION_LINE = regex(r"[ \t]*(?:\(([A-Z]{1,2})\)|([A-Z]{1,2})[.)])[ \t]+([^\n]*)")
_OPTIONS_HEADER = regex(r"[ \t]*(?:Options|Choices|Answer choices)[ \t]*:[ \t\r]*", re.IGNORECASE | re.ASCII)
_INLINE_OPTIONS = regex(r"(?:(?:Options|Choices)[ \t]*:)?[ \t]*(?=\(A\)[ \t])")
_INLINE_LETTER = regex(r"[ \t]*\(([A-Z]{1,2})\)[ \t]+")
_SMALL_LINE = regex(r"[ \t]*(?:\(([a-z]{1,2}|\d{1,3})\)|([a-z]{1,2}|\d{1,3})[.):])[ \t]+([^\n]*)")
_ENDS = regex(r"[.!?:;。！？]\Z")


class Found(NamedTuple):
    rest: str
    """The text before the options (and their header)."""
    options: tuple[str, ...]
    closing: str
    """What stands behind the last option and is no part of it."""


def split_options(text: str) -> Found:
    """The closing option lines ("A. x", "(A) x", "A) x", or all on one line); no options where there are none."""
    lines = text.split("\n")
    marks = [_OPTION_LINE.match(line) for line in lines]
    letters = [(match.group(1) or match.group(2)) if match else "" for match in marks]
    starts = [number for number, letter in enumerate(letters) if letter == "A"]
    for start in reversed(starts):
        options = _options_from(lines, marks, letters, start)
        if len(options) >= 2:
            closing = cut_closing(options)
            texts = tuple("\n".join(option).strip(BLANKS) for option in options)
            if all(texts):
                end = start - 1 if start and _OPTIONS_HEADER.fullmatch(lines[start - 1]) else start
                return Found("\n".join(lines[:end]).strip(BLANKS), texts, closing)
    return _split_inline_options(lines, text)


def count_other_marks(text: str) -> int:
    """Options of a list marked by small letters or numbers ("(a)", "1."): how many follow each other from the first."""
    count = 0
    for line in text.split("\n"):
        match = _SMALL_LINE.match(line)
        mark = (match.group(1) or match.group(2)) if match else ""
        if mark and (mark == str(count + 1) or mark.upper() in _labels(count)):
            count += 1
    return count


def _labels(place: int) -> tuple[str, ...]:
    """How the option at this place may be lettered."""
    letter = LETTERS[place % len(LETTERS)]
    turn = place // len(LETTERS)
    return (letter,) if not turn else (LETTERS[(turn - 1) % len(LETTERS)] + letter, letter * 2)


def _options_from(
    lines: list[str], marks: list[re.Match[str] | None], letters: list[str], start: int
) -> list[list[str]]:
    """Each option's lines."""
    options: list[list[str]] = []
    for number in range(start, len(lines)):
        match = marks[number]
        if match and letters[number] in _labels(len(options)):
            options.append([match.group(3).strip(BLANKS)])
        else:
            options[-1].append(lines[number].strip(BLANKS))
    return options


def cut_closing(options: list[list[str]]) -> str:
    """Takes from the last option what is no part of it, and returns that. options: the lines of each one."""
    last = options[-1]
    place = _closing_place(last, max(len(_stripped(option)) for option in options[:-1]))
    closing = _stripped(last[place:])
    del last[place:]
    if len(last) == 1:
        for cut in (cut_tail_cue, cut_tail_instruction):
            last[0], tail = cut(last[0])
            closing = [tail, *closing] if tail else closing
    return "\n".join(closing)


def _closing_place(lines: list[str], longest: int) -> int:
    """Where among the lines from the last option on the closing ones begin. longest: lines of any other option."""
    for place in range(1, len(lines)):
        if is_instruction(lines[place]) or closes_options(lines[place]) or (longest == 1 and not lines[place]):
            return place
    return len(lines) if longest > 1 or _is_wrapped(lines) else 1


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the second line goes on with the first one: in small letters, in the middle of a sentence."""
    return len(lines) > 1 and lines[1][:1].islower() and lines[1][:1].isascii() and not _ENDS.search(lines[0])


def _stripped(lines: list[str]) -> list[str]:
    return [line for line in lines if line]


def _split_inline_options(lines: list[str], text: str) -> Found:
    for place in range(len(lines) - 1, -1, -1):  # closing lines may stand behind
        match = _INLINE_OPTIONS.match(lines[place])
        if match is None:
            continue
        parts = _INLINE_LETTER.split(lines[place][match.end() :])
        texts = [[part.strip(BLANKS)] for part in parts[2::2]]
        is_run = all(letter in _labels(number) for number, letter in enumerate(parts[1::2]))
        if len(texts) < 2 or not is_run or not all(part[0] for part in texts):
            return Found(text, (), "")
        texts[-1] += [line.strip(BLANKS) for line in lines[place + 1 :]]
        closing = cut_closing(texts)
        options = tuple("\n".join(part).strip(BLANKS) for part in texts)
        return Found("\n".join(lines[:place]).strip(BLANKS), options, closing)
    return Found(text, (), "")
