r"""Is a forgotten fact gone, or only out of reach? A few steps that show the style again, on facts left out of the test.

    python benchmarks/pocket_recovery.py runs/pocket --runs seq-lora seq-lora-asd \
        --json benchmarks/results/pocket_recovery.json

For every task but the last, half of its facts (class names, words on signs, kinds of question, ...) are trained on for
k steps and the test questions of the other half are asked; then the halves change places. Where the model at the end
of the sequence comes back much faster than models that were never trained on the task (the base, and the same run just
before the task), its facts were still there and only their style was lost ("spurious forgetting"); where it does not,
they were gone. The models are those that finished runs of the pocket benchmark kept; nothing of them is changed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from pocket import RUN, interval, percent
from pocket_json import write_figures
from torch import nn
from torch.nn.functional import cross_entropy

from asd_training.checkpoint import RunFolder
from asd_training.data import TaskData, load_tasks
from asd_training.encoding import IGNORED
from asd_training.evaluation.evaluate import Evaluator
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.inputs import RunInputs
from asd_training.loop import Loop
from asd_training.methods.adapters import add_adapter
from asd_training.models import trainable

STEPS = (5, 10, 20)
LR = 1e-3
"""A third of the pocket benchmark's: high enough to take up a style in a few steps."""
STARTS = ("base", "before", "end")
"""Before the sequence; just before the task's own stage; after the last stage."""
Row = Mapping[str, Any]


def _answer(row: Row) -> str:
    return str(row["gold"]).lower()


def _first_words(row: Row) -> str:
    return " ".join(str(row["question"]).split()[:2])


FACT: dict[str, Callable[[Row], str]] = {
    "scienceqa": lambda row: str(row["question"]).split("\n", 1)[0],
    "textvqa": _answer,
    "imagenet": _answer,
    "gqa": _first_words,
    "vizwiz": _answer,
    "grounding": lambda row: str(row["question"]).split()[0],  # the colour of the shape
    "vqav2": _first_words,
}
"""What must differ between the rows that show the style and the questions asked."""


def halves(task: TaskData, seed: int) -> tuple[frozenset[str], frozenset[str]]:
    fact = FACT[task.name]
    facts = sorted({fact(row) for rows in (task.train, task.test) for row in rows})
    Random(f"recovery:{seed}:{task.name}").shuffle(facts)
    return frozenset(facts[::2]), frozenset(facts[1::2])


class Recovery:
    """One finished run: its models by start, and a few steps from each of them."""

    def __init__(self, root: Path, steps: Sequence[int], lr: float) -> None:
        folder = RunFolder(root)
        self.config = folder.run_config()
        self.tasks = load_tasks(self.config.data, folder.pinned_shards())
        self.loop = Loop(self.config, self.tasks, folder, lambda text: None)
        self.inputs = RunInputs(self.config, self.tasks)
        self.evaluator = Evaluator(self.inputs)
        self.folder, self.steps, self.lr = folder, steps, lr

    def run(self, starts: Sequence[str]) -> dict[str, Any]:
        """task -> start -> k -> score by question id; start `own` is the score after the task's own stage."""
        found: dict[str, Any] = {}
        ends = {"base": 0, "end": len(self.tasks)}
        models = {start: self.loop.restore(until=ends[start]) for start in starts if start in ends}
        for number, task in enumerate(self.tasks[:-1]):
            stage = self.loop.stages[number]
            own = read_predictions(self.folder.predictions(stage, task.name))
            found[task.name] = {"own": {"0": {row["id"]: row["score"] for row in own}}}
            for start in starts:
                model = models[start] if start in models else self.loop.restore(until=number)
                found[task.name][start] = self._recover(model, task)
            print(self.folder.root.name, task.name, _means(found[task.name]), file=sys.stderr, flush=True)
        return found

    def _recover(self, model: nn.Module, task: TaskData) -> dict[str, dict[str, float]]:
        scores: dict[str, dict[str, float]] = defaultdict(dict)
        parts = halves(task, self.config.seed)
        for shown, asked in (parts, parts[::-1]):
            for steps, found in self._one_half(model, task, shown, asked).items():
                scores[str(steps)] |= found
        return dict(scores)

    def _one_half(
        self, model: nn.Module, task: TaskData, shown: frozenset[str], asked: frozenset[str]
    ) -> dict[int, dict[str, float]]:
        fact = FACT[task.name]
        questions = [row for row in task.test if fact(row) in asked]
        native = task.spec.native_style.value
        rows = [n for n, row in enumerate(task.train) if row["style"] == native and fact(row) in shown]
        torch.manual_seed(self.config.seed)
        tuned = add_adapter(model, self.config.train.lora)
        optimizer = torch.optim.AdamW(
            [weight for name, weight in trainable(tuned).items() if "lora_" in name], lr=self.lr, weight_decay=0.0
        )
        draw = Random(f"recovery:{self.config.seed}:{task.name}:rows")
        scores = {0: self._ask(tuned, task, questions)}
        for step in range(1, max(self.steps) + 1):
            self._step(tuned, task, draw.sample(rows, self.config.train.batch), optimizer)
            if step in self.steps:
                scores[step] = self._ask(tuned, task, questions)
        tuned.unload()
        return scores

    def _step(self, model: nn.Module, task: TaskData, rows: Sequence[int], optimizer: torch.optim.Optimizer) -> None:
        model.train()
        batch = self.inputs.collator.training([self.inputs.example(task, number) for number in rows])
        labels = batch.pop("labels")[:, 1:]
        batch.pop("style")
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(**batch, use_cache=False).logits[:, :-1]
        answer = labels != IGNORED
        optimizer.zero_grad()
        cross_entropy(logits[answer].float(), labels[answer]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        model.eval()

    def _ask(self, model: nn.Module, task: TaskData, questions: Sequence[Row]) -> dict[str, float]:
        answers = self.evaluator.ask(model, task.name, questions, task.scorer, task.test_image_root)
        return {row["id"]: row["score"] for row in answers}


def _means(by_start: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    return ", ".join(
        f"{start} {' '.join(f'{100 * np.mean(list(scores.values())):.0f}' for scores in by_steps.values())}"
        for start, by_steps in by_start.items()
    )


def summarise(runs: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """task (and `all tasks`) -> start -> k -> accuracy, and share of the forgotten questions that are right."""
    seeds = sorted(runs)
    tasks = list(runs[seeds[0]])
    figures: dict[str, Any] = {}
    for name in (*tasks, "all tasks"):
        chosen = tasks if name == "all tasks" else [name]
        figures[name] = {
            start: {
                steps: {
                    "accuracy": interval([_mean(_accuracy(runs[s][t], start, steps) for t in chosen) for s in seeds]),
                    "of the forgotten": interval([_forgotten(runs[s], chosen, start, steps) for s in seeds]),
                }
                for steps in by_steps
            }
            for start, by_steps in runs[seeds[0]][tasks[0]].items()
        }
    return figures


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def _accuracy(task: Mapping[str, Any], start: str, steps: str) -> float:
    return _mean(task[start][steps].values())


def _forgotten(run: Mapping[str, Any], tasks: Sequence[str], start: str, steps: str) -> float:
    """Of the questions right after their own task and wrong at the end, those that are right; 1 where there are none."""
    hits = [
        run[task][start][steps][key]
        for task in tasks
        for key, score in run[task]["own"]["0"].items()
        if score > 0 and run[task]["end"]["0"][key] == 0
    ]
    return _mean(hits) if hits else 1.0


def tables(found: Mapping[str, Any]) -> str:
    lines = []
    for what in ("accuracy", "of the forgotten"):
        for name, tasks in found["summary"].items():
            starts = [(start, k) for start, by in next(iter(tasks.values())).items() for k in by]
            heads = [f"{start}, {k} steps" if start != "own" else "own task" for start, k in starts]
            lines += [
                "",
                f"{name}, {what} (%):",
                "",
                f"| task | {' | '.join(heads)} |",
                "|---" * (len(heads) + 1) + "|",
            ]
            for task, by_start in tasks.items():
                lines.append(f"| {task} | {' | '.join(percent(by_start[start][k][what]) for start, k in starts)} |")
    return "\n".join(lines[1:])


def gather(
    root: Path, names: Sequence[str], starts: Sequence[str], steps: Sequence[int], lr: float, cache: Path
) -> dict[str, Any]:
    runs: dict[str, dict[int, Any]] = defaultdict(dict)
    for folder in sorted(root.iterdir()):
        named = RUN.fullmatch(folder.name)
        if not named or named["method"] not in names or not (folder / "results.json").is_file():
            continue
        kept = cache / f"{folder.name}.json"
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(Recovery(folder, steps, lr).run(starts)), encoding="utf-8")
        runs[named["method"]][int(named["seed"])] = json.loads(kept.read_text("utf-8"))
    if missing := [name for name in names if name not in runs]:
        raise SystemExit(f"{root} holds no finished runs named {missing[0]}-s<seed>")
    return {
        "steps": list(steps), "lr": lr, "seeds": {name: sorted(by_seed) for name, by_seed in runs.items()},
        "summary": {name: summarise(runs[name]) for name in names},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder with the run folders <run>-s<seed>")
    parser.add_argument("--runs", nargs="+", default=["seq-lora", "seq-lora-asd"])
    parser.add_argument("--starts", nargs="+", default=list(STARTS), choices=STARTS, help="`end` must be among them")
    parser.add_argument("--steps", nargs="+", type=int, default=list(STEPS))
    parser.add_argument("--lr", type=float, default=LR)
    parser.add_argument("--cache", type=Path, help="folder for the scores of each run; default ROOT/recovery")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    found = gather(given.root, given.runs, given.starts, given.steps, given.lr, given.cache or given.root / "recovery")
    if given.json:
        write_figures(given.json, found)
    print(tables(found))


if __name__ == "__main__":
    main()
