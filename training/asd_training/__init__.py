"""Continual tuning of multimodal models on shards that `asd` wrote.

Needs the extra `train` (torch, transformers, peft). Importing this package imports none of them: they load
with the name that uses them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asd_training.config import RunConfig as RunConfig
    from asd_training.config import load_config as load_config
    from asd_training.errors import TrainingError as TrainingError
    from asd_training.evaluation.accuracy_matrix import AccuracyMatrix as AccuracyMatrix
    from asd_training.evaluation.metrics import all_metrics as all_metrics
    from asd_training.evaluation.metrics import backward_transfer as backward_transfer
    from asd_training.evaluation.metrics import forgetting as forgetting
    from asd_training.evaluation.metrics import mean_average_accuracy as mean_average_accuracy
    from asd_training.evaluation.metrics import mean_final_accuracy as mean_final_accuracy
    from asd_training.evaluation.metrics import mean_finetune_accuracy as mean_finetune_accuracy
    from asd_training.evaluation.probe_answers import StyleProbe as StyleProbe
    from asd_training.layers.key_elements import key_elements as key_elements
    from asd_training.layers.lora_pairs import lora_pairs as lora_pairs
    from asd_training.layers.masked_l1 import masked_delta_l1 as masked_delta_l1
    from asd_training.loop import run as run
    from asd_training.methods.reg_lora import RegLoraPenalty as RegLoraPenalty

_METRICS = "asd_training.evaluation.metrics"
_LAZY = {
    "AccuracyMatrix": "asd_training.evaluation.accuracy_matrix",
    "RegLoraPenalty": "asd_training.methods.reg_lora",
    "RunConfig": "asd_training.config",
    "StyleProbe": "asd_training.evaluation.probe_answers",
    "TrainingError": "asd_training.errors",
    "all_metrics": _METRICS,
    "backward_transfer": _METRICS,
    "forgetting": _METRICS,
    "key_elements": "asd_training.layers.key_elements",
    "load_config": "asd_training.config",
    "lora_pairs": "asd_training.layers.lora_pairs",
    "masked_delta_l1": "asd_training.layers.masked_l1",
    "mean_average_accuracy": _METRICS,
    "mean_final_accuracy": _METRICS,
    "mean_finetune_accuracy": _METRICS,
    "run": "asd_training.loop",
}
"""Public names, imported when first used."""

__all__ = [
    "AccuracyMatrix",
    "RegLoraPenalty",
    "RunConfig",
    "StyleProbe",
    "TrainingError",
    "all_metrics",
    "backward_transfer",
    "forgetting",
    "key_elements",
    "load_config",
    "lora_pairs",
    "masked_delta_l1",
    "mean_average_accuracy",
    "mean_final_accuracy",
    "mean_finetune_accuracy",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'asd_training' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, imported yet or not."""
    return sorted({*globals(), *__all__})
