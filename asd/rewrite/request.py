"""What is sent to a language model and what comes back, as plain records with one canonical identity."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson


@dataclass(slots=True, frozen=True)
class ImageInput:
    """An image of a request. `sha256` stands for it in the request's identity; `data_url` is what is sent."""

    sha256: str
    data_url: str = field(repr=False, compare=False)


@dataclass(slots=True, frozen=True)
class Sampling:
    """Sampling settings of a request; part of its identity."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int | None = 0


@dataclass(slots=True, frozen=True)
class CompletionRequest:
    """One chat completion. `schema` is the JSON schema that the reply must satisfy (empty: any text); `template` names
    and hashes the prompt template ("rewrite/yes_no/vqa@1a2b..."). `weight` estimates prompt tokens, for budgets; not
    identity."""

    system: str
    user: str
    images: tuple[ImageInput, ...]
    schema: dict[str, Any]
    schema_name: str
    template: str
    sampling: Sampling
    weight: int = 0

    def key(self, model: str, revision: str) -> str:
        """sha256 (hex) over the canonical JSON of everything that can change the reply."""
        identity = {
            "v": 1,
            "model": model,
            "revision": revision,
            "template": self.template,
            "system": self.system,
            "user": self.user,
            "images": [image.sha256 for image in self.images],
            "schema": self.schema,
            "sampling": [self.sampling.temperature, self.sampling.top_p, self.sampling.max_tokens, self.sampling.seed],
        }
        return hashlib.sha256(orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(slots=True, frozen=True)
class Completion:
    """A finished reply as the server gave it. `cached`: it came from the request cache."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    key: str
    cached: bool = False


@dataclass(slots=True, frozen=True)
class Refusal:
    """A request that this server will never answer (too long for the context, content filter); not worth a retry."""

    reason: str
    detail: str = ""


class Complete(Protocol):
    """The only door to a language model.

    Retries transport faults itself, merges identical requests in flight, answers from the cache. Raises: a
    RewriterError where the run has to stop (budget spent, wrong key, all servers dead for too long).
    """

    async def __call__(self, request: CompletionRequest) -> Completion | Refusal: ...
