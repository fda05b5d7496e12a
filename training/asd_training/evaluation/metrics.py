"""Continual-learning metrics of an accuracy matrix. A[t, i] = accuracy on task i after training task t, T tasks.

Every function needs the cells that its formula names; a cell not evaluated raises a MetricError that names it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from asd_training.errors import MetricError
from asd_training.evaluation.accuracy_matrix import AccuracyMatrix

Divisor = Literal["T", "T-1"]


def mean_finetune_accuracy(acc: AccuracyMatrix) -> float:
    """MFT = mean over i of A[i, i] (MCITlib; the first row of a method in CoIN's table)."""
    return _mean([acc.cell(i, i) for i in _tasks(acc)])


def mean_final_accuracy(acc: AccuracyMatrix) -> float:
    """MFN = mean over i of A[T-1, i] (MCITlib; COAST calls it average accuracy)."""
    last = len(acc.tasks) - 1
    return _mean([acc.cell(last, i) for i in _tasks(acc)])


def mean_average_accuracy(acc: AccuracyMatrix) -> float:
    """MAA = mean over t of the mean over i <= t of A[t, i] (CoIN, SEFE, MCITlib)."""
    return _mean([_mean([acc.cell(t, i) for i in range(t + 1)]) for t in _tasks(acc)])


def backward_transfer(acc: AccuracyMatrix, *, divisor: Divisor = "T") -> float:
    """BWT = sum over i of (A[T-1, i] - A[i, i]) / divisor; negative means forgetting.

    divisor "T": the tables of CoIN and SEFE, where BWT = MFN - MFT; "T-1": CoIN's text, MCITlib, MLLM-CL (the last
    task adds nothing to the sum). Raises: MetricError for one task with "T-1".
    """
    tasks = _tasks(acc)
    drops = [acc.cell(len(tasks) - 1, i) - acc.cell(i, i) for i in tasks]
    return sum(drops) / (len(drops) if divisor == "T" else _all_but_last(acc))


def forgetting(acc: AccuracyMatrix) -> float:
    """F = sum over i < T-1 of (max over i <= t < T-1 of A[t, i] - A[T-1, i]) / (T-1) (Chaudhry et al. 2018; COAST).

    From the best that the sequence ever was on a task, so it is at least -BWT with divisor T-1 and never hides a rise
    before the fall. Raises: MetricError for one task.
    """
    last = _all_but_last(acc)
    falls = [max(acc.cell(t, i) for t in range(i, last)) - acc.cell(last, i) for i in range(last)]
    return _mean(falls)


METRICS: dict[str, Callable[[AccuracyMatrix], float]] = {
    "MFT": mean_finetune_accuracy,
    "MFN": mean_final_accuracy,
    "MAA": mean_average_accuracy,
    "BWT (divisor T)": lambda acc: backward_transfer(acc, divisor="T"),
    "BWT (divisor T-1)": lambda acc: backward_transfer(acc, divisor="T-1"),
    "forgetting (from the best)": forgetting,
}


def all_metrics(acc: AccuracyMatrix) -> dict[str, float | None]:
    """Every metric by name; None where a cell that it needs was not evaluated (or the sequence is one task)."""
    return {name: _value_or_none(metric, acc) for name, metric in METRICS.items()}


def _value_or_none(metric: Callable[[AccuracyMatrix], float], acc: AccuracyMatrix) -> float | None:
    try:
        return metric(acc)
    except MetricError:
        return None


def _tasks(acc: AccuracyMatrix) -> range:
    if not acc.tasks:
        raise MetricError("an accuracy matrix without tasks has no metrics")
    return range(len(acc.tasks))


def _all_but_last(acc: AccuracyMatrix) -> int:
    if len(acc.tasks) < 2:
        raise MetricError(f"a sequence of {len(acc.tasks)} task(s) cannot forget: at least 2 are needed")
    return len(acc.tasks) - 1


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
