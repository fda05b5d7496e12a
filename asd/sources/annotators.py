"""From the answers of several annotators to one gold answer and the list of accepted ones.

The rule, in order:

1. Answers that differ only in case, outer or repeated blanks, or a closing full stop are one answer; of its
   spellings the most frequent one is kept, then the earliest.
2. The answer that most annotators gave wins.
3. A tie goes to a real answer before a refusal ("unanswerable", "unsuitable image", "answering does not
require
   reading text in the image"): somebody could answer, so the question can be answered.
4. Then to the answer with more annotators who were sure of it (`answer_confidence: yes`).
5. Then to the answer given first.

A field such as `multiple_choice_answer` is never read: in several releases it is the first annotator's
answer, not the majority's. A refusal that wins is a gold answer like any other (benchmarks train on it);
`is_refusal` lets the caller mark it. All distinct answers are accepted, gold first, then by votes, then in
the order given: soft scoring needs them, and a converter must not offer one of them as a wrong answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

REFUSALS = frozenset(
    {
        "unanswerable",
        "unsuitable",
        "unsuitable image",
        "answering does not require reading text in the image",
    }
)


class Vote(NamedTuple):
    gold: str
    """Empty where nobody gave an answer."""
    accepted: tuple[str, ...]


NO_VOTE = Vote("", ())


@lru_cache(maxsize=1 << 16)  # answers repeat over a data set far more than they differ
def normalise_answer(answer: str) -> str:
    """The form in which two answers count as the same."""
    text = " ".join(answer.split()).casefold()
    return text[:-1].rstrip() if text.endswith(".") and not text.endswith("..") and len(text) > 1 else text


def is_refusal(answer: str) -> bool:
    return normalise_answer(answer) in REFUSALS


def vote(answers: Sequence[Any] | None) -> Vote:
    """Gold and accepted answers of a list of texts, or of records with `answer` and perhaps
    `answer_confidence`."""
    if not answers:
        return NO_VOTE
    texts = _texts(answers)
    head = texts[0]
    if isinstance(head, str) and texts.count(head) == len(texts):  # unanimous, as most are: nothing to count
        head = " ".join(head.split())
        return Vote(head, (head,)) if head else NO_VOTE
    return _count(texts, answers)


def _texts(answers: Sequence[Any]) -> list[Any]:
    """What each annotator answered."""
    if not isinstance(answers[0], dict):
        return list(answers)
    try:
        return [answer["answer"] for answer in answers]
    except (KeyError, TypeError):  # a record without the field, or a text among records
        return [answer.get("answer") if isinstance(answer, dict) else answer for answer in answers]


@lru_cache(maxsize=1 << 16)
def _spelt(text: str) -> tuple[str, str]:
    """(spelling, normalised) of an answer."""
    spelling = " ".join(text.split())
    return spelling, normalise_answer(spelling)


@lru_cache(maxsize=1 << 16)
def _is_plain(text: Any) -> bool:
    """Whether an answer is written as it counts, as most are."""
    return isinstance(text, str) and text != "" and _spelt(text) == (text, text)


def _count(texts: list[Any], answers: Sequence[Any]) -> Vote:
    counts: dict[Any, int] = {}  # as written -> votes, in the order given
    for text in texts:
        if isinstance(text, (list, dict)):
            continue  # no answer; a row of which nothing is left has none
        counts[text] = counts.get(text, 0) + 1
    if counts and all(map(_is_plain, counts)):
        ranked = _ranked(counts, answers)
        return Vote(ranked[0], tuple(ranked))
    votes: dict[str, int] = {}  # normalised -> votes, in the order given
    spellings: dict[str, str | dict[str, int]] = {}
    for text, count in counts.items():
        spelling, key = _spelt(text if isinstance(text, str) else "" if text is None else str(text))
        if not spelling:
            continue
        if key not in votes:
            votes[key], spellings[key] = count, spelling
            continue
        first = spellings[key]
        of_key = {first: votes[key]} if isinstance(first, str) else first
        of_key[spelling] = of_key.get(spelling, 0) + count
        votes[key], spellings[key] = votes[key] + count, of_key
    if not votes:
        return NO_VOTE
    accepted = tuple([_most_frequent(spellings[key]) for key in _ranked(votes, answers)])
    return Vote(accepted[0], accepted)


def _ranked(votes: dict[str, int], answers: Sequence[Any]) -> list[str]:
    """Normalised answers, the gold one first. votes: by normalised answer, in the order given."""
    ranked = sorted(votes, key=votes.__getitem__, reverse=True)  # stable: ties stay in the order given
    most = votes[ranked[0]]
    if len(ranked) > 1 and votes[ranked[1]] == most:
        tied = [key for key in ranked if votes[key] == most]
        sure = _sure_votes(answers)
        gold = min(tied, key=lambda key: (key in REFUSALS, -sure.get(key, 0)))
        ranked.remove(gold)
        ranked.insert(0, gold)
    return ranked


def _most_frequent(spellings: str | dict[str, int]) -> str:
    return spellings if isinstance(spellings, str) else max(spellings, key=spellings.__getitem__)


def _sure_votes(answers: Sequence[Any]) -> dict[str, int]:
    """Normalised answer -> annotators who were sure of it."""
    sure: dict[str, int] = {}
    for answer in answers:
        if isinstance(answer, dict) and answer.get("answer_confidence") == "yes":
            key = normalise_answer(str(answer.get("answer") or ""))
            sure[key] = sure.get(key, 0) + 1
    return sure
