"""All methods, in one table: the name in `method:` of a configuration, and the class that does it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asd_training.config import LoraSettings
    from asd_training.methods.protocol import ContinualMethod

METHODS = {
    "seq-lora": "asd_training.methods.seq_lora:SeqLora",
    "reglora": "asd_training.methods.reg_lora_tuning:RegLora",
    "joint": "asd_training.methods.joint:Joint",
    "zero-shot": "asd_training.methods.zero_shot:ZeroShot",
    "moelora": "asd_training.methods.moe_lora:MoeLora",
    "ewc": "asd_training.methods.ewc:Ewc",
    "o-lora": "asd_training.methods.o_lora:OLora",
    "replay": "asd_training.methods.replay:Replay",
    "continual-llava": "asd_training.methods.continual_llava:ContinualLlava",
}


def method_class(settings: Any) -> Any:
    """settings: one of the classes of `asd_training.config.MethodConfig`."""
    module, _, name = METHODS[settings.method].partition(":")
    return getattr(import_module(module), name)


def build_method(settings: Any, lora: LoraSettings) -> ContinualMethod:
    method: ContinualMethod = method_class(settings)(settings, lora)
    return method
