"""Drafts that wait for a sample's id: all but the choice that the id makes is worked out, so that it serves every
sample with the same question and answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import xxhash

from asd.makers.answer_draw import Drawing
from asd.makers.answer_spelling import can_be_spelt_like, spelt_alike
from asd.makers.option_text import option_key
from asd.makers.wording import collapse
from asd.records import Decline, Draft
from asd.schemas.styles import AnswerStyle, Maker


class Keyed:
    """What a maker gives where the sample's id has a say. Not an ABC: those are slow to tell apart."""

    __slots__ = ()

    @abstractmethod
    def settle(self, source_id: str) -> Draft | Decline:
        """What comes of it for the sample of this id."""


Prepared = Draft | Decline | Keyed
"""What makers give."""


@dataclass(slots=True)
class PickedWrong(Keyed):
    """yes_no: one of the wrong answers that the sample itself brings is put up for judgement."""

    maker: Maker
    gold: str
    wrong: Sequence[str]
    """Not empty."""
    seed: int
    options: list[str] = field(default_factory=list)

    def settle(self, source_id: str) -> Draft | Decline:
        shown = pick(self.wrong, self.seed, source_id, "yes_no:wrong")
        return Draft(AnswerStyle.YES_NO, self.maker, self.gold, options=self.options, wrong=shown)


@dataclass(slots=True)
class MinedWrong(Keyed):
    """multiple_choice and yes_no: exactly `count` wrong answers mined from the task's other samples."""

    style: AnswerStyle
    gold: str
    count: int
    drawing: Drawing
    gold_key: str

    def settle(self, source_id: str) -> Draft | Decline:
        count = self.count
        drawn = [_shown(answer) for answer in self.drawing.answers(source_id, count)]
        keys = {self.gold_key, *[key for _, key in drawn]}
        if len(keys) <= count or "" in keys:
            return Decline("too_few_distractors", f"{len(keys) - 1} of {count}")
        wrong = [text for text, _ in drawn]
        if not all(can_be_spelt_like(text, self.gold) for text in wrong):
            return Decline("too_few_distractors", f"none is spelt like {self.gold}")
        wrong = spelt_alike(self.gold, wrong)
        if self.style is AnswerStyle.YES_NO:
            return Draft(self.style, Maker.MINED, self.gold, wrong=wrong[0])
        return Draft(self.style, Maker.MINED, self.gold, options=[self.gold, *wrong])


@lru_cache(maxsize=1 << 15)  # the same answers are drawn again and again
def _shown(answer: str) -> tuple[str, str]:
    """An answer as an option, and its `option_key`."""
    text = collapse(answer)
    return text, option_key(text)


def pick(items: Sequence[str], seed: int, source_id: str, purpose: str) -> str:
    """One item by a keyed hash; `items` is not empty."""
    if len(items) == 1:
        return items[0]
    return items[keyed_hash(seed, source_id, purpose) % len(items)]


def keyed_hash(seed: int, source_id: str, purpose: str) -> int:
    """64 bits by (seed, sample id, purpose)."""
    return xxhash.xxh3_64_intdigest(f"{seed}:{source_id}:{purpose}".encode())
