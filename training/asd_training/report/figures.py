"""The figures of one run that a comparison takes the mean of. None = not evaluated or not recorded, never 0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from asd_training.evaluation.forgetting import CATEGORIES
from asd_training.report.run_record import RunRecord
from asd_training.report.wording import (
    KIND_TITLES,
    READ_OUT_TITLES,
    TRANSITION_TITLES,
    duration,
    is_number,
    memory,
    percent,
)

Unit = Literal["share", "count", "seconds", "bytes"]
READ_OUT_METRICS = ("MFN", "BWT (divisor T)")
"""Of the read-outs beside the strict one."""
MAIN = ("MFN", "MAA", "BWT (divisor T)", "forgotten", "superficial", "style_lost", "essential", "trainable_parameters")
"""What a terminal has room for, besides memory and time."""


@dataclass(frozen=True)
class Figure:
    """title: with its unit, for people; name: for programs."""

    name: str
    title: str
    unit: Unit = "share"

    def text(self, value: float | None) -> str:
        if value is None or not is_number(value):
            return percent(None)
        match self.unit:
            case "share":
                return percent(value)
            case "count":
                return f"{value:,.0f}"
            case "seconds":
                return duration(value)
            case "bytes":
                return memory(value)


def figures_of(runs: Iterable[RunRecord]) -> list[Figure]:
    """What is shown of these runs, in order; those that no run has are left out."""
    runs = list(runs)
    tasks = runs[0].tasks if runs else []
    memories = sorted({kind for run in runs for kind in run.peak_memory})
    wanted = [Figure(name, _titled(name)) for name in _metrics(runs, "strict")]
    for kind in ("recovered", "constrained"):
        title = READ_OUT_TITLES[kind][0].lower()
        wanted += [
            Figure(f"{name} {kind}", _titled(f"{name}, {title}")) for name in READ_OUT_METRICS if _metrics(runs, kind)
        ]
    wanted += [Figure(name, f"{title}, % of questions") for name, title in TRANSITION_TITLES.items()]
    wanted.append(Figure("forgotten", "forgotten at the end, % of known"))
    wanted += [Figure(kind, f"{KIND_TITLES[kind][0].lower()}, % of forgotten") for kind in CATEGORIES]
    wanted += [Figure(f"final {task}", f"{task} at the end, %") for task in tasks]
    wanted.append(Figure("trainable_parameters", "trainable parameters", "count"))
    wanted += [Figure(f"memory {kind}", f"peak memory ({kind})", "bytes") for kind in memories]
    wanted.append(Figure("steps", "optimizer steps", "count"))
    wanted += [Figure("train_s", "training", "seconds"), Figure("evaluate_s", "evaluation", "seconds")]
    wanted += [
        Figure("train_processor_s", "training, processor time", "seconds"),
        Figure("evaluate_processor_s", "evaluation, processor time", "seconds"),
    ]
    known = [values(run) for run in runs]
    return [figure for figure in wanted if any(values.get(figure.name) is not None for values in known)]


def _titled(name: str) -> str:
    return f"{name}, points" if name.startswith(("BWT", "forgetting")) else f"{name}, %"


def _metrics(runs: Iterable[RunRecord], kind: str) -> list[str]:
    return next((list(run.metrics[kind]) for run in runs if kind in run.metrics), [])


def values(run: RunRecord) -> dict[str, float | None]:
    """By the name of the figure; shares in 0..1."""
    strict = run.metrics.get("strict", {})
    figures: dict[str, float | None] = dict(strict)
    for kind in ("recovered", "constrained"):
        figures |= {f"{name} {kind}": run.metrics.get(kind, {}).get(name) for name in READ_OUT_METRICS}
    figures |= run.results.transitions.mean | _forgotten(run) | _final(run)
    figures["trainable_parameters"] = float(run.results.trainable_parameters)
    figures |= {f"memory {kind}": float(size) for kind, size in run.peak_memory.items()}
    figures["steps"] = float(sum(run.results.steps.values())) if run.results.steps else None
    for doing in ("train", "evaluate"):
        figures |= {f"{doing}_s": run.seconds(doing), f"{doing}_processor_s": run.processor_seconds(doing)}
    return {name: value if is_number(value) else None for name, value in figures.items()}


def rates_of_known(run: RunRecord) -> dict[str, float] | None:
    """Forgotten questions by kind after the last stage, of all known after their own task; None if none were."""
    counts, known = last_split(run)
    return {kind: counts[kind] / known for kind in CATEGORIES} if known else None


def last_split(run: RunRecord) -> tuple[dict[str, int], int]:
    """Forgotten questions by kind, and questions known, over all tasks, by the last finished stage."""
    last = run.stages[-1].folder if run.stages else ""
    splits = [since[last] for since in run.results.forgetting.values() if last in since]
    counts: dict[str, int] = {kind: sum(split.counts.get(kind, 0) for split in splits) for kind in CATEGORIES}
    return counts, sum(split.right_own for split in splits)


def _forgotten(run: RunRecord) -> dict[str, float | None]:
    counts, known = last_split(run)
    total = sum(counts.values())
    shares = {kind: count / total if total else None for kind, count in counts.items()}
    return {"forgotten": total / known if known else None, **shares}


def _final(run: RunRecord) -> dict[str, float | None]:
    matrix = run.matrices.get("strict")
    return {} if matrix is None else {f"final {task}": float(matrix.values[-1, i]) for i, task in enumerate(run.tasks)}
