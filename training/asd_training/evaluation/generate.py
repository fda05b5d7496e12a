"""Batched greedy generation: rows of similar length together, padded on the left, answers in the order asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from asd_training.encoding import Collator, Encoded
from asd_training.layers.conditioning import condition
from asd_training.layers.sharded import is_sharded
from asd_training.processes import gather_by_position, share_of

GREEDY: dict[str, Any] = {"do_sample": False, "num_beams": 1, "repetition_penalty": 1.0}
Allowed = Callable[[tuple[int, ...]], Sequence[int]]
"""Tokens written so far -> tokens that may come next."""


@dataclass(frozen=True)
class Generation:
    """batch: rows at a time; max_new_tokens: per answer; autocast: run in bfloat16; end: the token that closes answers in
    training, None = the tokenizer's end token."""

    batch: int = 16
    max_new_tokens: int = 64
    autocast: bool = False
    end: int | None = None


def generate(
    model: nn.Module,
    tokenizer: Any,
    collator: Collator,
    rows: Sequence[Encoded],
    settings: Generation,
    allowed: Sequence[Allowed] | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> list[str]:
    """The most likely answers, token by token, without end tokens and outer blanks.

    allowed: per row, which tokens may come next; None = all. tell: is told after each batch how many of the rows of this
    process are answered, and of how many. With several processes each takes every n-th batch
    and all get all answers.
    """
    model.eval()
    device = next(model.parameters()).device
    order = sorted(range(len(rows)), key=lambda number: (len(rows[number].ids), number))
    batches = [order[start : start + settings.batch] for start in range(0, len(order), settings.batch)]
    mine: dict[int, str] = {}
    together = any(is_sharded(parameter) for parameter in model.parameters())
    shares = share_of(batches, even=together)
    own = len({number for numbers in shares for number in numbers})
    for numbers in shares:
        batch = {key: t.to(device) for key, t in collator.generation([rows[n] for n in numbers]).items()}
        limits = [allowed[n] for n in numbers] if allowed is not None else None
        with torch.inference_mode(), _precision(device, settings.autocast):
            texts = _generate_batch(model, tokenizer, batch, settings, limits, together)
        mine.update(zip(numbers, texts, strict=True))
        tell(len(mine), own)
    answers = gather_by_position(mine)
    return [answers[number] for number in range(len(rows))]


def _precision(device: torch.device, autocast: bool) -> AbstractContextManager[Any]:
    return torch.autocast(device.type, dtype=torch.bfloat16) if autocast else nullcontext()


def _generate_batch(
    model: Any,
    tokenizer: Any,
    batch: dict[str, Tensor],
    asked: Generation,
    limits: list[Allowed] | None,
    together: bool = False,
) -> list[str]:
    """together: go on until the batches of all processes have ended."""
    from transformers import GenerationConfig, LogitsProcessorList

    ends = end_tokens(model, tokenizer, asked.end)
    condition(model, batch)
    settings = GenerationConfig(  # type: ignore[no-untyped-call]
        **GREEDY, max_new_tokens=asked.max_new_tokens, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id
    )
    start = batch["input_ids"].shape[1]
    processors = LogitsProcessorList([_Limit(limits, start, ends)] if limits is not None else [])
    with without_own_settings(model):
        written = model.generate(
            **batch, generation_config=settings, logits_processor=processors, synced_gpus=together or None
        )
    return [answer_text(tokenizer, tokens, ends) for tokens in written[:, start:].tolist()]


@contextmanager
def without_own_settings(model: nn.Module) -> Iterator[None]:
    """`generate` fills what is not set from the model's own generation_config.json: penalties, banned words, stops."""
    from transformers import GenerationConfig

    base = base_model(model)
    before = base.generation_config
    base.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        base.generation_config = before


def base_model(model: nn.Module) -> Any:
    """Without PEFT around it."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def stated_settings(model: nn.Module, tokenizer: Any, asked: Generation) -> dict[str, Any]:
    """All that decides how answers are written, for the records of a run; nothing else of the model is used."""
    ends = end_tokens(model, tokenizer, asked.end)
    return {
        **GREEDY,
        "max_new_tokens": asked.max_new_tokens,
        "end_tokens": {str(token): tokenizer.convert_ids_to_tokens(token) for token in ends},
        "not_used": unused_settings(model),
    }


def unused_settings(model: nn.Module) -> dict[str, Any]:
    """What the model's generation_config.json sets and evaluation does not use."""
    own = getattr(base_model(model), "generation_config", None)
    if own is None:
        return {}
    usual = {**own._get_default_generation_params(), **GREEDY, "use_cache": True}
    of_files = {"transformers_version", "_from_model_config"}
    return {
        name: value
        for name, value in sorted(own.to_diff_dict().items())
        if value not in (None, False, usual.get(name)) and name not in of_files and not name.endswith("_token_id")
    }


def end_tokens(model: Any, tokenizer: Any, end: int | None = None) -> list[int]:
    """The tokenizer's end token, the one that closes answers in training, and those that the model's settings name."""
    named = getattr(getattr(base_model(model), "generation_config", None), "eos_token_id", None)
    listed = named if isinstance(named, list) else [] if named is None else [named]
    return sorted({tokenizer.eos_token_id, *([] if end is None else [end]), *listed})


def answer_text(tokenizer: Any, tokens: list[int], ends: list[int]) -> str:
    """What was written up to the first end token."""
    stop = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    text: str = tokenizer.decode(tokens[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text.strip()


class _Limit:
    """Scores of tokens that may not come next become -inf; a row that has ended is left alone."""

    def __init__(self, limits: list[Allowed], start: int, ends: list[int]) -> None:
        self.limits, self.start, self.ends = limits, start, frozenset(ends)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        limited = torch.full_like(scores, float("-inf"))
        for row, tokens in enumerate(input_ids[:, self.start :].tolist()):
            if self.ends.isdisjoint(tokens):
                places = torch.tensor(list(self.limits[row](tuple(tokens))), device=scores.device)
                limited[row, places] = scores[row, places]
            else:
                limited[row] = scores[row]
        return limited
