r"""The pocket benchmark's runs as one table: what each method forgets, and how.

    for seed in 1 2 3; do for run in zero-shot seq-lora seq-lora-asd reglora sefe joint; do
        asd-train run pipelines/pocket/$run.yaml --out runs/pocket/$run-s$seed --set seed=$seed \
            --set data.pocket.seed=$seed --set data.pocket.folder=asd-data/pocket-tasks-$seed \
            --set data.convert.seed=$seed --set data.root=asd-data/pocket-$run-$seed; done; done
    python benchmarks/pocket.py runs/pocket --json benchmarks/results/pocket.json

Everything is computed anew from the stored predictions. Intervals are 95 % t-intervals over the seeds; a seed decides
the pictures, the conversion and the training.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from asd.tasks.registry import load_task
from training.evaluation.accuracy_matrix import AccuracyMatrix
from training.evaluation.forgetting import CATEGORIES, read_row, split_forgetting
from training.evaluation.forgetting_table import task_reader
from training.evaluation.metrics import all_metrics
from training.evaluation.prediction_rows import read_predictions
from training.evaluation.recovered_matrix import read_out_matrices

RUN = re.compile(r"(?P<method>.+)-s(?P<seed>\d+)")
KINDS = ("strict", "recovered", "constrained")
ORDER = ("zero-shot", "seq-lora", "seq-lora-asd", "reglora", "sefe", "joint")
COUNTED = ("known", "forgotten", *CATEGORIES, "right_under_constraint", "read_outs_agree", "read_outs_compared")
BWT = "BWT (divisor T)"
SHOWN = ("grounding", "ocrvqa", "all stages")
"""Stages after which the split is printed: the task with a style of its own, the last one, all pooled."""
PAIRS = (
    ("seq-lora-asd", "seq-lora"),
    ("reglora", "seq-lora"),
    ("sefe", "reglora"),
    ("sefe", "seq-lora-asd"),
    ("joint", "reglora"),
)
WRONG_STYLE = ("superficial", "style_lost", "both_wrong")
"""Forgotten in style, whether or not the fact can still be read."""
Rows = list[dict[str, Any]]


def read_run(folder: Path) -> dict[str, Any]:
    """Matrices, metrics and the split of what was forgotten of one finished run."""
    results = json.loads((folder / "results.json").read_text("utf-8"))
    tasks: list[str] = results["tasks"]
    readers = {task: task_reader(load_task(task)) for task in tasks}
    cells = _cells(folder, tasks)
    read_outs = read_out_matrices(tasks, cells, readers)._asdict()
    stages = {stage for stage, _ in cells}
    splits = {}
    if len(stages) == len(tasks):
        splits = {stage: _split_after(stage, cells, tasks, readers) for stage in tasks[1:]}
        splits["all stages"] = _pool(list(splits.values()))
    last = tasks[-1]
    final = {task: _styles(cells[last, task], readers[task]) for task in tasks}
    return {
        "tasks": tasks,
        "matrices": {kind: read_outs[kind].to_rows() for kind in KINDS},
        "metrics": {kind: _metrics(read_outs[kind], sequence=len(stages) == len(tasks)) for kind in KINDS},
        "forgetting": splits,
        "final_wrong_style": float(np.mean(list(final.values()))),
        "train_s": sum(results["time_s"]["train"].values()),
        "evaluate_s": sum(results["time_s"]["evaluate"].values()),
        "questions": results["questions"],
        "versions": json.loads((folder / "config.json").read_text("utf-8")).get("versions", {}),
    }


def _cells(folder: Path, tasks: list[str]) -> dict[tuple[str, str], Rows]:
    """Rows by (task trained last, task evaluated); a run of one stage counts as the last task's."""
    cells: dict[tuple[str, str], Rows] = {}
    for place in sorted((folder / "predictions").iterdir()):
        stage = place.name.split("-after-", 1)[-1]
        for task in tasks:
            file = place / f"{task}.arrow"
            if file.is_file():
                cells[stage if stage in tasks else tasks[-1], task] = read_predictions(file)
    return cells


def _metrics(matrix: AccuracyMatrix, *, sequence: bool) -> dict[str, float | None]:
    found = all_metrics(matrix)
    return found if sequence else {name: value for name, value in found.items() if name == "MFN"}


def _styles(rows: Rows, reader: Any) -> float:
    """Share of answers in another style than the one asked for."""
    return float(
        np.mean([not (read := read_row(row, reader)).strict_right and not read.reading.style_ok for row in rows])
    )


def _split_after(
    stage: str, cells: dict[tuple[str, str], Rows], tasks: list[str], readers: dict[str, Any]
) -> dict[str, Any]:
    """Of the questions of earlier tasks that were right after their own task: what became of them after `stage`."""
    parts = []
    for task in tasks[: tasks.index(stage)]:
        native = load_task(task).native_style
        split = split_forgetting(cells[task, task], cells[stage, task], native_style=native, reader=readers[task])
        parts.append(_counts(split.to_json()))
    return _pool(parts)


def _counts(split: dict[str, Any]) -> dict[str, int]:
    seen = split["constrained"] or dict.fromkeys(("both", "reader_only", "constrained_only", "neither"), 0)
    agreed = seen["both"] + seen["neither"]
    return {
        "known": split["right_own"],
        "forgotten": split["forgotten"],
        **split["counts"],
        "right_under_constraint": seen["both"] + seen["constrained_only"],
        "read_outs_agree": agreed,
        "read_outs_compared": agreed + seen["reader_only"] + seen["constrained_only"],
    }


def _pool(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum(one[name] for one in parts) for name in COUNTED}


def interval(values: list[float]) -> dict[str, Any]:
    """Mean, half width of the 95 % t-interval (None for one value), and the values."""
    array = np.asarray(values, float)
    half = None
    if len(array) > 1:
        half = float(stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))
    return {"mean": float(array.mean()), "half_width": half, "values": [round(float(v), 6) for v in array]}


def summarise(runs: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """One method's runs by seed -> means with intervals; percent are left to whoever prints them."""
    seeds = sorted(runs)
    some = runs[seeds[0]]
    metrics = {
        kind: {
            name: interval([runs[seed]["metrics"][kind][name] for seed in seeds])
            for name, value in some["metrics"][kind].items()
            if value is not None
        }
        for kind in KINDS
    }
    summary: dict[str, Any] = {
        "seeds": seeds,
        "metrics": metrics,
        "final_wrong_style": interval([runs[seed]["final_wrong_style"] for seed in seeds]),
        "final_by_task": {
            kind: _mean_rows([runs[s]["matrices"][kind] for s in seeds], some["tasks"]) for kind in KINDS
        },
        "train_s": interval([runs[seed]["train_s"] for seed in seeds]),
        "evaluate_s": interval([runs[seed]["evaluate_s"] for seed in seeds]),
    }
    summary["forgetting"] = {
        stage: _shares([runs[seed]["forgetting"][stage] for seed in seeds]) for stage in some["forgetting"]
    }
    return summary


def _shares(splits: list[dict[str, Any]]) -> dict[str, Any]:
    """As shares of the questions that were right after their own task."""
    names = ("forgotten", *CATEGORIES, "right_under_constraint")
    found = {name: interval([one[name] / max(1, one["known"]) for one in splits]) for name in names}
    agree = [one["read_outs_agree"] / one["read_outs_compared"] for one in splits if one["read_outs_compared"]]
    return found | ({"read_outs_agree": interval(agree)} if agree else {})


def _mean_rows(matrices: list[list[list[float | None]]], tasks: list[str]) -> dict[str, float]:
    return {task: float(np.mean([matrix[-1][place] for matrix in matrices])) for place, task in enumerate(tasks)}


def gather(root: Path) -> dict[str, Any]:
    runs: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for folder in sorted(root.iterdir()):
        if (named := RUN.fullmatch(folder.name)) and (folder / "results.json").is_file():
            if json.loads((folder / "results.json").read_text("utf-8"))["finished"]:
                runs[named["method"]][int(named["seed"])] = read_run(folder)
            else:
                print(f"left out: {folder} is not finished", file=sys.stderr)
    if not runs:
        raise SystemExit(f"{root} holds no folders named <run>-s<seed> with results.json")
    names = sorted(runs, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return {
        "differences": differences(runs),
        "methods": {name: summarise(runs[name]) for name in names},
        "runs": {name: {str(seed): runs[name][seed] for seed in sorted(runs[name])} for name in names},
    }


def differences(runs: dict[str, dict[int, dict[str, Any]]]) -> dict[str, Any]:
    """Second run minus first, seed by seed: final accuracy, and what was forgotten after each stage."""
    found = {}
    for one, other in PAIRS:
        seeds = sorted(runs[one].keys() & runs[other].keys())
        if not seeds:
            continue
        pairs = [(runs[one][seed], runs[other][seed]) for seed in seeds]
        measures: dict[str, Callable[[dict[str, Any]], float]] = {"MFN": lambda run: run["metrics"]["strict"]["MFN"]}
        if all(run["forgetting"] for pair in pairs for run in pair):
            measures["MFT"] = lambda run: run["metrics"]["strict"]["MFT"]
            for stage in SHOWN:
                measures[f"wrong style, {stage}"] = partial(_share, stage=stage, names=WRONG_STYLE)
                measures[f"essential, {stage}"] = partial(_share, stage=stage, names=("essential",))
        found[f"{one} - {other}"] = {
            name: interval([measure(first) - measure(second) for first, second in pairs])
            for name, measure in measures.items()
        }
    return found


def _share(run: dict[str, Any], *, stage: str, names: tuple[str, ...]) -> float:
    split = run["forgetting"][stage]
    return float(sum(split[name] for name in names) / max(1, split["known"]))


def percent(figure: dict[str, Any] | None, *, signed: bool = False) -> str:
    if figure is None:
        return "–"
    text = f"{100 * figure['mean']:+.1f}" if signed else f"{100 * figure['mean']:.1f}"
    return text if figure["half_width"] is None else f"{text} ± {100 * figure['half_width']:.1f}"


def tables(found: dict[str, Any]) -> str:
    """Markdown: metrics by read-out, then what became of the questions that a model knew after their own task."""
    lines = [
        "| run | MFT | MFN | MAA | BWT | MFN, recovered | BWT, recovered | MFN, constrained | wrong style at the end |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found["methods"].items():
        strict, recovered, forced = (one["metrics"][kind] for kind in KINDS)
        cells = [percent(strict.get(key), signed=key == BWT) for key in ("MFT", "MFN", "MAA", BWT)]
        cells += [percent(recovered.get("MFN")), percent(recovered.get(BWT), signed=True), percent(forced.get("MFN"))]
        lines.append(f"| {name} | {' | '.join([*cells, percent(one['final_wrong_style'])])} |")
    lines += [
        "",
        "| run | after | forgotten | superficial | less specific | style lost | both wrong | essential | right if constrained |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for stage in SHOWN:
        for name, one in found["methods"].items():
            if split := one["forgetting"].get(stage):
                cells = [percent(split[key]) for key in ("forgotten", *CATEGORIES, "right_under_constraint")]
                lines.append(f"| {name} | {stage} | {' | '.join(cells)} |")
    heads = ["MFT", "MFN", *(f"{what}, {stage}" for stage in SHOWN for what in ("wrong style", "essential"))]
    lines += ["", f"| difference | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name, one in found["differences"].items():
        lines.append(f"| {name} | {' | '.join(percent(one.get(head), signed=True) for head in heads)} |")
    tasks = next(iter(next(iter(found["runs"].values())).values()))["tasks"]
    lines += ["", f"| run, accuracy at the end | {' | '.join(tasks)} |", "|---" * (len(tasks) + 1) + "|"]
    for name, one in found["methods"].items():
        for kind in KINDS:
            row = one["final_by_task"][kind]
            lines.append(f"| {name}, {kind} | {' | '.join(f'{100 * row[task]:.0f}' for task in tasks)} |")
    return "\n".join(lines)


def _rounded(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_rounded(value) for value in found]
    return round(found, 4) if isinstance(found, float) else found


def _compact(found: dict[str, Any]) -> str:
    """JSON with one line for each list of plain values, so that a change of a figure is a change of a line."""

    def one_line(match: re.Match[str]) -> str:
        return f"[{' '.join(match[1].split())}]"

    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", one_line, json.dumps(found, indent=1)) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder with the run folders <run>-s<seed>")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    found = gather(given.root)
    if given.json:
        given.json.write_text(_compact(_rounded(found)), encoding="utf-8")
    print(tables(found))


if __name__ == "__main__":
    main()
