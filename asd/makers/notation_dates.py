"""Times of day and dates in an answer's words, as digits or spelt out. For `asd.makers.notation`."""

from __future__ import annotations

from collections.abc import Iterator

from asd.lazy_regex import regex
from asd.makers.notation_tables import MONTHS, ORDINALS, WEEKDAYS

MAX_DATE_WORDS = 9
"""Words and signs; longer texts are no time or date alone."""
_CLOCK = regex(r"(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2}))?\s*(am|pm|oclock|hours|hrs|h)?(?: (am|pm))?(?: sharp)?")
_BARE_CLOCK = regex(r"(\d{1,2})(\d{2}) ?(am|pm|hours|hrs|h)")
_NAMED_TIMES = {"noon": 720, "midday": 720, "12 noon": 720, "12:00 noon": 720, "midnight": 0, "12 midnight": 0}
_MINUTES = 60


def times(low: str) -> Iterator[str]:
    """The minutes of the day."""
    if low in _NAMED_TIMES:
        yield f"clock {_NAMED_TIMES[low]}"
        return
    match = _BARE_CLOCK.fullmatch(low)
    if match is not None:
        yield from _of_day(int(match[1]), int(match[2]), "", match[3])
        return
    match = _CLOCK.fullmatch(low)
    if match is None or not (match[2] or match[4]):
        return
    hour, minute, second, mark, half = match.groups()
    if (mark == "h" and not minute) or (hour.strip("0") == "" and "." in low):
        return
    yield from _of_day(int(hour), int(minute or 0), second if second and int(second) else "", half or mark or "")


def _of_day(hour: int, minute: int, second: str, mark: str) -> Iterator[str]:
    if hour > 24 or minute >= _MINUTES:
        return
    rest = f" {second}" if second else ""
    if mark in ("am", "pm") and 0 < hour <= 12:
        yield f"clock {(hour % 12 + (12 if mark == 'pm' else 0)) * _MINUTES + minute}{rest}"
    elif 0 < hour <= 12:
        yield f"clock {hour % 12 * _MINUTES + minute}{rest}"
        yield f"clock {(hour % 12 + 12) * _MINUTES + minute}{rest}"
    else:
        yield f"clock {hour % 24 * _MINUTES + minute}{rest}"


def spelt_times(words: list[str]) -> Iterator[str]:
    """ "half past 3", "a quarter to 4 pm", "10 minutes past 6", "10 30", "3 thirty"."""
    words = [word for word in words if word not in ("a", "minutes", "minute", "oclock")]
    mark = words[-1] if words and words[-1] in ("am", "pm") else ""
    words = words[:-1] if mark else words
    if len(words) == 3 and words[1] in ("past", "after", "to", "till", "til", "before", "of"):
        minute = {"half": 30, "quarter": 15}.get(words[0]) or (int(words[0]) if _is_small(words[0], _MINUTES) else 0)
        if (
            not minute
            or not _is_small(words[2], 13)
            or (words[1] in ("to", "of") and words[0].isdigit() and minute % 5)
        ):
            return
        at = int(words[2]) * _MINUTES + (minute if words[1] in ("past", "after") else -minute)
        yield from _of_day((at // _MINUTES - 1) % 12 + 1, at % _MINUTES, "", mark)
    elif (
        len(words) == 2
        and all(_is_small(word, _MINUTES) for word in words)
        and int(words[1]) >= 10
        and int(words[0]) < 13
    ):
        yield from _of_day(int(words[0]), int(words[1]), "", mark)


def _is_small(word: str, below: int) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 2 and 0 < int(word) < below


_THREE_NUMBERS = regex(r"(\d{1,4})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})")
_TWO_NUMBERS = regex(r"(\d{1,2})/(\d{1,2})")
_MONTH_AND_YEAR = regex(r"(\d{1,2})[/.-](\d{4})|(\d{4})[/-](\d{1,2})")
_DAY = regex(r"(\d{1,2})(?:st|nd|rd|th)?")
_NTH = regex(r"(\d{1,4})(st|nd|rd|th)")


def _date(year: int, month: int, day: int, orders: tuple[str, ...] = ("mdy", "dmy")) -> Iterator[str]:
    """0 for what is not told."""
    if 1 <= month <= 12 and 0 <= day <= 31:
        yield from (f"date {order} {year}-{month}-{day}" for order in orders)


def _century(year: str) -> int:
    if len(year) == 4:
        return int(year)
    return int(year) + (2000 if int(year) < 50 else 1900)


def numeric_dates(low: str) -> Iterator[str]:
    match = _THREE_NUMBERS.fullmatch(low)
    if match is not None:
        first, _, second, third = match.groups()
        if len(first) == 4:
            if len(third) == 2:
                yield from _date(int(first), int(second), int(third))
        elif len(first) <= 2:
            yield from _either_order(_century(third), int(first), int(second))
        return
    match = _TWO_NUMBERS.fullmatch(low)
    if match is not None:
        yield from _either_order(0, int(match[1]), int(match[2]))
        return
    match = _MONTH_AND_YEAR.fullmatch(low)
    if match is not None:
        month, year = (match[1], match[2]) if match[1] else (match[4], match[3])
        yield from _date(int(year), int(month), 0)


def _either_order(year: int, first: int, second: int) -> Iterator[str]:
    if not (first and second):
        return
    if first > 12 or second > 12 or first == second:
        yield from _date(year, min(first, second), max(first, second))
    else:
        yield from _date(year, first, second, ("mdy",))
        yield from _date(year, second, first, ("dmy",))


def spelt_dates(words: list[str]) -> Iterator[str]:
    """A month's name with a day, a year or both, in any order."""
    left = [word for word in words if word not in ("of", "the", ",", "-", "/", "in", "'") and word not in WEEKDAYS]
    months = [word for word in left if word in MONTHS]
    if len(months) != 1 or not 2 <= len(left) <= 3:
        return
    day = year = 0
    rest = [word for word in left if word not in MONTHS]
    for word in rest:
        match = _DAY.fullmatch(word)
        if len(word) == 4 and word.isascii() and word.isdigit() and not year:
            year = int(word)
        elif match is not None and not day and 1 <= int(match[1]) <= 31:
            day = int(match[1])
        elif word in ORDINALS and not day:
            day = ORDINALS[word]
        elif len(word) == 2 and word.isascii() and word.isdigit() and not year:
            year = _century(word)
        else:
            return
    yield from _date(year, MONTHS[months[0]], day)


def ordinals(words: list[str]) -> Iterator[str]:
    words = [word for word in words if word != "the"]
    if len(words) == 2 and words[0].isdigit() and words[1] in ("st", "nd", "rd", "th"):
        words = ["".join(words)]
    if len(words) != 1:
        return
    match = _NTH.fullmatch(words[0])
    nth = int(match[1]) if match else ORDINALS.get(words[0], 0)
    if nth:
        yield f"nth {nth}"
