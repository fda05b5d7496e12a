"""All methods, in one table: the name in `method:` of a configuration, and the class that does it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.config import LoraSettings
    from training.methods.protocol import ContinualMethod

METHODS = {
    "seq-lora": "training.methods.seq_lora:SeqLora",
    "reglora": "training.methods.reg_lora_tuning:RegLora",
    "joint": "training.methods.joint:Joint",
    "zero-shot": "training.methods.zero_shot:ZeroShot",
    "moelora": "training.methods.moe_lora:MoeLora",
    "ewc": "training.methods.ewc:Ewc",
    "o-lora": "training.methods.o_lora:OLora",
    "replay": "training.methods.replay:Replay",
    "continual-llava": "training.methods.continual_llava:ContinualLlava",
}


def method_class(settings: Any) -> Any:
    """settings: one of the classes of `training.config.MethodConfig`."""
    module, _, name = METHODS[settings.method].partition(":")
    return getattr(import_module(module), name)


def build_method(settings: Any, lora: LoraSettings) -> ContinualMethod:
    method: ContinualMethod = method_class(settings)(settings, lora)
    return method
