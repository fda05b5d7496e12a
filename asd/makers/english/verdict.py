"""A question and a candidate answer as one question to be judged: "Is the car red?"; None where no rule is sure.

`natural_verdict("What color is the car?", "red")` turns the sentence that `declarative` makes of both. The same rules
read every candidate, so a question that is asked in this way for a right answer is for a wrong one, too, where both can
be turned. Pure.
"""

from __future__ import annotations

from functools import lru_cache

from asd.lazy_regex import regex
from asd.makers.english import lexicon as lex
from asd.makers.english.candidate import asked_of_candidate
from asd.makers.english.declarative import declarative
from asd.makers.wording import collapse

_MOVED = frozenset("is are was were can could will would should must".split())
"""Auxiliaries that trade places with their subject."""
_IDENTITY = frozenset(("is", "was"))
_BASE = {
    "has": "have", "says": "say", "reads": "read", "shows": "show", "wears": "wear", "belongs": "belong", "comes": "come",
    "goes": "go", "looks": "look", "contains": "contain", "costs": "cost", "starts": "start", "ends": "end", "plays": "play",
    "holds": "hold", "makes": "make", "sells": "sell", "weighs": "weigh", "means": "mean", "represents": "represent",
    "stands": "stand", "lives": "live", "grows": "grow", "likes": "like", "serves": "serve", "displays": "display",
    "features": "feature", "begins": "begin", "uses": "use", "feels": "feel", "sits": "sit", "leads": "lead",
}  # fmt: skip
_OPENINGS = frozenset(
    "the a an this that these those there it he she they his her their its one both each some two three four five all".split()
)
"""First words of a sentence that lose their capital inside of one."""
_CLAUSES = frozenset("who whom whose which that where when while because if and or but not than as".split())
"""Words in a subject behind which the next verb may be another clause's."""

_NONE = frozenset(("0", "zero", "none", "no"))
"""Nobody asks "Are there 0 people?"."""
_COUNTED = regex(rf"^((?:Is|Are|Was|Were) there) (?=\d|(?:{'|'.join(sorted(lex.NUMBER_WORDS))})\b)")
"""Where there are five, "Is there 1 pizza?" may be answered Yes."""
_TWO_NUMBERS = regex(r"\d \$?-?\d")
"""As in "Is the share in 2016 11.3?"."""
_ENDINGS = frozenset("to of on in with for from at by".split())


@lru_cache(maxsize=1 << 14)
def natural_verdict(question: str, candidate: str, answer_type: str | None = None) -> str | None:
    """One question that is answered Yes where `candidate` answers `question`, and holds the candidate as it is written."""
    if candidate.strip().lower() in _NONE:
        return None
    sentence = declarative(question, candidate, answer_type)
    turned = None if sentence is None else _turned(sentence, candidate)
    turned = None if turned is None else _COUNTED.sub(r"\1 exactly ", turned)
    if turned is None or candidate not in turned or _TWO_NUMBERS.search(turned) is not None:
        return asked_of_candidate(question, collapse(candidate))
    return turned


def _turned(sentence: str, candidate: str) -> str | None:
    words = sentence.removesuffix(".").split(" ")
    if words[0].lower() not in _OPENINGS or "," in sentence or "?" in sentence:
        return None
    if "called" in words:  # "Is the bag called "handbag"?" asks for a name
        return None
    place = _verb(words)
    if place is None:
        return None
    if words[place - 1] in _BASE.values():  # "The number at the top say is 40", of a question that was no sentence
        return None
    subject, rest = [words[0].lower(), *words[1:place]], words[place + 1 :]
    if words[place] in _IDENTITY and rest == candidate.split(" ") and _runs_into(subject, rest[-1]):
        return None
    if words[place] in _IDENTITY and rest == [candidate] and subject[-1][-1].isdigit():
        return " ".join([words[place].capitalize(), candidate, *subject]) + "?"  # "Was 11.3 the share in 2016?"
    if words[place] in _MOVED:
        return " ".join([words[place].capitalize(), *subject, *rest]) + "?"
    return " ".join(["Does", *subject, _BASE[words[place]], *rest]) + "?"


def _runs_into(subject: list[str], last: str) -> bool:
    """Whether subject and answer, side by side, read as something else: "Is the bag made of plastic black?", "Is the fast food
    hot dogs?"."""
    if subject[-2:-1] == ["of"] and "made" in subject:
        return True
    return last.islower() and last not in lex.PAIRED and lex.noun_number(last) == "plural"


def _verb(words: list[str]) -> int | None:
    """Where the verb of the main clause is; None where that is not sure."""
    verbs = [place for place, word in enumerate(words) if place and (word in _MOVED or word in _BASE)]
    if not verbs or verbs[-1] == len(words) - 1 or not _CLAUSES.isdisjoint(words[1 : verbs[0]]):
        return None
    first = verbs[0]
    if len(verbs) == 1 or not _CLAUSES.isdisjoint(words[first : verbs[1]]):
        return first
    # "The genre this book belongs to is poetry": the second one, behind a clause that ends in its preposition.
    return verbs[1] if len(verbs) == 2 and words[verbs[1]] in _MOVED and words[verbs[1] - 1] in _ENDINGS else None
