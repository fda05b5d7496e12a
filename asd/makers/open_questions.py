"""Questions to which several different answers may be right of one picture, so that another row's answer is not surely
wrong: who stands there, what somebody wears, what is on the table. Pure, of one question and its answer.
"""

from __future__ import annotations

from functools import lru_cache

from asd.lazy_regex import regex
from asd.makers.answer_kinds import TEXT, answer_kind, parse_question
from asd.makers.answer_types import ACTIVITY
from asd.makers.asked_noun import asked_noun
from asd.makers.normalise import normalise_answer

_WORN = frozenset({"wear", "wears", "wearing", "worn", "dressed"})
_DOING = regex(r"\b(?:doing|do|activity|action)\b")
_SET = regex(
    r"\b(?:(?:type|kind|sort|piece|item)s? of|what|which) (?:furniture|clothing|clothes|items?|objects?|things?|pieces?)\b"
)
_SET_NOUNS = frozenset("furniture clothing clothes item items object objects thing things piece pieces".split())
"""One of these is a word of every question that `_SET` finds."""
_THERE = regex(
    r"what(?: else)? (?:(?:surrounds?|covers|hangs|sits|stands)\b.*"
    r"|(?:is|are|was|were|can be seen|can you see|do you see|does (?:the|this) (?:picture|image|photo) show)"
    r"(?: (?:there|seen|shown|visible|sitting|standing|lying|laying|hanging|located|placed|displayed|surrounding|in|on|at|"
    r"behind|beside|besides|near|nearby|next|under|underneath|above|below|around|between|inside|outside|over|along|across|"
    r"against|to the)\b.*)?)"
)
_READ = frozenset(
    "write written say says read reads print printed word words name named letter letters text number called title brand "
    "logo labeled labelled".split()
)
_POSTURES = frozenset(
    "sitting standing walking posing waiting looking watching smiling resting lying laying talking holding eating playing "
    "leaning staring relaxing hanging moving running riding working".split()
)


@lru_cache(maxsize=1 << 16)
def is_open(question: str, gold: str) -> bool:
    """Whether an answer of another row may be right here, too.

    - A person, asked for by "who": the skateboarder is a man and wears jeans like others.
    - Something to wear, asked for by what is worn.
    - Two questions in one, and such as say how the answer is spelt.
    - What something is like ("Can you describe this shirt?"), and weather that one feels.
    - Any of several ("What is a letter on the keyboard?").
    - All but one kind ("Which food isn't yellow?").
    - A posture or everyday action, asked for by what somebody does: one stands and talks.
    - One of a kind of things of which a place holds several, asked for by where it is ("What device is on the desk?").
    - A thing that something else is near or in front of, and a place that others lie in ("street").
    - A thing, asked for by where it is ("What is on the table?") or as one of a set ("Which furniture is brown?").
    """
    asked = parse_question(question).full
    kind = answer_kind(gold)[1]
    if _is_open_for_all(question):
        return True
    if kind not in _NEVER_BESIDE and " " in asked and _OTHER_THAN.search(asked) is not None:
        return True
    if kind == "weather" and normalise_answer(gold) in _FELT:
        return True
    words = asked.replace("'", " ").split()
    if normalise_answer(gold) in _WIDE_PLACES and (_PLACE.search(asked) is not None or asked.startswith("where ")):
        return True
    if kind == "person":
        return asked.startswith(("who ", "whom ", "what ", "which "))
    if not _WORN.isdisjoint(words) and kind not in ("colour",) and not kind.startswith(("integer", "decimal")):
        return True
    if kind == "material" and _MADE.search(asked) is None:
        return True
    if kind == ACTIVITY:
        return normalise_answer(gold).split(" ")[0] in _POSTURES and _DOING.search(asked) is not None
    if asked_noun(question) in _SEVERAL and _PLACED.search(asked) is not None:
        return True
    if kind in _NEVER_BESIDE or not _READ.isdisjoint(words):
        return False
    is_of_set = not _SET_NOUNS.isdisjoint(words) and _SET.search(asked) is not None
    return is_of_set or ((kind != TEXT or gold.islower()) and _THERE.fullmatch(asked) is not None)


def _is_open_for_all(question: str) -> bool:
    """Whether the question alone tells, whatever its answer."""
    asked = parse_question(question).full
    if " wh" in asked and _BESIDE_WHAT.search(asked) is not None:
        return True
    if _WHAT_IS_BESIDE.match(asked) is not None:
        return True
    if ("and " in asked or "or " in asked) and _TWO.search(asked) is not None:
        return True
    if ("look" in asked or "descri" in asked or "tell" in asked) and _DESCRIBE.search(asked) is not None:
        return True
    if (" of " in asked or asked.startswith(("what ", "which "))) and _ANY.search(asked) is not None:
        return True
    return ("letter" in asked or "missing" in asked) and _SPELT.search(asked) is not None


_DESCRIBE = regex(r"\b(?:describe|description|look like|looks like|tell me about)\b")
_TWO = regex(r".(?:\band|\bor) (?:what|who|where|when|why|how|which)\b|\b(?:shirt|color|colour) and (?:\w+ )?\w+$")
_ANY = regex(
    r"\b(?:any|one|some|either) of (?:the|these|those)\b|^(?:what|which) (?:is|are|was) (?:a|an|one|some) (?:\w+ )?"
    r"(?:letter|number|word|digit|name|brand|color|colour|thing|item|object|product)s?\b"
)
_OTHER_THAN = regex(
    r"^(?:what|which) (?:(?!that\b|who\b|which\b).)*\b(?:is not|isn't|are not|aren't|does not|doesn't) [a-z]+$"
)
_SPELT = regex(r"\b(?:first|last|second|third|\d+) (?:\w+ )?letters\b|\bmissing (?:value|number|letter)\b")
_FELT = frozenset("cold hot warm cool windy".split())
"""Weather that goes with any sky."""
_PLACE = regex(r"\b(?:what|which) (?:kind of |type of |is (?:this|the) )?(?:place|location|scene|setting|area)\b")
_WIDE_PLACES = frozenset(
    "street road city town village outdoors outside outdoor sidewalk pavement field grass hill mountain forest park yard "
    "building house room place sky water land countryside neighborhood intersection downtown area walkway "
    "path doorway shore floor ground wall".split()
)
"""Places within or beside other places."""
_BESIDE_WHAT = regex(
    r"\b(?:in front of|behind|before|near|next to|beside|by|around|against|with|above|below|beneath|under|over|close to) "
    r"(?:what|who|whom|which\b.*)$"
)
_WHAT_IS_BESIDE = regex(
    r"(?:what|who) (?:is|are|was|were) (?:the|this|that|he|she|they|it)\b.* "
    r"(?:in front of|behind|before|near|next to|beside|standing by|sitting by|close to|surrounded by|with)$"
)
_SEVERAL = frozenset(
    "device appliance electronic food vegetable fruit meat topping ingredient utensil cutlery silverware container dish "
    "vehicle plant flower toy decoration accessory tool instrument product drink beverage snack dessert "
    "bag sign".split()
) | {"cooking utensil", "kitchen utensil", "kitchen appliance"}
"""Nouns of which one place often holds several kinds."""
_MADE = regex(r"\b(?:made|material|fabric|built|constructed|composed|out of|floor|surface|types?|kinds?|covering)\b")
_PLACED = regex(
    r"\b(?:is|are) (?!(?:this|that|it|these|those|they|called)\b)[a-z]+$|"
    r"\b(?:in|on|at|behind|beside|besides|near|next to|under|underneath|above|below|around|between|inside|along|across|"
    r"against|to the (?:left|right)|shown|seen|visible|can you see|do you see)\b(?! this\b)"
)
_NEVER_BESIDE = (
    "colour",
    "side",
    "height",
    "compass",
    "daytime",
    "season",
    "weather",
    "sport",
    "date",
    "url",
    "year",
    "material",
)
"""Kinds of which one picture has one: the others are wrong."""
