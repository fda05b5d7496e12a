"""Which modules of a model are which: the language model's linears, and, where it sees, the projector.

Found by structure (the decoder that the model names, and what lies outside it), never by the model's class.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from asd_training.errors import ModelError, list_names

PROJECTOR_NAMES = (
    "multi_modal_projector", "mm_projector", "connector", "merger", "deepstack_merger_list", "aligner", "embed_vision",
)  # fmt: skip
"""Last names of the modules between vision tower and language model: LLaVA and Gemma 3; forks of LLaVA;
Idefics 3 and SmolVLM; Qwen-VL; Qwen3-VL; Janus; Gemma 3n."""


def reads_pictures(config: Any) -> bool:
    """Whether a model with this configuration is one that `AutoModelForImageTextToText` loads."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    return type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING


def language_model_path(model: nn.Module) -> str:
    """Path of the language model inside the whole; of a model of text alone, of all but its head.

    Raises: ModelError if a model that sees does not have one apart.
    """
    find: Any = getattr(model, "get_decoder", None)
    decoder = find() if callable(find) else None
    paths: list[str] = [path for path, module in model.named_modules() if module is decoder and path]
    is_all = bool(paths) and paths[0] == getattr(model, "base_model_prefix", None)
    if not paths or (is_all and reads_pictures(model.config)):
        raise ModelError(
            f"{type(model).__name__} does not name a language model of its own (get_decoder); "
            "expected a model as AutoModelForImageTextToText or AutoModelForCausalLM loads it"
        )
    return paths[0]


def adapter_targets(model: nn.Module, wanted: str | Sequence[str] = "all-linear") -> str:
    """A pattern for PEFT's `target_modules`: the language model's linear layers, all or those last named as wanted.

    Raises: ModelError if a wanted name fits no linear layer of the language model.
    """
    root = language_model_path(model)
    linears = [path for path, module in model.get_submodule(root).named_modules() if isinstance(module, nn.Linear)]
    known = sorted({path.rpartition(".")[2] for path in linears})
    names = known if wanted == "all-linear" else list(wanted)
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise ModelError(
            f"the language model ({root}) of {type(model).__name__} has no linear layer named "
            f"{list_names(missing) or 'anything'}; it has {list_names(known) or 'none'}; see train.lora.targets"
        )
    return rf"{re.escape(root)}\.(?:.*\.)?(?:{'|'.join(map(re.escape, names))})"


def adapted_linears(model: nn.Module, wanted: str | Sequence[str] = "all-linear") -> list[nn.Linear]:
    """The layers that `adapter_targets` names. Raises: as that."""
    pattern = re.compile(adapter_targets(model, wanted))
    return [m for path, m in model.named_modules() if isinstance(m, nn.Linear) and pattern.fullmatch(path)]


def projector_paths(model: nn.Module, setting: str = "auto") -> list[str]:
    """Paths of the projector's modules. setting: "auto", or the path of one module. Raises: ModelError."""
    modules = dict(model.named_modules())
    if setting != "auto":
        if setting not in modules:
            named = [path for path in modules if path.rpartition(".")[2] in PROJECTOR_NAMES]
            known = f"it has {list_names(named)}" if named else "give the path of one that it has"
            raise ModelError(f"{type(model).__name__} has no module {setting!r} (model.projector); {known}")
        return [setting]
    inside = language_model_path(model) + "."
    paths = [
        path
        for path, module in modules.items()
        if path.rpartition(".")[2] in PROJECTOR_NAMES
        and not path.startswith(inside)
        and any(True for _ in module.parameters())
    ]
    outermost = [path for path in paths if not any(path.startswith(other + ".") for other in paths)]
    if not outermost:
        raise ModelError(
            f"no projector was found in {type(model).__name__} (looked for modules named {', '.join(PROJECTOR_NAMES)}); "
            "name it in model.projector, or set train.projector_lr to null to leave it frozen"
        )
    return outermost
