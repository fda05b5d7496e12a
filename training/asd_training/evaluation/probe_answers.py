"""A probe's questions answered by a transformers model: text alone, or with pictures; before, after and while tuning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback

from asd.probing.comparing import MAX_DROP, Comparison, compare
from asd.probing.items import ProbeItem, read_items
from asd.schemas.image_marks import strip_marks
from asd_training.config import ModelConfig
from asd_training.errors import ModelError, SettingError
from asd_training.evaluation.generate import GREEDY, without_own_settings
from asd_training.models import UNLOADABLE, first_line, load_model, load_processor
from asd_training.processes import start_processes

MAX_NEW_TOKENS = 256
_BATCH = 8

Tell = Callable[[int, int], None]


def load_to_answer(name: str, adapter: str | None = None, device: str | None = None) -> tuple[nn.Module, Any]:
    """A model that reads text, or text and pictures, and its tokenizer or processor.

    name: folder, name on the hub, or GGUF file in one of these; adapter: folder of a PEFT adapter on top; device: as torch
    names them, None for an accelerator where there is one.
    Raises: ModelError if one of them cannot be loaded, or has no chat template or no end token, or does not go to the device;
    SettingError for a device that torch does not know.
    """
    place = _device(device)
    config = ModelConfig(name=name)
    model: Any = load_model(config, setting="--model")
    processor = load_processor(config, "--model")
    if processor.tokenizer.eos_token is None:
        raise ModelError(f"the tokenizer of {name!r} has no end token (eos_token), so an answer could not end; set one")
    reader = processor if processor.image_processor is not None else processor.tokenizer
    if adapter is not None:
        from peft import PeftModel

        try:
            model = PeftModel.from_pretrained(model, adapter)
        except UNLOADABLE as exc:
            raise ModelError(
                f"the model {name!r} with adapter {adapter!r} cannot be loaded: {first_line(exc)}"
            ) from exc
    if tokenizer_of(reader).chat_template is None and getattr(reader, "chat_template", None) is None:
        raise ModelError(f"{name!r} has no chat template, so it is not known how it is asked; give a chat model")
    return _on(model, place).eval(), reader


def _device(name: str | None) -> torch.device:
    """Raises: SettingError."""
    if name is None:
        return start_processes()
    try:
        device = torch.device(name)
    except RuntimeError as exc:
        raise SettingError(f"--device {name}: {first_line(exc)}") from exc
    if device.type == "meta":
        raise SettingError(f"--device {name}: tensors there hold no numbers; give cpu, cuda, mps, ...")
    return device


def _on(model: Any, device: torch.device) -> Any:
    """Raises: ModelError where the device is not there, or has too little memory."""
    try:
        return model.to(device)
    except (AssertionError, RuntimeError, NotImplementedError) as exc:  # AssertionError: torch was built without it
        raise ModelError(
            f"the model does not go to the device {device} ({first_line(exc)}); give --device cpu"
        ) from exc


def tokenizer_of(reader: Any) -> Any:
    """Of a processor; a tokenizer is its own. Its padding token is set where it has none."""
    tokenizer = getattr(reader, "tokenizer", reader)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def answer_items(
    model: Any,
    reader: Any,
    items: Sequence[ProbeItem],
    beside: Path,
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
    tell: Tell = lambda done, of: None,
) -> list[ProbeItem]:
    """The items with the model's greedy answers. Each module is left in the mode, training or not, in which it came.

    reader: tokenizer, or processor of a model that sees. beside: folder that image paths are relative to.
    tell: is told how many are answered, and of how many. Raises: ModelError for pictures that a model of text is asked about.
    """
    sees = getattr(reader, "image_processor", None) is not None
    if not sees and any(item.images for item in items):
        raise ModelError(
            f"{sum(bool(item.images) for item in items)} of the questions have pictures, and {type(model).__name__} reads "
            "text alone: ask `asd probe questions --text-only` ones"
        )
    order = sorted(range(len(items)), key=lambda place: (len(items[place].prompt), place))
    batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
    if sees:  # pictures of different sizes do not stand in one batch in every processor
        batches = [[place] for place in order]
    answers: dict[int, str] = {}
    with _evaluating(model):
        for places in batches:
            inputs = _inputs(reader, [items[place] for place in places], beside, sees=sees)
            answers.update(zip(places, _generate(model, tokenizer_of(reader), inputs, max_new_tokens), strict=True))
            tell(len(answers), len(items))
    return [item.model_copy(update={"answer": answers[place]}) for place, item in enumerate(items)]


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """All modules in evaluation mode, and afterwards each as it was: some stay frozen in it while others train."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was_training in modes:
            module.training = was_training


def _inputs(reader: Any, items: Sequence[ProbeItem], beside: Path, *, sees: bool) -> Any:
    chats = [[{"role": "user", "content": _content(item, beside, sees=sees)}] for item in items]
    tokenizer = tokenizer_of(reader)
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    try:
        return reader.apply_chat_template(
            chats, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt", padding=True
        )
    finally:
        tokenizer.padding_side = side


def _content(item: ProbeItem, beside: Path, *, sees: bool) -> Any:
    text = strip_marks(item.prompt).text
    if not sees:
        return text
    return [*({"type": "image", "path": str(beside / name)} for name in item.images), {"type": "text", "text": text}]


def _generate(model: Any, tokenizer: Any, inputs: Any, max_new_tokens: int) -> list[str]:
    from transformers import GenerationConfig

    ends = {tokenizer.eos_token_id, *_as_list(getattr(model.generation_config, "eos_token_id", None))} - {None}
    settings = GenerationConfig(  # type: ignore[no-untyped-call]
        **GREEDY, max_new_tokens=max_new_tokens, eos_token_id=sorted(ends), pad_token_id=tokenizer.pad_token_id
    )
    device = next(model.parameters()).device
    batch = {name: value.to(device) for name, value in inputs.items()}
    with torch.inference_mode(), without_own_settings(model):
        written = model.generate(**batch, generation_config=settings)
    start = batch["input_ids"].shape[1]
    return [text.strip() for text in tokenizer.batch_decode(written[:, start:], skip_special_tokens=True)]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


class StyleProbe(TrainerCallback):
    """Probes the answer styles while a `transformers.Trainer` (or one of TRL) tunes, and warns or stops when one is lost.

    questions: file of `asd probe questions`. reader: the model's tokenizer or processor. every_steps: how often it asks.
    max_drop: share of a style's questions by which it may fall against the start. stop: end the training then.
    `history` holds a comparison with the start for each time; losses of style are written to the trainer's log
    (`style_<name>`: share of answers in that style).
    """

    def __init__(
        self,
        questions: str | Path,
        reader: Any,
        *,
        every_steps: int = 50,
        max_drop: float = MAX_DROP,
        stop: bool = False,
        max_new_tokens: int = 64,
    ) -> None:
        self.items, self.beside = read_items(Path(questions)), Path(questions).parent
        self.reader, self.every_steps, self.max_drop, self.stop = reader, every_steps, max_drop, stop
        self.max_new_tokens = max_new_tokens
        self.before: list[ProbeItem] = []
        self.history: list[tuple[int, Comparison]] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask before the first step, and where a stopped training goes on, against that point."""
        self.before = self._ask(kwargs["model"])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.every_steps:
            return
        comparison = compare(self.before, self._ask(kwargs["model"]), self.max_drop)
        self.history.append((state.global_step, comparison))
        state.log_history.append(
            {
                "step": state.global_step,
                **{f"style_{change.style.value}": change.follows.after for change in comparison.styles},
            }
        )
        for change in comparison.styles:
            if change.verdict == "lost":
                print(f"step {state.global_step}: {change.sentence}")
        if self.stop and comparison.fallen:
            control.should_training_stop = True

    def _ask(self, model: Any) -> list[ProbeItem]:
        return answer_items(model, self.reader, self.items, self.beside, max_new_tokens=self.max_new_tokens)
