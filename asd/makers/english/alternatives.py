"""What a question itself offers to choose from: "Is it a cat or a dog?", "Which side is it on?". Pure.

Words are cut off only where it is sure that they belong to the question; a question that cannot be read so is no offer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from asd.lazy_regex import regex
from asd.makers.answer_kinds import ASKING, STOP_WORDS, TEXT, answer_kind
from asd.makers.english import lexicon as lex
from asd.makers.normalise import normalise_answer

MAX_CHOICE_LENGTH = 160
"""Characters; an "or" in a longer question joins something else than the answers."""
_SIDES = {"left": "right", "right": "left"}
_SIDED = "side|hand|foot|leg|arm|knee|shoulder|ear|eye|wrist|ankle|shoe|wing|lane"
_WHICH_SIDE = regex(rf"\b(?:which|what) (?:{_SIDED})\b")
MAY_OFFER = rf" or |{_SIDED}|gender|sex"
"""Matches every question, in whatever case, that `stated_alternatives` finds something in."""
_SEXES = {"male": "female", "female": "male", "man": "woman", "woman": "man", "boy": "girl", "girl": "boy"}
_BOTH_SIDES = regex(r"^[^,]*\b(?:left\b[^,]* or \b[^,]*\bright|right\b[^,]* or \b[^,]*\bleft)\b[^,]*$", re.IGNORECASE)
_HALVES = {*_SIDES, *_SEXES}
_WHICH_SEX = regex(r"\b(?:what|which)\b.*\b(?:gender|sex)\b")
_SEPARATOR = regex(r"[;:](?=\s)|\s[-–]\s|,(?!\d)|\bor\b")
_SENTENCE = regex(r"(?<=[a-z?!)][.?!])\s+(?=[A-Z])|(?<=\?)\s+")
_PREPOSITIONS = frozenset({"on", "in", "at", "to", "of", "from", "for", "by", "with"})
_BOUNDARY_WORDS = """
look looks looking appear appears seem seems more most either wearing made there color side type kind than
standing sitting called one sort
"""
_CHOOSING_WORDS = """
is are was were do does did has have can could will would which who whose what
"""
_CHOOSING = frozenset(_CHOOSING_WORDS.split())
_BOUNDARY = STOP_WORDS | ASKING | frozenset(_BOUNDARY_WORDS.split())


def stated_alternatives(question: str, gold: str) -> list[str]:
    """The other answers that the question itself offers: 'Is it a cat or a dog?' with gold 'cat' -> ['dog'].

    "Which side" offers left and right, "what gender" male and female. Empty where the question offers none,
    or the gold answer is not one of them.
    """
    if " or " not in question or len(question) > MAX_CHOICE_LENGTH:
        return _counterpart(question, gold)
    question = next(part for part in _SENTENCE.split(question) if " or " in f" {part} ")
    parts = [part for part in _SEPARATOR.split(question.strip().rstrip("?.!: ")) if part.strip()]
    num_parts = len(parts)
    if len(parts) > 2 and question.split(maxsplit=1)[0].casefold() in ASKING | _PREPOSITIONS:
        del parts[0]  # "Who is taller, the man or the woman?": what stands before the comma is the question
    if _joins_clauses(parts):
        return []
    if (other := _SIDES.get(gold.casefold())) and _BOTH_SIDES.search(question):
        return [other]  # however the rest is worded: "on the left side or on the right of the picture"
    want, most = normalise_answer(gold), len(gold.split()) + 1
    is_listed = len(parts) < num_parts  # set apart from the question by a comma, so each part is whole
    offered = [
        (_whole(part) if is_listed else "") or _phrase(part, is_last=place == len(parts) - 1, most=most)
        for place, part in enumerate(parts)
    ]
    normal = list(map(normalise_answer, offered))
    own = [place for place, text in enumerate(normal) if text and _is_same_thing(want, text)]
    if len(own) != 1:
        return []
    alternatives = []
    for place, phrase in enumerate(offered):
        if place != own[0] and phrase:
            is_thing = all(_has_article(parts[at], offered[at]) for at in (place, own[0]))
            alternatives.append(
                _like(phrase, offered[own[0]], gold, is_last=place == len(parts) - 1, is_thing=is_thing)
            )
    return alternatives if all(alternatives) else []


def _joins_clauses(parts: Sequence[str]) -> bool:
    """Whether "or" stands between two questions: "Is it all the way up, or is something loading?"."""
    words = parts[-1].casefold().split() if len(parts) > 1 else []
    return len(words) > 1 and words[0] in lex.BE_FORMS | {"do", "does", "did"} and words[1] not in _SAME_SUBJECT


_SAME_SUBJECT = frozenset("it this that they these those he she the there".split())


def offers_alternatives(question: str) -> bool:
    """Whether a question asks to choose: "Is it real or fake?", "Which is larger, a or b?"."""
    if len(question) > MAX_CHOICE_LENGTH:
        return False
    return " or " in question and question.split(maxsplit=1)[0].casefold() in _CHOOSING


def _is_same_thing(gold: str, phrase: str) -> bool:
    """'lotion' is what "hand lotion" offers, 'low' is what "low tide" does."""
    return gold == phrase or phrase.endswith(f" {gold}") or phrase.startswith(f"{gold} ") or gold.endswith(f" {phrase}")


def _counterpart(question: str, gold: str) -> list[str]:
    """'right' for "On which side is it?" with gold 'left', and likewise where a question asks for the sex."""
    key = gold.strip().casefold()
    if key not in _HALVES:  # as nearly every answer
        return []
    for others, asks in ((_SIDES, _WHICH_SIDE), (_SEXES, _WHICH_SEX)):
        if key in others and asks.search(question.casefold()):
            return [others[key]]
    return []


def _whole(part: str) -> str:
    """A name or title of several words, which none of its words may be cut off: "Lights on the Bayou"."""
    words = part.split()
    if len(words) > 1 and words[0].casefold() in ("the", "a", "an") and words[0].islower():
        words = words[1:]
    return " ".join(words) if len(words) > 1 and words[0][0].isupper() and words[-1][0].isupper() else ""


def _has_article(part: str, phrase: str) -> bool:
    before = part[: part.rfind(phrase)].split()
    return bool(before) and before[-1].casefold() in ("a", "an", "the")


def _like(phrase: str, own: str, gold: str, *, is_last: bool, is_thing: bool) -> str:
    """An alternative cut to what stands beside the gold answer; "" where it is not sure where it ends.

    phrase, own: the words around the other alternative and around the gold answer; is_thing: both have articles.
    """
    words, size = phrase.split(), len(gold.split())
    if len(words) == 1 and (words[0].casefold() in _PARTICLES) != (gold.casefold() in _PARTICLES):
        return ""
    if left := _left_over(own, gold):  # "a tight shirt or a loose shirt" with gold "tight"
        pieces = _pieces(phrase)
        if len(pieces) > len(left) and [*map(str.casefold, pieces[-len(left) :])] == [*map(str.casefold, left)]:
            return " ".join(pieces[: -len(left)])
        is_quality = len(words) == size and lex.is_adjective(phrase.casefold())
        is_cut = [*map(str.casefold, pieces)] == [*map(str.casefold, left)]  # "foot" of "left foot or right foot"
        return phrase if is_quality or (not is_last and not is_cut and len(words) == size) else ""
    while len(words) > 1 and words[-1].casefold() in _TRAILING:
        words = words[:-1]
    if len(words) <= max(size, len(own.split())):
        return " ".join(words)
    if phrase[:1].isupper() or _NAMES_A_THING.search(phrase):
        return phrase
    cut, *rest = (" ".join(words[:size]), *words[size:]) if is_last else (" ".join(words[-size:]), *words[:-size])
    own_kind = answer_kind(gold)[1]
    if is_last and own_kind != TEXT and answer_kind(cut)[1] == own_kind:
        return cut  # "day or night outside"
    if is_last and lex.is_adjective(cut.casefold()) and lex.is_adjective(gold.casefold()):
        return cut  # "a right or left handed batter"
    if is_thing:
        return phrase  # "a statue or a live animal"
    return cut if is_last and rest[0].casefold() in _SHARED_HEADS else ""  # "an indoors or outdoors scene"


def _left_over(own: str, gold: str) -> list[str]:
    """What follows the gold answer among its own words: "shirt" of "tight shirt", "handed" of "left-handed"."""
    words, size = _pieces(own), len(_pieces(gold))
    return words[size:] if normalise_answer(" ".join(words[:size])) == normalise_answer(gold) else []


def _pieces(phrase: str) -> list[str]:
    return _PIECE.findall(phrase)


_PIECE = regex(r"[^\s-]+")
_NAMES_A_THING = regex(r"^\S+ing \S+$|^\S+ of ")
_PARTICLES = frozenset("on off in out up down into away above below over under toward towards".split())
_TRAILING = frozenset("behind beside near outside inside around here there together now today".split())
_SHARED_HEADS = frozenset(
    """
    scene setting area room view photo picture shot image side end handed hand foot way direction color colour weather
    building court field type style shape one ones time meal food animal person people player day
    """.split()
)


def _phrase(part: str, *, is_last: bool, most: int) -> str:
    """The few words next to the 'or': the end of what stands before it, the start of what follows it."""
    words = part.split()
    if is_last:
        while len(words) > 1 and words[0].casefold() in _BOUNDARY:
            words = words[1:]
        end = next((place for place, word in enumerate(words) if place and word.casefold() in _BOUNDARY), len(words))
        if end < len(words) and words[end].casefold() == "and":
            return ""  # "color or white and black"
        return " ".join(words[:end]) if end <= most else ""
    if words and words[-1].casefold() in _BOUNDARY:
        return "" if words[-1].casefold() in _SAME_SUBJECT else words[-1]  # "on or off"
    start = next((place for place in range(len(words), 0, -1) if words[place - 1].casefold() in _BOUNDARY), 0)
    if start and words[start - 1].casefold() == "and":
        return ""  # "black and white or color": where the phrase starts is not sure
    if start > 1 and any(word[:1].isupper() for word in words[1:start]) and words[-1][:1].isupper():
        return ""  # within a name
    if start > 1 and words[start - 2].casefold() in ("all", "half", "both"):
        return ""  # "all the way up"
    kept = words[start:]
    is_of_subject = start == 2 and words[0].casefold() in lex.BE_FORMS and words[1].casefold() in _OF_SUBJECTS
    if is_of_subject and len(kept) == 2 and _is_said_of(*map(str.casefold, kept)):
        return kept[1]  # "is the shirt | plain"
    if start and words[start - 1].casefold() in ("a", "an"):
        return " ".join(kept) if len(kept) <= most else ""
    if start == 1 and words[0].casefold() in lex.ARTICLES and len(kept) <= most:
        return " ".join(kept)  # ", the adult giraffe"
    cut = kept[1 - most :]  # as many words as the gold answer has: "is the door open"
    before = kept[: -len(cut)]
    is_subject = len(before) == 1 and start == 2 and words[0].casefold() in lex.BE_FORMS  # "is the stove | gas"
    return " ".join(cut) if not before or is_subject or _opens(cut, before[-1]) else ""


_OF_SUBJECTS = frozenset("the his her its their".split())


def _is_said_of(subject: str, quality: str) -> bool:
    return lex.word_class(subject) == "N" and not lex.is_adjective(subject) and lex.is_adjective(quality)


def _opens(cut: Sequence[str], before: str) -> bool:
    """Whether words can be cut off behind another one: "door | open", but not "bed | time"."""
    first, before = cut[0].casefold(), before.casefold()
    if lex.word_class(first) != "N" or lex.is_adjective(first) or first in lex.BASE_VERBS:
        return True
    return lex.word_class(before) not in "NA" or before in lex.BASE_VERBS
