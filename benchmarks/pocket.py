r"""The pocket benchmark's runs side by side: what each method learns, forgets and costs, and how it forgets.

    for seed in 1 2 3; do for run in zero-shot reglora sefe joint {seq-lora,replay,ewc,o-lora,moelora,continual-llava}{,-asd}
    do asd-train run pipelines/pocket/$run.yaml --out runs/pocket/$run-s$seed --set seed=$seed \
            --set data.pocket.seed=$seed --set data.pocket.folder=asd-data/pocket-tasks-$seed \
            --set data.convert.seed=$seed --set data.root=asd-data/pocket-$run-$seed; done; done
    python benchmarks/pocket.py runs/pocket --json benchmarks/results/pocket.json --plot docs/results/pocket.svg

Everything but costs is computed anew from the stored predictions. Intervals are 95 % t-intervals over the seeds; a seed
decides the pictures, the conversion and the training.
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
from pocket_plot import draw
from pocket_tables import KINDS, SHOWN, WRONG_STYLE, tables
from pocket_tables import percent as percent  # for the benchmarks beside this one
from scipy import stats

from asd.tasks.registry import load_task
from asd_training.evaluation.accuracy_matrix import AccuracyMatrix
from asd_training.evaluation.forgetting import CATEGORIES, read_row, split_forgetting
from asd_training.evaluation.forgetting_table import task_reader
from asd_training.evaluation.metrics import all_metrics
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.evaluation.recovered_matrix import read_out_matrices

RUN = re.compile(r"(?P<method>.+)-s(?P<seed>\d+)")
BOTH = ("seq-lora", "replay", "ewc", "o-lora", "moelora", "continual-llava")
"""Run with and without ASD."""
ORDER = ("zero-shot", *(name + end for name in BOTH for end in ("", "-asd")), "reglora", "sefe", "joint")
COUNTED = ("known", "forgotten", *CATEGORIES, "right_under_constraint", "read_outs_agree", "read_outs_compared")
PAIRS = (
    *((f"{name}-asd", name) for name in BOTH),
    ("sefe", "reglora"),
    ("sefe", "seq-lora-asd"),
    *((name, "seq-lora") for name in (*BOTH[1:], "reglora")),
    ("replay", "reglora"),
    ("joint", "reglora"),
    ("joint", "replay"),
)
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
        "costs": _costs(results),
        "versions": json.loads((folder / "config.json").read_text("utf-8")).get("versions", {}),
    }


def _costs(results: dict[str, Any]) -> dict[str, float | None]:
    """None where it was not recorded for all stages. Seconds, bytes; memory is the most over the stages."""
    stages = len(results["stages"])
    found: dict[str, float | None] = {"trainable_parameters": results["trainable_parameters"]}
    found["steps"] = sum(results.get("steps", {}).values())
    for doing in ("train", "evaluate"):
        found[f"{doing}_s"] = sum(results["time_s"][doing].values())
        recorded = results.get("processor_s", {}).get(doing, {})
        found[f"{doing}_processor_s"] = sum(recorded.values()) if len(recorded) == stages else None
    memories = results.get("peak_memory_bytes", {}).values()
    for kind in ("process", "cuda"):
        sizes = [size[kind] for size in memories if kind in size]
        found[f"peak_memory_{kind}"] = max(sizes) if len(sizes) == stages else None
    return found


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
        "costs": {name: _recorded([runs[seed]["costs"][name] for seed in seeds]) for name in some["costs"]},
    }
    summary["forgetting"] = {
        stage: _shares([runs[seed]["forgetting"][stage] for seed in seeds]) for stage in some["forgetting"]
    }
    summary["shares"] = {
        f"{what}, {stage}": interval([_share(runs[seed], stage=stage, names=names) for seed in seeds])
        for stage in SHOWN
        if stage in some["forgetting"]
        for what, names in (("wrong style", WRONG_STYLE), ("essential", ("essential",)))
    }
    return summary


def _recorded(values: list[float | None]) -> dict[str, Any] | None:
    """Of the seeds whose run recorded it; None where none did."""
    found = [value for value in values if value is not None]
    return interval(found) if found else None


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
            measures["MAA"] = lambda run: run["metrics"]["strict"]["MAA"]
            for stage in (one for one in SHOWN if one in pairs[0][0]["forgetting"]):
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
    parser.add_argument("--plot", type=Path, help="draw them here, as .svg or .png")
    given = parser.parse_args()
    found = gather(given.root)
    if given.json:
        given.json.write_text(_compact(_rounded(found)), encoding="utf-8")
    if given.plot:
        draw(found, given.plot)
    print(tables(found))


if __name__ == "__main__":
    main()
