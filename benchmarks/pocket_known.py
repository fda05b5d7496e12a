r"""Are facts that the base knew before the sequence forgotten in another way than those learnt in it?

    python benchmarks/pocket_known.py runs/pocket --json benchmarks/results/pocket_known.json

The base is asked every test question in its own way: the bare question, without a request for a style, which it
answers in a sentence. Where the sentence states the right fact the question counts as known before; boxes, of which
the shipped base states nothing, as not known. Of the questions that were right after their own task, both groups are
then followed to the end of the sequence, where the model is asked in that way once more: a fact that it states there
is not lost, whatever it answers to the task's prompt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocket import RUN, interval, percent
from pocket_json import read_arguments, report
from torch import nn

from asd.tasks.registry import load_task
from asd_training.checkpoint import RunFolder
from asd_training.data import TaskData, load_tasks
from asd_training.evaluation.forgetting import Category, split_forgetting
from asd_training.evaluation.forgetting_table import task_reader
from asd_training.evaluation.generate import Generation, generate
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.inputs import RunInputs
from asd_training.loop import Loop

GROUPS = ("known before", "not known before")
WRONG_STYLE: tuple[Category, ...] = ("superficial", "less_specific", "style_lost", "both_wrong")
COUNTED = ("questions", "learnt", "forgotten", "wrong style", "essential", "stated if asked plainly")
Row = Mapping[str, Any]
Counts = dict[str, int]


class PlainQuestions:
    """The test questions of a run, asked as the base was raised on them."""

    def __init__(self, folder: RunFolder) -> None:
        self.config = folder.run_config()
        self.tasks = load_tasks(self.config.data, folder.pinned_shards())
        self.inputs = RunInputs(self.config, self.tasks)
        self.loop = Loop(self.config, self.tasks, folder, lambda text: None)
        autocast = self.config.train.precision == "bfloat16"
        self.settings = Generation(self.config.eval.batch, 40, autocast=autocast)

    def states(self, stages: int) -> dict[str, dict[str, bool]]:
        """Task -> question id -> the model as it stood after so many stages states the right fact."""
        model = self.loop.restore(until=stages)
        return {task.name: self._states(model, task) for task in self.tasks[:-1]}

    def _states(self, model: nn.Module, task: TaskData) -> dict[str, bool]:
        rows = [_bare(row) for row in task.test]
        encoded = self.inputs.questions(rows, task.test_image_root)
        texts = generate(model, self.inputs.tokenizer, self.inputs.collator, encoded, self.settings)
        return {row["id"]: states(text, row["gold"]) for row, text in zip(rows, texts, strict=True)}


def _bare(row: Row) -> dict[str, Any]:
    mark = "<image>\n" if row["images"] else ""
    messages = [{"role": "user", "content": mark + row["question"]}, row["messages"][-1]]
    return {**row, "messages": messages, "style": "own way"}


def states(sentence: str, gold: str) -> bool:
    """The sentence says the fact: its first word is the yes or no that is wanted, or the answer is among its words."""
    words = re.findall(r"[a-z]+|\d+", sentence.lower())
    if gold.lower() in ("yes", "no"):
        return words[:1] == [gold.lower()]
    if gold.lower() == "unanswerable":
        return "blurred" in words
    return gold.lower() in words


Stated = Mapping[str, Mapping[str, bool]]


def count_run(root: Path, known: Stated, still: Stated, last: str) -> dict[str, Any]:
    """task (and `all tasks`) -> group -> counts after the last stage."""
    found: dict[str, dict[str, Counts]] = defaultdict(lambda: {group: dict.fromkeys(COUNTED, 0) for group in GROUPS})
    for task in known:
        for group in GROUPS:
            ids = {key for key, knew in known[task].items() if knew == (group == GROUPS[0])}
            for name, value in _count(root, task, last, ids, still[task]).items():
                found[task][group][name] += value
                found["all tasks"][group][name] += value
    return dict(found)


def _count(root: Path, task: str, last: str, ids: set[str], still: Mapping[str, bool]) -> Counts:
    own, later = ([row for row in _rows(root, stage, task) if row["id"] in ids] for stage in (task, last))
    if not own:
        return dict.fromkeys(COUNTED, 0)
    spec = load_task(task)
    split = split_forgetting(own, later, native_style=spec.native_style, reader=task_reader(spec))
    wrong = sum(split.counts[name] for name in WRONG_STYLE)
    stated = sum(still[row_id] for lost in split.ids.values() for row_id in lost)
    counts = (len(own), split.right_own, split.forgotten, wrong, split.counts["essential"], stated)
    return dict(zip(COUNTED, counts, strict=True))


def _rows(root: Path, stage: str, task: str) -> list[dict[str, Any]]:
    (place,) = (root / "predictions").glob(f"??-after-{stage}")
    return read_predictions(place / f"{task}.arrow")


def summarise(runs: Mapping[int, Any]) -> dict[str, Any]:
    """task -> group -> shares: of the task's questions, of those the learnt ones, of the learnt ones what became of
    them, of the forgotten ones those whose fact is stated when asked plainly."""
    seeds = sorted(runs)
    return {
        task: {
            group: {
                "share of questions": interval([_share_of_group(runs[s][task], group) for s in seeds]),
                "learnt": interval([_ratio(runs[s][task][group], "learnt", "questions") for s in seeds]),
                **{
                    name: interval([_ratio(runs[s][task][group], name, "learnt") for s in seeds])
                    for name in COUNTED[2:-1]
                },
                COUNTED[-1]: interval([_ratio(runs[s][task][group], COUNTED[-1], "forgotten") for s in seeds]),
            }
            for group in GROUPS
        }
        for task in runs[seeds[0]]
    }


def _share_of_group(groups: Mapping[str, Counts], group: str) -> float:
    return groups[group]["questions"] / max(1, sum(one["questions"] for one in groups.values()))


def _ratio(counts: Counts, part: str, whole: str) -> float:
    return counts[part] / max(1, counts[whole])


def tables(found: Mapping[str, Any]) -> str:
    heads = ("share of questions", "learnt", *COUNTED[2:])
    lines = [f"| run | task | the base | {' | '.join(heads)} |", "|---" * (len(heads) + 3) + "|"]
    for run, tasks in found["summary"].items():
        for task, groups in tasks.items():
            for group, shares in groups.items():
                lines.append(f"| {run} | {task} | {group} | {' | '.join(percent(shares[head]) for head in heads)} |")
    return "\n".join(lines)


def main() -> None:
    given = read_arguments(__doc__)
    runs: dict[str, dict[int, Any]] = {name: {} for name in given.runs}
    known: dict[int, dict[str, dict[str, bool]]] = {}
    for folder in sorted(given.root.iterdir()):
        named = RUN.fullmatch(folder.name)
        if not named or named["method"] not in runs or not (folder / "results.json").is_file():
            continue
        seed, asked = int(named["seed"]), PlainQuestions(RunFolder(folder))
        if seed not in known:  # the test questions are the seed's, whatever the run
            known[seed] = asked.states(0)
        names = [task.name for task in asked.tasks]
        runs[named["method"]][seed] = count_run(folder, known[seed], asked.states(len(names)), names[-1])
    report(given, runs, summarise, tables)


if __name__ == "__main__":
    main()
