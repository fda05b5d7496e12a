"""A pool of low-rank increments with keys: which act on a row is decided by its instruction, not by its task.

Every task adds an adapter with `slots` increments (blocks of `GatedLoraLinear`), `keys` (slots, d), `usage` (slots,),
the mean weight of each increment over its own task's rows, and `context`, a learnable number per earlier task. All
of them are in the adapter's file, so that the adapters of all tasks together are the whole method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
from peft import LoraConfig
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, normalize

from asd_training.errors import ModelError
from asd_training.layers.gated_lora import GatedLoraLinear

_LEAST = 1e-6


@dataclass(frozen=True)
class Choice:
    """chosen: increments that act on a row; weights: "ratio" (cos / sum of cos, none below 0) or "softmax"."""

    chosen: int = 4
    weights: str = "ratio"


class Slots(nn.Module):
    """What one task adds to the pool beside the increments themselves."""

    keys: Tensor
    usage: Tensor

    def __init__(self, count: int, size: int, earlier: int) -> None:
        super().__init__()
        self.keys = nn.Parameter(torch.empty(count, size), requires_grad=False)
        nn.init.orthogonal_(self.keys)
        self.register_buffer("usage", torch.full((count,), 1 / count))
        if earlier:
            start = 1 / (4 * earlier)
            self.context = nn.Parameter(torch.full((earlier,), math.log(start / (1 - start))))

    def context_weights(self) -> Tensor:
        """In (0, 1), one for each earlier task, in their order; () where there is none."""
        return self.context.sigmoid() if "context" in self._parameters else self.keys.new_zeros(0)


class IncrementPool(nn.ModuleDict):
    """Task's adapter -> `Slots`, in the order of the tasks. `gates`: adapter -> (rows, slots), of the last batch.

    training_on: the adapter whose task is being trained: its rows choose among its own increments only. None = all.
    """

    holds_adapters = True

    def __init__(self, choice: Choice) -> None:
        super().__init__()
        self.choice = choice
        self.training_on: str | None = None
        self.gates: dict[str, Tensor] = {}

    def condition(self, instruction: Tensor) -> None:
        """instruction: (rows, d). Sets the gates: of the intrinsic increment, plus those of the contextual one."""
        with torch.autocast(instruction.device.type, enabled=False):
            gates = self.intrinsic(instruction)
        *earlier, newest = self
        weights = self.slots(newest).context_weights()
        for name, weight in zip(earlier, weights, strict=True):
            gates[name] = gates[name] + weight * self.slots(name).usage
        self.gates = gates

    def intrinsic(self, instruction: Tensor) -> dict[str, Tensor]:
        """Adapter -> (rows, slots): weights of the chosen increments, 0 for others; all of a row sum to 1."""
        names = list(self) if self.training_on is None else [self.training_on]
        counts = [len(self.slots(name).keys) for name in names]
        keys = torch.cat([self.slots(name).keys for name in names])
        weights = choose(instruction.to(keys), keys, self.choice)
        parts = dict(zip(names, torch.split(weights, counts, dim=-1), strict=True))
        none = weights.new_zeros(len(weights), 1)
        return {name: parts.get(name, none.expand(-1, len(self.slots(name).keys))) for name in self}

    def slots(self, adapter: str) -> Slots:
        slots: Any = self[adapter]
        return cast(Slots, slots)


def choose(instruction: Tensor, keys: Tensor, choice: Choice) -> Tensor:
    """(rows, keys): a weight for each of the keys that are most similar to a row's instruction, 0 for the rest."""
    similarity = normalize(instruction, dim=-1) @ normalize(keys, dim=-1).T
    best, places = similarity.topk(min(choice.chosen, len(keys)), dim=-1)
    if choice.weights == "softmax":
        weights = best.softmax(-1)
    else:
        positive = best.clamp(min=_LEAST)
        weights = positive / positive.sum(-1, keepdim=True)
    return torch.zeros_like(similarity).scatter(-1, places, weights)


def key_loss(instruction: Tensor, keys: Tensor, chosen: int) -> Tensor:
    """Shape (): - mean cosine of each row's instruction and the keys that it chooses."""
    similarity = cosine_similarity(instruction.unsqueeze(1), keys.unsqueeze(0), dim=-1)
    return -similarity.topk(min(chosen, len(keys)), dim=-1).values.mean()


class PooledLoraLinear(GatedLoraLinear):
    """A layer whose gates come from a pool, one set for each row of the batch."""

    def __init__(
        self, base_layer: nn.Module, adapter_name: str, config: LoraConfig, *, pool: list[IncrementPool], **kwargs: Any
    ) -> None:
        self.pool = pool  # in a list, so that it is no part of the layer
        super().__init__(base_layer, adapter_name, config=config, **kwargs)

    def gates(self, adapter: str, x: Tensor) -> Tensor:
        """x: (rows, ..., in), or (rows * tokens, in) with each row's tokens together."""
        if adapter not in self.pool[0].gates:
            raise ModelError("no instruction was given before the forward pass; call condition(model, batch) first")
        gates = self.pool[0].gates[adapter]
        if x.dim() == 2 and len(x) != len(gates):
            return gates.repeat_interleave(len(x) // len(gates), dim=0)
        return gates.reshape(len(gates), *(1,) * (x.dim() - 2), -1)
