"""What the rewriter is told: which model, where it is, how it is asked, and how much it may cost.

Some settings can change a reply or what is made of it; they enter the version id (`identity`). The others are about
speed, place and money: they may differ between two makings of the same version.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from asd.rewrite.gguf_file import gguf_sha256, is_gguf
from asd.rewrite.request import Sampling
from asd.schemas.styles import TARGET_STYLES, WRITTEN_STYLES, AnswerStyle

NOT_IDENTITY = {
    "kind": "the same model gives the same version however it is served, and so do its cached replies",
    "base_urls": "where, not what",
    "api_key_env": "where the key is",
    "api_key_file": "where the key is",
    "cache": "where, not what",
    "timeout_s": "speed only: an answer that comes too late is asked for again",
    "outage_s": "stops a run, changes no sample",
    "max_in_flight": "speed only",
    "max_failures": "stops a run, changes no sample",
    "max_tokens_total": "stops a run, changes no sample",
    "max_cost": "stops a run, changes no sample",
    "price_in": "money, not content",
    "price_out": "money, not content",
    "server_args": "how the model is run; name a quantised model by a `revision` of its own",
}
"""Settings that do not enter the version id, each with its reason."""
_EDGE = 1 << 20
_EXPLAINED = (AnswerStyle.BRIEF_EXPLANATION, AnswerStyle.DETAILED_EXPLANATION)
RETRY_TEMPERATURE = 0.7
"""Of a request that asks again, at least: at 0 a small model writes the refused reply once more, whatever it is told."""


class SamplingSettings(BaseModel):
    """How the model picks its words."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    temperature: float = Field(default=0.0, ge=0.0, le=2.0, allow_inf_nan=False)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0, allow_inf_nan=False)
    max_tokens: int = Field(default=512, ge=16)
    """Of one reply, at most; a style with short replies may ask for fewer."""
    seed: int | None = 0
    """Sent with each request; null for servers that take none."""

    def as_sampling(self, max_tokens: int | None = None, *, is_retry: bool = False) -> Sampling:
        """max_tokens: what the style needs; the smaller of the two counts. is_retry: after a reply that was refused."""
        limit = self.max_tokens if max_tokens is None else min(max_tokens, self.max_tokens)
        temperature = max(self.temperature, RETRY_TEMPERATURE) if is_retry else self.temperature
        return Sampling(temperature, self.top_p, limit, self.seed)


class RewriterSettings(BaseModel):
    """Settings of the language model that writes what rules cannot."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["vllm", "llama-cpp", "openai", "vllm-offline", "cache"]
    """`vllm` and `llama-cpp` start a server and stop it; `openai` uses running ones; `vllm-offline` runs vLLM in this
    process; `cache` contacts nothing: every reply must be in the cache."""
    model: str = Field(min_length=1)
    """Name of the model at the server, or the folder or GGUF file that holds it."""
    revision: str = ""
    """Part of the model's identity: a commit of its repository, a date, a quantisation."""
    base_urls: tuple[str, ...] = ()
    """Of OpenAI-compatible servers, which share the load."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key."""
    api_key_file: Path | None = None
    styles: tuple[AnswerStyle, ...] | None = None
    """Styles that the rewriter may write; None = all that the task's spec gives it."""
    images: Literal["auto", "never", "always"] = "auto"
    """Whether prompts carry the image; `auto`: when there is one and the model takes images."""
    image_max_side: int = Field(default=1024, ge=64, le=8192)
    """Pixels; larger images are scaled down before they are sent."""
    sampling: SamplingSettings = SamplingSettings()
    maker: Literal["rewriter", "self"] = "rewriter"
    """Whose words they are. `self`: the model is the one to be tuned; it writes explanations, without the gold answer at
    the first try, and before the sample's own fields are used."""
    attempts: int = Field(default=3, ge=1, le=10)
    """Requests per sample and style at most: a reply that fails a check is asked for again with the reason."""
    judge: Literal["off", "count", "reject"] = "off"
    """A second request gives a second opinion on each reply: its disagreement is counted, or rejects the reply."""
    group_by_image: int = Field(default=1, ge=1, le=16)
    """Questions of one image that one request may hold; 1 = each its own."""
    timeout_s: float = Field(default=120.0, gt=0.0, allow_inf_nan=False)
    """Of one request."""
    outage_s: float = Field(default=600.0, ge=0.0, allow_inf_nan=False)
    """How long the run waits for a server when all are down, before it stops."""
    max_in_flight: int = Field(default=256, ge=1, le=8192)
    """Requests at once at most; fewer are sent where the servers take fewer."""
    max_failures: int | None = Field(default=1000, ge=0)
    """Failed requests of the whole run (each of them is tried again) before it stops; None = any number."""
    max_tokens_total: int | None = Field(default=None, ge=0)
    """Prompt and reply tokens that the run may use; cached replies use none."""
    max_cost: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """In the currency of the prices."""
    price_in: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """Per 10^6 prompt tokens."""
    price_out: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """Per 10^6 reply tokens."""
    cache: Path | None = None
    """File of the request cache; see `cache_path`."""
    server_args: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """How a server of one's own is run, by name: arguments of vLLM's engine (`max_model_len: 4096`) for `vllm` and
    `vllm-offline`; `threads`, `slots`, `context` and llama.cpp's parameters for `llama-cpp`."""

    @field_validator("base_urls", mode="before")
    @classmethod
    def parse_base_urls(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("base_urls")
    @classmethod
    def require_plain_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """A key in a URL would stand in logs and errors."""
        for url in value:
            parts = urlsplit(url)
            if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
                shown = f"{parts.scheme}://...{parts.hostname or ''}{parts.path}"
                raise ValueError(
                    f"{shown} carries a user, a password or a query; name the key with api_key_env or api_key_file"
                )
            if parts.scheme not in ("http", "https") or not _is_host(parts):
                raise ValueError("a base URL is an http(s) URL, e.g. http://localhost:8000/v1")
        return tuple(dict.fromkeys(url.rstrip("/") for url in value))

    @field_validator("styles", mode="before")
    @classmethod
    def parse_styles(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("styles")
    @classmethod
    def require_targets(cls, value: tuple[AnswerStyle, ...] | None) -> tuple[AnswerStyle, ...] | None:
        for style in value or ():
            if style not in WRITTEN_STYLES:
                raise ValueError(f"the rewriter does not write {style.value}; it writes {', '.join(WRITTEN_STYLES)}")
        return None if value is None else tuple(sorted(set(value), key=TARGET_STYLES.index))

    @model_validator(mode="after")
    def validate_place(self) -> RewriterSettings:
        if self.kind == "openai" and not self.base_urls:
            raise ValueError("openai needs base_urls, e.g. http://localhost:8000/v1")
        if self.kind != "openai" and self.base_urls:
            raise ValueError(f"base_urls belong to openai; {self.kind} finds its model itself")
        if self.server_args and self.kind in ("openai", "cache"):
            raise ValueError(
                "server_args are of a server of one's own; they belong to vllm, vllm-offline and llama-cpp"
            )
        if self.maker == "self" and (odd := [style.value for style in self.styles or () if style not in _EXPLAINED]):
            raise ValueError(f"maker self writes explanations, not {', '.join(odd)}: leave them out of styles")
        if self.api_key_env is not None and self.api_key_file is not None:
            raise ValueError("api_key_env and api_key_file are both given; give one")
        if self.max_cost is not None and (self.price_in is None or self.price_out is None):
            raise ValueError("max_cost needs price_in and price_out")
        return self

    @property
    def wanted_styles(self) -> frozenset[AnswerStyle]:
        """Styles that the model may write, whatever the task."""
        possible = _EXPLAINED if self.maker == "self" else WRITTEN_STYLES
        return frozenset(possible if self.styles is None else set(self.styles).intersection(possible))

    @property
    def model_name(self) -> str:
        """The model's name in request keys, records and manifests: never a path of this machine."""
        if _is_folder(self.model):
            return Path(self.model).resolve().name
        return Path(self.model).name if is_gguf(self.model) else self.model

    @property
    def model_revision(self) -> str:
        """`revision`; where none is given, a fingerprint of the files of a folder, the sha256 of a GGUF file."""
        if not self.revision and is_gguf(self.model):
            return f"sha256:{gguf_sha256(Path(self.model))}"
        if self.revision or not _is_folder(self.model):
            return self.revision
        return _folder_fingerprint(Path(self.model))

    def cache_path(self) -> Path:
        """The request cache: as set, else $ASD_REWRITE_CACHE, else asd/rewrite.sqlite in the user's cache folder."""
        if self.cache is not None:
            return self.cache
        if named := os.environ.get("ASD_REWRITE_CACHE"):
            return Path(named)
        base = os.environ.get("XDG_CACHE_HOME")
        return (Path(base) if base else Path.home() / ".cache") / "asd" / "rewrite.sqlite"

    def identity(self) -> dict[str, Any]:
        """The settings that decide the content, JSON-ready."""
        kept = self.model_dump(mode="json", exclude=set(NOT_IDENTITY))
        return {**kept, "model": self.model_name, "revision": self.model_revision}


def _is_host(parts: SplitResult) -> bool:
    """Raises: ValueError for a port that is none."""
    return bool(parts.hostname) and not any(map(str.isspace, parts.netloc)) and parts.port != 0


def _is_folder(model: str) -> bool:
    return (Path(model) / "config.json").is_file()


def _folder_fingerprint(folder: Path) -> str:
    """Hash over the names and sizes of a model's files and the first and last MiB of each."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(_EDGE))
            if size > _EDGE:
                file.seek(max(size - _EDGE, _EDGE))
                digest.update(file.read(_EDGE))
    return f"files-{digest.hexdigest()[:16]}"
