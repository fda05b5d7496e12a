"""Adding, saving, loading and merging LoRA adapters by PEFT, with every key accounted for."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from asd_training.errors import StateError, list_names
from asd_training.layers.adapter_targets import adapter_targets

if TYPE_CHECKING:
    from asd_training.config import LoraSettings

WEIGHTS_FILE = "adapter_model.safetensors"


GATED = "ASD_GATED_LORA"
"""`peft_type` of saved adapters whose layers are not PEFT's own: PEFT refuses them, rather than leave parts out."""

MakeLayer = Callable[..., nn.Module]


def add_adapter(
    model: nn.Module, lora: LoraSettings, name: str = "default", *, layers: MakeLayer | None = None
) -> PeftModel:
    """The model with a fresh adapter that alone is trainable; float32 whatever the model's type.

    layers: makes the adapted layers; None = PEFT's own LoRA. Raises: ModelError if the model lacks the wanted layers.
    """
    if isinstance(model, PeftModel):
        first = model.peft_config[next(iter(model.peft_config))]
        targets = first.target_modules  # type: ignore[attr-defined]
        model.add_adapter(name, _lora_config(lora, targets, layers))
        model.base_model.set_adapter(list(model.peft_config))  # type: ignore[operator]
        for path, parameter in model.named_parameters():
            if ".lora_" in path:
                parameter.requires_grad_(f".{name}." in path)
        return model
    projector_state = {path: p.requires_grad for path, p in model.named_parameters()}
    with warnings.catch_warnings():  # PEFT asks the model for an attribute under its old name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        config = _lora_config(lora, adapter_targets(model, lora.targets), layers)
        wrapped: PeftModel = get_peft_model(model, config, adapter_name=name)
    for path, parameter in wrapped.get_base_model().named_parameters():
        parameter.requires_grad_(projector_state.get(path, parameter.requires_grad))  # PEFT freezes the projector
    return wrapped


def _lora_config(lora: LoraSettings, targets: Any, layers: MakeLayer | None) -> LoraConfig:
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]
        lora_dropout=lora.dropout,
        target_modules=targets,
        bias="none",
    )
    if layers is not None:
        config._register_custom_module({nn.Linear: layers})  # type: ignore[dict-item]  # any callable will do
    return config


def adapter_state(model: PeftModel, name: str) -> dict[str, Tensor]:
    return {key: tensor.detach().to("cpu").contiguous() for key, tensor in _tensors(model, name).items()}


def _tensors(model: PeftModel, name: str) -> dict[str, Tensor]:
    """By key of the adapter's file, without the adapter's name."""
    tensors: dict[str, Tensor] = dict(get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False))
    for path, part in _parts_beside(model, name).items():
        tensors |= {f"{path}.{key}": tensor for key, tensor in part.state_dict().items()}
    return tensors


def _parts_beside(model: PeftModel, name: str) -> dict[str, nn.Module]:
    """What belongs to an adapter but to no adapted layer: in modules that say `holds_adapters`, by adapter name."""
    holders = ((path, m) for path, m in model.named_modules() if getattr(m, "holds_adapters", False))
    return {path: m[name] for path, m in holders if isinstance(m, nn.ModuleDict) and name in m}


def save_adapter(model: PeftModel, name: str, folder: Path) -> None:
    """In PEFT's own format: `PeftModel.from_pretrained(base, folder)` reads it, unless its layers are not PEFT's."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(adapter_state(model, name), folder / WEIGHTS_FILE, metadata={"format": "pt"})
    config = model.peft_config[name]
    before, config.inference_mode = config.inference_mode, True
    targets = config.target_modules  # type: ignore[attr-defined]
    try:
        if isinstance(targets, set):
            config.target_modules = sorted(targets)  # type: ignore[attr-defined]
        config.save_pretrained(str(folder))
    finally:
        config.inference_mode = before
        config.target_modules = targets  # type: ignore[attr-defined]
    if config._custom_modules:  # type: ignore[attr-defined]
        file = folder / "adapter_config.json"
        facts = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps({**facts, "peft_type": GATED}, indent=2, sort_keys=True), encoding="utf-8")


def load_adapter(model: PeftModel, name: str, folder: Path) -> None:
    """Into an adapter that is already there. Raises: StateError if a key is missing or left over, or a shape differs."""
    saved = read_tensors(folder / WEIGHTS_FILE)
    check_keys(saved, _tensors(model, name), str(folder / WEIGHTS_FILE))
    for path, part in _parts_beside(model, name).items():
        part.load_state_dict({key: saved.pop(f"{path}.{key}") for key in part.state_dict()})
    set_peft_model_state_dict(model, saved, adapter_name=name)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Raises: StateError if the file is missing or damaged."""
    try:
        return load_file(path)
    except Exception as exc:  # safetensors raises its own type, OSError or a bare Exception
        raise StateError(f"{path} cannot be read ({exc}); delete the folder of this task to train it again") from exc


def check_keys(saved: dict[str, Tensor], expected: dict[str, Tensor], where: str) -> None:
    """Raises: StateError that names what is missing, what is left over, and whose shape differs."""
    missing, extra = expected.keys() - saved.keys(), saved.keys() - expected.keys()
    shapes = [key for key in saved.keys() & expected.keys() if saved[key].shape != expected[key].shape]
    if missing or extra or shapes:
        problems = [
            f"{len(keys)} {what}: {list_names(keys)}"
            for what, keys in (("missing", missing), ("not in the model", extra), ("of another shape", shapes))
            if keys
        ]
        raise StateError(
            f"{where} does not fit the model: {'; '.join(problems)}; was it saved from another model or settings?"
        )


def merge_adapters(model: PeftModel) -> nn.Module:
    """The model with its active adapters added to the weights, and no trace of PEFT left.

    Adapted weights are float32 from then on: an update of one task is smaller than the steps of bfloat16 between most
    weights and their neighbours, and would be lost in part.
    """
    with torch.no_grad():
        for layer in adapted_layers(model):
            _widen(layer.get_base_layer())
        merged: nn.Module = model.merge_and_unload()
    if hasattr(merged, "peft_config"):
        del merged.peft_config
    return merged


def _widen(linear: nn.Module) -> None:
    """Make a layer float32 that goes on taking and giving what the layers around it do, within autocast and without."""
    weight = linear.weight
    if isinstance(weight, Tensor) and weight.dtype != torch.float32:
        linear.register_forward_pre_hook(_take_float32)
        linear.register_forward_hook(partial(_give, dtype=weight.dtype))
    linear.float()


def _take_float32(linear: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return inputs if _is_autocast(inputs[0]) else (inputs[0].float(), *inputs[1:])


def _give(linear: nn.Module, inputs: tuple[Tensor, ...], output: Tensor, *, dtype: torch.dtype) -> Tensor:
    return output if _is_autocast(output) else output.to(dtype)


def _is_autocast(tensor: Tensor) -> bool:
    return torch.is_autocast_enabled(tensor.device.type)


def adapted_layers(model: nn.Module) -> list[Any]:
    return [module for module in model.modules() if isinstance(module, LoraLayer)]


@torch.no_grad()
def merging_error(model: nn.Module) -> dict[str, float] | None:
    """How far updates are from what is added to the weights, once they are rounded to float32 and to bfloat16.

    |round(W + B A) - W - B A| / |B A|, by the Frobenius norms of all adapted layers; None without an update.
    """
    squares = torch.zeros(3, dtype=torch.float64)
    for layer in adapted_layers(model):
        weight = layer.get_base_layer().weight.double()
        update = sum(
            (layer.get_delta_weight(name).double() for name in layer.active_adapters if name in layer.lora_A),
            torch.zeros_like(weight),
        )
        exact = weight + update
        wrong = [(exact.to(kind).double() - exact).square().sum() for kind in (torch.float32, torch.bfloat16)]
        squares += torch.stack([*wrong, update.square().sum()]).cpu()
    if not squares[2]:
        return None
    float32, bfloat16 = (squares[:2] / squares[2]).sqrt().tolist()
    return {"float32": float32, "bfloat16": bfloat16}
