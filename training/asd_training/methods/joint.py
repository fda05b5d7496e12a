"""Joint tuning: one adapter on the data of all tasks at once. No order, so nothing is forgotten: the ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asd_training.config import SeqLora as SeqLoraSettings
from asd_training.methods.seq_lora import SeqLora

if TYPE_CHECKING:
    from asd_training.config import Joint as JointSettings
    from asd_training.config import LoraSettings


class Joint(SeqLora):
    all_tasks_at_once = True

    def __init__(self, settings: JointSettings, lora: LoraSettings) -> None:
        super().__init__(SeqLoraSettings(method="seq-lora", between_tasks="merge"), lora)
