"""O-LoRA: every task has an adapter of its own whose A is pushed to be orthogonal to the A of all earlier tasks.

    loss + strength * sum over layers and earlier tasks i of sum over j, k of |(A_i A_t^T)[j, k]| ^ power

Source: O-LoRA (arXiv 2310.14152), eq. 6 and 7, strength 0.5. The paper squares the elements (`norm: squared`), its
released code takes absolute values (`norm: absolute`); both sum, over layers too. The default is the paper's.
A (r, in) here is the transpose of the paper's. Its released code can also weigh an L2 penalty on the new adapter;
that weight is 0 there, and it is left out. Earlier adapters stay frozen beside the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from asd_training.layers.lora_pairs import lora_pairs
from asd_training.layers.sharded import whole_factor
from asd_training.methods.seq_lora import SeqLora

if TYPE_CHECKING:
    from asd_training.config import LoraSettings
    from asd_training.config import OLora as OLoraSettings
    from asd_training.methods.protocol import Stage


class OLora(SeqLora):
    has_extra_loss = True
    between_tasks = "stack"

    def __init__(self, settings: OLoraSettings, lora: LoraSettings) -> None:
        self.lora = lora
        self.strength, self.norm = settings.strength, settings.norm
        self._stage = 0

    def wrap(self, model: nn.Module, stage: Stage) -> nn.Module:
        self._stage = stage.number
        return super().wrap(model, stage)

    def extra_loss(self, model: nn.Module) -> Tensor:
        new, *earlier = (lora_pairs(model, name) for name in reversed(self._adapters()))
        total = super().extra_loss(model)
        for layer, (lora_a, _) in new.items():
            if earlier:
                others = torch.cat([whole_factor(layer, "lora_A", pairs[layer][0].detach()) for pairs in earlier])
                whole = whole_factor(layer, "lora_A", lora_a)
                total = total + overlap(others, whole, self.norm).to(total.device)
        return self.strength * total

    def _adapters(self) -> list[str]:
        return [f"task_{number + 1:02d}" for number in range(self._stage + 1)]


def overlap(earlier: Tensor, new: Tensor, norm: str) -> Tensor:
    """Sum over all pairs of rows of |<earlier_j, new_k>|, or of its square; shape (), float32. 0 = orthogonal.

    earlier: (r_1 + ... , in); new: (r, in).
    """
    with torch.autocast(new.device.type, enabled=False):
        products = earlier.float() @ new.float().T
    return products.square().sum() if norm == "squared" else products.abs().sum()
