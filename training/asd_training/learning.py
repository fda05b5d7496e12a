"""Whether training did what it is for: its numbers stay numbers, and what is trainable has changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from asd_training.errors import NumberError, list_names
from asd_training.layers.sharded import is_sharded
from asd_training.models import trainable

if TYPE_CHECKING:
    from asd_training.config import TrainConfig


class FirstBadStep:
    """The first optimizer step of which a loss was no number; kept on the device, so that no step waits for it."""

    def __init__(self, device: torch.device) -> None:
        self._step = torch.full((2,), math.inf, dtype=torch.float64, device=device)  # of answers, of the method's own

    def watch(self, losses: Tensor, step: int, *, of_method: bool = False) -> None:
        place = int(of_method)
        bad = ~torch.isfinite(losses.detach().sum())
        self._step[place] = torch.where(bad, self._step[place].clamp(max=step), self._step[place])

    def read(self) -> tuple[int | None, bool]:
        """The step, and whether it is only the method's own loss that is none. All processes have to ask together."""
        if dist.is_initialized():
            dist.all_reduce(self._step, op=dist.ReduceOp.MIN)
        answers, own = self._step.tolist()
        first = min(answers, own)
        return (None if math.isinf(first) else int(first)), own < answers


def require_numbers(first: FirstBadStep, stage: str, steps: int, config: TrainConfig) -> None:
    """Raises: NumberError if a loss was no number."""
    step, is_method = first.read()
    if step is None:
        return
    what = "the method's own loss" if is_method else "the loss"
    if step == 1 and not is_method:
        raise NumberError(
            f"{stage}: already the loss of the first of {steps} steps is no number, so it is not the learning rate: look at "
            "the model's weights and their type (model.dtype), and at model.attention. Finished tasks are kept"
        )
    also = ", or lower the strength of the method (method.strength)" if is_method else ""
    raise NumberError(
        f"{stage}: {what} of step {step} of {steps} is no number any more; {_remedy(config)}{also}. {_KEPT}"
    )


def require_finite(model: nn.Module, stage: str, config: TrainConfig) -> None:
    """Raises: NumberError if what was trained is no number: the last step is seen by no loss."""
    bad = [name for name, parameter in trainable(model).items() if not _is_finite(parameter)]
    num_bad = torch.tensor(len(bad), device=next(model.parameters()).device)
    if dist.is_initialized():
        dist.all_reduce(num_bad, op=dist.ReduceOp.MAX)
    if int(num_bad):
        raise NumberError(
            f"{stage}: after its last step {int(num_bad)} of the trained tensors are no numbers"
            f"{f' ({list_names(bad)})' if bad else ''}; {_remedy(config)}. {_KEPT}"
        )


def require_finite_state(state: Mapping[str, Tensor], stage: str) -> None:
    """Raises: NumberError if what a method learnt from a stage is no number."""
    bad = [name for name, tensor in state.items() if tensor.is_floating_point() and not torch.isfinite(tensor).all()]
    if bad:
        raise NumberError(
            f"{stage}: what the method keeps of it is no number ({list_names(bad)}); lower its rates and strengths "
            f"(method). {_KEPT}"
        )


_KEPT = "Finished tasks are kept; a run with other settings needs another `out`"


def _remedy(config: TrainConfig) -> str:
    rates = f"train.lr (now {config.lr:g})"
    if config.projector_lr is not None:
        rates += f" or train.projector_lr (now {config.projector_lr:g})"
    if config.max_grad_norm == 0:
        return f"lower {rates}, or set train.max_grad_norm (now 0, which clips nothing) to 1"
    return f"lower {rates}, or train.max_grad_norm (now {config.max_grad_norm:g})"


def _is_finite(parameter: Tensor) -> bool:
    return bool(torch.isfinite(_local(parameter)).all())


def _local(parameter: Any) -> Tensor:
    local: Tensor = parameter.to_local() if is_sharded(parameter) else parameter
    return local.detach()


class Changes:
    """Which of what is trainable has changed since this was made. Two sums stand for each tensor, not a copy of it."""

    def __init__(self, model: nn.Module) -> None:
        self._before = _sums(model)

    def unchanged(self, model: nn.Module) -> set[str]:
        now = _sums(model)
        return {name for name, sums in self._before.items() if now.get(name) == sums}


def _sums(model: nn.Module) -> dict[str, tuple[float, float]]:
    sums = {}
    for name, parameter in trainable(model).items():
        values = _local(parameter).double()
        sums[name] = (float(values.sum()), float(values.square().sum()))
    return sums


def tell_what_was_learnt(unchanged: set[str], projector: set[str], count: int, say: Callable[[str], None]) -> str:
    """ "all", "nothing", "some" (adapters only, the projector is as it was); the last two are said.

    projector: the trainable names that are the projector's; count: of all trainable tensors.
    """
    if len(unchanged) == count:
        say(
            "WARNING: nothing was learnt: not one of the trained tensors has changed. Look at train.lr, train.steps and "
            "train.epochs, and at the loss in log.jsonl"
        )
        return "nothing"
    if projector and projector <= unchanged:
        say("the projector has not changed: none of the rows that were trained on has an image, or its rate is too low")
        return "some"
    return "all"
