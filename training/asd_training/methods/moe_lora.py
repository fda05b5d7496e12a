"""MoELoRA: E experts share the rank of one LoRA, mixed per layer and token by a router. All tasks train all of it.

Source: CoIN (arXiv 2403.08350) and its released code, whose defaults these are: 8 experts of rank r / 8, scale
alpha / r with the total rank r, so that the update is a convex mix of the experts'; A from N(0, 0.01^2), B zero,
routers as `nn.Linear` starts them; dense softmax, no loss but the language model's; experts and routers are shared
by all tasks, nothing is frozen or added. Not as there: one dropout mask for all experts (there: one for each).

Options that CoIN does not have: `top_k`, `float32_router`, `balance` (weight of `expert_router.balance`, mean over
layers; it counts padding too, since layers do not see the mask).

An adapter in PEFT's files, plus `lora_router.weight` per layer. It cannot be merged: gates depend on the input.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from peft import PeftModel
from torch import Tensor, nn

from asd_training.errors import SettingError
from asd_training.layers.expert_router import RoutedLoraLinear, Routing, balance
from asd_training.layers.gated_lora import require_divisible
from asd_training.methods.adapters import add_adapter
from asd_training.methods.defaults import MethodDefaults

if TYPE_CHECKING:
    from asd_training.config import LoraSettings
    from asd_training.config import MoeLora as MoeLoraSettings
    from asd_training.methods.protocol import Stage


class MoeLora(MethodDefaults):
    """Raises: SettingError if the experts cannot share the rank, or fewer experts exist than `top_k`."""

    can_merge = False

    def __init__(self, settings: MoeLoraSettings, lora: LoraSettings) -> None:
        require_divisible(lora.r, settings.experts, "experts (train.lora.r, method.experts)")
        if settings.top_k is not None and settings.top_k > settings.experts:
            raise SettingError(f"method.top_k is {settings.top_k}, but there are {settings.experts} experts")
        self.lora = lora
        self.strength = settings.balance
        self.has_batch_loss = settings.balance > 0
        self.routing = Routing(settings.experts, settings.top_k, settings.float32_router, keep=self.has_batch_loss)

    def wrap(self, model: nn.Module, stage: Stage) -> nn.Module:
        if isinstance(model, PeftModel):
            return model
        return add_adapter(model, self.lora, layers=partial(RoutedLoraLinear, routing=self.routing))

    def batch_loss(self, model: nn.Module) -> Tensor:
        losses = [
            balance(module.probabilities, self.routing.top_k or 1)
            for module in model.modules()
            if isinstance(module, RoutedLoraLinear) and module.probabilities is not None
        ]
        return self.strength * torch.stack([loss.to(losses[0].device) for loss in losses]).mean()
