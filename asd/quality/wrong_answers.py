"""What mined and made wrong answers look like to a reader who sees the picture and not the question, and which questions
each style has."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xxhash

from asd.makers.answer_kinds import parse_question
from asd.makers.asked_noun import is_kind_of, kind_asked_for
from asd.makers.exclusive_answers import may_both_hold
from asd.makers.normalise import is_one_of, normalise_answer
from asd.quality.keyed_sample import KeyedSample

MAX_QUESTIONS = 20_000
"""Questions whose kinds are counted, those of smallest keyed hash."""


class WrongAnswers:
    """Tallies of one data set."""

    def __init__(self) -> None:
        self._images = array("Q")
        self._answered, self._right, self._wrong = array("Q"), array("Q"), array("Q")
        self._same = self._choices = self._other_kind = self._kinds = 0
        self._questions = KeyedSample[tuple[str, str, bool]](MAX_QUESTIONS, "question-kinds")

    def add_rows(
        self, ids: Sequence[str], questions: Sequence[str], styles: Sequence[str], candidates: Sequence[str | None]
    ) -> None:
        """All rows. styles: "native" for those that keep theirs; candidates: None where a question is the source's own."""
        turned = [candidate is not None for candidate in candidates]
        self._questions.add(ids, list(zip(styles, questions, turned, strict=True)))

    def add_answers(self, images: Sequence[str], golds: Sequence[str | None]) -> None:
        """Of all rows."""
        self._images.extend(_hash(image) for image in images)
        self._answered.extend(_pair(image, gold or "") for image, gold in zip(images, golds, strict=True))

    def add_shown(self, row: Mapping[str, Any], image: str, right: str | None, wrong: Sequence[str]) -> None:
        """A mined or made row: the right answer if it is shown, and the wrong ones."""
        self._wrong.extend(_pair(image, answer) for answer in wrong)
        if right is not None and wrong:
            self._right.append(_pair(image, right))
            self._choices += 1
            self._same += any(_are_one(*pair) for pair in _pairs(wrong))
        if row["gold"] and wrong and (noun := kind_asked_for(row["question"], row["gold"])):
            self._kinds += 1
            self._other_kind += not any(is_kind_of(answer, noun) for answer in wrong)

    def figures(self) -> dict[str, Any]:
        """None where no such row is there.

        - same_meaning: share of multiple-choice rows of mined or made answers in which two wrong options mean the same, or
          one is a kind of the other or goes with it ("laptop" and "keyboard"). same_meaning_n: rows.
        - other_kind: of rows whose question asks a kind of something ("Which fruit is it?") and whose right answer is one,
          the share in which no wrong answer is one. other_kind_n: rows.
        - covisible_wrong: share of wrong answers that are the answer to another question on the same image;
          covisible_gold: of right options, the same. Only where half of the images have several rows. covisible_n: wrong
          answers.
        - verdict_questions: share of questions that want yes or no, for each style but yes_no, and "source" for all rows.
        """
        pairs, counts = np.unique(np.frombuffer(self._answered, np.uint64), return_counts=True)
        several = _share_of_several(self._images)
        wrong, right = np.frombuffer(self._wrong, np.uint64), np.frombuffer(self._right, np.uint64)
        is_defined = len(wrong) > 0 and several >= 0.5
        return {
            "same_meaning": self._same / self._choices if self._choices else None,
            "same_meaning_n": self._choices or None,
            "other_kind": self._other_kind / self._kinds if self._kinds else None,
            "other_kind_n": self._kinds or None,
            "covisible_wrong": float(np.isin(wrong, pairs).mean()) if is_defined else None,
            "covisible_gold": float(np.isin(right, pairs[counts > 1]).mean()) if is_defined and len(right) else None,
            "covisible_n": len(wrong) if is_defined else None,
            "verdict_questions": self._verdict_questions() or None,
        }

    def _verdict_questions(self) -> dict[str, float]:
        tallies: dict[str, list[bool]] = defaultdict(list)
        for style, question, is_turned in self._questions.rows():
            wants_verdict = not is_turned and _wants_verdict(question)
            tallies["source"].append(wants_verdict)
            if style not in ("native", "yes_no"):
                tallies[style].append(wants_verdict)
        return {name: sum(tally) / len(tally) for name, tally in sorted(tallies.items())}


def _wants_verdict(question: str) -> bool:
    asked = parse_question(question)
    return asked.asking in _AUXILIARIES and " or " not in asked.full


_AUXILIARIES = frozenset(
    "is are was were am do does did has have had can could will would should shall may might must isn't aren't".split()
)


def _pairs(answers: Sequence[str]) -> list[tuple[str, str]]:
    return [(answer, other) for place, answer in enumerate(answers) for other in answers[:place]]


def _are_one(answer: str, other: str) -> bool:
    return is_one_of(answer, [other]) or may_both_hold(answer, other)


def _share_of_several(images: array[int]) -> float:
    _, rows = np.unique(np.frombuffer(images, np.uint64), return_counts=True)
    return float((rows > 1).mean()) if len(rows) else 0.0


def _pair(image: str, answer: str) -> int:
    return _hash(f"{image}\n{normalise_answer(answer)}")


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
