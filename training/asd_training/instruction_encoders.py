"""Frozen encoders of instruction texts, for methods that choose what to use by what is asked.

The setting `encoder` names one of:

  hashed-words          built in, no weights: every word and pair of neighbouring words is a fixed random direction. It
                        knows no meaning, only which words are there. For tests and for machines without models.
  package.module:name   any function, list[str] -> array (texts, d); imported when first needed
  anything else         folder or hub name of a sentence encoder that `transformers` loads; the mean over its last hidden
                        states, as sentence-transformers' models are trained (nli-roberta-base-v2, all-MiniLM-L6-v2, ...)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import xxhash
from torch import Tensor
from torch.nn.functional import normalize

from asd_training.errors import SettingError
from asd_training.hub import hub_options

_SETTING = "method.encoder, where hashed-words needs no download"
HASHED_SIZE = 256
InstructionEncoder = Callable[[Sequence[str]], Tensor]
"""Texts -> float32 (texts, d) of length 1, on the CPU."""

_WORD = re.compile(r"\w+|[^\w\s]")


def build_instruction_encoder(settings: Any) -> InstructionEncoder:
    """settings: a method's, with `encoder`. Raises: SettingError if there is no such encoder."""
    name: str = settings.encoder
    if name == "hashed-words":
        encode: Callable[[Sequence[str]], Any] = hashed_words
    elif ":" in name:
        encode = _imported(name)
    else:
        encode = SentenceEncoder(name)
    return lambda texts: _unit(encode(list(texts)), name, len(texts))


def instruction_size(settings: Any) -> int:
    """How many numbers an embedding has; no weights are loaded to find out. Raises: SettingError."""
    name: str = settings.encoder
    if name == "hashed-words":
        return HASHED_SIZE
    if ":" in name:
        return int(_unit(_imported(name)(["?"]), name, 1).shape[1])
    from transformers import AutoConfig

    with _loading(name):
        return int(AutoConfig.from_pretrained(name, **hub_options(name, _SETTING)).hidden_size)


@contextmanager
def _loading(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as exc:
        raise SettingError(
            f"method.encoder {name!r} cannot be loaded ({str(exc).strip().splitlines()[0]}); "
            "give a folder with a sentence encoder, module:function, or hashed-words"
        ) from exc


def _unit(given: Any, name: str, count: int) -> Tensor:
    vectors = torch.as_tensor(given, dtype=torch.float32)
    if vectors.dim() != 2 or len(vectors) != count or not vectors.isfinite().all():
        raise SettingError(
            f"method.encoder {name!r} gave {tuple(vectors.shape)} for {count} texts; expected finite ({count}, d)"
        )
    return normalize(vectors, dim=-1)


def hashed_words(texts: Sequence[str]) -> Tensor:
    """float32 (texts, 256): the sum of the directions of all words, lower case, and pairs of neighbours."""
    return torch.from_numpy(np.stack([_words_vector(text) for text in texts]))


def _words_vector(text: str) -> Any:
    words = _WORD.findall(text.lower()) or [""]
    pairs = [f"{word} {other}" for word, other in pairwise(words)]
    return np.sum([_direction(part) for part in (*words, *pairs)], axis=0, dtype=np.float32)


@lru_cache(maxsize=65536)
def _direction(part: str) -> Any:
    draw = np.random.Generator(np.random.PCG64(xxhash.xxh3_64_intdigest(part.encode())))
    return draw.standard_normal(HASHED_SIZE, dtype=np.float32)


def _imported(name: str) -> Callable[[Sequence[str]], Any]:
    module, _, function = name.partition(":")
    try:
        encode: Callable[[Sequence[str]], Any] = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as exc:
        raise SettingError(f"method.encoder {name!r} cannot be imported ({exc}); expected package.module:name") from exc
    return encode


class SentenceEncoder:
    """A transformer, mean pooled over the tokens that are not padding; frozen. Raises: SettingError."""

    def __init__(self, name: str, *, batch: int = 64) -> None:
        from transformers import AutoModel, AutoTokenizer

        with _loading(name):
            options = hub_options(name, _SETTING)
            self.tokenizer = AutoTokenizer.from_pretrained(name, **options)
            self.model = AutoModel.from_pretrained(name, dtype=torch.float32, **options).requires_grad_(False).eval()
        self.batch = batch

    def __call__(self, texts: Sequence[str]) -> Tensor:
        parts = [self._encode(texts[start : start + self.batch]) for start in range(0, len(texts), self.batch)]
        return torch.cat(parts)

    def _encode(self, texts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            hidden = self.model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        pooled: Tensor = (hidden * mask).sum(1) / mask.sum(1)
        return pooled
