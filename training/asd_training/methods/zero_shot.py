"""Zero-shot: the model as it is, evaluated on all tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asd_training.methods.defaults import MethodDefaults

if TYPE_CHECKING:
    from asd_training.config import LoraSettings
    from asd_training.config import ZeroShot as ZeroShotSettings


class ZeroShot(MethodDefaults):
    trains = False
    all_tasks_at_once = True

    def __init__(self, settings: ZeroShotSettings, lora: LoraSettings) -> None:
        return
