"""What was forgotten between two evaluations of one task, and how: only the style, the fact, or both.

A question is forgotten if it was right after its own task and is wrong now. Its new answer is then

- superficial     the fact is right, and the style (or only the spelling) is not what the rule takes
- less_specific   a broader class name: "dog" for "whippet"
- style_lost      the style is wrong and no fact can be read: a box for "what is this?"
- both_wrong      the style is wrong and the fact that it states is wrong
- essential       the style is right, the fact is wrong
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from asd.makers.noun_taxonomy import wordnet_nouns
from asd.schemas.styles import AnswerStyle
from asd.scoring import Reference
from asd_training.errors import PredictionError, list_names
from asd_training.evaluation.agreement import Agreement
from asd_training.evaluation.lenient_reader import LenientReader, Reading
from asd_training.evaluation.transitions import Transitions, choices_of, count_transitions

Row = Mapping[str, Any]
Category = Literal["superficial", "less_specific", "style_lost", "both_wrong", "essential"]
CATEGORIES: tuple[Category, ...] = ("superficial", "less_specific", "style_lost", "both_wrong", "essential")
Known = Literal["strict", "recovered"]
"""Which questions were known after the own task: right by the rule, or right in fact whatever the style."""
RIGHT_FROM = 0.5
"""A soft score from here on counts as right where questions are counted."""


@dataclass(frozen=True)
class ForgettingSplit:
    """Counts of questions; `shares` are of the forgotten ones, accuracies are means of scores in 0..1."""

    questions: int
    right_own: int
    right_later: int
    forgotten: int
    gained: int
    """Wrong after the own task, right now."""
    counts: dict[Category, int]
    readings: dict[str, int]
    """Category and reading ("superficial: spelling") -> number."""
    accuracy_own: float
    accuracy_later: float
    recovered_own: float
    """Accuracy where an answer with the right fact counts in full, whatever its style."""
    recovered_later: float
    recovered_or_broader_later: float
    """The same, and a broader class name counts, too: an upper bound."""
    transitions: Transitions
    """From right to wrong and back, by the strict rule."""
    constrained: Agreement | None
    """Agreement with the read-out under constrained decoding; None without constrained scores."""
    ids: dict[Category, list[str]] = field(repr=False, default_factory=dict)

    @property
    def shares(self) -> dict[Category, float | None]:
        """Share of each category among the forgotten questions; None where nothing was forgotten."""
        total = self.forgotten
        return {name: (self.counts[name] / total if total else None) for name in CATEGORIES}

    def to_json(self) -> dict[str, Any]:
        """Figures only, no rows and no ids."""
        return {
            "questions": self.questions,
            "right_own": self.right_own,
            "right_later": self.right_later,
            "forgotten": self.forgotten,
            "gained": self.gained,
            "counts": dict(self.counts),
            "shares": self.shares,
            "readings": dict(sorted(self.readings.items())),
            "accuracy_own": self.accuracy_own,
            "accuracy_later": self.accuracy_later,
            "recovered_own": self.recovered_own,
            "recovered_later": self.recovered_later,
            "recovered_or_broader_later": self.recovered_or_broader_later,
            "transitions": self.transitions.to_json(),
            "constrained": self.constrained.to_json() if self.constrained else None,
        }


def reader_for(
    native_style: AnswerStyle | str, *, rule: str = "exact_match", class_labels: bool = False, clipped: bool = False
) -> LenientReader:
    """The lenient reader of a task: its native style, its scorer, and whether its answers are class names."""
    return LenientReader(AnswerStyle(native_style), rule, wordnet_nouns() if class_labels else None, clipped)


def split_forgetting(
    own_rows: Sequence[Row],
    later_rows: Sequence[Row],
    *,
    native_style: AnswerStyle | str,
    rule: str = "exact_match",
    class_labels: bool = False,
    reader: LenientReader | None = None,
    own_right: Known = "strict",
) -> ForgettingSplit:
    """Compare the predictions of one task right after it and later, question by question, matched by id.

    rows: with id, text, gold, accepted, options, score, and perhaps constrained_score. rule and class_labels make
    the reader where none is given. own_right "recovered": also what was right but for its style counts as known.
    Raises: PredictionError for ids that are missing, extra or double, or rows about another gold answer.
    """
    reads = reader or reader_for(native_style, rule=rule, class_labels=class_labels)
    own, later = _by_id(own_rows, "after its own task"), _by_id(later_rows, "later")
    _check_pairs(own, later)
    before = {row_id: read_row(row, reads) for row_id, row in own.items()}
    after = {row_id: read_row(row, reads) for row_id, row in later.items()}
    known = {
        row_id for row_id, read in before.items() if read.strict_right or (own_right == "recovered" and read.fact_right)
    }
    lost = [row_id for row_id in later if row_id in known and not after[row_id].strict_right]
    ids: dict[Category, list[str]] = {name: [] for name in CATEGORIES}
    for row_id in lost:
        ids[after[row_id].category].append(row_id)
    return ForgettingSplit(
        questions=len(own),
        right_own=len(known),
        right_later=sum(read.strict_right for read in after.values()),
        forgotten=len(lost),
        gained=sum(read.strict_right and row_id not in known for row_id, read in after.items()),
        counts={name: len(members) for name, members in ids.items()},
        readings=dict(Counter(f"{after[row_id].category}: {after[row_id].reading.how}" for row_id in lost)),
        accuracy_own=_mean(read.score for read in before.values()),
        accuracy_later=_mean(read.score for read in after.values()),
        recovered_own=_mean(read.recovered_score for read in before.values()),
        recovered_later=_mean(read.recovered_score for read in after.values()),
        recovered_or_broader_later=_mean(read.broader_score for read in after.values()),
        transitions=count_transitions(
            {row_id: read.strict_right for row_id, read in before.items()},
            {row_id: read.strict_right for row_id, read in after.items()},
            {row_id: choices_of(native_style, row["options"]) for row_id, row in own.items()},
        ),
        constrained=_agreement(later, after, lost),
        ids=ids,
    )


def count_errors(rows: Sequence[Row], reader: LenientReader) -> dict[Category, int]:
    """All wrong answers of one evaluation by category, forgotten or never known. Raises: PredictionError."""
    read = [read_row(row, reader) for row in rows]
    counts = Counter(row.category for row in read if not row.strict_right)
    return {name: counts[name] for name in CATEGORIES}


@dataclass(frozen=True)
class RowReading:
    """One prediction: its score by the task's rule, and what it says by the lenient reader."""

    score: float
    reading: Reading

    @property
    def strict_right(self) -> bool:
        return self.score >= RIGHT_FROM

    @property
    def fact_right(self) -> bool:
        return self.strict_right or self.reading.fact == "right"

    @property
    def recovered_score(self) -> float:
        return 1.0 if not self.strict_right and self.fact_right else self.score

    @property
    def broader_score(self) -> float:
        return 1.0 if not self.strict_right and self.reading.fact == "less_specific" else self.recovered_score

    @property
    def category(self) -> Category:
        """What kind of error it is; asked of wrong answers only."""
        style_ok, fact, _ = self.reading
        if fact == "right":
            return "superficial"
        if fact == "less_specific":
            return "less_specific"
        if style_ok:
            return "essential"
        return "both_wrong" if fact == "wrong" else "style_lost"


_AS_ASKED = Reading(True, "right", "as asked")


def read_row(row: Row, reader: LenientReader) -> RowReading:
    """One prediction row read. Raises: PredictionError for a row without a column that is needed."""
    try:
        score = float(row["score"])
        reference = reference_of(row)
        text = row["text"]
    except KeyError as exc:
        raise PredictionError(f"prediction {row.get('id', '?')!r} has no column {exc}") from exc
    return RowReading(score, _AS_ASKED if score >= RIGHT_FROM else reader.read(text, reference))


def reference_of(row: Row) -> Reference:
    return Reference(row["gold"], tuple(row["accepted"]), tuple(row["options"]))


def _by_id(rows: Sequence[Row], when: str) -> dict[str, Row]:
    by_id = {str(row["id"]): row for row in rows}
    if len(by_id) < len(rows):
        double = [name for name, count in Counter(str(row["id"]) for row in rows).items() if count > 1]
        raise PredictionError(
            f"predictions {when}: an id stands for one question, but twice there are {list_names(double)}"
        )
    if not by_id:
        raise PredictionError(f"there are no predictions {when}")
    return by_id


def _check_pairs(own: Mapping[str, Row], later: Mapping[str, Row]) -> None:
    missing, extra = own.keys() - later.keys(), later.keys() - own.keys()
    if missing or extra:
        parts = [f"only after its own task: {list_names(missing)}"] if missing else []
        parts += [f"only later: {list_names(extra)}"] if extra else []
        raise PredictionError(f"both evaluations must ask the same questions; {'; '.join(parts)}")
    changed = [row_id for row_id, row in own.items() if row.get("gold") != later[row_id].get("gold")]
    if changed:
        raise PredictionError(f"the gold answer differs between the two evaluations of {list_names(changed)}")


def _agreement(later: Mapping[str, Row], after: Mapping[str, RowReading], lost: Iterable[str]) -> Agreement | None:
    """Of the forgotten questions: does the right fact show to the reader, and under the constraint?"""
    pairs = [
        (after[row_id].fact_right, later[row_id]["constrained_score"] >= RIGHT_FROM)
        for row_id in lost
        if later[row_id].get("constrained_score") is not None
    ]
    return Agreement.of(pairs) if pairs else None


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)
