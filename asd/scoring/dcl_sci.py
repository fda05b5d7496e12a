"""MLLM-DCL science: lettered questions by equality, map questions by containment, lists of states by share."""

from __future__ import annotations

from asd.errors import ScoreError
from asd.scoring import contains, letter
from asd.scoring.answer_text import plain_form
from asd.scoring.exact_unless_refused import REFUSED
from asd.scoring.rule import Reference

_BY_EQUALITY = frozenset({"AI2D", "TQA", "VQA", "SciVerse"})
_LIST_QUESTION = "Which states"


def legacy(prediction: str, reference: Reference) -> float:
    """The part of the image's file name before the first "_" decides. Raises: ScoreError without an image."""
    if not reference.image:
        raise ScoreError(
            "the released rule of MLLM-DCL science looks at the image's file name, and there is no image: name a gold "
            "file that has it with --gold, or use the fixed form"
        )
    if REFUSED in prediction:
        return 0.0
    said, gold = prediction.lower(), reference.gold.lower()
    if reference.image.rsplit("/", 1)[-1].split("_")[0] in _BY_EQUALITY:
        return float(said == gold)
    if _LIST_QUESTION in reference.prompt:
        wanted = gold.split(",")
        return sum(item in said.split(",") for item in wanted) / len(wanted)
    return float(gold in said)


def fixed(prediction: str, reference: Reference) -> float:
    """A letter by the letter rule; a list by items found over the longer of both lists; else words contained."""
    if letter.gold_letter(reference) is not None:
        return letter.fixed(prediction, reference)
    if _LIST_QUESTION in reference.prompt:
        wanted, said = _items(reference.gold), _items(prediction)
        return len(wanted & said) / max(len(wanted), len(said), 1)
    return contains.fixed(prediction, reference)


def _items(text: str) -> set[str]:
    return {plain_form(item) for item in text.split(",")} - {""}
