"""What an answer means where it can be written in several ways: numbers, amounts, times, dates, lists, names.

`readings` gives one key for each thing that a text may mean; two texts that share a key are one answer in two
notations. A text that can be read in two ways ("10:30" is morning or evening) has both keys; one whose order is not
known ("5/8/2010") has keys that only a text in the same order, or a spelt-out date, shares. No I/O, no state.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from fractions import Fraction

from asd.lazy_regex import regex
from asd.makers.notation_amounts import MAX_DIGITS, amounts, number_of, unit_at, words_of
from asd.makers.notation_dates import MAX_DATE_WORDS, numeric_dates, ordinals, spelt_dates, spelt_times, times
from asd.makers.notation_tables import (
    COLOURS,
    FRACTIONS,
    ORDINALS,
    ROMAN,
    SCALES,
    SMALL_NUMBERS,
    STATES,
    UNITS,
)

NO_READINGS: frozenset[str] = frozenset()
MAX_LENGTH = 100
"""Characters; longer answers are sentences, which are compared word by word."""
_VULGAR = regex(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_COMBINING = regex("[\u0300-\u036f]")
_LETTERS = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "´": "'", "′": "'", "″": '"', "“": '"', "”": '"', "−": "-", "‐": "-", "‑": "-"}
    | {"–": "-", "—": "-", "⁄": "/", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)


def fold(text: str) -> str:
    """Casefold, NFKC, one kind of dash and of quotation mark, decimal digits of any script as 0-9, no Latin accents
    (other scripts keep their marks: those are letters there)."""
    if text.isascii():
        return text.casefold()
    text = _VULGAR.sub(" ", text).replace("´", "'")
    text = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    text = "".join([_digit(letter) if letter >= "\u0660" else letter for letter in text])
    return unicodedata.normalize("NFC", _COMBINING.sub("", unicodedata.normalize("NFKD", text))).translate(_LETTERS)


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)


_NUMBERS = {*SMALL_NUMBERS, *SCALES, *ORDINALS}
_COUNTS = regex(
    r"\d|\b(?:noon|midnight|midday|half|quarters?|o'?clock|"
    rf"{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})\b"
)
_JOINS = regex(r"[,;&+/]|\b(?:and|or|vs|versus|n)\b")
_TELLING = frozenset(
    {"noon", "midnight", "midday", "half", "quarter", "quarters", "oclock", "and", "or", "vs", "versus", "n"}
    | _NUMBERS
    | COLOURS
)
"""Without any of these, words have no meaning but a place's: `_COUNTS` and `_JOINS` are not in them, nor a colour."""
_EDGES = " \t\n\"'()[]{}<>.,;:!?*=~≈"
_LEADING = regex(rf"^[{re.escape(_EDGES)}]*?(?=\.?\d|[^{re.escape(_EDGES)}]|$)")
_ENDS_IN_MARK = regex(r"^[^'\"]*\d\s*(?:'(?:\s*\d+\s*(?:\"|''))?|''|\")[ .,;:!?)]*$")
_ABOUT = regex(r"(?:about|approximately|approx\.?|around|roughly|circa|it is|it's|its|the|at|on|=) (?=\S)")
_MERIDIEM = regex(r"(?<=\d)\s*([ap])(?:\.\s?m|m| m)\b\.?")
_DAY_PARTS = (
    (regex(r",? in the morning$"), " am"),
    (regex(r",? (?:in the (?:afternoon|evening)|at night)$"), " pm"),
)
_OCLOCK = regex(r"\bo'?\s?clock\b")


def readings(text: str, plain: Callable[[str], str]) -> frozenset[str]:
    """Keys of what a text means; none where it can only mean its words. plain: normalises the words of a part."""
    if len(text) > MAX_LENGTH or (text[:1] == "[" and "," in text):  # a sentence, a box
        return NO_READINGS
    low = fold(text)
    if low.isalpha() and low not in _ALONE and not (len(text) < _LONGEST_CODE and (text.isupper() or low in ROMAN)):
        return NO_READINGS
    if low.isascii() and low.isdigit() and len(low) < MAX_DIGITS:
        return frozenset((f"number {int(low)}",))
    forms = set(_places(text, low))
    if low.replace(" ", "").isalpha() and _TELLING.isdisjoint(low.split(" ")):  # as most of several words
        return frozenset(forms) if forms else NO_READINGS
    low = _stripped(low)
    if _COUNTS.search(low) is not None:
        forms.update(_readings(_ABOUT.sub("", low, count=1) if low[:1].isalpha() else low))
    if not forms and (_JOINS.search(low) is not None or not COLOURS.isdisjoint(_WORDS.split(low))):
        forms.update(_lists(low, plain))
    return frozenset(forms) if forms else NO_READINGS


def _stripped(low: str) -> str:
    """Without quotation marks, brackets and full stops around it; the point of ".5" and the mark of 8' stay."""
    low = low.strip()
    if low[:1] in ("<", ">"):
        return low
    end = _EDGES if _ENDS_IN_MARK.search(low) is None else " .,;:!?)]}"
    return _LEADING.sub("", low.rstrip(end), count=1)


def _readings(low: str) -> Iterator[str]:
    if low[-1:].isalpha() or low[-1:] == ".":
        low = _MERIDIEM.sub(r" \1m", low)
        for pattern, short in _DAY_PARTS:
            low = pattern.sub(short, low)
        low = _OCLOCK.sub("oclock", low)
    yield from times(low)
    yield from numeric_dates(low)
    words = words_of(low)
    yield from amounts(words)
    if 1 < len(words) <= MAX_DATE_WORDS:
        yield from spelt_times(words)
        yield from spelt_dates(words)
        yield from _spans(words, low)
    if len(words) <= 3:
        yield from ordinals(words)


_SPAN = regex(r"(?:(?:from|between) )?(\S+) (?:-|to|through|thru|and) (\S+)((?: \S+)*)")
_RATIO = regex(r"(\d{1,9})\s*(?::|to|-)\s*(\d{1,9})")


def _spans(words: list[str], low: str) -> Iterator[str]:
    """ "10-12 years", "10 to 12 years"; "4:3", "4 to 3"."""
    ratio = _RATIO.fullmatch(low)
    if ratio is not None:
        yield f"{'span' if '-' in low else 'ratio'} {int(ratio[1])} {int(ratio[2])}"
        if "to" in low:
            yield f"span {int(ratio[1])} {int(ratio[2])}"
        return
    joined = re.sub(r"(?<=\d) -(?=\d)", " - ", " ".join(words))
    match = _SPAN.fullmatch(joined)
    if match is None or (" and " in match[0] and not match[0].startswith("between")):
        return
    low_end, high_end = number_of(match[1]), number_of(match[2])
    if low_end is None or high_end is None:
        return
    unit = match[3].strip()
    name = unit_at(unit.split(), 0)[0] if unit else ""
    if unit and not name:
        return
    for measure, factor in UNITS[name] if name else [("", Fraction(1))]:
        yield f"span {low_end * factor} {high_end * factor}{' ' * bool(measure)}{measure}"


_JOINERS = regex(
    r"\s*(?:,(?!\d{3})\s*(?:and\s+|or\s+|&\s*)?|;|&|(?<!\d)/(?!\d)|(?<=[^\W\d_])\s*\+\s*(?=[^\W\d_])|\s\+\s)\s*|\s+(?:and|n|'n'|vs\.?|versus)\s+"
)
_WORDS = regex(r"[\s-]+")
UNORDERED = ("all ", "any ")
"""Beginnings of the keys of lists, which are the same in any order."""
_OR = regex(r"(?:^|[\s,])or\s")


def _lists(low: str, plain: Callable[[str], str]) -> Iterator[str]:
    """The same things named in another order."""
    is_choice = _OR.search(low) is not None
    parts = re.split(r"\s*,?\s+or\s+|\s*,\s*", low) if is_choice else _JOINERS.split(low)
    parts = [colour for part in parts if part.strip() for colour in _colours_apart(part)]
    names = [plain(part) for part in parts]
    if len(names) < 2:
        return
    in_order = len(names) > 2 and all(number_of(name) is not None for name in names)  # a sorted list, a box
    if all(names) and not in_order:
        yield f"{'any' if is_choice else 'all'} {' | '.join(sorted(name.replace(' ', '') for name in names))}"


def _colours_apart(part: str) -> list[str]:
    """ "red white" names two colours, "light blue" one."""
    names = _WORDS.split(part.strip())
    return names if COLOURS.issuperset(names) else [part]


def _places(text: str, low: str) -> Iterator[str]:
    """A state of the USA by its code: alone in capitals, or behind a town."""
    bare = low.strip(_EDGES)
    letters = _NO_LETTER.sub("", bare)
    if letters == bare and len(bare) < _LONGEST_CODE:
        if text.isupper() and bare in STATES:
            yield f"place {_STATE_NAMES[bare]}"
        if bare in ROMAN and (text.isupper() or bare in ("ii", "iii", "vii", "viii")):
            yield f"number {ROMAN[bare]}"
    code = bare[-2:]
    if code in STATES and _ENDS_IN_CODE.search(bare) and ("," in low or text.rstrip(_EDGES)[-2:].isupper()):
        yield f"place {letters[:-2]}{_STATE_NAMES[code]}"
    elif letters.endswith(_ENDINGS):
        yield f"place {letters}"


_LONGEST_CODE = 6
_NO_LETTER = regex(r"[^a-z]+")
_ENDS_IN_CODE = regex(r"\W[a-z]{2}$")
_STATE_NAMES = {code: name.replace(" ", "") for code, name in STATES.items()}
_ENDINGS = tuple(_STATE_NAMES.values())
_ALONE = frozenset({*SMALL_NUMBERS, *SCALES, *ORDINALS, *FRACTIONS, *STATES.values(), "noon", "midnight", "midday"})
