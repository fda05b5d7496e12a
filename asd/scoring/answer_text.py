"""Spellings under which two answers are the same: the normaliser of the VQA challenge, and a plainer one.

The challenge's normaliser is applied in two versions: `challenge_form` as the VQA evaluation defines it, and
`released_form` as the TextVQA evaluator used by CoIN and SEFE runs it, which first drops commas and question marks
and parts a possessive s from its word.
"""

from __future__ import annotations

import re
from functools import lru_cache

from asd.lazy_regex import regex
from asd.scoring.written import said_phrase

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_COMMA_IN_NUMBER = regex(r"(?<=\d),+(?=\d)")
_PERIOD = regex(r"\.(?!\d)")
_PERIODS_DROPPED = 32  # the evaluator hands a flag (re.UNICODE, 32) to `sub` where the count goes
_ARTICLES = frozenset({"a", "an", "the"})
_NUMBERS = {"none": "0"} | {
    word: str(number) for number, word in enumerate("zero one two three four five six seven eight nine ten".split())
}
_CONTRACTED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's
where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've
y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
_CACHE_SIZE = 1 << 16


def _contractions() -> dict[str, str]:
    """The word with one of its apostrophes missing -> the word. One entry of the challenge's table is a slip."""
    table = {"somebody'd": "somebodyd"}
    for word in _CONTRACTED.split():
        for place, sign in enumerate(word):
            if sign == "'":
                table[word[:place] + word[place + 1 :]] = word
    return table


_CONTRACTIONS = _contractions()


@lru_cache(maxsize=_CACHE_SIZE)
def challenge_form(text: str) -> str:
    """'The  Grey doors!' -> 'grey doors', 'Two' -> '2', 'dont' -> "don't"; "" for articles and marks alone."""
    return _words(_without_marks(" ".join(text.lower().split())))


@lru_cache(maxsize=_CACHE_SIZE)
def released_form(text: str) -> str:
    """`challenge_form` of the text without commas and question marks, "'s" set off as a word of its own."""
    bare = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    return _words(_without_marks(bare.replace("\n", " ").replace("\t", " ").strip()))


def _without_marks(text: str) -> str:
    """A mark beside a blank goes; elsewhere it becomes a blank, unless a comma stands inside a number."""
    has_number_comma = _COMMA_IN_NUMBER.search(text) is not None
    result = text
    for mark in _MARKS:
        loose = f"{mark} " in text or f" {mark}" in text
        result = result.replace(mark, "" if loose or has_number_comma else " ")
    return _PERIOD.sub("", result, count=_PERIODS_DROPPED)


def _words(text: str) -> str:
    words = [_NUMBERS.get(word, word) for word in text.lower().split()]
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


@lru_cache(maxsize=_CACHE_SIZE)
def plain_form(text: str) -> str:
    """Case, outer and repeated blanks, outer quotes and closing full stops do not count; all else does."""
    return " ".join(text.split()).strip("\"'“”‘’ ").rstrip(".").rstrip().casefold()


_THOUSANDS = regex(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+)(?![\d,])")
_OPERAND = r"(?:\d[\d.,]*[a-z]?|[a-z])"
_OPERATORS = {
    "\u00d7": "*",
    "\u2715": "*",
    "\u00f7": "/",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u2013": "-",
    "\u2014": "-",
}
_KEPT = str.maketrans({sign: chr(0xE000 + number) for number, sign in enumerate("+-*/=<>,")})
"""Signs that are part of an answer stand in the private use area while the normaliser drops the marks."""
_ALWAYS_KEPT = str.maketrans({sign: sign.translate(_KEPT) for sign in "+*=<>"})
_BETWEEN = regex(rf"(?<![a-z0-9])({_OPERAND}\)?)\s*([-/])\s*(?=\(?-?{_OPERAND}(?![a-z0-9]))")
_MINUS = regex(r"(?<![\w)\ue000-\ue00f])-\s*(?=\(?(?:\d|\.\d|[a-z](?![a-z])))")
_DECIMAL_COMMA = regex(r"(?<=\d),[ \t]*(?=\d)")
_LEADING_PLUS = regex(r"^\+(?=\.?\d)")
_BLANKS_AROUND = regex(r"\s*([\ue000-\ue00f])\s*")


@lru_cache(maxsize=_CACHE_SIZE)
def exact_form(text: str) -> str:
    """`challenge_form` that keeps what makes another number or formula of a text.

    Minus and plus, comparison signs, fraction bars and decimal commas are part of the answer ("-4" is not "4", "1,2" not
    "12", "60+k" not "60-k"); commas between groups of three digits are not ("1,200"), nor is a hyphen between words.
    """
    said = said_phrase(text).lower()
    for sign, plain in _OPERATORS.items():
        said = said.replace(sign, plain)
    said = _LEADING_PLUS.sub("", _THOUSANDS.sub(lambda match: match[1].replace(",", ""), said))
    said = _DECIMAL_COMMA.sub(_kept, said)
    for _ in range(2):
        said = _BETWEEN.sub(lambda match: match[1] + match[2].translate(_KEPT), said)
    said = _MINUS.sub(lambda match: "-".translate(_KEPT), said).translate(_ALWAYS_KEPT)
    return challenge_form(_BLANKS_AROUND.sub(r"\1", said)) or plain_form(said)


def _kept(match: re.Match[str]) -> str:
    return match[0].strip().translate(_KEPT)


def is_same_answer(said: str, right: str) -> bool:
    """Whether two texts are the same answer: as they stand but for case and outer marks, else by `exact_form`."""
    plain = plain_form(right)
    return bool(plain) and (plain_form(said) == plain or exact_form(said) == exact_form(right))


_PLAIN_NUMBER = regex(r"[-+]?[$€£¥]?[\d.,]*\d")


@lru_cache(maxsize=_CACHE_SIZE)
def soft_form(text: str) -> str:
    """`challenge_form` as the repaired soft accuracy compares it: an article or mark that is all there is stays ("a" is
    not "the"), and so do the sign and the decimal comma of an answer that is a number."""
    said = said_phrase(text)
    if _PLAIN_NUMBER.fullmatch(said.rstrip(".")):
        return exact_form(said)
    return challenge_form(said) or plain_form(said)
