"""When two answers mean the same: a canonical spelling, and the test that keeps a wrong answer from being
right.

`normalise_answer` maps spellings of one answer to one string (it is for comparing, not for showing).
`conflicts` is the stricter question that mining asks: could this candidate be taken for an accepted answer?
It errs on the side of yes, because a lost candidate costs nothing and a right "wrong answer" spoils a sample.
No I/O, no randomness.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from asd.makers.answer_relations import BROADER, SAME

_CACHE_SIZE = 1 << 17
_MISSPELLING_MIN = 6  # letters; shorter words differ by one letter too often ("cat", "car")
_TOKEN = re.compile(r"(?<!\w)-?\.?\d+(?:[.,:/]\d+)*|[^\W_]+(?:'[^\W_]+)*|[%$£€¥°&]")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_DECIMAL = re.compile(r"-?\d*[.,]\d+$")
_COMBINING = re.compile("[\u0300-\u036f]")
_VOWEL = re.compile("[aeiouy]")

_NOTHING: frozenset[str] = frozenset()
_ARTICLES = frozenset({"a", "an", "the"})
_NUMBER_NAMES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty
"""
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_NUMBER_NAMES.split())}
_SYMBOLS = {"%": "percent", "$": "dollar", "£": "pound", "€": "euro", "¥": "yen", "°": "degree", "&": "and"}
_IRREGULAR_PLURALS_PAIRS = """
men/man women/woman children/child people/person feet/foot teeth/tooth mice/mouse geese/goose knives/knife
leaves/leaf wolves/wolf shelves/shelf loaves/loaf scarves/scarf halves/half wives/wife calves/calf buses/bus
gases/gas oxen/ox lives/life persons/person thieves/thief elves/elf yes/yes gas/gas this/this his/his
was/was has/has lens/lens lenses/lens series/series species/species shoes/shoe toes/toe cookies/cookie
movies/movie ties/tie pies/pie zombies/zombie cacti/cactus
"""
_IRREGULAR_PLURALS = dict(pair.split("/") for pair in _IRREGULAR_PLURALS_PAIRS.split())
# British or informal spelling -> the one kept. Rules below take care of -our, -ise, -yse and doubled l.
_SPELLINGS_PAIRS = """
grey/gray tyre/tire kerb/curb centre/center theatre/theater metre/meter litre/liter fibre/fiber
kilometre/kilometer centimetre/centimeter aeroplane/airplane doughnut/donut yoghurt/yogurt mould/mold
plough/plow pyjama/pajama jewellery/jewelry licence/license defence/defense offence/offense cheque/check
programme/program catalogue/catalog dialogue/dialog aluminium/aluminum moustache/mustache
sceptical/skeptical storey/story whisky/whiskey ok/okay yeah/yes yep/yes yup/yes yea/yes nope/no nah/no
tv/television telly/television photo/photograph fridge/refrigerator bike/bicycle phone/telephone
cellphone/telephone mom/mother mum/mother dad/father gymnasium/gym vs/versus pct/percent ave/avenue
blvd/boulevard approx/about
"""
_SPELLINGS = dict(pair.split("/") for pair in _SPELLINGS_PAIRS.split())
_OUR = re.compile(
    r"^(arm|behavi|cand|col|clam|demean|endeav|fav|ferv|flav|glam|harb|hon|hum|lab|neighb|od|parl|rig|rum|sav|"
    r"sav|splend|tum|val|vap|vig)our"
)
_ISE = re.compile(r"(?<=\w{3})(is|ys)(e|ed|es|ing|ation)$")
_DOUBLED_L = re.compile(r"(?<=[aeiou])ll(ed|ing|er)$")


def _normalise_number(token: str) -> str:
    """'1,000', '1000.0' -> '1000'; '.5', '0.50' -> '0.5'; times, dates and fractions stay as written."""
    if "," in token:
        if _THOUSANDS.match(token):
            token = token.replace(",", "")
        elif _DECIMAL.match(token):
            token = token.replace(",", ".")
    if token.count(".") == 1 and ":" not in token and "/" not in token and "," not in token:
        token = token.rstrip("0").rstrip(".")
    sign, digits = ("-", token[1:]) if token[0] == "-" else ("", token)
    digits = digits.lstrip("0")
    if not digits or not digits[0].isdigit():
        digits = "0" + digits
    return digits if digits == "0" else sign + digits


def _singular(word: str) -> str:
    if len(word) <= 3 or word[-1] != "s":
        return word
    if word[-2] in "sui":  # glass, bus, tennis
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=_CACHE_SIZE)
def _normalise_word(word: str) -> str:
    if word.endswith("'s"):
        word = word[:-2]
    word = word.replace("'", "")
    word = _NUMBER_WORDS.get(word, word)
    if word in _IRREGULAR_PLURALS:
        word = _IRREGULAR_PLURALS[word]
    elif word not in _SPELLINGS:
        word = _singular(word)
    word = _SPELLINGS.get(word, word)
    if len(word) > 4:
        word = _OUR.sub(r"\1or", word)
        word = _ISE.sub(lambda found: found[1][0] + "z" + found[2], word)
        word = _DOUBLED_L.sub(r"l\1", word)
    return word


def _tokens(text: str) -> list[str]:
    lowered = text.casefold() if text.isascii() else _fold(text)
    words = [
        _normalise_word(token) if token[0].isalpha() else _normalise_other(token) for token in _TOKEN.findall(lowered)
    ]
    words = _join_phrases([word for word in words if word])
    if len(words) > 1 and words[0] in _SYMBOLS.values() and words[1][0].isdigit():
        words[0], words[1] = words[1], words[0]  # "$5" is "5 dollars"
    last = len(words) - 1
    return [word for place, word in enumerate(words) if place == last or word not in _ARTICLES]


def _normalise_other(token: str) -> str:
    """What does not begin with a letter: a sign, a number, or a number with letters behind it."""
    return _SYMBOLS.get(token) or (_normalise_number(token) if token[-1].isdigit() else _normalise_word(token))


def _fold(text: str) -> str:
    """Casefold, NFKC, and drop Latin accents (other scripts keep their marks: those are letters there)."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("−", "-")
    return unicodedata.normalize("NFC", _COMBINING.sub("", unicodedata.normalize("NFKD", text)))


def _join_phrases(words: list[str]) -> list[str]:
    if "cent" in words and "per" in words:
        at = words.index("per")
        if words[at + 1 : at + 2] == ["cent"]:
            words[at : at + 2] = ["percent"]
    if len(words) > 1 and words[-1] == "oclock":
        words.pop()
    return words


@lru_cache(maxsize=_CACHE_SIZE)
def normalise_answer(text: str) -> str:
    """Canonical spelling for comparison: 'The  Grey doors!' -> 'gray door', 'Two' -> '2', '1,000.0' ->
    '1000'.

    Text without a letter or digit ("+", "?") is only casefolded and stripped, so that it stays distinct.
    """
    return " ".join(_tokens(text)) or text.casefold().strip()


_SAME = {normalise_answer(name): number for number, names in reversed([*enumerate(SAME)]) for name in names}
_BROADER = {normalise_answer(word): frozenset(map(normalise_answer, above)) for word, above in BROADER.items()}


class AnswerForm(NamedTuple):
    """What conflicts are decided on, computed once per answer."""

    compact: str
    """Normalised, without spaces."""
    padded: str
    """Stems with a space before, between and after, so that `in` means 'word by word'."""
    head: str
    """Last word, which in English names the thing ('old man')."""
    same: int
    """Entry of `SAME`, -1 if none."""
    broader: frozenset[str]
    """Words that are true of the head word, too."""
    is_long: bool
    """Long enough for a misspelling to be recognised."""


def _stem(word: str) -> str:
    """Crude on purpose: it only has to bring 'surf', 'surfer' and 'surfing' together."""
    if len(word) < 5 or not word.isalpha():
        return word
    for ending in ("ing", "er", "ed", "en", "or", "ly"):
        if word.endswith(ending):
            stem = word[: -len(ending)]
            if len(stem) < 3 or not _VOWEL.search(stem):
                return word
            return stem[:-1] if stem[-1] == stem[-2] and stem[-1] in "nmptgbdr" else stem
    return word[:-1] if word[-1] in "ey" else word


@lru_cache(maxsize=_CACHE_SIZE)
def answer_form(text: str) -> AnswerForm:
    """The comparable form of an answer; hold on to it where one answer is compared many times."""
    normal = normalise_answer(text)
    words = normal.split(" ")
    compact = normal.replace(" ", "")
    return AnswerForm(
        compact=compact,
        padded=f" {' '.join(map(_stem, words))} ",
        head=words[-1],
        same=_SAME.get(normal, -1),
        broader=_BROADER.get(words[-1], _NOTHING),
        is_long=len(compact) >= _MISSPELLING_MIN and compact.isalpha(),
    )


class AnswerSet:
    """Answers to keep clear of, prepared so that one candidate is checked in about a microsecond. Grows by
    `add`.
    """

    __slots__ = ("_broader", "_compact", "_groups", "_heads", "_long", "_padded")

    def __init__(self, forms: Iterable[AnswerForm] = ()) -> None:
        self._compact: set[str] = set()
        self._padded: list[str] = []
        self._groups: set[int] = set()
        self._heads: set[str] = set()
        self._broader: set[str] = set()
        self._long: list[str] = []
        for form in forms:
            self.add(form)

    def add(self, form: AnswerForm) -> None:
        compact, padded, head, same, broader, is_long = form
        if compact in self._compact:
            return
        self._compact.add(compact)
        self._padded.append(padded)
        self._heads.add(head)
        if same >= 0:
            self._groups.add(same)
        if broader:
            self._broader |= broader
        if is_long:
            self._long.append(compact)

    def clashes(self, form: AnswerForm) -> bool:
        """True where the answer of `form` conflicts with any answer of the set; see `conflicts`."""
        compact, padded, head, same, broader, is_long = form
        if compact in self._compact or head in self._broader or same in self._groups:
            return True
        for own in self._padded:
            if own in padded or padded in own:
                return True
        for own in self._compact:  # letter by letter too: "man" stands in "woman", "2" in "20"
            if own in compact or compact in own:
                return True
        if broader and not self._heads.isdisjoint(broader):
            return True
        return is_long and any(own[0] == compact[0] and _is_misspelling(own, compact) for own in self._long)


def is_clear(form: AnswerForm, others: Iterable[AnswerForm]) -> bool:
    """Whether an answer conflicts with none of some others: `AnswerSet.clashes` without a set, for a few of them."""
    compact, padded, head, same, broader, is_long = form
    for other, other_padded, other_head, other_same, other_broader, other_is_long in others:
        if (
            compact in other
            or other in compact
            or padded in other_padded
            or other_padded in padded
            or (same >= 0 and same == other_same)
            or head in other_broader
            or other_head in broader
            or (is_long and other_is_long and compact[0] == other[0] and _is_misspelling(compact, other))
        ):
            return False
    return True


def _is_misspelling(left: str, right: str) -> bool:
    """One letter changed, added, lost or swapped in a longer word, the first letter being the same."""
    short, long = (left, right) if len(left) <= len(right) else (right, left)
    size = len(short)
    if len(long) - size > 1:
        return False
    start = 0
    while start < size and short[start] == long[start]:
        start += 1
    if len(long) == size:
        return short[start + 1 :] == long[start + 1 :] or (
            short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]
        )
    return short[start:] == long[start + 1 :]


@lru_cache(maxsize=4096)
def answer_set(accepted: tuple[str, ...]) -> AnswerSet:
    """The set of some answers; not to be added to."""
    return AnswerSet(map(answer_form, accepted))


def conflicts(candidate: str, accepted: Sequence[str]) -> bool:
    """True where `candidate` could count as one of the `accepted` answers; symmetric in two single answers.

    That is: same after normalising (also without spaces: "door mat", "doormat"), equal number, a one-letter
    misspelling, another name of the same thing, a broader or narrower word, or one contains the other. Letter
    by letter, that costs a few plausible wrong answers ("man" for "woman"); word by word it would leave some that a
    lenient scorer, which looks for the answer inside the response, counts as right.
    """
    return answer_set(tuple(accepted)).clashes(answer_form(candidate))
