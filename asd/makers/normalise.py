"""When two answers mean the same: a canonical spelling, and the test that keeps a wrong answer from being
right.

`normalise_answer` maps spellings of one answer to one string (it is for comparing, not for showing).
`is_same_answer` asks whether two answers are one, in whatever notation ("10:30 a.m.", "half past 10 in the morning").
`conflicts` is the stricter question that mining asks: could this candidate be taken for an accepted answer?
It errs on the side of yes, because a lost candidate costs nothing and a right "wrong answer" spoils a sample.
None of them raises, whatever the text. No I/O, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from asd.lazy_regex import regex
from asd.makers.answer_relations import BROADER, SAME
from asd.makers.notation import UNORDERED, fold, readings
from asd.makers.notation_tables import (
    ABBREVIATIONS,
    FIRST_ABBREVIATIONS,
    LAST_ABBREVIATIONS,
    NAMES,
    ORDINALS,
    ROMAN,
    SMALL_NUMBERS,
)
from asd.makers.option_text import verdict_of

_CACHE_SIZE = 1 << 17
_MISSPELLING_MIN = 6  # letters; shorter words differ by one letter too often ("cat", "car")
_TOKEN = regex(
    r"(?<!\w)-?\.?\d+(?:[.,:/]\d+)*|[^\W_]+(?:'[^\W_]+)*|[%$£€¥°&<>]|(?<=\d)\+(?!\d)|(?<=\b[a-z])(?:\+\+?|[#-])(?!\w)"
)
"""Numbers, words, and the signs that make another answer of one: "<5", "5+", "c++", "a-"."""
_THOUSANDS = regex(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_DECIMAL = regex(r"-?\d*[.,]\d+$")
_VOWEL = regex("[aeiouy]")

_NOTHING: frozenset[str] = frozenset()
_ARTICLES = frozenset({"a", "an", "the"})
_NUMBER_WORDS = {
    **{name: str(value) for name, value in SMALL_NUMBERS.items()},
    **{name: f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place, 'th') }" for name, place in ORDINALS.items()},
}
_SYMBOLS = {
    "<": "under",
    ">": "over",
    "+": "plus",
    "++": "plusplus",
    "#": "sharp",
    "-": "minus",
    "%": "percent",
    "$": "dollar",
    "£": "pound",
    "€": "euro",
    "¥": "yen",
    "°": "degree",
    "&": "and",
}
_IRREGULAR_PLURALS_PAIRS = """
men/man mens/man women/woman womens/woman children/child people/person feet/foot teeth/tooth mice/mouse geese/goose knives/knife
leaves/leaf wolves/wolf shelves/shelf loaves/loaf scarves/scarf halves/half wives/wife calves/calf buses/bus
gases/gas oxen/ox lives/life persons/person thieves/thief elves/elf yes/yes gas/gas this/this his/his
was/was has/has lens/lens lenses/lens series/series species/species shoes/shoe toes/toe cookies/cookie
movies/movie ties/tie pies/pie zombies/zombie cacti/cactus news/news mars/mars canoes/canoe
series/series dice/die octopi/octopus fungi/fungus criteria/criterion indices/index vertices/vertex
matrices/matrix hooves/hoof selves/self policemen/policeman firemen/fireman firefighters/firefighter
"""
_IRREGULAR_PLURALS = dict(pair.split("/") for pair in _IRREGULAR_PLURALS_PAIRS.split())
# British or informal spelling -> the one kept. Rules below take care of -our, -ise, -yse and doubled l.
_SPELLINGS_PAIRS = """
grey/gray tyre/tire kerb/curb centre/center theatre/theater metre/meter litre/liter fibre/fiber
kilometre/kilometer centimetre/centimeter aeroplane/airplane doughnut/donut yoghurt/yogurt mould/mold
plough/plow pyjama/pajama jewellery/jewelry licence/license defence/defense offence/offense cheque/check
cosy/cozy judgement/judgment ageing/aging artefact/artifact axe/ax practise/practice draught/draft
smoulder/smolder manoeuvre/maneuver woollen/woolen sulphur/sulfur carburettor/carburetor enrol/enroll
fulfil/fulfill skilful/skillful chilli/chili chile/chili catsup/ketchup omelette/omelet kilogramme/kilogram
gramme/gram racquet/racket gypsy/gipsy gaol/jail pretence/pretense spectre/specter sombre/somber
lustre/luster sabre/saber calibre/caliber meagre/meager analogue/analog monologue/monolog prologue/prolog
anaemia/anemia anaesthesia/anesthesia encyclopaedia/encyclopedia paediatric/pediatric oestrogen/estrogen
foetus/fetus diarrhoea/diarrhea haemorrhage/hemorrhage leukaemia/leukemia mediaeval/medieval archaeology/archeology
aesthetic/esthetic plough/plow disc/disk cypher/cipher tranquillity/tranquility acknowledgement/acknowledgment
programme/program catalogue/catalog dialogue/dialog aluminium/aluminum moustache/mustache
sceptical/skeptical storey/story whisky/whiskey ok/okay yeah/yes yep/yes yup/yes yea/yes nope/no nah/no
tv/television telly/television photo/photograph fridge/refrigerator bike/bicycle phone/telephone
cellphone/telephone mom/mother mum/mother dad/father gymnasium/gym vs/versus pct/percent ave/avenue
blvd/boulevard approx/about
"""
_SPELLINGS = dict(pair.split("/") for pair in _SPELLINGS_PAIRS.split())
_OUR = regex(
    r"^(arm|behavi|cand|col|clam|demean|endeav|fav|ferv|flav|glam|harb|hon|hum|lab|neighb|od|parl|rig|rum|sav|"
    r"sav|splend|tum|val|vap|vig)our"
)
_ISE = regex(r"(?<=\w{3})(is|ys)(e|ed|es|ing|ation)$")
_DOUBLED_L = regex(r"(?<=[aeiou])ll(ed|ing|er)$")


def _normalise_number(token: str) -> str:
    """'1,000', '1000.0' -> '1000'; '.5', '0.50' -> '0.5'; times, dates and fractions stay as written."""
    if "," in token:
        if _THOUSANDS.match(token):
            token = token.replace(",", "")
        elif _DECIMAL.match(token):
            token = token.replace(",", ".")
    if token.count(".") == 1 and ":" not in token and "/" not in token and "," not in token:
        token = token.rstrip("0").rstrip(".")
    sign, digits = ("-", token[1:]) if token[:1] == "-" else ("", token)  # of ".0" nothing is left
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
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")) or (word.endswith("oes") and len(word) > 5):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=_CACHE_SIZE)
def _normalise_word(word: str) -> str:
    if word.endswith("'s"):
        word = word[:-2]
    word = word.replace("'", "")
    word = ABBREVIATIONS.get(word, word)
    word = _NUMBER_WORDS.get(word, word)
    if word in _IRREGULAR_PLURALS:
        word = _IRREGULAR_PLURALS[word]
    elif word not in _SPELLINGS:
        word = _singular(word)
    word = _SPELLINGS.get(word, word)
    if len(word) <= 4:
        return word
    if "our" in word:
        word = _OUR.sub(r"\1or", word)
    if "is" in word or "ys" in word:
        word = _ISE.sub(lambda match: match[1][0] + "z" + match[2], word)
    return _DOUBLED_L.sub(r"l\1", word) if "ll" in word else word


def _tokens(text: str) -> list[str]:
    words = [
        _normalise_word(token) if token[0].isalpha() else _normalise_other(token)
        for token in _TOKEN.findall(fold(text))
    ]
    words = _join_phrases([word for word in words if word])
    if len(words) > 1:
        _expand(words)
        if words[0] in _SYMBOLS.values() and words[1][0].isdigit():
            words[0], words[1] = words[1], words[0]  # "$5" is "5 dollars"
    last = len(words) - 1
    return [word for place, word in enumerate(words) if place == last or word not in _ARTICLES]


def _normalise_other(token: str) -> str:
    """What does not begin with a letter: a sign, a number, or a number with letters behind it."""
    return _SYMBOLS.get(token) or (_normalise_number(token) if token[-1].isdigit() else _normalise_word(token))


def _expand(words: list[str]) -> None:
    """Abbreviations that mean one thing before a name and another one behind it, and Roman numerals behind a word."""
    words[0] = FIRST_ABBREVIATIONS.get(words[0], words[0])
    words[-1] = LAST_ABBREVIATIONS.get(words[-1], words[-1]) if words[-2].isalpha() else words[-1]
    for place in range(1, len(words)):
        word = words[place]
        if word in ROMAN and words[place - 1].isalpha():
            words[place] = str(ROMAN[word])
        elif word == "w":
            words[place] = "with"


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


_NAME_OF = {
    normalise_answer(other).replace(" ", ""): f"name {name}"
    for name, others in NAMES.items()
    for other in (name, *others)
}
"""Compact short or long name -> reading."""
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
    readings: frozenset[str]
    """What it means where that can be written in several ways: see `asd.makers.notation`."""


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
        readings=_readings(text, compact),
    )


def _readings(text: str, compact: str) -> frozenset[str]:
    plain = readings(text, normalise_answer)
    verdict, name = verdict_of(text), _NAME_OF.get(compact)
    if verdict is None and name is None:
        return plain
    more = [f"verdict {verdict}"] * (verdict is not None) + [name] * (name is not None)
    return plain.union(filter(None, more))


def is_same_answer(left: str, right: str) -> bool:
    """Whether two answers are one in two spellings or notations: "8 ft" and "8 feet", "2nd" and "second",
    "aug 5, 2010" and "2010-08-05", "white and brown" and "brown & white". Symmetric; unlike `conflicts` it takes no
    synonym, broader word or part of an answer for the answer.
    """
    return same_form(answer_form(left), answer_form(right))


def same_form(left: AnswerForm, right: AnswerForm) -> bool:
    """`is_same_answer` of forms that were made before."""
    if left.readings and right.readings:  # 8' is not 8", nor 10-12 1012, though their words are the same
        return not left.readings.isdisjoint(right.readings)
    return left.compact == right.compact


def distinct_forms(gold: str, accepted: Iterable[str]) -> list[AnswerForm]:
    """Forms of a gold answer and of the accepted ones, the gold answer's first, each spelling of one answer once."""
    forms: dict[tuple[str, frozenset[str]], AnswerForm] = {}
    for form in map(answer_form, (gold, *accepted)):
        forms.setdefault((form.compact, form.readings), form)
    return [*forms.values()]


def is_one_of(text: str, answers: Iterable[str], *, in_order: bool = False) -> bool:
    """Whether a text is one of some answers, in any notation; in_order: the order of a list's parts matters."""
    form = answer_form(text)
    others = map(answer_form, answers)
    if not in_order:
        return any(same_form(form, other) for other in others)
    return any(form.compact == other.compact or _shares_ordered(form.readings, other.readings) for other in others)


def _shares_ordered(left: frozenset[str], right: frozenset[str]) -> bool:
    return any(not key.startswith(UNORDERED) for key in left & right)


class AnswerSet:
    """Answers to keep clear of, prepared so that one candidate is checked in about a microsecond. Grows by
    `add`.
    """

    __slots__ = ("_broader", "_compact", "_groups", "_heads", "_long", "_padded", "_readings")

    def __init__(self, forms: Iterable[AnswerForm] = ()) -> None:
        self._compact: set[str] = set()
        self._padded: list[str] = []
        self._groups: set[int] = set()
        self._heads: set[str] = set()
        self._broader: set[str] = set()
        self._long: list[str] = []
        self._readings: set[str] = set()
        for form in forms:
            self.add(form)

    def add(self, form: AnswerForm) -> None:
        compact, padded, head, same, broader, is_long, meant = form
        if meant:
            self._readings |= meant
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
        compact, padded, head, same, broader, is_long, meant = form
        if compact in self._compact or head in self._broader or same in self._groups:
            return True
        if meant and not self._readings.isdisjoint(meant):
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
    compact, padded, head, same, broader, is_long, meant = form
    for other, other_padded, other_head, other_same, other_broader, other_is_long, other_meant in others:
        if (
            compact in other
            or other in compact
            or padded in other_padded
            or other_padded in padded
            or (same >= 0 and same == other_same)
            or head in other_broader
            or other_head in broader
            or (meant and other_meant and not meant.isdisjoint(other_meant))
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

    That is: the same answer in any notation (`is_same_answer`), a one-letter misspelling, another name of the same
    thing, a broader or narrower word, or one contains the other. Letter by letter, that costs a few plausible wrong
    answers ("man" for "woman"); word by word it would leave some that a lenient scorer, which looks for the answer
    inside the response, counts as right.
    """
    return answer_set(tuple(accepted)).clashes(answer_form(candidate))
