"""Loading a model, of text and pictures or of text alone, with every key accounted for; what of it is trained."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from asd_training.errors import ModelError, list_names
from asd_training.hub import hub_options
from asd_training.layers.adapter_targets import projector_paths, reads_pictures
from asd_training.layers.lora_pairs import layer_name
from asd_training.methods.adapters import check_keys, read_tensors
from asd_training.pocket.source import model_location

if TYPE_CHECKING:
    from asd_training.config import ModelConfig, RunConfig

GGUF = "gguf_file"
"""Option of `from_pretrained`."""
_CUT_SHORT = (OSError, SafetensorError, struct.error, IndexError)
UNLOADABLE = (*_CUT_SHORT, ValueError, RuntimeError, ImportError, KeyError)
"""What the libraries raise for files of a model, processor or adapter that are missing, cut short or of another kind."""
_HUB_NAME = re.compile(r"\w[\w.-]*/[\w.-]+")
DTYPES = {"auto": "auto", "float32": torch.float32, "bfloat16": torch.bfloat16}


class TextProcessor:
    """A tokenizer in a processor's place: of a model that reads text alone."""

    image_processor = None

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, text: list[str], **options: Any) -> Any:
        return self.tokenizer(text, **options)

    def save_pretrained(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder)


def load_processor(config: ModelConfig, setting: str = "model.name") -> Any:
    """Its `image_processor` is None where the model reads text alone. setting: where the model's name stands.

    Raises: ModelError if there is none, or it takes no text.
    """
    from transformers import AutoProcessor, AutoTokenizer

    where = "model.processor" if config.processor else setting
    given = config.processor or config.name
    name, options = _locate(given, where)
    if Path(name).is_absolute() and not Path(name).is_dir():
        raise ModelError(f"{where}: there is no folder {name}; give one with the model's files, or a hub name")
    try:
        if reads_pictures(_settings(*(_locate(config.name, setting) if config.processor else (name, options)))):
            processor: Any = AutoProcessor.from_pretrained(name, **options)  # type: ignore[no-untyped-call]
        else:
            processor = TextProcessor(AutoTokenizer.from_pretrained(name, **options))
    except UNLOADABLE as exc:
        known = "model.processor, else model.name" if setting == "model.name" else setting
        raise ModelError(
            f"no processor was loaded from {given!r}: {first_line(exc)} Give a folder with the processor's files, or the "
            f"name of a model that is on the hub or was downloaded before ({known})"
        ) from exc
    if not hasattr(processor, "tokenizer") or not hasattr(processor, "image_processor"):
        raise ModelError(f"{given!r} has a {type(processor).__name__}, expected a processor for text and images")
    tokenizer = processor.tokenizer
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return processor


def load_model(config: ModelConfig, precision: str = "bfloat16", setting: str = "model.name") -> nn.Module:
    """Any `AutoModelForImageTextToText` or `AutoModelForCausalLM`, all parameters frozen, in evaluation mode.

    precision: `train.precision`; with float32, weights that were saved in half precision become float32. Weights that
    were saved in float16 become bfloat16 otherwise. setting: where the model's name stands.
    Raises: ModelError if it cannot be loaded, or its files lack parameters or have parameters that it does not.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    name, options = _locate(config.name, setting)
    try:
        model, info = _auto_class(_settings(name, options)).from_pretrained(
            name,
            dtype=torch.float32 if precision == "float32" else DTYPES[config.dtype],
            attn_implementation=config.attention,
            output_loading_info=True,
            **(options | _unpacked() if GGUF in options else options),
        )
    except UNLOADABLE as exc:
        raise ModelError(
            f"the model {config.name!r} cannot be loaded: {first_line(exc)}{_advice(exc)} ({setting})"
        ) from exc
    _check_loading(config.name, info)
    if GGUF in options:  # else transformers neither trains nor saves it
        model.hf_quantizer = None
        vars(model.config).pop("quantization_config", None)
    model.requires_grad_(False)
    for parameter in model.parameters():
        if parameter.dtype == torch.float16:
            parameter.data = parameter.data.bfloat16()
    frozen: nn.Module = model.eval()
    return frozen


def lay_out(config: ModelConfig) -> Any:
    """The model without weights, on the device `meta`: its parts and their shapes. Raises: ModelError."""
    from transformers import GenerationConfig

    name, options = _locate(config.name, "model.name")
    try:
        settings = _settings(name, options)
        with torch.device("meta"):
            model = _auto_class(settings).from_config(settings, attn_implementation=config.attention)
    except UNLOADABLE as exc:
        raise ModelError(
            f"the model {config.name!r} cannot be laid out: {first_line(exc)}{_advice(exc)} (model.name, model.attention)"
        ) from exc
    if GGUF not in options:
        with suppress(OSError):  # many models have no such file
            model.generation_config = GenerationConfig.from_pretrained(name, **options)
    return model


def _locate(given: str, setting: str) -> tuple[str, dict[str, Any]]:
    """Folder or hub name, and options for `from_pretrained`. What ends in .gguf names a file in one of these.

    Raises: ModelError for a file that is not there, or if the hub does not answer.
    """
    name = model_location(given)
    if not name.lower().endswith(".gguf") or Path(name).is_dir():
        return name, hub_options(name, setting)
    folder, _, file = name.rpartition("/")
    folder = folder or ("/" if name.startswith("/") else ".")
    if not Path(name).is_file() and (Path(folder).is_dir() or not _HUB_NAME.fullmatch(folder)):
        raise ModelError(
            f"{setting}: there is no file {given}; give a GGUF file's path, or OWNER/NAME/FILE.gguf of the hub"
        )
    return folder, {GGUF: file, **hub_options(folder, setting)}


def _settings(name: str, options: dict[str, Any]) -> Any:
    """What config.json says, or the head of a GGUF file."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(name, **options)


def _auto_class(settings: Any) -> Any:
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    return AutoModelForImageTextToText if reads_pictures(settings) else AutoModelForCausalLM


def _unpacked() -> dict[str, Any]:
    """Options that make plain weights of a GGUF file's; older transformers do so anyway."""
    from transformers.utils import quantization_config

    kind = getattr(quantization_config, "GgufConfig", None)
    return {"quantization_config": kind(dequantize=True)} if kind else {}


def weight_dtype(config: ModelConfig, precision: str, saved: torch.dtype | None) -> torch.dtype:
    """Of the frozen weights as `load_model` leaves them. saved: as the model's config.json says."""
    if precision == "float32" or config.dtype == "float32":
        return torch.float32
    if config.dtype == "bfloat16" or saved == torch.float16:
        return torch.bfloat16
    return saved or torch.float32


def projector_or_none(model: nn.Module, setting: str = "auto") -> list[str] | None:
    """Paths of the projector's modules; None where none is found."""
    try:
        return projector_paths(model, setting)
    except ModelError:
        return None


def merges_in_float32(config: RunConfig, size: int) -> bool:
    """Whether adapters are merged into weights of `size` bytes that become float32 by it."""
    merges = getattr(config.method, "between_tasks", "merge" if config.method.method == "joint" else "")
    return size < torch.float32.itemsize and merges == "merge"


def _check_loading(name: str, info: dict[str, Any]) -> None:
    kinds = {"missing_keys": "missing", "unexpected_keys": "not in the model", "mismatched_keys": "of another shape"}
    problems = [
        f"{len(info[kind])} {what}: {list_names(str(key) for key in info[kind])}"
        for kind, what in kinds.items()
        if info.get(kind)
    ]
    if problems:
        raise ModelError(
            f"the weights of {name!r} do not fit its architecture: {'; '.join(problems)}; complete the download"
        )


def first_line(exc: BaseException) -> str:
    """Of its message, with the next where it ends in a colon; its kind where there is no message."""
    lines = [line.strip() for line in str(exc).strip().splitlines()] or [type(exc).__name__]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])


def _advice(exc: BaseException) -> str:
    return " Complete the download" if isinstance(exc, _CUT_SHORT) else ""


def make_projector(model: nn.Module, config: RunConfig) -> Projector | None:
    """Its parameters are trainable from here on. None where it stays frozen, or the model reads text alone."""
    if config.train.projector_lr is None or not reads_pictures(model.config):
        return None
    projector = Projector(model, config.model.projector)
    projector.make_trainable(model)
    return projector


class Projector:
    """The modules between vision tower and language model: trained with a rate of its own, carried from task to
    task.

    Names are those of the model without wrappers, so that a state fits whatever PEFT or DDP put around it.
    """

    def __init__(self, model: nn.Module, setting: str = "auto") -> None:
        self.paths = projector_paths(model, setting)

    def parameters(self, model: nn.Module) -> dict[str, nn.Parameter]:
        prefixes = tuple(path + "." for path in self.paths)
        named = ((layer_name(path), parameter) for path, parameter in model.named_parameters())
        return {name: parameter for name, parameter in named if name.startswith(prefixes)}

    def make_trainable(self, model: nn.Module) -> None:
        """In float32: steps of 1e-5 would be lost in half precision."""
        for path in self.paths:
            model.get_submodule(path).float()
        for parameter in self.parameters(model).values():
            parameter.requires_grad_(True)

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        return {name: parameter.detach().cpu().contiguous() for name, parameter in self.parameters(model).items()}

    def save(self, model: nn.Module, path: Path) -> None:
        save_file(self.state(model), path)

    def load(self, model: nn.Module, path: Path) -> None:
        """Raises: StateError if a key is missing or left over, or a shape differs."""
        saved = read_tensors(path)
        parameters = self.parameters(model)
        check_keys(saved, dict(parameters), str(path))
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(saved[name])


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def require_gradients(model: nn.Module, tasks: Sequence[str]) -> None:
    """Raises: ModelError if nothing of the model would be trained."""
    if not trainable(model):
        raise ModelError(f"nothing of {type(model).__name__} would be trained on {', '.join(tasks)}")
