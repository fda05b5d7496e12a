"""RegLoRA as a method of the loop: sequential LoRA with `RegLoraPenalty` (see `asd_training.methods.reg_lora`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from asd_training.methods.reg_lora import RegLoraPenalty
from asd_training.methods.seq_lora import SeqLora

if TYPE_CHECKING:
    from asd_training.config import LoraSettings
    from asd_training.config import RegLora as RegLoraSettings
    from asd_training.methods.protocol import Stage


class RegLora(SeqLora):
    has_extra_loss = True

    def __init__(self, settings: RegLoraSettings, lora: LoraSettings) -> None:
        super().__init__(settings, lora)
        self.penalty = RegLoraPenalty(
            strength=settings.strength, fraction=settings.fraction, duplicates=settings.duplicates
        )
        self._adapter = "default"

    def wrap(self, model: nn.Module, stage: Stage) -> nn.Module:
        self._adapter = self.adapter_of(stage)
        return super().wrap(model, stage)

    def extra_loss(self, model: nn.Module) -> Tensor:
        return self.penalty(model, adapter=self._adapter)

    def after_task(self, model: nn.Module, stage: Stage) -> None:
        self.penalty.update_from(model, adapter=self._adapter)

    def state_dict(self) -> dict[str, Tensor]:
        return self.penalty.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.penalty.load_state_dict(state)
