"""Zero-shot: the model as it is, evaluated on all tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from training.errors import StateError, list_names

if TYPE_CHECKING:
    from training.config import LoraSettings
    from training.config import ZeroShot as ZeroShotSettings
    from training.methods.protocol import Stage


class ZeroShot:
    trains = False
    all_tasks_at_once = True
    has_extra_loss = False

    def __init__(self, settings: ZeroShotSettings, lora: LoraSettings) -> None:
        return

    def adapter_of(self, stage: Stage) -> str:
        return "default"

    def wrap(self, model: nn.Module, stage: Stage) -> nn.Module:
        return model

    def extra_loss(self, model: nn.Module) -> Tensor:
        return torch.zeros((), device=next(model.parameters()).device)

    def after_task(self, model: nn.Module, stage: Stage) -> None:
        return

    def carry_over(self, model: nn.Module, stage: Stage) -> nn.Module:
        return model

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        if state:
            raise StateError(f"this method keeps no state, but the saved one has {list_names(state)}")
