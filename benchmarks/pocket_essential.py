r"""What the pocket benchmark's essential errors say: a wrong answer of the right kind, or one no such question has?

    python benchmarks/pocket_essential.py runs/pocket --json benchmarks/results/pocket_essential.json

An answer such as "red" to "What object does the picture show?" has the style that was asked for (a short phrase), so
the split of `asd-train forgetting` counts it as essential. But no question of that kind has such an answer: the model
has lost what the question is about rather than which thing the picture shows. Here every essential error is looked up
among the training answers of its own kind of question (colours, shapes and genres in the question left out), and among
those of the task that was trained last.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocket import RUN, interval, percent
from pocket_json import read_arguments, report

from asd.tasks.registry import load_task
from asd_training.checkpoint import RunFolder
from asd_training.data import TaskData, load_tasks
from asd_training.evaluation.forgetting import split_forgetting
from asd_training.evaluation.forgetting_table import task_reader
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.pocket.words import CATEGORIES, COLOURS, COLUMNS, GENRES, KINDS, PLURALS, ROWS

_OPEN = "|".join(
    {
        *COLOURS,
        *KINDS,
        *PLURALS.values(),
        *COLUMNS,
        *ROWS,
        *GENRES.values(),
        *(w for c in CATEGORIES.values() for w in c),
    }
)
SHOWN = ("grounding", "ocrvqa", "all stages")
"""Stages after which the errors are told: the task with a style of its own, the last one, all pooled."""
OUTCOMES = ("of its kind", "of the last task", "of neither")
Counts = dict[str, int]


def kind_of(question: str) -> str:
    """The question without what is asked about: "Is the _ _ left of the _ _?"."""
    return re.sub(rf"\b(?:an|a)? ?\b({_OPEN})\b", "_", question.split("\n", 1)[0])


def _plain(text: str) -> str:
    return text.strip().removesuffix(".").lower()


def answers_by_kind(task: TaskData) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in task.train.only("style", task.spec.native_style.value):
        found[kind_of(row["question"])].add(_plain(row["response"]))
    return found


def count_run(root: Path) -> dict[str, dict[str, Counts]]:
    """stage (and `all stages`) -> task (and `all tasks`) -> known, forgotten, essential, and the outcomes."""
    folder = RunFolder(root)
    tasks = load_tasks(folder.run_config().data, folder.pinned_shards())
    allowed = {task.name: answers_by_kind(task) for task in tasks}
    found: dict[str, dict[str, Counts]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for place, stage in enumerate(tasks):
        last = set().union(*allowed[stage.name].values())
        for earlier in tasks[:place]:
            counts = _count(root, earlier, stage.name, allowed[earlier.name], last)
            for shown in (stage.name, "all stages"):
                for what in (earlier.name, "all tasks"):
                    for key, value in counts.items():
                        found[shown][what][key] += value
    return {stage: {task: dict(counts) for task, counts in by_task.items()} for stage, by_task in found.items()}


def _count(root: Path, task: TaskData, stage: str, allowed: Mapping[str, set[str]], last: set[str]) -> Counts:
    own, later = (_rows(root, name, task.name) for name in (task.name, stage))
    reader = task_reader(load_task(task.name))
    split = split_forgetting(own, later, native_style=task.spec.native_style, reader=reader)
    counts = {"known": split.right_own, "forgotten": split.forgotten, "essential": split.counts["essential"]}
    counts |= dict.fromkeys(OUTCOMES, 0)
    questions = {row["id"]: row["question"] for row in task.test}
    texts = {row["id"]: _plain(row["text"]) for row in later}
    for row_id in split.ids["essential"]:
        kind = allowed.get(kind_of(questions[row_id]), set())
        counts[_outcome(texts[row_id], kind, last)] += 1
    return counts


def _outcome(text: str, kind: set[str], last: set[str]) -> str:
    if text in kind:
        return OUTCOMES[0]
    return OUTCOMES[1] if text in last else OUTCOMES[2]


def _rows(root: Path, stage: str, task: str) -> list[dict[str, Any]]:
    (place,) = (root / "predictions").glob(f"??-after-{stage}")
    return read_predictions(place / f"{task}.arrow")


def summarise(runs: Mapping[int, Mapping[str, Mapping[str, Counts]]]) -> dict[str, Any]:
    """stage -> task -> shares of what was known after the own task, over seeds."""
    seeds = sorted(runs)
    stages = runs[seeds[0]]
    return {
        stage: {
            task: {
                name: interval([runs[s][stage][task][name] / max(1, runs[s][stage][task]["known"]) for s in seeds])
                for name in ("forgotten", "essential", *OUTCOMES)
            }
            for task in stages[stage]
        }
        for stage in SHOWN
    }


def tables(found: Mapping[str, Any]) -> str:
    heads = ("forgotten", "essential", *OUTCOMES)
    lines = [f"| run | after | task | {' | '.join(heads)} |", "|---" * (len(heads) + 3) + "|"]
    for run, stages in found["summary"].items():
        for stage in SHOWN:
            for task, shares in stages[stage].items():
                if task == "all tasks" or stage == "ocrvqa":
                    lines.append(f"| {run} | {stage} | {task} | {' | '.join(percent(shares[h]) for h in heads)} |")
    return "\n".join(lines)


def main() -> None:
    given = read_arguments(__doc__)
    runs: dict[str, dict[int, Any]] = {name: {} for name in given.runs}
    for folder in sorted(given.root.iterdir()):
        if (named := RUN.fullmatch(folder.name)) and named["method"] in runs and (folder / "results.json").is_file():
            runs[named["method"]][int(named["seed"])] = count_run(folder)
    report(given, runs, summarise, tables)


if __name__ == "__main__":
    main()
