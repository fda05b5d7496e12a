"""What is judged: the answers of a prediction file, each with its question and its gold answer, matched by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asd.errors import ScoreError
from asd.schemas.image_marks import MARK
from asd.schemas.styles import LETTERS
from asd.scoring.predictions import match_references, read_predictions
from asd.scoring.rule import Reference

MAX_QUESTION, MAX_ANSWER = 8000, 4000
"""Characters shown to the judge; answers that repeat themselves to the end of the budget say no more after that."""
MAX_ACCEPTED = 20


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to be judged."""

    id: str
    question: str
    reference: Reference
    answer: str

    def told(self) -> dict[str, Any]:
        """What the judge is told, JSON-ready. Never the id: equal answers to equal questions get one verdict."""
        others = dict.fromkeys(text for text in self.reference.accepted if text != self.reference.gold)
        facts: dict[str, Any] = {
            "question": self.question[:MAX_QUESTION],
            "options": dict(zip(LETTERS, self.reference.options, strict=False)),
            "reference_answer": self.reference.gold,
            "also_accepted": list(others)[:MAX_ACCEPTED],
        }
        return {name: value for name, value in facts.items() if value} | {"answer": self.answer[:MAX_ANSWER]}


def read_items(location: str, *, gold: str | None = None, split: str | None = None) -> list[Item]:
    """Items in the order of their ids, whatever the order of the files.

    gold: file or dataset with the gold answers; None takes those that the predictions carry.
    Raises: ScoreError for missing, double or extra ids, and where no question is known for an answer.
    """
    predictions = read_predictions(location)
    references = match_references(predictions, location, gold=gold, split=split)
    return [_item(name, predictions[name], references[name], location) for name in sorted(references)]


def _item(name: str, record: Mapping[str, Any], reference: Reference, location: str) -> Item:
    asked = str(record.get("prompt") or record.get("question") or reference.prompt)
    question = asked.replace(MARK, "").strip()
    if not question:
        raise ScoreError(
            f"{location}, prediction {name!r}: a judge needs the question; expected it as `prompt` or `question` in the "
            "predictions, or as `prompt`, `text` or `question` in the file of gold answers (--gold)"
        )
    return Item(name, question, reference, str(record["text"]))
