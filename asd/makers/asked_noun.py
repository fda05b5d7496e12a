"""What a question asks a kind of ("Which fruit is it?" -> fruit) and what it is about ("the brand of the beer" -> drink).

An answer that is such a kind stands only beside others that are: no `pepperoni` beside `banana`. Names and other texts,
which no table knows, stand only beside those of questions about the like: no brand of telephone beside one of beer.
Pure, of one question; nouns by WordNet's hierarchy.
"""

from __future__ import annotations

import re
from functools import lru_cache

from asd.makers.answer_kinds import STOP_WORDS, TEXT, YES_NO, answer_kind, parse_question
from asd.makers.answer_relations import BROADER
from asd.makers.answer_types import ACTIVITY
from asd.makers.normalise import normalise_answer
from asd.makers.noun_taxonomy import wordnet_nouns

_CACHE_SIZE = 1 << 15
_KIND_OF = r"(?:kinds?|types?|typed?s?|sorts?|breeds?|species|variet(?:y|ies)|forms?|pieces?|items?|styles?)(?: of)?"
_END = (
    r"(?= (?:is|are|was|were|does|do|did|has|have|had|can|could|will|would|should|in|on|at|of|to|that|which|who|with|from|"
    r"behind|beside|besides|near|next|under|underneath|above|below|inside|between|by|for|shown|seen|pictured|here|there|"
    r"\w+ing|\w+ed|\w+s (?:in|on|at|by|with|near|behind|through|under|over|the|an?))\b|$)"
)
_PHRASE = r"((?:[^\W\d_]+ ){0,2}?[^\W\d_]+)"
_ASKED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:what|which) {_KIND_OF} (?:a |an |the |this )?{_PHRASE}{_END}",
        rf"\b(?:what|which) (?!(?:is|are|was|were|do|does|did|has|have|can|kinds?|types?)\b){_PHRASE}{_END}",
        rf"\b(?:what|which|how) (?:is|are|was|were) (?:the |this |that |these |those )(?:(?:name|{_KIND_OF})(?: of)? )?"
        rf"(?:the |this |that )?{_PHRASE}"
        r"(?= (?:in|on|at|to|that|which|behind|beside|near|next|under|above|below|inside|between|shown|seen|pictured|here|"
        r"there|called)\b|$)",
    )
)
_ONE_OF_A_FEW = frozenset(
    {"colour", "side", "daytime", "season", "weather", "date", "url", "year", "material", "letter"}
)
"""Kinds of answers whose own list is better than the hierarchy."""
_DOING = re.compile(r"\b(?:doing|do|does|did|activity|activities|action|engaged|sport)\b")
_NOUNS_IN_ING = frozenset(
    "building clothing painting drawing ceiling topping dressing covering string ring king".split()
)
_BROAD = frozenset(
    "kind type sort name word text letter number title brand time day date color colour shape side part way picture image "
    "photo place item object thing one stuff piece area make model company line message logo label".split()
)
"""Nouns that limit nothing, and say nothing about what is asked about."""
_ABOUT = (
    ("drink", "beverage", "bottle", "can", "jug"),
    ("food", "food", "foodstuff", "dish", "meal"),
    ("clothes", "clothing", "footwear", "jersey", "headdress"),
    ("vehicle", "vehicle", "airline"),
    ("device", "electronic equipment", "computer", "timepiece", "camera", "machine", "appliance", "device"),
    ("play", "team", "athlete", "sport", "game"),
    ("reading", "publication", "written communication", "movie", "show", "poster", "record album", "software"),
    ("person", "person"),
    ("place", "structure", "organization", "way", "region", "location", "sign"),
    ("care", "toiletry", "medicine", "soap", "lotion"),
)


@lru_cache(maxsize=_CACHE_SIZE)
def asked_noun(question: str) -> str:
    """The noun, in the singular, that the answer is to be a kind of; "" where none is named or it limits nothing."""
    asked = parse_question(question).full
    nouns = wordnet_nouns()
    for pattern in _ASKED:
        match = pattern.search(asked)
        if match is None:
            continue
        words = match[1].split()
        if words[-1].endswith("ing") and words[-1] not in _NOUNS_IN_ING:
            return ""
        for phrase in (" ".join(words[-2:]), words[-1]):
            if nouns.knows(phrase):
                noun = normalise_answer(phrase)
                return "" if noun in _BROAD else noun
        return ""
    return ""


@lru_cache(maxsize=1 << 16)
def kind_asked_for(question: str, gold: str) -> str:
    """The asked noun, where the answer is a kind of it; "" elsewhere, also for answers of which a list is known."""
    noun = asked_noun(question)
    if not noun or answer_kind(gold)[1] in _ONE_OF_A_FEW or any(letter.isdigit() for letter in gold):
        return ""
    if _DOING.search(parse_question(question).full):
        return ""
    return noun if is_kind_of(gold, noun) else ""


_ATTRIBUTE = re.compile(r"\b(?:what|which|of what|the) (?:is the )?(colou?r|shape)s?\b(?! as\b)")
_NAMING = frozenset(
    "title titled brand name named called movie film book band album game team flavor flavors flavour flavours say says word "
    "words written company slogan logo station character product".split()
)
_NAMELESS = frozenset(
    "colour side daytime season weather date url year place country city state month weekday language person letter".split()
)


@lru_cache(maxsize=1 << 16)
def kinds_asked_for(question: str, gold: str) -> tuple[str, str]:
    """`answer_kind`, by what is asked: the noun that the question asks a kind of, where the answer is one; a colour or a
    shape, whatever else the word may name; an activity only of what somebody does; the name of a book is no animal."""
    fine, coarse = answer_kind(gold)
    case = fine.rpartition("/")[2]
    if noun := kind_asked_for(question, gold):
        return f"{noun}/{case}", noun
    if coarse != TEXT and any(letter.isdigit() for letter in gold):
        return fine, coarse
    asked = parse_question(question).full
    may_ask_attribute = coarse not in (TEXT, YES_NO) and ("colo" in asked or "shape" in asked)
    if may_ask_attribute and (attribute := _ATTRIBUTE.search(asked)):
        name = "shape" if attribute[1] == "shape" else "colour"
        return f"{name}/{case}", name
    is_named = coarse not in _NAMELESS and "/" in fine and not fine[0].isdigit() and "integer" not in coarse
    if (coarse == ACTIVITY and not _DOING.search(asked)) or (
        is_named and coarse != ACTIVITY and not _NAMING.isdisjoint(asked.replace("'", " ").split())
    ):
        return f"{len(gold.split())}/{case}", TEXT
    return fine, coarse


def is_no_answer(question: str, gold: str) -> bool:
    """Whether an answer says no more than what is asked for: "place" to "Which place is it?"."""
    return bool(gold) and normalise_answer(gold) in (asked_noun(question), parse_question(question).head.split(" ")[-1])


def is_kind_of(answer: str, noun: str) -> bool:
    """Whether an answer names a kind of a thing by a usual meaning, or by its last word: "chocolate cake"."""
    nouns = wordnet_nouns()
    words = normalise_answer(answer).split()
    for name in dict.fromkeys([answer, *words[-1:]]):
        if words[-1:] == noun.split()[-1:] and len(words) > 1:
            return True
        if noun in BROADER.get(normalise_answer(name), ()):
            return True
        if nouns.knows(name):
            return nouns.is_narrower(name, noun) or nouns.is_same(name, noun)
    return False


@lru_cache(maxsize=_CACHE_SIZE)
def about(question: str) -> str:
    """Roughly what a question is about, by the first of its nouns that tells, a person only where no other does; ""
    where none does."""
    known = ""
    for word in parse_question(question).full.split()[1:]:
        topic = _topic_of(word)
        if topic and topic != "person":
            return topic
        known = known or topic
    return known


@lru_cache(maxsize=_CACHE_SIZE)
def _topic_of(word: str) -> str:
    """What a word of a question is about, a person only where it is nothing else; "" where it does not tell."""
    nouns, known = wordnet_nouns(), ""
    noun = normalise_answer(word)
    if word in STOP_WORDS or word in _BROAD or noun in _BROAD or not nouns.knows(word):
        return ""
    for name, *anchors in _ABOUT:
        if noun in anchors or any(nouns.is_mainly(word, anchor) for anchor in anchors):
            known = name
            if name != "person":
                return name
    return known
