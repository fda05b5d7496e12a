"""What the runs of pipelines/smollm kept: letters and accuracy by task, styles that a probe asks for, cost; over seeds.

    python benchmarks/smollm.py RUNS [--probes PROBES] [--json OUT.json] [--plot OUT.svg]

RUNS holds ARM-SEED folders of `asd-train run`, e.g. seq-lora-asd-1, and base-shared and base-named where the model as it is was
evaluated (method.method=zero-shot). PROBES holds answers to one probe: base.jsonl of the model as it is, ARM-SEED-STAGE.jsonl of
`asd-train answer --run RUNS/ARM-SEED --after STAGE`. A figure is a share of questions; of an arm the mean over seeds with its
95 % t-interval, and of pairs of arms that of the differences seed by seed.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from asd.probing.items import read_items
from asd.probing.reading import read
from asd.schemas.answers import parse_letter
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.report.intervals import interval

ARMS = ("seq-lora", "named-seq-lora", "seq-lora-asd", "named-seq-lora-asd", "reglora", "sefe")
PAIRS = (
    ("seq-lora-asd", "seq-lora"),
    ("named-seq-lora", "seq-lora"),
    ("named-seq-lora-asd", "named-seq-lora"),
    ("reglora", "seq-lora"),
    ("sefe", "seq-lora"),
)
FIRST, SECOND = "01-scienceqa", "02-tabmwp"
_RUN = re.compile(r"(.+)-(\d+)")

Figures = dict[str, float]


def figures_of_run(run: Path) -> Figures:
    """Shares by name, and processor seconds of training. Raises: OSError if a file of the run is missing."""
    results = json.loads((run / "results.json").read_text("utf-8"))
    figures: Figures = {}
    for folder in sorted((run / "predictions").iterdir()):
        after = folder.name.partition("-after-")[2]
        for path in sorted(folder.glob("*.arrow")):
            rows = list(read_predictions(path))
            figures[f"{path.stem} right after {after}"] = _share(row["score"] for row in rows)
            if path.stem == "scienceqa":
                figures[f"letters after {after}"] = _share(is_letter(row["text"], row["options"]) for row in rows)
    figures["train_processor_s"] = sum(results["processor_s"]["train"].values())
    return figures


def is_letter(text: str, options: Sequence[str]) -> bool:
    """Whether an answer is the letter of one of the options and nothing else."""
    return len(text.strip(" .()")) == 1 and parse_letter(text, tuple(options)) is not None


def figures_of_probe(answers: Path) -> Figures:
    """Of each style the share of answers that follow it, and of those that are right leniently read."""
    by_style = defaultdict(list)
    for item in read_items(answers):
        by_style[item.style.value].append(read(item))
    figures: Figures = {}
    for style, readings in by_style.items():
        figures[f"{style} in style"] = _share(reading.follows for reading in readings)
        figures[f"{style} right leniently"] = _share(reading.right_leniently for reading in readings)
    return figures


def _share(values: Iterable[float]) -> float:
    there = list(values)
    return sum(there) / len(there)


def gather(runs: Path, probes: Path | None) -> dict[str, Any]:
    """`base` and `runs` (arm -> seed -> figures); probed figures are named with the stage."""
    by_arm: dict[str, dict[str, Figures]] = defaultdict(dict)
    base: Figures = {}
    for run in sorted(runs.iterdir()):
        if (named := _RUN.fullmatch(run.name)) and _is_finished(run):
            by_arm[named[1]][named[2]] = figures_of_run(run)
        elif run.name.startswith("base-") and _is_finished(run):
            base |= {f"{run.name.removeprefix('base-')}: {key}": value for key, value in figures_of_run(run).items()}
    for answers in sorted(probes.glob("*.jsonl")) if probes else ():
        if answers.stem == "base":
            base |= figures_of_probe(answers)
        for stage in (FIRST, SECOND):
            named = _RUN.fullmatch(answers.stem.removesuffix(f"-{stage}"))
            if answers.stem.endswith(stage) and named and named[2] in by_arm.get(named[1], {}):
                probed = {f"{key}, {stage}": value for key, value in figures_of_probe(answers).items()}
                by_arm[named[1]][named[2]] |= probed
    return {"base": base, "runs": {arm: by_arm[arm] for arm in ARMS if arm in by_arm}}


def _is_finished(run: Path) -> bool:
    results = run / "results.json"
    return results.is_file() and bool(json.loads(results.read_text("utf-8"))["finished"])


def over_seeds(runs: Mapping[str, Mapping[str, Figures]]) -> dict[str, dict[str, Any]]:
    """Arm, or "A - B" for a pair of arms -> figure -> interval over the seeds that have it (a pair: both)."""
    summed = {arm: _intervals(list(by_seed.values())) for arm, by_seed in runs.items()}
    for one, other in PAIRS:
        seeds = [seed for seed in runs.get(one, {}) if seed in runs.get(other, {})]
        if seeds:
            differences = [
                {
                    key: value - runs[other][seed][key]
                    for key, value in runs[one][seed].items()
                    if key in runs[other][seed]
                }
                for seed in seeds
            ]
            summed[f"{one} - {other}"] = _intervals(differences)
    return summed


def _intervals(figures: list[Figures]) -> dict[str, Any]:
    names = sorted({name for each in figures for name in each})
    return {
        name: made.to_json() for name in names if (made := interval([each.get(name) for each in figures])) is not None
    }


def table(summed: Mapping[str, Mapping[str, Any]], base: Figures) -> str:
    """Markdown: arms as columns, figures as rows; percent with the half-width of the interval."""
    arms = list(summed)
    names = sorted({name for figures in summed.values() for name in figures})
    lines = [f"| | base | {' | '.join(arms)} |", "|---" * (len(arms) + 2) + "|"]
    for name in names:
        before = base_of(name, base)
        cells = [_cell(summed[arm].get(name), percent=not name.endswith("_s")) for arm in arms]
        lines.append(f"| {name} | {'' if before is None else f'{100 * before:.0f}'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def base_of(name: str, base: Figures) -> float | None:
    """The model's own figure: of a probe as it is, of a task behind the prompts that its tasks share."""
    return base.get(name.partition(",")[0], base.get(f"shared: {name.partition(' after ')[0]} after zero-shot"))


def _cell(made: Mapping[str, Any] | None, *, percent: bool) -> str:
    if made is None:
        return ""
    scale = 100 if percent else 1
    half = "" if made["low"] is None else f" ± {scale * (made['high'] - made['mean']):.0f}"
    return f"{scale * made['mean']:.0f}{half}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--probes", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    gathered = gather(given.runs, given.probes)
    summed = over_seeds(gathered["runs"])
    print(table(summed, gathered["base"]))
    if given.json:
        given.json.write_text(json.dumps({**gathered, "over_seeds": summed}, indent=1) + "\n", "utf-8")
    if given.plot:
        from smollm_plot import draw

        draw(gathered, given.plot)


if __name__ == "__main__":
    main()
