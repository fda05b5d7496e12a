"""Replay: sequential LoRA that also trains on n rows of every earlier task, drawn from that task's training shards.

The rows are those of the (diversified) shards, so converted rows come back at about the share that they have there.
They join the rows of the stage: an epoch is over both, and the shuffle mixes them. Which rows, is decided by a hash
of the sample's name and the row's id: the same for every stage, so that a row that is kept once is kept for good.

CoIN's replay runs used 100, 500 and 1000 rows per task, drawn without a seed; the default is the smallest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asd_training.methods.seq_lora import SeqLora

if TYPE_CHECKING:
    from asd_training.config import LoraSettings
    from asd_training.config import Replay as ReplaySettings


class Replay(SeqLora):
    def __init__(self, settings: ReplaySettings, lora: LoraSettings) -> None:
        super().__init__(settings, lora)
        self.replayed_rows = settings.rows
        self.replay_sample = settings.sample
