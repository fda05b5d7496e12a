"""The diagonal of the empirical Fisher information, from the losses of rows one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from asd_training.errors import TaskDataError


def diagonal_fisher(values: Mapping[str, Tensor], losses: Iterable[Tensor]) -> dict[str, Tensor]:
    """Name -> float32, shape of the value: mean over rows of the squared gradient of the row's -log likelihood.

    values: leaves that the losses depend on. losses: shape () each, freed one after the other. Empirical: of the
    answers in the data, not of answers drawn from the model. Raises: TaskDataError if there is no row.
    """
    totals = {name: torch.zeros_like(value, dtype=torch.float32) for name, value in values.items()}
    count = 0
    for loss in losses:
        for name, gradient in zip(totals, torch.autograd.grad(loss, list(values.values())), strict=True):
            totals[name] += gradient.detach().float().square()
        count += 1
    if not count:
        raise TaskDataError("the Fisher information needs at least one row; give the stage training rows")
    return {name: total / count for name, total in totals.items()}
