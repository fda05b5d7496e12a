"""Sequential LoRA: every task tunes an adapter, with nothing that protects what was learnt before.

Between tasks the adapter is merged into the weights and a fresh one starts (SEFE's setting), or the same one goes
on (CoIN's), or it stays frozen beside a fresh one ("stack": the same function as merged, but earlier adapters
remain apart, and load by plain PEFT one after the other).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peft import PeftModel
from torch import nn

from asd_training.methods.adapters import add_adapter, merge_adapters
from asd_training.methods.defaults import MethodDefaults

if TYPE_CHECKING:
    from asd_training.config import LoraSettings, RegLora, Replay
    from asd_training.config import SeqLora as SeqLoraSettings
    from asd_training.methods.protocol import Stage


class SeqLora(MethodDefaults):
    def __init__(self, settings: SeqLoraSettings | RegLora | Replay, lora: LoraSettings) -> None:
        self.between_tasks = settings.between_tasks
        self.lora = lora

    def adapter_of(self, stage: Stage) -> str:
        return f"task_{stage.number + 1:02d}" if self.between_tasks == "stack" else "default"

    def wrap(self, model: nn.Module, stage: Stage) -> nn.Module:
        name = self.adapter_of(stage)
        if isinstance(model, PeftModel) and name in model.peft_config:
            return model
        return add_adapter(model, self.lora, name)

    def carry_over(self, model: nn.Module, stage: Stage) -> nn.Module:
        return merge_adapters(model) if self.between_tasks == "merge" and isinstance(model, PeftModel) else model
