"""Gold answers from the files that benchmarks ship, by question id.

Read are CoIN's test files, ScienceQA's problems.json, VQA and VizWiz annotations, TextVQA's data list, GQA's question
file, JSON Lines, our prediction files and dataset directories: any list or dict of records with an id and an answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from asd.errors import ScoreError
from asd.schemas.styles import LETTERS
from asd.scoring.letter_reading import place_of
from asd.scoring.records import ID_FIELDS, read_records, record_id, without_surrogates
from asd.scoring.rule import Reference
from asd.shards.store import split_location

_WRAPPERS = ("annotations", "data", "questions")
_OWN_FIELDS = ("gold", "ground_truth")
"""Fields of this package's own files, which hold an option's text and never its letter."""
_GOLD_FIELDS = ("answer_bbox", "gold", "ground_truth", "answer", "label", "multiple_choice_answer")


def read_references(location: str, *, split: str | None = None) -> dict[str, Reference]:
    """Question id -> what an answer is compared with. split: only records of it, where records name theirs.

    Raises: ScoreError for a file without answers, or an id that stands twice.
    """
    references: dict[str, tuple[Reference, str]] = {}
    for name, record in _records(location):
        if split is not None and record.get("split", split) != split:
            continue
        read = _read(record, f"{location}, record {name!r}")
        if references.setdefault(name, read) is not read:
            raise ScoreError(f"{location}: the id {name!r} stands twice, so no answer can be matched to it")
    if not references:
        raise ScoreError(f"{location} holds no gold answers" + (f" of the split {split!r}" if split else ""))
    return _settled(references)


def reference_of(record: Mapping[str, Any], where: str) -> Reference:
    """The reference in one record. Raises: ScoreError if it has no answer, or one that may mean two options."""
    reference, doubt = _read(record, where)
    if doubt:
        raise ScoreError(doubt)
    return reference


def other_styles(location: str) -> str:
    """A sentence on the rows of a dataset that are not in their task's native style; "" where there are none."""
    if not split_location(location)[0].is_dir():
        return ""
    styles = Counter(
        record["style"] for record in read_records(location)
        if record.get("style") and record.get("native_style") not in (None, record["style"])
    )  # fmt: skip
    if not styles:
        return ""
    counts = ", ".join(f"{style} {count:,}" for style, count in sorted(styles.items()))
    return (
        f"{location} is a diversified version: {sum(styles.values()):,} of its gold answers are of another style than the "
        f"task's own ({counts}), which the task's rule is not made for. Give a version made with --ratio 0"
    )


def _read(record: Mapping[str, Any], where: str) -> tuple[Reference, str]:
    """The reference in one record, and why its gold letter is in doubt ("" if it is not)."""
    options = _options(record)
    field = next((name for name in _GOLD_FIELDS if not _is_empty(record.get(name))), None)
    value = _plain_value(record[field], where) if field is not None else None
    accepted = _accepted(record)
    if isinstance(value, list) and not _is_box(value):
        accepted = accepted or tuple(_text(answer) for answer in value if not _is_empty(answer))
        value = Counter(accepted).most_common(1)[0][0] if accepted else None
    if value is None and accepted:
        value = Counter(accepted).most_common(1)[0][0]
    if value is None:
        raise ScoreError(f"{where} has no gold answer: expected one of {', '.join((*_GOLD_FIELDS, 'answers'))}")
    doubt = ""
    if options:
        number = _option_number(value, options)
        if number is not None and not 0 <= number < len(options):
            raise ScoreError(f"{where}: the answer is option number {number}, but there are {len(options)}")
        if number is not None:
            value = options[number]
        elif field not in _OWN_FIELDS:
            doubt = _doubt(_text(value), options, where)
    prompt = str(record.get("prompt") or record.get("text") or record.get("question") or record.get("query") or "")
    return Reference(_text(value), accepted, options, prompt, _image(record), _side(record)), doubt


def _options(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Texts of the options: a list, a dictionary by letter ({"A": ...}), or texts beside their labels."""
    options = record.get("options") or record.get("choices") or ()
    if isinstance(options, dict):
        options = options["text"] if isinstance(options.get("text"), list) else list(options.values())
    return tuple(map(_text, options)) if isinstance(options, list | tuple) else ()


def _option_number(value: Any, options: Sequence[str]) -> int | None:
    """The place that a number means; a text of digits is one only where no option says so itself."""
    if isinstance(value, str) and value.strip().isdigit() and place_of(value, options) is None:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _doubt(gold: str, options: Sequence[str], where: str) -> str:
    """Why a gold letter may mean two options: it is the text of one and the letter of another."""
    letter = gold.strip().upper()
    if len(letter) != 1 or letter not in LETTERS[: len(options)]:
        return ""
    by_letter, by_text = LETTERS.index(letter), place_of(gold, options)
    if by_text is None or by_text == by_letter:
        return ""
    return (
        f"{where}: the gold answer {gold!r} is the letter of option {by_letter + 1} ({options[by_letter]!r}) and the text of "
        f"option {by_text + 1}: write the option's number, counted from 0, in its place"
    )


def _settled(references: Mapping[str, tuple[Reference, str]]) -> dict[str, Reference]:
    """The references, gold letters in doubt read as the rest of the file has them: letters or texts.

    Raises: ScoreError where the rest of the file does not tell.
    """
    doubts = [doubt for _, doubt in references.values() if doubt]
    if not doubts:
        return {name: reference for name, (reference, _) in references.items()}
    sure = [reference for reference, doubt in references.values() if reference.options and not doubt]
    texts = sum(place_of(reference.gold, reference.options) is not None for reference in sure)
    letters = sum(
        len(reference.gold.strip()) == 1 and place_of(reference.gold, reference.options) is None for reference in sure
    )
    if bool(texts) == bool(letters):
        raise ScoreError(doubts[0])
    return {
        name: _by_letter(reference) if doubt and letters else reference
        for name, (reference, doubt) in references.items()
    }


def _by_letter(reference: Reference) -> Reference:
    return reference._replace(gold=reference.options[LETTERS.index(reference.gold.strip().upper())])


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", []) or (isinstance(value, float) and math.isnan(value))


def _is_box(value: Sequence[Any]) -> bool:
    """Whether a list is the numbers of a box and no list of answers."""
    return len(value) == 4 and all(isinstance(number, int | float) and not isinstance(number, bool) for number in value)


def _plain_value(value: Any, where: str) -> Any:
    """An answer as data sets write it: an object's own text, a list of one box as that box."""
    if isinstance(value, dict):
        inner = next(
            (value[key] for key in ("text", "answer", "value", "label") if not _is_empty(value.get(key))), None
        )
        if inner is None:
            raise ScoreError(
                f"{where}: the gold answer is an object without a text: expected text, answer, value or label in it"
            )
        return _plain_value(inner, where)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list | dict):
        return _plain_value(value[0], where)
    return value


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
    if isinstance(answers, dict):  # SQuAD's form
        answers = answers.get("text") or ()
    if not isinstance(answers, list | tuple):
        answers = [answers]
    texts = (answer.get("answer") if isinstance(answer, dict) else answer for answer in answers)
    return tuple(_text(text) for text in texts if not _is_empty(text))


def _image(record: Mapping[str, Any]) -> str:
    image = record.get("image")
    return image if isinstance(image, str) else ""


def _side(record: Mapping[str, Any]) -> float:
    """Longer side of the image in pixels, from CoIN's `size`; 1 where unknown."""
    size = record.get("size")
    numbers = [float(value) for value in size if isinstance(value, int | float)] if isinstance(size, list) else []
    return max(numbers, default=1.0)


def _text(value: Any) -> str:
    """An answer as text. JSON's true and false are the yes and no that they stand for."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "[" + ",".join(map(str, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return without_surrogates(str(value))
