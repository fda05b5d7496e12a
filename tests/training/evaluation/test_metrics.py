"""Accuracy matrix and metrics: hand-worked numbers, published ones, and what may not happen to NaN."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd_training.errors import MetricError
from asd_training.evaluation.accuracy_matrix import AccuracyMatrix
from asd_training.evaluation.metrics import (
    METRICS,
    all_metrics,
    backward_transfer,
    forgetting,
    mean_average_accuracy,
    mean_final_accuracy,
    mean_finetune_accuracy,
)

NAN = math.nan
HAND = [[0.8, NAN, NAN], [0.6, 0.9, NAN], [0.7, 0.5, 0.4]]
COIN = "ScienceQA TextVQA ImageNet GQA VizWiz Grounding VQAv2 OCR-VQA".split()
# CoIN, LLaVA-7B, sequential LoRA: right after each task, and after the last one (percent)
LLAVA_OWN = [82.45, 49.99, 96.05, 56.40, 55.45, 31.27, 62.20, 57.08]
LLAVA_LAST = [21.26, 28.74, 10.25, 36.78, 32.45, 0.83, 42.50, 57.08]
MOE_OWN = [75.78, 51.73, 96.70, 59.42, 58.88, 37.50, 64.22, 60.08]
MOE_LAST = [63.09, 38.63, 10.50, 37.38, 43.62, 0.59, 43.15, 60.08]


def matrix(rows: list[list[float]]) -> AccuracyMatrix:
    return AccuracyMatrix.from_rows([f"task {i}" for i in range(len(rows))], rows)


def own_and_last(own: list[float], last: list[float]) -> AccuracyMatrix:
    values = np.full((8, 8), np.nan)
    np.fill_diagonal(values, own)
    values[-1] = last
    return AccuracyMatrix(tuple(COIN), values)


def test_by_hand() -> None:
    acc = matrix(HAND)
    assert mean_finetune_accuracy(acc) == pytest.approx(0.7)  # (.8 + .9 + .4) / 3
    assert mean_final_accuracy(acc) == pytest.approx(1.6 / 3)
    assert mean_average_accuracy(acc) == pytest.approx((0.8 + 0.75 + 1.6 / 3) / 3)
    assert backward_transfer(acc, divisor="T") == pytest.approx(-0.5 / 3)  # (-.1 - .4 + 0) / 3
    assert backward_transfer(acc, divisor="T-1") == pytest.approx(-0.25)
    assert forgetting(acc) == pytest.approx(0.25)  # (max(.8, .6) - .7 + .9 - .5) / 2


def test_forgetting_counts_from_the_best() -> None:
    acc = matrix([[0.5, NAN, NAN], [0.9, 0.6, NAN], [0.7, 0.6, 0.4]])
    assert backward_transfer(acc, divisor="T-1") == pytest.approx(0.1)  # up from its own .5 ...
    assert forgetting(acc) == pytest.approx(0.1)  # ... and down from the best .9: (.2 + 0) / 2


@pytest.mark.parametrize(
    ("own", "last", "by_tasks", "by_tasks_less_one"),
    [(LLAVA_OWN, LLAVA_LAST, -32.62, -37.29), (MOE_OWN, MOE_LAST, -25.91, -29.61)],
)
def test_published_backward_transfer_of_coin(
    own: list[float], last: list[float], by_tasks: float, by_tasks_less_one: float
) -> None:
    acc = own_and_last(own, last)
    assert backward_transfer(acc, divisor="T") == pytest.approx(by_tasks, abs=0.006)
    assert backward_transfer(acc, divisor="T-1") == pytest.approx(by_tasks_less_one, abs=0.006)
    assert backward_transfer(acc) == pytest.approx(mean_final_accuracy(acc) - mean_finetune_accuracy(acc))


def test_published_mllm_cl_row() -> None:
    """MFT 65.01 and MFN 58.51 over five tasks were published with BWT -8.13: that table divides by T-1."""
    last = [(5 * 58.51 - 65.01) / 4] * 4 + [65.01]
    acc = matrix([[65.01 if i == t else NAN for i in range(5)] for t in range(4)] + [last])
    assert (mean_finetune_accuracy(acc), mean_final_accuracy(acc)) == (pytest.approx(65.01), pytest.approx(58.51))
    assert backward_transfer(acc, divisor="T-1") == pytest.approx(-8.13, abs=0.006)


def test_a_cell_not_evaluated_is_named_and_never_zero() -> None:
    acc = own_and_last(LLAVA_OWN, LLAVA_LAST)
    with pytest.raises(
        MetricError, match=r"not evaluated: task 'ScienceQA' after training 'TextVQA' \(row 1, column 0\)"
    ):
        mean_average_accuracy(acc)
    figures = all_metrics(acc)
    assert figures["MAA"] is None
    assert figures["forgetting (from the best)"] is None
    assert figures["BWT (divisor T)"] == pytest.approx(-32.62, abs=0.006)
    assert set(figures) == set(METRICS)


def test_one_task_cannot_forget() -> None:
    acc = matrix([[0.5]])
    assert mean_average_accuracy(acc) == 0.5
    assert backward_transfer(acc) == 0.0
    with pytest.raises(MetricError, match=r"sequence of 1 task\(s\) cannot forget"):
        forgetting(acc)
    with pytest.raises(MetricError, match="cannot forget"):
        backward_transfer(acc, divisor="T-1")


cells = st.one_of(st.none(), st.floats(0, 1))


@given(
    st.integers(1, 5).flatmap(
        lambda size: st.lists(st.lists(cells, min_size=size, max_size=size), min_size=size, max_size=size)
    )
)
def test_json_round_trip_keeps_what_was_not_evaluated(rows: list[list[float | None]]) -> None:
    names = [f"task {i}" for i in range(len(rows))]
    acc = AccuracyMatrix.from_rows(names, rows)
    text = json.dumps(acc.to_rows(), allow_nan=False)
    again = AccuracyMatrix.from_rows(names, json.loads(text))
    np.testing.assert_array_equal(again.values, acc.values)
    assert json.loads(text) == rows


@given(st.integers(1, 6), st.floats(0, 1))
def test_a_constant_matrix_forgets_nothing(size: int, value: float) -> None:
    acc = matrix([[value] * size for _ in range(size)])
    assert backward_transfer(acc) == 0.0
    assert mean_average_accuracy(acc) == pytest.approx(value)


def test_building() -> None:
    acc = AccuracyMatrix.from_scores(["a", "b"], {("a", "a"): [1.0, 0.0], ("b", "b"): [], ("b", "a"): [0.5]})
    assert acc.to_rows() == [[0.5, None], [0.5, None]]
    assert acc.with_cell("b", "b", 0.25).to_rows() == [[0.5, None], [0.5, 0.25]]
    assert AccuracyMatrix.empty(["a"]).to_rows() == [[None]]


@pytest.mark.parametrize(
    ("tasks", "rows", "message"),
    [
        (["a", "a"], [[1, 1], [1, 1]], "must differ"),
        (["a", "b"], [[1, 1]], "expected a matrix of 2 x 2 for 2 tasks"),
        (["a", "b"], [[1, 1], [1]], "row 1 of the accuracy matrix has 1 cells, expected 2"),
        (["a"], [[math.inf]], "got an infinity"),
    ],
)
def test_malformed(tasks: list[str], rows: list[list[float]], message: str) -> None:
    with pytest.raises(MetricError, match=message):
        AccuracyMatrix.from_rows(tasks, rows)


def test_unknown_task() -> None:
    with pytest.raises(MetricError, match="no task named 'c' in this accuracy matrix, it has a, b"):
        AccuracyMatrix.empty(["a", "b"]).with_cell("c", "a", 1.0)
