"""Predictions of one task, matched to gold answers by id and scored by two forms of its rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asd.errors import AsdError, ScoreError
from asd.records import brief
from asd.scoring.records import ID_FIELDS, read_records, record_id, without_surrogates
from asd.scoring.reference_files import other_styles, read_references, reference_of
from asd.scoring.registry import find_rule
from asd.scoring.rule import Reference, Rule
from asd.shards.store import split_location

_TEXT_FIELDS = (
    "text", "prediction", "answer_text", "response", "output", "predict", "pred", "generated_text", "caption", "answer",
)  # fmt: skip
"""The VQA challenge's result form has the answer under "answer", where most files have the gold one: it comes last."""
ByLayout = Callable[[str], dict[str, Reference]]
"""A file -> its gold answers by question id, read as a task's layouts say."""
_GOLD_LIKE = frozenset({"answer"})
_READ_FROM, _MENDED = "__read_from__", "__mended__"
_SHOWN = 5


@dataclass(frozen=True)
class ScoreReport:
    """Mean scores in 0..1 of the released and the repaired form, and where they differ."""

    task: str
    legacy_rule: str
    fixed_rule: str
    questions: int
    legacy: float | None
    """None where the released form lacks what it needs; `legacy_reason` says what."""
    legacy_reason: str
    fixed: float
    only_legacy: list[str] = field(repr=False)
    """Ids that score higher by the released form."""
    only_fixed: list[str] = field(repr=False)
    """Ids that score higher by the repaired form."""
    notes: tuple[str, ...] = ()
    """What a reader of the figures must know of the files: answers that were no text, gold answers of another style."""

    @property
    def difference(self) -> float | None:
        """Fixed minus legacy."""
        return None if self.legacy is None else self.fixed - self.legacy


def read_predictions(location: str) -> dict[str, Mapping[str, Any]]:
    """Question id -> record with its answer under "text". An answer that is null or NaN counts as empty.

    Raises: ScoreError for no or double ids, or no answer.
    """
    records = _listed(read_records(location))
    if not isinstance(records, list) or not records:
        raise ScoreError(f"{location} holds no predictions: expected a list of records, or one a line")
    is_own = any(isinstance(record, dict) and not _GOLD_LIKE.issuperset(_fields(record)) for record in records)
    fields = _TEXT_FIELDS[:-1] if is_own else _TEXT_FIELDS
    answered: dict[str, Mapping[str, Any]] = {}
    double: list[str] = []
    for number, record in enumerate(records, start=1):
        name = record_id(record) if isinstance(record, dict) else None
        if name is None:
            raise ScoreError(f"{location}, record {number}: expected an id in one of {', '.join(ID_FIELDS)}")
        if name in answered:
            double.append(name)
        answered[name] = _answered(record, fields, f"{location}, record {number} ({name})")
    if double:
        raise ScoreError(f"{location}: predicted twice: {_some(double)}. Which one counts is not for a scorer to guess")
    return answered


def match(predictions: Mapping[str, Any], references: Mapping[str, Any], where: str) -> None:
    """Raises: ScoreError unless exactly the questions with gold answers are predicted."""
    missing, extra = references.keys() - predictions.keys(), predictions.keys() - references.keys()
    if missing or extra:
        parts = [f"{len(missing)} without a prediction ({_some(missing)})"] if missing else []
        parts += [f"{len(extra)} predicted that have no gold answer ({_some(extra)})"] if extra else []
        raise ScoreError(
            f"{where}: predictions and gold answers must be about the same questions; of {len(references)} questions "
            f"{' and '.join(parts)}. For a part of a test set, give the gold answers of that part"
        )


def match_references(
    predictions: Mapping[str, Mapping[str, Any]],
    location: str,
    *,
    gold: str | None,
    split: str | None,
    by_layout: ByLayout | None = None,
) -> dict[str, Reference]:
    """Question id -> gold answer, of the file `gold`, else of the predictions themselves.

    by_layout: reads a file of gold answers whose fields are none that benchmarks have.

    Raises: ScoreError unless exactly the questions with gold answers are predicted.
    """
    if gold is not None and _is_same_place(location, gold):
        if split_location(gold)[0].is_dir():
            raise ScoreError(
                f"{location} is scored against itself: a dataset holds gold answers, no predictions. Give the file that a "
                "model's answers are in, and the dataset as --gold"
            )
        gold = None  # its records carry both
    if gold is not None:
        references = _named_as_predicted(_gold_answers(gold, split, by_layout), predictions, gold)
    else:
        references = {name: _carried(record, location, name) for name, record in predictions.items()}
    match(predictions, references, location)
    return references


def _gold_answers(gold: str, split: str | None, by_layout: ByLayout | None) -> dict[str, Reference]:
    try:
        return read_references(gold, split=split)
    except ScoreError as exc:
        if by_layout is None or split_location(gold)[0].is_dir() or not Path(gold).is_file():
            raise
        try:
            return by_layout(gold)
        except AsdError:
            raise ScoreError(
                f"{exc}. Fields of other names are read by a task's layout: name the task's own file with --task, or convert "
                "the gold answers with --ratio 0 and give that dataset"
            ) from exc


def _is_same_place(location: str, gold: str) -> bool:
    """Whether both name one file, or one dataset in whatever version."""
    places = [split_location(place)[0] for place in (location, gold)]
    with suppress(OSError):
        return places[0].samefile(places[1])
    return False


def _named_as_predicted(
    references: dict[str, Reference], predictions: Mapping[str, Any], gold: str
) -> dict[str, Reference]:
    """A dataset's ids are TASK/SPLIT/NAME; exports leave out the task, and the split where a file holds one alone."""
    if not split_location(gold)[0].is_dir() or references.keys() & predictions.keys():
        return references
    for left_out in (1, 2):
        shorter = {name.split("/", left_out)[-1]: reference for name, reference in references.items()}
        if len(shorter) == len(references) and shorter.keys() & predictions.keys():
            return shorter
    return references


def score_predictions(
    location: str,
    *,
    task: str,
    scorer: str,
    gold: str | None = None,
    split: str | None = None,
    sefe: bool = False,
    by_layout: ByLayout | None = None,
) -> ScoreReport:
    """Score a file of predictions by both forms of a task's rule.

    gold: file or dataset with the gold answers; None takes those that the predictions carry. sefe: the letter rule of
    SEFE instead of CoIN's as the released form; by_layout: see `match_references`.
    Raises: ScoreError, UnknownNameError, ShardError.
    """
    predictions = read_predictions(location)
    references = match_references(predictions, location, gold=gold, split=split, by_layout=by_layout)
    rule, _ = find_rule("letter_sefe" if sefe and scorer == "letter" else scorer)
    names = sorted(references)
    _check_gold(rule, references, gold or location)
    pairs = [(str(predictions[name]["text"]), references[name]) for name in names]
    fixed = [rule.fixed(*pair) for pair in pairs]
    legacy, reason = _released(rule.legacy, pairs)
    return ScoreReport(
        task, f"{rule.name}:legacy", f"{rule.name}:fixed", len(names),
        _mean(legacy) if legacy else None, reason, _mean(fixed),
        [name for name, old, new in zip(names, legacy, fixed, strict=False) if old > new],
        [name for name, old, new in zip(names, legacy, fixed, strict=False) if new > old],
        tuple(_notes(predictions, gold)),
    )  # fmt: skip


def _check_gold(rule: Rule, references: Mapping[str, Reference], where: str) -> None:
    """Raises: ScoreError where no answer could be right: such a score would be 0 whatever was predicted."""
    if rule.gold_problem is None:
        return
    problems = {name: problem for name, reference in references.items() if (problem := rule.gold_problem(reference))}
    if problems:
        first = min(problems)
        raise ScoreError(
            f"{where}: {len(problems)} of {len(references)} gold answers cannot be scored by the rule {rule.name} "
            f"({_some(problems)}): {problems[first]}. Mend the file, or name another --rule"
        )


def _notes(predictions: Mapping[str, Mapping[str, Any]], gold: str | None) -> Iterator[str]:
    """What is worth knowing of the files beside the score."""
    empty = [name for name, record in predictions.items() if record.get(_MENDED) == "null"]
    if empty:
        yield f"{len(empty):,} predictions are null or NaN; they count as empty answers ({_some(empty)})"
    cut = [name for name, record in predictions.items() if record.get(_MENDED) == "cut"]
    if cut:
        yield f"{len(cut):,} predictions held half an emoji, which was left out ({_some(cut)})"
    if gold is not None and (note := other_styles(gold)):
        yield note


def _released(rule: Callable[[str, Reference], float], pairs: list[tuple[str, Reference]]) -> tuple[list[float], str]:
    try:
        return [rule(*pair) for pair in pairs], ""
    except ScoreError as exc:
        return [], str(exc)


def _carried(record: Mapping[str, Any], location: str, name: str) -> Reference:
    """The reference in a prediction itself; "text" and "prompt" there are the answer and the question."""
    asked = {key: value for key, value in record.items() if key not in ("text", record.get(_READ_FROM))}
    try:
        return reference_of(asked, f"{location}, prediction {name!r}")
    except ScoreError as exc:
        raise ScoreError(f"{exc}. Name a file of gold answers with --gold") from exc


def _listed(content: Any) -> Any:
    """The records of a file: a list, one record, or a list below a key; of a plain dictionary its ids and answers."""
    if not isinstance(content, dict) or record_id(content) is not None:
        return [content] if isinstance(content, dict) else content
    inner = next(
        (
            content[key]
            for key in ("predictions", "results", "annotations", "data")
            if isinstance(content.get(key), list)
        ),
        None,
    )
    if inner is not None:
        return inner
    if (
        content
        and content.keys().isdisjoint(_TEXT_FIELDS)
        and all(isinstance(answer, str) for answer in content.values())
    ):
        return [{"question_id": name, "text": answer} for name, answer in content.items()]
    return [content]


def _fields(record: Mapping[str, Any]) -> list[str]:
    return [field for field in _TEXT_FIELDS if field in record]


def _answered(record: Mapping[str, Any], fields: Sequence[str], where: str) -> dict[str, Any]:
    """The record with its answer as a text under "text", the field it was read from, and what had to be mended.

    fields: where the file's answers stand. Without a text there, a value that is null or NaN is an empty answer.
    """
    name = next((field for field in fields if _as_text(record.get(field)) is not None), None)
    if name is None:
        name = next((field for field in fields if _is_missing(record, field)), None)
        if name is None:
            other = next((field for field in fields if field in record), None)
            problem = (
                f"has no answer: expected a text in one of {', '.join(fields)}; it has {', '.join(map(str, record))}"
            )
            if other is not None:
                problem = f"has no text as its answer: {other!r} is {brief(record[other], 60)}"
            raise ScoreError(f"{where} {problem}")
        return {**record, "text": "", _READ_FROM: name, _MENDED: "null"}
    text = _as_text(record[name]) or ""
    whole = without_surrogates(text)
    return {**record, "text": whole, _READ_FROM: name, _MENDED: "cut" if whole != text else ""}


def _is_missing(record: Mapping[str, Any], field: str) -> bool:
    """Whether a field is there without a value: null, or NaN as pandas writes it."""
    value = record.get(field, "")
    return value is None or (isinstance(value, float) and math.isnan(value))


def _as_text(value: Any) -> str | None:
    """An answer as text: a number is written out, a list of one text is that text (engines give one a sample)."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, float):
        return None if math.isnan(value) else f"{value:g}"
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else None


def _some(names: Any) -> str:
    ordered = sorted(set(names))
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(map(repr, ordered[:_SHOWN])) + more


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
