"""Any file of wrong answers, one category a row: no run, no pairs of evaluations, ids may repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from asd.errors import ScoreError
from asd.schemas.task import TaskSpec
from asd.scoring import Reference
from asd.scoring.records import ID_FIELDS, read_records, record_id
from asd.scoring.reference_files import reference_of
from asd_training.errors import PredictionError
from asd_training.evaluation.class_names import lost_first_letters
from asd_training.evaluation.forgetting import RIGHT_FROM, Category, RowReading, reader_for
from asd_training.evaluation.lenient_reader import LenientReader

_TEXTS = ("text", "prediction", "response", "output")


@dataclass(frozen=True)
class GivenAnswer:
    row_id: str | int
    text: str
    reference: Reference
    score: float
    """0 where the row has none: the file is one of wrong answers."""


@dataclass(frozen=True)
class ClassifiedAnswer:
    row_id: str | int
    category: Category | Literal["right"]
    reading: str
    """By which reading the fact was found, or what the answer is."""
    answer: str
    """What was read: the text up to where it runs on."""
    runs_on: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "question_id": self.row_id,
            "category": self.category,
            "reading": self.reading,
            "answer": self.answer,
            "runs_on": self.runs_on,
        }


def task_reader(spec: TaskSpec, *, clipped: bool = False) -> LenientReader:
    """The lenient reader of a known task; class labels are read with the noun hierarchy."""
    return reader_for(
        spec.native_style, rule=spec.scorer, class_labels=spec.family == "classification", clipped=clipped
    )


def clipped_where_stored_so(reader: LenientReader, answers: Sequence[tuple[str, Sequence[str]]]) -> LenientReader:
    """The reader, for answers without their first letter if these (text, right answers) were stored so."""
    if reader.taxonomy is None or not lost_first_letters(reader.taxonomy, answers):
        return reader
    return replace(reader, clipped=True)


def read_answers(location: str) -> list[GivenAnswer]:
    """Rows of JSON Lines, a JSON list or an Arrow file, with id, text and gold, and perhaps accepted, options, score.

    Raises: ScoreError for a file that cannot be read; PredictionError for rows that lack something, with their number.
    """
    content = read_records(location)
    records = [content] if isinstance(content, Mapping) else content  # a file of one line
    if not isinstance(records, list) or not records:
        raise PredictionError(f"{location} holds no answers: expected a row a line, or a list of rows")
    answers: list[GivenAnswer] = []
    wrong: list[str] = []
    for number, record in enumerate(records, start=1):
        try:
            answers.append(_answer(record, f"row {number}"))
        except (PredictionError, ScoreError) as exc:
            wrong.append(str(exc))
    if wrong:
        more = f" ({len(wrong)} of {len(records)} rows cannot be read; this is the first)" if len(wrong) > 1 else ""
        raise PredictionError(f"{location}, {wrong[0]}{more}")
    return answers


def classify(answers: Sequence[GivenAnswer], reader: LenientReader) -> list[ClassifiedAnswer]:
    """A category for every answer; "right" for what the row's own score says, or what is the gold answer as asked."""
    return [_classified(answer, reader) for answer in answers]


def _classified(given: GivenAnswer, reader: LenientReader) -> ClassifiedAnswer:
    answer = reader.first_answer(given.text, given.reference)
    runs_on = reader.runs_on(given.text, given.reference)
    is_gold = given.text.strip() == given.reference.gold.strip()
    if given.score >= RIGHT_FROM or (is_gold and reader.has_native_style(given.text, given.reference)):
        return ClassifiedAnswer(given.row_id, "right", "as asked", answer, runs_on)
    read = RowReading(given.score, reader.read(given.text, given.reference))
    return ClassifiedAnswer(given.row_id, read.category, read.reading.how, answer, runs_on)


def _answer(record: Any, where: str) -> GivenAnswer:
    name = record_id(record) if isinstance(record, Mapping) else None
    if name is None:
        raise PredictionError(f"{where}: expected an id in one of {', '.join(ID_FIELDS)}")
    where = f"{where} ({name})"
    field = next((field for field in _TEXTS if field in record), None)
    if field is None or not isinstance(record[field], str):
        got = f"{field} holds {record[field]!r}" if field else f"there is none among {', '.join(map(str, record))}"
        raise PredictionError(f"{where}: expected the answer, a text, in one of {', '.join(_TEXTS)}; {got}")
    score = record.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise PredictionError(f"{where}: score is a number from 0 to 1, got {score!r}")
    reference = reference_of({key: value for key, value in record.items() if key != field}, where)
    row_id = next(record[field] for field in ID_FIELDS if record.get(field) not in (None, ""))
    return GivenAnswer(row_id, record[field], reference, float(score or 0.0))
