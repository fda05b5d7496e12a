"""Numbers and amounts in an answer's words: digits, number words, fractions, units, money. For `asd.makers.notation`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from asd.lazy_regex import regex
from asd.makers.notation_tables import (
    CURRENCIES,
    FRACTIONS,
    ORDINALS,
    SCALE_LETTERS,
    SCALES,
    SMALL_NUMBERS,
    UNITS,
)

MAX_DIGITS = 40
_JOINED = regex(r"(?<=[a-z])-(?=[a-z])|(?<=\d)-(?=[a-z])")
_THOUSANDS = regex(r"(?<![\d.,])\d{1,3}(?:([, '])\d{3})(?:\1\d{3})*(?![\d,])")
_EUROPEAN = regex(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+,\d{1,2}(?!\d)|(?<![\d.,])\d{1,3}(?:\.\d{3}){2,}(?![\d.,])")
_DECIMAL_COMMA = regex(r"^(\D{0,4}-?\d+),(\d{1,2})(?=\D{0,12}$)")
_MARK_UNITS = (
    (regex(r"(?<=\d)\s*(?:''|\")"), " inch "),
    (regex(r"(?<=\d)\s*'(?![a-z])"), " foot "),
    (regex(r"(?<=[\d.])\s*%"), " percent "),
    (regex(r"(?<=\d)\s*¢"), " cent "),
    (regex(r"(?<=\d)\s*°"), " degree "),
)
_SYMBOL = "|".join(re.escape(name) for name in sorted(CURRENCIES, key=len, reverse=True))
_MONEY_FIRST = regex(
    rf"(-?)({_SYMBOL})\s*"
    r"(-?[\d.]+(?:\s*/\s*\d+)?(?:\s*(?:k|mm|m|b|bn|mln|mil|[mb]illion|thousand|hundred))?)\b"
)
_MONEY_LAST = regex(r"(?<=\d)\s*([$£€¥₹₩₽])(?!\s*\d)")
_TOKEN = regex(r"-?\d*\.\d+|\d+(?:st|nd|rd|th)\b|-?\d+|[^\W\d_]+(?:[./^'][^\W\d_]+)*\.?|\S")
_NUMBER = regex(r"-?(?:\d+(?:\.\d*)?|\.\d+)")


def words_of(low: str) -> list[str]:
    """Words, signs and numbers, each number as plain digits and each unit's sign as a word."""
    low = _THOUSANDS.sub(lambda match: _SEPARATOR.sub("", match[0]), low)
    if not low.replace(" ", "").isalnum():
        if "." in low:
            low = _EUROPEAN.sub(lambda match: match[0].replace(".", "").replace(",", "."), low)
        if "," in low:
            low = _DECIMAL_COMMA.sub(r"\1.\2", low)
        if not _MARKS.isdisjoint(low):
            for pattern, word in _MARK_UNITS:
                low = pattern.sub(word, low)
        if not _MONEY_SIGNS.isdisjoint(low):
            low = _MONEY_LAST.sub(lambda match: f" {CURRENCIES[match[1]]}", low)
        low = _JOINED.sub(" ", low)
    low = _MONEY_FIRST.sub(lambda match: f" {match[1]}{match[3]} {CURRENCIES[match[2]]} ", low)
    return _with_digits([word.rstrip(".") or word for word in _TOKEN.findall(low)])


_MARKS = frozenset("'\"%¢°")
_MONEY_SIGNS = frozenset("$£€¥₹₩₽")
_SEPARATOR = regex("[, ']")


def _with_digits(words: list[str]) -> list[str]:
    """Number words as digits: "two hundred and five" -> "205", "twenty first" -> "21st"."""
    if _SPELT.isdisjoint(words):
        return words
    made: list[str] = []
    place = 0
    while place < len(words):
        is_counted = bool(made) and number_of(made[-1]) is not None and words[place] in SCALES  # "5 million"
        value, end = (0, place) if is_counted else _spelt_number(words, place)
        if end > place:
            nth = ORDINALS.get(words[end], 0) if end < len(words) else 0
            if nth and nth < 10 and value >= 20 and value % 10 == 0:
                made.append(_nth(value + nth))
                end += 1
            else:
                made.append(str(value))
            place = end
        else:
            made.append(words[place])
            place += 1
    return made


_SPELT = frozenset({*SMALL_NUMBERS, *SCALES})


def _spelt_number(words: list[str], start: int) -> tuple[int, int]:
    """The number that starts at a place, and where it ends; the same place where none does."""
    total, part, place = 0, -1, start
    while place < len(words):
        word = words[place]
        small, scale = SMALL_NUMBERS.get(word), SCALES.get(word)
        if small is not None and _may_follow(small, part, total):
            part = max(part, 0) + small
        elif scale == 100 and 0 < part < 100:
            part *= 100
        elif scale is not None and scale > 100 and part > 0:
            total, part = total + part * scale, 0
        elif word == "and" and part >= 0 and (part or total) and _goes_on(words, place, part, total):
            pass
        elif word in ("a", "an") and place == start and words[place + 1 : place + 2] and words[place + 1] in SCALES:
            part = 1
        elif scale is not None and place == start:
            part = scale
        elif scale == 12 and part > 0:
            part *= 12
        else:
            break
        place += 1
    return (total + max(part, 0), place) if part >= 0 else (0, start)


def _may_follow(small: int, part: int, total: int) -> bool:
    """Whether a number below 100 goes on with what was read: "twenty" + "one", "two hundred" + "five"."""
    if part < 0 or part == 0 < total or part % 100 == 0 < part:
        return True
    return part % 10 == 0 and small < 10 and part % 100 >= 20


def _goes_on(words: list[str], place: int, part: int, total: int) -> bool:
    after = words[place + 1] if place + 1 < len(words) else ""
    return after in SMALL_NUMBERS and ((part >= 100 and part % 100 == 0) or (total > 0 and part == 0))


def _nth(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


Number = int | Fraction


def number_of(word: str) -> Number | None:
    """None for what is no number, or has more digits than anyone compares."""
    if len(word) < MAX_DIGITS and word.isascii() and word.isdigit():
        return int(word)
    if len(word) > MAX_DIGITS or _NUMBER.fullmatch(word) is None:
        return None
    return Fraction(word if word[-1] != "." else word[:-1])


def read_number(words: list[str], place: int) -> tuple[Number, int] | None:
    """A number, fraction or mixed number that starts at a place, with its sign and scale, and where it ends."""
    sign = 1
    if words[place] in ("minus", "negative", "-", "+", "plus", "positive") and place + 1 < len(words):
        sign = -1 if words[place] in ("minus", "negative", "-") else 1
        place += 1
    if words[place] in ("a", "an") and place + 1 < len(words) and words[place + 1] in FRACTIONS:
        place += 1
    if words[place] in FRACTIONS and (
        words[place] in ("half", "quarter") or words[place - 1 : place] in (["a"], ["an"])
    ):
        has_article = words[place + 1 : place + 2] in (["a"], ["an"])  # "half an hour"
        return sign * FRACTIONS[words[place]], place + 1 + has_article
    value = number_of(words[place])
    if value is None:
        return None
    place += 1
    rest = words[place:]
    if len(rest) >= 2 and rest[0] == "/":
        below = number_of(rest[1])
        if below is None or below <= 0 or rest[2:3] == ["/"]:
            return None
        return sign * Fraction(value) / below, place + 2
    if rest[:1] and rest[0] in FRACTIONS and not (rest[0] in ORDINALS and value != 1):
        return sign * value * FRACTIONS[rest[0]], place + 1
    mixed = rest[1:] if rest[:1] == ["and"] else rest
    skipped = len(rest) - len(mixed)
    part = _part(mixed)
    if part is not None and value == int(value) and value >= 0:
        return sign * (value + part[0]), place + skipped + part[1]
    if rest[:1] and (scale := SCALES.get(rest[0])):
        return sign * value * scale, place + 1
    return sign * value, place


def _part(words: list[str]) -> tuple[Number, int] | None:
    """What makes a number a mixed one: "1/2", "a half", "3 quarters"; and of how many words it is."""
    if len(words) >= 3 and words[1] == "/":
        above, below = number_of(words[0]), number_of(words[2])
        if above is not None and below is not None and 0 < above < below:
            return Fraction(above) / below, 3
    if words[:1] in (["a"], ["1"]) and words[1:2] and words[1] in ("half", "quarter", "third"):
        return FRACTIONS[words[1]], 2
    if words[:1] and words[0] in ("half", "quarter"):
        return FRACTIONS[words[0]], 1
    if words[:2] == ["3", "quarters"]:
        return Fraction(3, 4), 2
    return None


_MONEY = frozenset("usd eur gbp jpy inr cny krw cad aud rub mxn chf".split())


def amounts(words: list[str]) -> Iterator[str]:
    """Numbers, and sums of numbers with units of one measure: "5 ft 10 in"."""
    words = [word for word in words if word not in (",", "(", ")")]
    if words and words[-1] in ("old", "only", "long", "tall", "high", "wide", "each"):
        words = words[:-1]
    if words[:1] in (["number"], ["no"], ["#"]) and len(words) == 2:
        words = words[1:]
    sums: dict[str, Fraction] | None = None
    place, last_unit = 0, ""
    while place < len(words):
        if sums is not None and words[place] == "and":
            place += 1
            continue
        read = read_number(words, place)
        if read is None:
            return
        value, place = read
        scale = SCALE_LETTERS.get(words[place]) if place + 2 == len(words) else None
        if scale and UNITS.get(words[-1], [("", 0)])[0][0] in _MONEY and sums is None:
            value, place = value * scale, place + 1
        name, end = unit_at(words, place)
        if not name:
            if sums is None and place == len(words):
                yield f"number {value}"
            elif sums is None and place + 1 == len(words) and words[place] in SCALE_LETTERS:
                yield f"number {value * SCALE_LETTERS[words[place]]}"
            elif sums and place == len(words) and last_unit == "foot":
                sums = {measure: total + value * Fraction(254, 10_000) for measure, total in sums.items()}
                break
            return
        if sums is None and place + 1 == len(words) and words[place] in SCALE_LETTERS:
            yield f"number {value * SCALE_LETTERS[words[place]]}"
        place, last_unit = end, "foot" if name in ("ft", "foot", "feet") else name
        in_units = {measure: value * factor for measure, factor in UNITS[name]}
        sums = in_units if sums is None else {m: total + in_units[m] for m, total in sums.items() if m in in_units}
    for measure, total in (sums or {}).items():
        yield f"{measure} {total}"


def unit_at(words: list[str], place: int) -> tuple[str, int]:
    """The longest name of a unit at a place, and where it ends; "" for none."""
    for size in (4, 3, 2, 1):
        if place + size > len(words):
            continue
        parts = [word.replace(".", "") for word in words[place : place + size]]
        for name in (" ".join(parts), "".join(parts) if "/" in parts or "^" in parts or parts[-1].isdigit() else ""):
            if name in UNITS:
                return name, place + size
            singular = " ".join(
                part if part in UNITS or part[-2:-1] == "s" else part.removesuffix("s") for part in parts
            )
            if name and singular in UNITS:
                return singular, place + size
    return "", place
