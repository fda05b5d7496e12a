"""Options that stand in a question under other marks than "A. " or "(A) " on lines of their own.

Small letters, numbers, circled numbers, the letters of other alphabets (`asd.sources.option_marks`), on lines or all on
one. Text that looks like such a list often is none ("Vitamin A. B12 ...", the steps of a sum), so whoever reads one
takes it for options only where the answer is one of them: its mark, its text, or both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from asd.lazy_regex import regex
from asd.schemas.image_marks import BLANKS
from asd.sources.instructions import is_lead_in, without_lead_in
from asd.sources.option_lines import cut_closing, split_options
from asd.sources.option_marks import (
    CAPITALS,
    MARK,
    NUMBERS,
    names_several,
    places,
    read_mark_and_text,
    read_mark_answer,
)

SECOND_MARK = (
    r"(?:\A|[^0-9A-Za-z.]|[^0-9]\.)(?:[Bb21１２]|[Ii]{2})[ \t]?[*_]{0,3}"
    r"(?:[)\]}>、．。：）］】》*_]|[.:](?:[^0-9]|\z)|[ \t]*[-–—=])"
    r"|[ＢｂБбВвΒβ乙나ㄴイいロب二ב２आखখข][ \t]?[*_]{0,3}(?:[)\]}>.:、．。：）］】》*_]|[ \t]*[-–—=])"
    "|[②❷⑵⒝⒉Ⓑⓑ㈡㊁㉡㉯🄱⓶➁➋①⓪ⅡⅱⅠⅰ]|[0-9]\ufe0f?\u20e3"
)
"""One of these stands in every text that `split_marked` finds something in (Python and RE2 read it alike)."""
_SECOND_MARK = regex(SECOND_MARK.replace(r"\z", r"\Z"))
_AROUND_MARK = regex(r"[)\]}>*_.:=\-\x80-\U0010ffff]")
"""One of these characters stands in every text that `_SECOND_MARK` finds; looking for them is quicker."""
_BEHIND = " \t,;/|、，；:：?？.。!！)）]】(（>*\"'”»…"
_STOPS = "?？:：.。!！;；,，、)）]】*>"
_SEPARATORS = " \t\r,;/|、，；"
_JOINING = regex(r"[\s,;/|、，；](?:and|or|und|oder|et|ou|y|o|или|и)\Z|(?:或者?|和|还是)\Z")
_EMPTY = regex(r"(?:and|or|nor|to|is|are|the|of|in|by|from|with|than)?\W*", re.IGNORECASE)
_QUESTION_BEHIND = regex(r"(?<=[.。;；!！])([^.。;；!！?？]+[?？])\Z")
_COUNTS = regex(
    r"\bhow (?:many|much)\b|\bnumber of\b|\b(?:calculate|compute|solve|evaluate|simplify|sum|total|difference|product)\b"
    r"|\bwhat (?:number|time|year)\b|[=+×÷]\s*\?|多少|几个|いくつ|몇",
    re.IGNORECASE,
)
_MAX_MARK_ANSWER = 40
_LONGEST_BARE = 5
_BEHIND_NUMBERS = (")", "]", "}", ":", "）", "】", "：", "、")
"""Elsewhere numbers with a stop or a dash behind them are but numbers."""
_LOOSE = regex(
    r"(?:(?P<pre>[(\[{<#\"'|“‘【（「][ \t]*)|(?<!\w))(?P<label>[^\W\d_]|[0-9]{1,2}|[①-⓿])"
    r"(?:(?P<post>[ \t\xa0]*[:.)\]}>/|=\-–—\"'”’】）：．、」])(?![0-9])|(?=[ \t\n]))"
)
"""What may be a mark: a label with something around it, or at the beginning of a line."""
_AROUND_LABEL = regex(r"[(\[{<#\"'|:.)\]}>/=\-\n\x80-\U0010ffff]")
"""One of these stands in every text with two labels that `_LOOSE` finds with something around them, or on lines."""
_MAX_LINE = 20_000
_MAX_MARKS = 256
"""Looked at in a text, the last ones. Both bound the work that a text can ask for."""


class Marked(NamedTuple):
    rest: str
    """The text before the options (and their header)."""
    options: tuple[str, ...]
    closing: str
    """What stands behind the last option and is no part of it."""
    alphabet: str
    """Of the marks: a name that `option_marks` knows."""


class _Place(NamedTuple):
    start: int
    end: int
    """Of the mark, with the blanks behind it."""
    places: dict[str, int]
    case: bool
    """Whether the label is in capitals."""
    form: str
    """What stands around the label."""


def may_be_marked(text: str) -> bool:
    """Cheap test that is true wherever `split_marked` finds something."""
    return _AROUND_MARK.search(text) is not None and _SECOND_MARK.search(text) is not None


def split_marked(text: str) -> Marked | None:
    """The last list of two and more options under marks from the first label of some alphabet on; None: there is none."""
    if not may_be_marked(text):
        return None
    lines = text.split("\n")
    return _on_lines(lines) or _on_one_line(lines)


def option_by_mark(answer: str, marked: Marked) -> int | None:
    """The option that an answer means by its mark or its text; None where that is not exactly one.

    A number is no mark where the question asks for one.
    """
    same = [number for number, option in enumerate(marked.options) if _is_same(option, answer)]
    if len(same) == 1:
        return same[0]
    is_number = marked.alphabet in NUMBERS
    place = read_mark_answer(answer, marked.alphabet)
    if place is not None and is_number and answer.strip().isdigit() and _COUNTS.search(marked.rest):
        return None
    if place is None and (both := read_mark_and_text(answer, marked.alphabet)) is not None:
        place = both[0] if both[0] < len(marked.options) and _is_same(marked.options[both[0]], both[1]) else None
    return place if place is not None and place < len(marked.options) else None


@lru_cache(maxsize=1 << 14)
def names_listed_option(question: str, answer: str) -> bool:
    """Whether an answer is but the mark of an option (or of several) that the question lists: it says nothing by itself."""
    if len(answer) > _MAX_MARK_ANSWER:
        return False
    if len(answer) <= _LONGEST_BARE and _is_among_marks(question, answer):
        return True
    if not ("A" in question or may_be_marked(question)):
        return False
    split = split_options(question)
    listed = [Marked(split.rest, split.options, split.closing, CAPITALS)] if split.options else []
    if (marked := split_marked(question)) is not None:
        listed.append(marked)
    for form in listed:
        place = read_mark_answer(answer, form.alphabet)
        is_beyond = (
            place is not None and place >= len(form.options) and (len(answer.strip()) > 1 or answer.strip().isdigit())
        )
        if (place is not None and not is_beyond) or names_several(answer):
            return True
    return False


def _is_among_marks(question: str, answer: str) -> bool:
    """Whether an answer is but a label that stands in the question as the mark of something, beside its neighbour."""
    if _AROUND_LABEL.search(question) is None or not (wanted := places(answer.strip(" ().[]:*"))):
        return False
    seen: set[tuple[str, int]] = set()
    for match in _LOOSE.finditer(question):
        at, post = match.start(), (match["post"] or "").strip()
        is_around = (
            (match["pre"] or post) if not match["label"].isdigit() else (match["pre"] or post in _BEHIND_NUMBERS)
        )
        if is_around or at == 0 or question[at - 1] == "\n":
            seen.update(places(match["label"]).items())
    return any(
        (name, place) in seen and not {(name, place - 1), (name, place + 1)}.isdisjoint(seen)
        for name, place in wanted.items()
    )


def _is_same(option: str, text: str) -> bool:
    return option.casefold().rstrip(".。") == text.casefold().rstrip(".。")


def _marks_at(line: str, at: int) -> _Place | None:
    match = MARK.match(line, at)
    if match is None:
        return None
    label = match["single"] or match["inner"] or match["label"]
    numbers = places(label)
    tail = match["tail"] or ""
    behind = line[match.end() : match.end() + 1]
    if not numbers or (not behind and at):
        return None
    is_point = bool(behind) and (
        label[0].isdigit() or (behind.isascii() and line[match.end() + 1 : match.end() + 2] == ".")
    )
    if tail == "." and not match["blank"] and is_point:  # "1.5", "a.m."
        return None
    is_time = tail == ":" and not match["blank"] and (behind.isdigit() or behind == "/")
    if is_time or (tail[:1] in ("*", "_") and not match["bold"]):
        return None
    form = "single" if match["single"] else match["open"] or tail.strip()[:1]
    return _Place(match.start(), match.end(), numbers, label.isupper(), form)


def _runs(marks: Sequence[_Place]) -> Iterator[list[_Place]]:
    """Marks that follow each other from a first label on, of one alphabet; the last such run first, none that is but the
    end of another."""
    maximal: list[list[_Place]] = []
    marks = marks[-_MAX_MARKS:]
    for first, mark in enumerate(marks):
        begun = [alphabet for alphabet, place in mark.places.items() if place == 0]
        runs = [run for alphabet in begun if len(run := _run(marks[first:], alphabet)) > 1]
        for run in sorted(runs, key=len):
            if not any({place.start for place in run} < {place.start for place in other} for other in maximal):
                maximal.append(run)
    return reversed(maximal)


def _run(marks: Sequence[_Place], alphabet: str) -> list[_Place]:
    run: list[_Place] = []
    for mark in marks:
        if mark.places.get(alphabet) == len(run) and (mark.case, mark.form) == (marks[0].case, marks[0].form):
            run.append(mark._replace(places={alphabet: len(run)}))
    return run


def _on_lines(lines: list[str]) -> Marked | None:
    marks: list[_Place] = []
    for number, line in enumerate(lines):
        if (mark := _marks_at(line, 0)) is not None:
            marks.append(mark._replace(start=number))
    for run in _runs(marks):
        options: list[list[str]] = []
        for place, mark in enumerate(run):
            stop = run[place + 1].start if place + 1 < len(run) else len(lines)
            first, *more = lines[mark.start : stop]
            options.append([first[mark.end :].strip(BLANKS), *(line.strip(BLANKS) for line in more)])
        marked = _made("\n".join(lines[: run[0].start]), options, run)
        if marked is not None and _on_one_line([marked.options[-1]]) is None:
            return marked
    return None


def _on_one_line(lines: Sequence[str]) -> Marked | None:
    for number in range(len(lines) - 1, -1, -1):  # closing lines may stand behind
        line = lines[number]
        if len(line) > _MAX_LINE:
            continue
        for run in _runs(list(_marks_in(line))):
            if not _may_open(line, run[0]):
                continue
            ends = [*(mark.start for mark in run[1:]), len(line)]
            texts = [line[mark.end : end] for mark, end in zip(run, ends, strict=True)]
            texts = [*map(_without_joint, texts[:-1]), texts[-1].rstrip(BLANKS)]
            before = "\n".join([*lines[:number], line[: run[0].start]])
            question = _QUESTION_BEHIND.search(texts[-1])
            if question is not None and "?" not in before:
                before = "\n".join([_without_header(before), question.group(1).strip(BLANKS)])
                texts[-1] = texts[-1][: question.start()]
            options = [[text.strip(BLANKS)] for text in texts]
            options[-1] += [line.strip(BLANKS) for line in lines[number + 1 :]]
            if (marked := _made(before, options, run)) is not None:
                return marked
    return None


def _marks_in(line: str) -> Iterator[_Place]:
    at = 0
    while at < len(line):
        may_begin = at == 0 or line[at - 1] in _BEHIND or "\u3040" <= line[at - 1] <= "\ud7a3" or not line[at].isascii()
        if may_begin and line[at] not in BLANKS:
            mark = _marks_at(line, at)
            if mark is not None:
                yield mark
                at = mark.end
                continue
        at += 1


def _without_joint(text: str) -> str:
    """An option's text without the comma, or the "or", before the next mark."""
    text = text.rstrip(_SEPARATORS)
    match = _JOINING.search(text, max(len(text) - 8, 0))
    return text if match is None else text[: match.start()].rstrip(_SEPARATORS)


def _may_open(line: str, mark: _Place) -> bool:
    """Whether a list may begin at a mark amid a line: "vitamin A. ..." is none, "Which? A. ..." is one."""
    before = line[: mark.start].rstrip(BLANKS)
    return not before or before[-1] in _STOPS or mark.form == "single" or mark.form in "([（［【{<《"


def _without_header(text: str) -> str:
    text = text.strip(BLANKS)
    return "" if is_lead_in(text) else without_lead_in(text)


def _made(before: str, options: list[list[str]], run: list[_Place]) -> Marked | None:
    for option in options:  # a mark alone on its line
        while len(option) > 1 and not option[0]:
            del option[0]
    closing = cut_closing(options)
    texts = tuple("\n".join(option).strip() for option in options)
    rest = _without_header(before)
    if rest and "?" not in rest and "？" not in rest:
        texts = (*texts[:-1], texts[-1].rstrip("?？ "))
    if not any(text.endswith(".") for text in texts[:-1]):
        texts = (*texts[:-1], texts[-1].removesuffix("."))
    if any(_EMPTY.fullmatch(text) for text in texts) or (rest and any(text.endswith(("?", "？")) for text in texts)):
        return None
    (alphabet,) = run[0].places
    if alphabet == "letters" and run[0].case:
        alphabet = CAPITALS
    return Marked(rest, texts, closing, alphabet)
