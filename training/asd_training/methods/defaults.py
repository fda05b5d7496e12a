"""What a method does unless it says otherwise: it trains, keeps no state, adds no loss, and asks nothing of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from asd_training.errors import StateError, list_names

if TYPE_CHECKING:
    from asd_training.methods.protocol import Stage, StageRows


class MethodDefaults:
    trains = True
    all_tasks_at_once = False
    has_extra_loss = False
    has_batch_loss = False
    reads_instructions = False
    can_shard = True
    can_merge = True
    replayed_rows = 0
    replay_sample = ""

    def adapter_of(self, stage: Stage) -> str:
        return "default"

    def wrap(self, model: nn.Module, stage: Stage) -> nn.Module:
        return model

    def before_training(self, model: nn.Module, stage: Stage, rows: StageRows) -> None:
        return

    def extra_loss(self, model: nn.Module) -> Tensor:
        return torch.zeros((), device=next(model.parameters()).device)

    def batch_loss(self, model: nn.Module) -> Tensor:
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
