"""Which evaluations of a task come after its own training, and in which order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from asd_training.errors import PredictionError

COIN_ORDER = ("ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCRVQA")
_OWN = frozenset({"finetune", "own"})
"""What releases call the evaluation right after the task's own training, beside the task's name."""
_OUTSIDE = frozenset({"multitask", "joint", "zeroshot", "base"})


class StagePlaces(NamedTuple):
    """Positions among the stages given."""

    own: int
    later: list[int]
    """In training order."""
    beside: list[int]
    """Trained before the task, or of no place in the sequence (joint training, zero-shot)."""


def plain(name: str) -> str:
    """A name without case and marks: "OCR-VQA" and "ocrvqa" are one stage."""
    return re.sub(r"[\W_]+", "", name.casefold())


def read_order(text: str) -> tuple[str, ...]:
    """Task names in training order from "scienceqa,textvqa,...". Raises: PredictionError for none, or one named twice."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    double = [name for name, count in Counter(map(plain, names)).items() if count > 1]
    if not names or double:
        problem = f"{double[0]!r} stands twice" if double else "there is none"
        raise PredictionError(
            f"--order {text!r}: expected each task's name once, in training order, with commas between them; {problem}"
        )
    return names


def place_stages(stages: Sequence[str], task: str, order: Sequence[str] | None, where: str) -> StagePlaces:
    """Which of the stages is the task's own, which came later, and which are beside the sequence.

    order: task names in training order; None takes CoIN's. Raises: PredictionError where there is no own stage, a stage
    stands twice or in no order that is known.
    """
    names = [plain(stage) for stage in stages]
    double = [stage for stage, name in zip(stages, names, strict=True) if names.count(name) > 1]
    if double:
        raise PredictionError(f"{where}: the stage {double[0]!r} stands twice")
    places = [plain(name) for name in order or COIN_ORDER]
    known = "--order" if order else "CoIN's order, which is taken where --order gives none"
    own = next((place for place, name in enumerate(names) if name in (*_OWN, plain(task))), None)
    if own is None:
        raise PredictionError(
            f"{where}: no evaluation right after the task's own training (a stage named {task}, or Finetune); there are "
            f"{', '.join(stages)}"
        )
    if plain(task) not in places:
        raise PredictionError(
            f"{where}: {known} ({', '.join(order or COIN_ORDER)}) does not name the task {task!r}; give the names of all "
            "tasks in training order with --order"
        )
    others = [place for place in range(len(stages)) if place != own]
    lost = [stages[place] for place in others if names[place] not in (*places, *_OUTSIDE)]
    if lost:
        raise PredictionError(
            f"{where}: {known} ({', '.join(order or COIN_ORDER)}) does not name the stage {lost[0]!r}; give the names of all "
            "tasks in training order with --order"
        )
    since = places.index(plain(task))
    later = [place for place in others if names[place] in places and places.index(names[place]) > since]
    later.sort(key=lambda place: places.index(names[place]))
    return StagePlaces(own, later, [place for place in others if place not in later])
