"""The LoRA pairs of a model, found by what layers have (`lora_A`, `lora_B`), not by what they or the model
are called.

Works on any PEFT LoRA model: adapted layers carry dictionaries of linear modules by adapter name. A layer's
name is its path in the model without the prefixes that wrappers add (PEFT's own, torch.compile, DDP, FSDP,
checkpoint wrappers), so that a state saved from a wrapped model fits the same model unwrapped, and the model
of the next task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from asd_training.errors import ModelError, list_names

LoraPairs = Mapping[str, tuple[Tensor, Tensor]]

_WRAPPERS = {"_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module"}
_PEFT_PREFIX = ["base_model", "model"]


def layer_name(path: str) -> str:
    """The path of a module without what wrappers added to it."""
    parts = [part for part in path.split(".") if part not in _WRAPPERS]
    if parts[:1] == ["module"]:
        parts = parts[1:]
    if parts[:2] == _PEFT_PREFIX:
        parts = parts[2:]
    return ".".join(parts)


def lora_pairs(model: nn.Module, adapter: str | None = None) -> dict[str, tuple[Tensor, Tensor]]:
    """Layer name -> (A, B), the parameters themselves, in the model's order.

    adapter: whose pairs; None takes the one that is active, or the only one. Raises: ModelError if the model
    has no LoRA layers, none with that adapter, or several adapters are active and none was named.
    """
    pairs: dict[str, tuple[Tensor, Tensor]] = {}
    adapters: set[str] = set()
    for path, module in model.named_modules():
        by_adapter = _adapters_of(module)
        adapters.update(by_adapter)
        wanted = adapter if adapter is not None else _active(module, by_adapter, path)
        if wanted in by_adapter:
            pairs[layer_name(path)] = by_adapter[wanted]
    if not adapters:
        raise ModelError(
            f"{type(model).__name__} has no layers with lora_A and lora_B; add an adapter first, "
            "with peft.get_peft_model(model, LoraConfig(...))"
        )
    if not pairs:
        raise ModelError(f"no layer has an adapter named {adapter!r}; the model has {list_names(adapters)}")
    return pairs


def _adapters_of(module: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    lora_a, lora_b = getattr(module, "lora_A", None), getattr(module, "lora_B", None)
    if not isinstance(lora_a, nn.ModuleDict) or not isinstance(lora_b, nn.ModuleDict):
        return {}
    return {name: (_weight(lora_a[name]), _weight(lora_b[name])) for name in lora_a if name in lora_b}


def _weight(module: Any) -> Tensor:
    weight: Tensor = module.weight
    return weight


def _active(module: nn.Module, by_adapter: Mapping[str, object], path: str) -> str | None:
    if len(by_adapter) < 2:
        return next(iter(by_adapter), None)
    active: list[str] = getattr(module, "active_adapters", None) or []
    present = [name for name in active if name in by_adapter]
    if len(present) != 1:
        raise ModelError(
            f"{layer_name(path)} has the adapters {list_names(by_adapter)}, "
            f"of which {len(present)} are active; "
            "name the one of the current task: adapter=..."
        )
    return present[0]
