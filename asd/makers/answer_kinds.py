"""What kind of text an answer is, and what a question asks for: the keys by which wrong answers are matched.

A kind has a fine and a coarse name. All options of a question share the kind of the gold one, so neither type
(year, money, colour), nor length class, nor letter case tells them apart. Pure functions of one text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from asd.lazy_regex import regex
from asd.makers.answer_spelling import MIXED, UPPER, case_of, date_form, numeric_form, sign_form
from asd.makers.answer_types import ACTIVITY, answer_type, listed_type
from asd.makers.chinese import script_language
from asd.makers.normalise import normalise_answer
from asd.makers.noun_taxonomy import wordnet_nouns

YES_NO = "yes_no"
BOX = "box"
EMPTY = "empty"
TEXT = "text"
"""Coarse kind of answers that name no known type of thing."""

_NUMERIC: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, regex(pattern, re.IGNORECASE))
    for name, pattern in (
        (BOX, r"\[\s*-?\d*\.?\d+(?:\s*,\s*-?\d*\.?\d+){3}\s*\]$"),
        ("percent", r"[+-]?\d[\d,]*(?:\.\d+)?\s*(?:%|percent)$"),
        (
            "money",
            r"(?:[a-z]{2})?[$£€¥₹]\s*\d[\d,.]*\s*(?:[kmb]|[mb]illion|thousand)?$|"
            r"\d[\d,.]*\s*(?:dollars?|cents?|euros?|pounds?|[$£€¥¢])$",
        ),
        (
            "time",
            r"\d{1,2}:\d{2}(?::\d{2})?\s*(?:[ap]\.?m\.?)?$|\d{1,2}\.\d{2}\s*[ap]\.?m\.?$|"
            r"\d{1,2}\s*(?:[ap]\.?m\.?|o'?\s?clock)$",
        ),
        ("year", r"(?:1[5-9]|20)\d\d$"),
        ("year_span", r"(?:1[5-9]|20)\d\d\s*[-–/]\s*\d{2,4}$"),
        ("date", r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}$"),
        ("ratio", r"\d+\s*[:/]\s*\d+$"),
        ("ordinal", r"\d+(?:st|nd|rd|th)$"),
        ("decimal", r"[+-]?\d{1,3}(?:,?\d{3})*\.\d+$|[+-]?\.\d+$"),
        ("integer", r"[+-]?\d{1,3}(?:,\d{3})+$|[+-]?\d+$"),
        ("quantity", r"[+-]?\d[\d,.]*\s*[a-zµ°\"'²³/]+\.?$"),
        ("range", r"\d{1,3}\s*[-–]\s*\d{1,3}$"),
        ("code", r"(?=.*\d)\S+$"),
    )
)
_FORMED = frozenset(("percent", "money", "time", "date", "year_span", "ratio", "range"))
"""Kinds that are written in several ways, of which each is a kind of its own."""
_UNIT = regex(r"[^a-zA-Zµ°\"'²³/]+")
_MONTH = regex(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?\s+\d|\d\s+(?:jan|feb|mar|apr|may|"
    r"jun|jul|aug|sep|oct|nov|dec)",
    re.IGNORECASE,
)
_URL = regex(r"(?:https?://|www\.)\S+$|\S+\.(?:com|org|net|edu|gov|info|co\.uk|de|fr|tv)(?:/\S*)?$", re.IGNORECASE)
_NUMBER_WORDS = frozenset(str(number) for number in range(21))
_PLACES_WORDS = """
on in at under above behind near over inside outside by next to from between across below
"""
_PLACES = frozenset(_PLACES_WORDS.split())
_NOT_ACTIVITIES_WORDS = """
string spring nothing something everything anything building ceiling clothing railing morning evening
wedding pudding lightning earring sibling awning dressing seasoning topping crossing parking wedding bowling
beijing
"""
_NOT_ACTIVITIES = frozenset(_NOT_ACTIVITIES_WORDS.split())
_VERBS = frozenset("hit catch throw ride play take eat brush kick swing feed wear hold pull push get make go".split())
_INSIDE_NO_NAME = frozenset("the a an of in on for to with from at by is are your my our how what".split())
MAX_ACTIVITY_WORDS = 3
_LENGTH_CLASSES = (
    (1, "1"),
    (2, "2"),
    (4, "3-4"),
    (6, "5-6"),
    (8, "7-8"),
    (10, "9-10"),
    (13, "11-13"),
    (17, "14-17"),
    (24, "18-24"),
)


@lru_cache(maxsize=1 << 17)
def answer_kind(text: str) -> tuple[str, str]:
    """(fine kind, coarse kind): ('integer/1', 'integer/small'), ('animal/lower', 'animal'), ('2/title',
    'text').

    Answers of one coarse kind are plausible beside each other, except for 'text', which names no type.
    """
    text = text.strip()
    if not text:
        return EMPTY, EMPTY
    normal = normalise_answer(text)
    if normal in ("yes", "no"):
        return YES_NO, YES_NO
    if any(letter.isdigit() for letter in text):
        numeric = _numeric_kind(text)
        if numeric is not None:
            return numeric
    if normal in _NUMBER_WORDS:
        return "integer/word", "integer/word"
    if _URL.match(text):
        return "url", "url"
    words = text.split()
    if len(text) == 1 and text.isascii() and text.isalpha():
        return "letter", "letter"
    if len(text) == 1 or not any(char.isalnum() for char in text):
        return (form := f"sign/{sign_form(text)}"), form
    opening = _opening(words)
    is_activity = opening == "ing-" and text.islower() and len(words) <= MAX_ACTIVITY_WORDS
    if is_activity and words[0] != "riding" and len(words) > 1 and wordnet_nouns().lists(text):  # a washing machine
        is_activity, opening = False, ""
    has_digit = any(letter.isdigit() for letter in text)
    if words[0] in _VERBS and len(words) > 1 and not wordnet_nouns().lists(text):
        opening = "verb-"
    is_form = has_digit or opening in ("place-", "verb-")  # which says more than its last word
    named = listed_type(text) or (ACTIVITY if is_activity else "" if is_form else answer_type(text))
    if named:
        case = case_of(text)
        is_apart = case == MIXED or (case == UPPER and named == "brand")  # "iPhone", "IBM": others cannot be written so
        return f"{named}/{_letter_case(text, words)}", f"{named} {case}" if is_apart else named
    if has_digit:
        opening += "9-"
    return f"{_length_class(len(words))}/{opening}{_letter_case(text, words)}", TEXT


def _numeric_kind(text: str) -> tuple[str, str] | None:
    text = text.lstrip("<>~≈ ")
    is_padded = len(text) > 1 and text[0] == "0" and text.isdecimal()
    marks = f"{'-' if text[0] == '-' else ''}{',' if ',' in text else ''}{'0' if is_padded else ''}"
    for name, pattern in _NUMERIC:
        if not pattern.match(text):
            continue
        if name == "integer":
            digits = min(len(text.replace(",", "").lstrip("+-")), 7)
            return f"integer/{digits}{marks}", f"integer/{_magnitude(digits)}{marks}"
        if name == "decimal":
            whole, _, part = text.replace(",", "").lstrip("+-").partition(".")
            return (f"decimal/{min(len(whole), 4)}.{min(len(part), 3)}{marks}",) * 2
        if name == "code":
            return f"code/{min(len(text), 15) // 3}{'-' * ('-' in text)}", "code"
        if name == "quantity":
            unit = f"quantity/{_UNIT.sub('', text).lower()}/{numeric_form(text)}"
            return unit, unit
        kind = name + marks[:1].strip(",")
        if name in _FORMED:
            kind = f"{kind}/{numeric_form(text)}"
        return kind, kind
    return (form := f"date/{date_form(text)}", form) if _MONTH.search(text) and len(text.split()) <= 5 else None


_PLURALS = frozenset("people children men women geese feet teeth mice policemen firemen salesmen".split())
_SINGULARS_WORDS = """
physics ethics optics classics outdoors indoors upstairs downstairs overseas canvas atlas pancreas cosmos chaos thermos
christmas xmas texas kansas arkansas dallas vegas athens wales diabetes rabies measles molasses
"""
_SINGULARS = frozenset(_SINGULARS_WORDS.split())


def is_plural(text: str) -> bool:
    """Whether a phrase ends in a plural noun: no "glass", "bus", "tennis", "politics"; a "pair of glasses" is one."""
    last = text.rsplit(" ", 1)[-1]
    if last in _SINGULARS or (last.endswith("ics") and not wordnet_nouns().lists(last[:-1])):  # gymnastics, but comics
        return False
    return last in _PLURALS or (
        last[-1:] == "s" and last.isalpha() and last.islower() and normalise_answer(last) != last
    )


def _magnitude(num_digits: int) -> str:
    """Numbers far apart in size are no alternatives to each other."""
    return "small" if num_digits <= 2 else "middle" if num_digits <= 4 else "large"


def _opening(words: list[str]) -> str:
    """Sets activities ('riding a bike') and places ('on the table') apart from things, and titles ('Reading the Oak')
    from names, in answers of up to six words."""
    first = words[0].casefold()
    if len(words) > 6 or not first.isalpha():
        return ""
    if first in _PLACES and len(words) > 1:
        return "place-"
    if not words[0].islower() and not _INSIDE_NO_NAME.isdisjoint(words[1:]):
        return "title-"
    return "ing-" if len(first) > 5 and first.endswith("ing") and first not in _NOT_ACTIVITIES else ""


def _length_class(num_words: int) -> str:
    for most, name in _LENGTH_CLASSES:
        if num_words <= most:
            return name
    return "25+"


def _letter_case(text: str, words: list[str]) -> str:
    if not text.isascii() and (script := script_language(text)):
        return script
    if text.islower():
        return "lower"
    if text.isupper():
        return "upper"
    if case_of(text) == MIXED:
        return "mixed"
    if words and words[-1].endswith("."):
        return "sentence"
    initials = sum(word[0].isupper() for word in words)
    if not initials:
        return "lower"
    return "title" if 2 * initials > len(words) else "first"


_WORD = regex(r"[^\W_]+(?:'[^\W_]+)?")
ASKING = frozenset({"what", "which", "who", "whose", "whom", "where", "when", "why", "how"})
_TAKES_A_WORD = frozenset({"what", "which", "whose", "how", "who", "where"})
_EXPANDED = regex(r"\b(what|who|where|how)'s\b")
_STOP_WORDS = """
a an the this that these those is are was were be been being am do does did done doing has have had can
could will would should shall may might must of in on at to from by with for about into onto over under as
it its it's he she they them his her hers their theirs you your i we our us my me and or but if so not no
there here any some please s t seen shown visible image picture photo
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


class Asked(NamedTuple):
    """What a question asks for, split so that questions can be grouped at several levels."""

    full: str
    """All its words."""
    asking: str
    """Question word ('what'), or the first word where there is none ('is', 'name')."""
    head: str
    """The question word and what goes with it: 'what color', 'how many', 'what is'."""
    content: tuple[str, ...]
    """'<head>|<word>' for each other word that carries meaning, in order, without repeats."""


@lru_cache(maxsize=1 << 15)
def parse_question(question: str) -> Asked:
    """'What color is the man's shirt?' -> asking 'what', head 'what color', content 'what color|man',
    '...|shirt'.
    """
    text = question.casefold()
    if "'s" in text:
        words = [word.removesuffix("'s") for word in _WORD.findall(_EXPANDED.sub(r"\1 is", text))]
    else:
        words = _WORD.findall(text)
    start = 0
    if words and words[0] not in ASKING:
        start = next((place for place, word in enumerate(words) if word in ASKING), 0)
    asking = head = words[start] if words else ""
    rest = words[start + 1 :]
    if rest and asking in _TAKES_A_WORD:
        head, rest = f"{asking} {rest[0]}", rest[1:]
    rest += words[:start]
    content = dict.fromkeys([f"{head}|{word}" for word in rest if word not in STOP_WORDS])
    return Asked(" ".join(words), asking, head, tuple(content))
