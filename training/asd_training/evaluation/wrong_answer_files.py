"""Released outputs of which only the wrong answers were stored (CoIN's result files).

A file is named `<task>_after_<stage>_acc<accuracy in percent>.wrong.jsonl[.gz]`; its rows have question_id, prompt, text
and ground_truth. Answers that are not stored were called right by the released rule: they become rows with score 1 and
an empty text.
"""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from asd.scoring import Reference, find_scorer
from asd_training.errors import PredictionError

_NAME = re.compile(r".+?_after_(?P<stage>[\w.+-]+)_acc(?P<accuracy>\d+\.\d\d)\.wrong\.jsonl(?:\.gz)?", re.IGNORECASE)
_COLUMNS = ("question_id", "text", "ground_truth")


class WrongAnswers(NamedTuple):
    path: Path
    stage: str
    published: float
    """Accuracy that the name of the file states, percent, two decimals."""
    rows: list[dict[str, Any]]


class Stage(NamedTuple):
    """One evaluation with a row for every question."""

    name: str
    published: float | None
    """Percent as published; None for our own runs."""
    rows: list[dict[str, Any]]


def is_wrong_answer_file(path: Path) -> bool:
    return _NAME.fullmatch(path.name) is not None


def read_wrong_answers(path: Path) -> WrongAnswers:
    """Raises: PredictionError for a file that cannot be read, a row without a column, an id that stands twice."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise PredictionError(f"{path.name}: expected a name like ImageNet_after_GQA_acc8.30.wrong.jsonl.gz")
    rows = [_checked(path, number, row) for number, row in enumerate(_read_lines(path), start=1)]
    seen: set[str] = set()
    for row in rows:
        if row["question_id"] in seen:
            raise PredictionError(f"{path}: the id {row['question_id']!r} stands twice")
        seen.add(row["question_id"])
    return WrongAnswers(path, named["stage"], float(named["accuracy"]), rows)


def complete_stages(files: Sequence[WrongAnswers], *, rule: str, options: Sequence[str] = ()) -> list[Stage]:
    """A row for every question of every file of one run, in the order given; the score is what `rule` gives.

    Questions that are wrong in no file have made-up ids. Raises: PredictionError where the files do not fit one test
    set, or the rule calls a stored answer right.
    """
    total = count_questions(files)
    gold: dict[str, str] = {}
    for file in files:
        for row in file.rows:
            if gold.setdefault(row["question_id"], row["ground_truth"]) != row["ground_truth"]:
                raise PredictionError(
                    f"{file.path}: the gold answer of {row['question_id']!r} differs from another file's"
                )
    always_right = [f"right in every file {number}" for number in range(total - len(gold))]
    return [Stage(file.stage, file.published, _all_rows(file, gold, always_right, rule)) for file in files]


def count_questions(files: Sequence[WrongAnswers]) -> int:
    """The only size of test set that gives every file's accuracy, to two decimals, with its number of wrong answers.

    Raises: PredictionError if there is none, or more than one.
    """
    at_least = len({row["question_id"] for file in files for row in file.rows})
    fitting = [range(at_least, at_least + 1) if file.published == 0 else _sizes(file) for file in files]
    sizes = set(fitting[0]).intersection(*fitting[1:]) if fitting else set()
    sizes = {size for size in sizes if size >= at_least}
    if len(sizes) != 1:
        shown = ", ".join(f"{file.path.name}: {len(file.rows)} wrong" for file in files)
        raise PredictionError(
            f"the files must be of one test set whose size follows from them; got {sorted(sizes)} ({shown})"
        )
    return sizes.pop()


def _sizes(file: WrongAnswers) -> range:
    """Sizes of test set for which the share of right answers is printed as the file's accuracy."""
    wrong = len(file.rows)
    if file.published >= 100:
        return range(0)
    low = math.ceil(wrong / (1 - (file.published - 0.006) / 100))
    high = math.floor(wrong / (1 - (file.published + 0.006) / 100))
    sizes = [size for size in range(low, high + 1) if f"{100 * (size - wrong) / size:.2f}" == f"{file.published:.2f}"]
    return range(sizes[0], sizes[-1] + 1) if sizes else range(0)


def _all_rows(file: WrongAnswers, gold: dict[str, str], always_right: Iterable[str], rule: str) -> list[dict[str, Any]]:
    scorer = find_scorer(rule)
    rows = [_right(row_id, gold[row_id]) for row_id in gold.keys() - {row["question_id"] for row in file.rows}]
    rows += [_right(row_id, "") for row_id in always_right]
    for row in file.rows:
        score = scorer(row["text"], Reference(row["ground_truth"]))
        if score > 0 and rule.endswith(":legacy"):
            raise PredictionError(
                f"{file.path}: {rule} calls {row['text']!r} right for {row['ground_truth']!r} ({row['question_id']}), "
                "the released rule did not: another rule made this file"
            )
        rows.append(_row(row["question_id"], row["text"], row["ground_truth"], score))
    return sorted(rows, key=lambda row: str(row["id"]))


def _right(row_id: str, gold: str) -> dict[str, Any]:
    return _row(row_id, "", gold, 1.0)


def _row(row_id: str, text: str, gold: str, score: float) -> dict[str, Any]:
    return {"id": row_id, "text": text, "gold": gold, "accepted": [], "options": [], "score": score}


def _read_lines(path: Path) -> list[Any]:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return [orjson.loads(line) for line in data.splitlines() if line.strip()]
    except (OSError, EOFError, ValueError) as exc:
        raise PredictionError(f"{path} cannot be read as JSON Lines ({exc})") from exc


def _checked(path: Path, number: int, row: Any) -> dict[str, Any]:
    missing = [name for name in _COLUMNS if not isinstance(row, dict) or not isinstance(row.get(name), str)]
    if missing:
        raise PredictionError(f"{path}:{number}: expected the texts {', '.join(_COLUMNS)}; {missing[0]} is missing")
    checked: dict[str, Any] = row
    return checked
