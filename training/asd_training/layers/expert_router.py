"""Routers that give every token a weight for every expert, and the layer that mixes low-rank experts by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig
from torch import Tensor, nn

from asd_training.layers.gated_lora import GatedLoraLinear, normal_init

A_STD = 0.01
"""Standard deviation of a fresh A, as CoIN has it; B starts at zero."""


@dataclass(frozen=True)
class Routing:
    """experts: how many share the rank. top_k: weights of all but the k largest are 0, the rest sum to 1; None = all.
    float32: compute logits and softmax in float32 under autocast. keep: remember probabilities for `balance`."""

    experts: int = 8
    top_k: int | None = None
    float32: bool = False
    keep: bool = False


class RoutedLoraLinear(GatedLoraLinear):
    """MoELoRA: g(x) = softmax(R x) with a router R of its own per layer, (E, in), without bias."""

    adapter_layer_names = (*GatedLoraLinear.adapter_layer_names, "lora_router")

    def __init__(
        self, base_layer: nn.Module, adapter_name: str, config: LoraConfig, *, routing: Routing, **kwargs: Any
    ) -> None:
        self.routing = routing  # before PEFT's constructor, which calls update_layer
        self.probabilities: Tensor | None = None
        super().__init__(base_layer, adapter_name, config=config, **kwargs)

    def update_layer(self, adapter_name: str, r: int, lora_alpha: int, config: LoraConfig, **kwargs: Any) -> None:
        if "lora_router" not in self._modules:
            self.lora_router = nn.ModuleDict()
        features: Any = self.in_features
        self.lora_router[adapter_name] = nn.Linear(features, self.routing.experts, bias=False)
        super().update_layer(adapter_name, r, lora_alpha, config, **kwargs)
        first: Any = self.lora_A[adapter_name]
        normal_init(first.weight, A_STD)

    def gates(self, adapter: str, x: Tensor) -> Tensor:
        router: Any = self.lora_router[adapter]
        logits: Tensor
        if self.routing.float32:
            with torch.autocast(x.device.type, enabled=False):
                logits = nn.functional.linear(x.float(), router.weight.float())
        else:
            logits = router(x)
        if self.routing.keep and self.training:
            self.probabilities = logits.float().softmax(-1)
        if self.routing.top_k is not None:
            logits = logits.masked_fill(_left_out(logits, self.routing.top_k), float("-inf"))
        return logits.softmax(-1)


def _left_out(logits: Tensor, top_k: int) -> Tensor:
    """bool, True where a logit is not among the k largest; the first of equal ones are taken."""
    chosen = logits.topk(top_k, dim=-1).indices
    return torch.ones_like(logits, dtype=torch.bool).scatter(-1, chosen, False)


def balance(probabilities: Tensor, top_k: int) -> Tensor:
    """E * sum over experts of f_e P_e: 1 where tokens are spread evenly, up to E / k where they are not.

    probabilities: (..., E). f_e: share of the tokens' k choices that fall on e; P_e: its mean probability.
    Source: Switch Transformers (arXiv 2101.03961), eq. 4, which has k = 1.
    """
    experts = probabilities.shape[-1]
    flat = probabilities.reshape(-1, experts)
    chosen = ~_left_out(flat.detach(), top_k)
    share = chosen.to(flat.dtype).mean(0) / top_k
    return experts * (share * flat.mean(0)).sum()
