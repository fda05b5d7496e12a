"""Questions about a named noun as statements: "what color is ...", "which animal ...", "what kind of ..."."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from asd.makers.english import lexicon as lex
from asd.makers.english.clauses import affirm, read_clause, subject_agrees
from asd.makers.english.gaps import is_modifier, is_place, lacks_article, object_gap
from asd.makers.english.phrases import (
    NounPhrase,
    answer_noun_phrase,
    chunks,
    full_noun_phrase_end,
    is_finite_verb,
    is_whole_noun_phrase,
    noun_phrase_end,
)
from asd.makers.english.query import Query, join_words
from asd.makers.english.what_is import BARE_HEADS, NO_TEXT, TEXT_HEADS, agreeing_noun, is_no_number
from asd.makers.noun_taxonomy import wordnet_nouns

_SINGULAR_KINDS = lex.word_table("kind type sort")
_KINDS = _SINGULAR_KINDS | lex.word_table("kinds types sorts")
# Nouns whose kinds have names of their own: "What kind of animal is this?" asks for a noun, not for a
# modifier.
_CATEGORIES = lex.word_table(
    "animal animals vehicle vehicles room sport fruit fruits vegetable vegetables bird birds furniture"
    " device appliance instrument place utensil tool insect flower flowers object item "
    " dessert meal game creature toy pet clothing footwear transportation electronic machine equipment"
    " dish food foods building structure"
)


def what_noun_question(q: Query) -> str | None:
    """Dispatch for "what color is ...?", "which animal ...?", "what kind of ...?"."""
    if q.words[1] in lex.BE_FORMS or "or" in q.words or q.words[1] in ("of", "one", "ones", "do", "does", "did"):
        return None
    for pattern in (_what_color, _what_time, _what_picture_shows, _what_kind_of, _what_plain_noun):
        sentence = pattern(q)
        if sentence is not None:
            return sentence
    return None


def _what_color(q: Query) -> str | None:
    """As in "What color is the car?" -> "The car is red."; "What color shirt is the man wearing?" -> "...
    a red shirt."."""
    if q.words[1] not in ("color", "colors", "colour", "colours") or len(q.words) < 4:
        return None
    if not all(lex.is_color(word) or lex.is_adjective(word) or word == "and" for word in q.low.split()):
        return None
    if q.words[2] in lex.BE_FORMS:
        return _color_of_phrase(q, q.words[2], q.words[3:], q.shown[3:])
    return _color_as_modifier(q)


def _color_of_phrase(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    if rest and lex.word_class(rest[-1]) in "GE":
        painted = rest[-1] == "painted" and full_noun_phrase_end(rest, 0) == len(rest) - 1
        return join_words(shown[:-1], be, shown[-1], q.answer) if painted else None
    if rest and lex.word_class(rest[0]) in "DSON" and is_whole_noun_phrase(rest, 0) and subject_agrees(be, rest):
        return join_words(shown, be, q.answer)
    if rest and lex.word_class(rest[0]) == "P" and is_place(rest):
        return join_words("the", q.shown[1], shown, be, q.answer)
    return None


def _color_as_modifier(q: Query) -> str | None:
    """As in "What color vase is this?" -> "This vase is blue."."""
    verb = next((k for k, word in enumerate(q.words) if word in lex.BE_FORMS), None)
    if verb is None or verb < 3 or verb + 1 >= len(q.words) or noun_phrase_end(q.words, 2) != verb:
        return None
    noun, rest = q.shown[2:verb], q.words[verb + 1 :]
    if rest in (("this",), ("that",), ("these",), ("those",)) and subject_agrees(
        q.words[verb], (*rest, *q.words[2:verb])
    ):
        return join_words(q.shown[verb + 1 :], noun, q.words[verb], q.answer)
    gap = object_gap(rest) if lex.word_class(rest[0]) in "DSO" else None
    if gap is None or (gap[1] == len(rest) and lex.word_class(rest[-1]) == "P"):
        return None
    number = lex.noun_number(q.words[verb - 1])
    if not number or (" and " in q.low and number == "plural"):
        return None
    article = lex.indefinite_article(q.low.split()[0]) if number == "singular" and q.words[verb - 1] != "hair" else ""
    shown = q.shown[verb + 1 :]
    return join_words(shown[: gap[0]], q.words[verb], shown[gap[0] : gap[1]], article, q.answer, noun, shown[gap[1] :])


_TIMES_OF_DAY = lex.word_table(
    "morning afternoon evening night noon midnight daytime nighttime dusk dawn sunset summer winter spring fall autumn"
)


def _what_time(q: Query) -> str | None:
    """As in "What time is it?" + 1:30 -> "It is 1:30."; "What season is it?" -> "It is winter."."""
    if q.words[-2:] != ("is", "it") or " ".join(q.words[1:-2]) not in _TIME_NOUNS:
        return None
    if q.low in _TIMES_OF_DAY or q.low[0].isdigit() or q.words[1] in ("month", "day"):
        return f"it is {q.answer}"
    return None


_TIME_NOUNS = frozenset(
    ("time", "time of day", "time of the day", "time of year", "time of the year", "season", "month", "day")
)


def _what_picture_shows(q: Query) -> str | None:
    """As in "Which object does the picture show?" + ox -> "The picture shows an ox."."""
    if q.words[2:3] != ("does",) or q.words[1] not in _SHOWN or len(q.words) != 6 or q.words[5] != "show":
        return None
    if q.words[4] not in _PICTURES or q.low in NO_TEXT or not q.low[0].isalpha():
        return None
    return join_words(q.shown[3:5], "shows", class_noun(q.answer))


_SHOWN = lex.word_table("object thing animal item class plant food product")
_PICTURES = lex.word_table("picture image photo photograph")


def class_noun(name: str) -> str:
    """A class name with its article: "an ox", "a Labrador Retriever", "jeans", "broccoli"."""
    plain = name.lower().partition(" (")[0]
    last = plain.rpartition(" ")[2]
    noun, nouns = answer_noun_phrase(plain, "a"), wordnet_nouns()
    number = noun.number if noun else lex.noun_number(last)
    known = plain if nouns.knows(plain) else last
    is_animal = nouns.is_mainly(known, "animal")
    is_stuff = number == "mass" and not any(
        nouns.is_mainly(known, label) for label in ("device", "appliance", "clothing")
    )
    is_stuff = is_stuff or any(nouns.is_mainly(known, label) for label in ("beverage", "sauce", "dip"))
    if not is_animal and (number == "plural" or is_stuff):
        return name
    return f"{lex.indefinite_article(plain.split(' ')[0])} {name}"


def _what_kind_of(q: Query) -> str | None:
    """As in "What kind of animal is standing?" -> "The animal standing is a dog."; else "The kind of
    pizza is ..."."""
    if q.words[1] not in _KINDS or q.words[2:3] != ("of",) or len(q.words) < 6:
        return None
    end = noun_phrase_end(q.words, 3)
    if end == 3 or end >= len(q.words):
        return None
    head = q.words[end - 1]
    if head in _CATEGORIES and head not in BARE_HEADS:
        return _about_noun(q, 3, end, bare=False)
    value = _kind_as_noun(q, head) if head not in BARE_HEADS or head in _KINDS_HAVE_NOUNS else _kind_as_name(q)
    if value == "":
        return None
    return _about_noun(q, 1, end, bare=True) if value is None else _about_noun(q, 3, end, bare=False, value=value)


def _kind_as_name(q: Query) -> str | None:
    """As `_kind_as_noun`, of a head that names and qualities are said of."""
    if all(map(lex.is_adjective, q.low.split())):
        return q.answer  # "The weather is sunny."
    noun = answer_noun_phrase(q.answer)
    return "" if noun is not None and noun.number == "singular" else None


def _kind_as_noun(q: Query, head: str) -> str | None:
    """The kind as a noun phrase: "a fedora" of a hat, "a fire truck" of a truck; None for a name, "" where neither will do."""
    words = q.low.split()
    if q.answer != q.low or not _are_plain_words(q.words[3 : q.words.index(head, 3)]):
        return None
    if not _are_plain_words(words):
        if q.low.isalpha() and lex.noun_number(head) == "singular" and _is_kind(q.low, head):
            return f"{lex.indefinite_article(q.low)} {q.low}"
        return "" if q.low[0].isdigit() else None
    number = lex.noun_number(head)
    is_modifier = head in _NAMED_WITH_NOUN and words[-1] != head
    is_kind = _is_kind(q.low, head) or (head == "meat" and lex.is_animal_or_food(q.low))
    if words[-1] == head or (not is_modifier and is_kind):
        noun = answer_noun_phrase(q.answer, "" if number == "mass" else "a")
        return noun.text if noun is not None and _fits(noun.number, number) else ""
    if (
        head in _NO_MODIFIERS
        or len(words) > _MOST_WORDS_BEFORE_HEAD
        or not number
        or lex.word_class(words[0]) in "DPGEOX"
    ):
        return ""
    if "and" in words or any(lex.noun_number(word) == "plural" for word in words) or _is_beside(q.low, head):
        return ""
    if number == "mass" and all(map(lex.is_adjective, words)):
        return q.answer  # "The weather is sunny."
    return f"{'' if number != 'singular' else lex.indefinite_article(words[0]) + ' '}{q.answer} {head}"


_NAMED_WITH_NOUN = lex.word_table("tree trees")
"""An oak is an oak tree; the bare words are those of wood."""
_NO_MODIFIERS = lex.word_table(
    "location event events business drink drinks beverage media profession activity occupation emotion relationship pastry"
    " product products display displays"
    " pastries scenery person people man woman plant plants topping toppings ingredient ingredients day time way"
)
"""Nouns whose kinds have names of their own, of which WordNet may not know that they are kinds."""
_KINDS_HAVE_NOUNS = lex.word_table("store club road street restaurant station team bank phone label song app")


def _is_kind(low: str, head: str) -> bool:
    """By WordNet: a fedora is a kind of hat; a fire is none of truck."""
    nouns, last = wordnet_nouns(), low.rpartition(" ")[2]
    noun = lex.singular(head) or head
    if last.endswith(noun):
        return True  # a sailboat
    return any(nouns.is_narrower(name, noun) or nouns.is_same(name, noun) for name in (low, last) if nouns.knows(name))


def _is_beside(low: str, head: str) -> bool:
    """By WordNet: a boot is no kind of shoe, but one of footwear as it is, so that nobody says "boot shoe"."""
    noun = lex.singular(head) or head
    return wordnet_nouns().are_siblings(low.rpartition(" ")[2], noun)


def _are_plain_words(words: Sequence[str]) -> bool:
    """False for names and numbers, which stand for themselves."""
    return all(word.isalpha() and lex.is_known(word) for word in words)


def _fits(number: str, asked: str) -> bool:
    return number == asked or (number == "mass" and asked != "plural") or not asked


_MOST_WORDS_BEFORE_HEAD = 2


def _before_finite_verb(words: Sequence[str], end: int) -> int:
    """The end of the noun in "what company | makes this phone", whose verb reads like a plural noun."""
    for k in range(2, min(end, len(words) - 1)):
        if is_finite_verb(words[k]) and lex.word_class(words[k + 1]) in "DSP":
            return k
    return end


def _what_plain_noun(q: Query) -> str | None:
    """As in "What animal is on the hill?" -> "The animal on the hill is a cow."."""
    end = _before_finite_verb(q.words, noun_phrase_end(q.words, 1))
    if end == 1 or end >= len(q.words) or lex.word_class(q.words[1]) not in "NA":
        return None
    if q.words[1] in _KINDS or q.words[1] == "time" or (q.words[1] == "number" and end > 2):
        return None
    return _about_noun(q, 1, end, bare=q.words[end - 1] in BARE_HEADS)


def _about_noun(q: Query, start: int, end: int, *, bare: bool, value: str | None = None) -> str | None:
    """The answer as the identity of words[start:end], which the rest of the question describes."""
    noun, verb = q.shown[start:end], q.words[end]
    rest, shown = q.words[end + 1 :], q.shown[end + 1 :]
    head = q.words[end - 1]
    if any(word in lex.FIRST_OR_SECOND_PERSON for word in q.words) or "and" in q.words[start:end]:
        return None
    if any(word in lex.BE_FORMS for word in rest) or (rest[:1] == ("it",) and len(rest) > 1):
        return None
    plural = lex.noun_number(head) == "plural" and q.words[start] not in _SINGULAR_KINDS
    be = ("were" if plural else "was") if verb in ("was", "were") else ("are" if plural else "is")
    value = value or _noun_value(q, head, be, bare=bare)
    if value is None:
        return None
    if verb in lex.BE_FORMS:
        return _about_noun_be(q, noun, be, rest, shown, value, bare)
    if verb in ("do", "does", "did") and len(rest) > 1:
        clause = read_clause((verb, *rest), (verb, *shown))
        affirmed = None if clause is None or _is_stranded_inside(rest) else affirm(clause)
        return None if affirmed is None else join_words("the", noun, affirmed, be, value)
    if (is_finite_verb(verb) or (verb in lex.BASE_VERBS and be == "are")) and rest and _is_object(rest):
        return join_words("the", noun, "that", q.shown[end], shown, be, value)
    return None


def _is_stranded_inside(words: Sequence[str]) -> bool:
    """True for "the product grow by in 2019": two prepositions, the first of which lacks its noun."""
    return any(lex.word_class(a) == "P" and lex.word_class(b) == "P" for a, b in pairwise(words))


def _is_object(words: Sequence[str]) -> bool:
    """A noun phrase or prepositional phrases that complete a verb."""
    return is_whole_noun_phrase(words, 0) or is_place(words)


# Things that a number names: "The page is 237."
_NUMBERED = lex.word_table(
    "page pages zone highway route channel bill bus gate lane track chapter floor episode century decade"
    " road train flight denomination setting range pages digit digits figure figures"
)


def _noun_value(q: Query, head: str, be: str, *, bare: bool) -> str | None:
    if head in TEXT_HEADS:
        return None if q.low in NO_TEXT else f'"{q.answer}"'
    if is_no_number(head, q.low):
        return None
    if bare and q.low.endswith(f" {head}") and answer_noun_phrase(q.answer) is not None:
        return agreeing_noun(q, head, be)
    if bare:
        return q.answer
    if q.low[0].isdigit():
        return q.answer if head in _NUMBERED else None
    if q.low in _MODIFIERS_ONLY or (
        head not in _CATEGORIES and (answer_noun_phrase(q.answer) or _NO_NOUN).number == "singular"
    ):
        return None
    return agreeing_noun(q, head, be)


_NO_NOUN = NounPhrase("", "")
_MODIFIERS_ONLY = lex.word_table(
    "rail passenger freight cargo city delivery commercial house farm street public sports wine beer"
)


def _about_noun_be(
    q: Query,
    noun: Sequence[str],
    be: str,
    rest: tuple[str, ...],
    shown: tuple[str, ...],
    value: str,
    bare: bool,
) -> str | None:
    if not rest:
        return None
    if rest in (("this",), ("that",), ("it",), ("these",), ("those",), ("they",), ("shown",), ("pictured",)):
        return join_words("the", noun, be, value)
    kind = lex.word_class(rest[0])
    if rest[0] == "there" or rest[-1] == "called":
        return None
    if rest[0] == "being" and len(rest) > 1 and lex.word_class(rest[1]) == "E" and is_modifier(rest[1:]):
        return None if chunks(rest, 1)[0].open else join_words("the", noun, shown, be, value)
    if kind in "PGE" and is_modifier(rest) and not chunks(rest, 0)[0].open:
        if kind == "E" and chunks(rest, 0)[0].end > 1 and lacks_article(rest[1 : chunks(rest, 0)[0].end]):
            return None
        return join_words("the", noun, shown, be, value)
    if kind in "DSO":
        gap = object_gap(rest)
        if gap is not None and not subject_agrees(q.words[len(q.words) - len(rest) - 1], rest[: gap[0]]):
            return None
        if gap is not None and gap[1] == len(rest) and lex.word_class(rest[-1]) == "P":
            return _filled_gap(q, gap[0], rest, shown, value, noun)
        if gap is not None:
            return join_words(
                "the",
                noun,
                shown[: gap[0]],
                q.words[len(q.words) - len(rest) - 1],
                shown[gap[0] :],
                be,
                value,
            )
        if q.words[0] == "which" and rest[0] in ("a", "an"):
            return None  # "Which shape is a square?" asks for one of several
        if bare and is_whole_noun_phrase(rest, 0) and noun[-1].lower() in _ATTRIBUTES:
            return join_words("the", noun, "of", shown, be, value)
    return None


def _filled_gap(
    q: Query, border: int, rest: tuple[str, ...], shown: tuple[str, ...], value: str, noun: Sequence[str]
) -> str | None:
    """As in "What animal is the man on?" -> "The man is on a horse."; "What gate is it at?" -> "It is at gate 18."."""
    head = noun[-1].lower()
    if value[0].isdigit() and head not in _DATES:
        value = join_words(noun, value) if head != "number" or len(noun) > 1 else ""
    elif value == q.answer and head not in _FILLS_GAPS | _DATES:
        return None
    if not value or value[0] == '"' or any(lex.word_class(word) == "P" for word in rest[:-2]):
        return None
    if rest[-1] not in _BEFORE_THINGS:
        return None
    return join_words(shown[:border], q.words[len(q.words) - len(rest) - 1], shown[border:], value)


_DATES = lex.word_table("year date temperature")
_FILLS_GAPS = lex.word_table(
    "company country city state year airline street road town school university station store restaurant channel month brewery"
)
"""Their names stand right behind a preposition: "from Canada"."""
_BEFORE_THINGS = lex.word_table(
    "on in from at to by near under over behind with inside through across beside above below"
)


_ATTRIBUTES = lex.word_table(
    "brand make model shape size material style pattern flavor language nationality gender race breed"
    " species condition temperature age texture"
)
