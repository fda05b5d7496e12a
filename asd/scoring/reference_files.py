"""Gold answers from the files that benchmarks ship, by question id.

Read are CoIN's test files, ScienceQA's problems.json, VQA and VizWiz annotations, TextVQA's data list, GQA's question
file, JSON Lines, our prediction files and dataset directories: any list or dict of records with an id and an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from asd.errors import ScoreError
from asd.scoring.records import ID_FIELDS, read_records, record_id
from asd.scoring.rule import Reference

_WRAPPERS = ("annotations", "data", "questions")
_GOLD_FIELDS = ("answer_bbox", "gold", "ground_truth", "answer", "label", "multiple_choice_answer")


def read_references(location: str, *, split: str | None = None) -> dict[str, Reference]:
    """Question id -> what an answer is compared with. split: only records of it, where records name theirs.

    Raises: ScoreError for a file without answers, or an id that stands twice.
    """
    found: dict[str, Reference] = {}
    for name, record in _records(location):
        if split is not None and record.get("split", split) != split:
            continue
        reference = reference_of(record, f"{location}, record {name!r}")
        if found.setdefault(name, reference) is not reference:
            raise ScoreError(f"{location}: the id {name!r} stands twice, so no answer can be matched to it")
    if not found:
        raise ScoreError(f"{location} holds no gold answers" + (f" of the split {split!r}" if split else ""))
    return found


def reference_of(record: Mapping[str, Any], where: str) -> Reference:
    """The reference in one record. Raises: ScoreError if it has no answer."""
    options = tuple(map(str, record.get("options") or record.get("choices") or ()))
    accepted = _accepted(record)
    gold = next((record[field] for field in _GOLD_FIELDS if record.get(field) not in (None, "")), None)
    if gold is None and accepted:
        gold = Counter(accepted).most_common(1)[0][0]
    if isinstance(gold, int) and not isinstance(gold, bool) and options:
        if not 0 <= gold < len(options):
            raise ScoreError(f"{where}: the answer is option number {gold}, but there are {len(options)}")
        gold = options[gold]
    if gold is None or gold == "":
        raise ScoreError(f"{where} has no gold answer: expected one of {', '.join((*_GOLD_FIELDS, 'answers'))}")
    prompt = str(record.get("prompt") or record.get("text") or record.get("question") or "")
    return Reference(_text(gold), accepted, options, prompt, _image(record), _side(record))


def _records(location: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    content = read_records(location)
    if isinstance(content, dict):
        inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), list)), None)
        if inner is None:
            yield from ((str(key), record) for key, record in content.items() if isinstance(record, dict))
            return
        content = inner
    yield from _listed(location, content)


def _listed(location: str, records: Iterable[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, record in enumerate(records, start=1):
        name = record_id(record) if isinstance(record, dict) else None
        if name is None and isinstance(record, dict) and isinstance(record.get("image"), str):
            name = record["image"]  # VizWiz: one question an image
        if name is None:
            raise ScoreError(f"{location}, record {number}: expected an id in one of {', '.join(ID_FIELDS)}")
        yield name, record


def _accepted(record: Mapping[str, Any]) -> tuple[str, ...]:
    answers = record.get("accepted") or record.get("answers") or ()
    if not isinstance(answers, list | tuple):
        answers = [answers]
    texts = (answer.get("answer") if isinstance(answer, dict) else answer for answer in answers)
    return tuple(_text(text) for text in texts if text is not None)


def _image(record: Mapping[str, Any]) -> str:
    image = record.get("image")
    return image if isinstance(image, str) else ""


def _side(record: Mapping[str, Any]) -> float:
    """Longer side of the image in pixels, from CoIN's `size`; 1 where unknown."""
    size = record.get("size")
    numbers = [float(value) for value in size if isinstance(value, int | float)] if isinstance(size, list) else []
    return max(numbers, default=1.0)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(map(str, value)) + "]"
    return str(value)
