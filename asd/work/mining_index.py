"""The index of a task's answers in the staging folder: made once, checked by whoever goes on from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asd.makers.mining_rows import Row
from asd.makers.placeholders import is_placeholder
from asd.schemas.task import TaskSpec
from asd.shards.files import hidden_name, open_staged, storage_errors
from asd.work.collector import collector_paused
from asd.work.done_mark import give_marked_name, is_as_left

if TYPE_CHECKING:
    from asd.makers.distractors import AnswerRules

MINING_INDEX = "mining-index"


def build_mining_index(staging: Path, ingest_dir: Path, spec: TaskSpec, seed: int, say: Callable[[str], None]) -> None:
    """Make the index of `mining.arrow` where it is not there, or is not as it was left. Parts may do it at once."""
    from asd.makers.distractors import DistractorIndex

    path = staging / MINING_INDEX
    if is_as_left(path, say):
        return
    table = open_staged(ingest_dir / "mining.arrow").read_all()
    columns = (table[name].to_pylist() for name in ("key", "question", "gold", "answer_type"))
    rows = [row for row in zip(*columns, strict=True) if not is_placeholder(row[2], spec.placeholders)]
    with collector_paused():
        index = DistractorIndex.build(rows, seed=seed, rules=_rules(rows, spec))
    hidden = hidden_name(path)
    with storage_errors(path):
        index.save(hidden)
    give_marked_name(hidden, path, durable=False)


def _rules(rows: Sequence[Row], spec: TaskSpec) -> AnswerRules:
    """What the task says of its answers; of a classification without `answer_sets` its own classes, by kind."""
    from asd.makers.class_kinds import class_sets
    from asd.makers.distractors import AnswerRules

    rules = AnswerRules.of(spec)
    if rules.sets or not rules.is_closed:
        return rules
    return rules._replace(sets=class_sets(gold for _, _, gold, _ in rows))
