"""The settings of a conversion, and those of them that decide its content (its identity)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from asd.errors import UnknownNameError
from asd.rewrite.settings import RewriterSettings
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, parse_style
from asd.schemas.task import TaskSpec
from asd.scoring import find_rule
from asd.sources.native_rows import normalise_split
from asd.tasks.registry import general_rfp_keys, load_task

NOT_IDENTITY = {
    "task": "the task spec itself is hashed",
    "source": "the source's files are hashed",
    "out": "where, not what",
    "sample_apart": "where, not what",
    "image_root": "hashed by itself where paths are absolute, and through the images where they are embedded",
    "source_format": "the layout that was used is hashed",
    "template_dir": "the templates themselves are hashed",
    "workers": "speed only",
    "engine": "where the work is done, not what comes of it",
    "ray_address": "where the work is done",
    "ray_rewriters": "where the model is asked",
    "ray_rewriter_gpus": "where the model is asked",
    "publish": "where, not what",
    "strict": "stops a run, changes no sample",
    "max_reject_rate": "stops a run, changes no sample",
    "name": "a label on the finished version",
    "rfps": "the task spec is hashed with them",
    "rewriter": "has an identity of its own, hashed where there is one",
}
"""Settings that do not enter the version id, each with its reason."""


class ConvertConfig(BaseModel):
    """Settings of one conversion."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    task: str
    """Name of a built-in task, or path of a task YAML."""
    source: str | None = None
    """File, directory or hf:NAME; None looks in the data root, then on the hub, then takes the embedded sample."""
    out: Path | None = None
    """Dataset directory; default asd-data/<task>, or asd-data/<task>-sample for the embedded sample."""
    sample_apart: bool = False
    """Write the embedded sample beside `out`, to `<out>-sample`: for an `out` that was not asked for, e.g. a recipe's."""
    ratio: float = Field(default=0.2, ge=0.0, le=1.0, allow_inf_nan=False)
    """Share of the samples that leave the native style (SEFE's X): exactly round(ratio * samples) of them."""
    ratio_per_style: dict[AnswerStyle, float] | None = None
    """Share of the samples that take each style; replaces `ratio`. The shares add up to at most 1."""
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    styles: tuple[AnswerStyle, ...] | None = None
    """Target styles; None = all that the task's spec allows."""
    split: str | None = None
    """Read only rows of this split; None = all."""
    rfps: dict[str, list[str]] | None = None
    """Response-format prompts that replace the task's, by style (keys of `asd/tasks/_defaults.yaml`)."""
    template_dir: Path | None = None
    source_format: str | None = None
    image_root: Path | None = None
    publish: str | None = None
    """Address (s3://, gs://, ...) that the finished version is copied to as well."""
    embed_images: bool = False
    follow_links: bool = False
    """Store images, too, that links below the image root point to elsewhere."""
    shard_rows: int = Field(default=65_536, ge=1)
    shard_bytes: int = Field(default=256 * 1024 * 1024, ge=1024)
    workers: int | None = Field(default=None, ge=1)
    engine: Literal["local", "ray"] = "local"
    """The engine that does the work: this machine's cores, or a Ray cluster."""
    ray_address: str | None = None
    """"auto" or "HOST:PORT" of a running cluster; None = $RAY_ADDRESS, else one made of this machine's cores."""
    ray_rewriters: int | None = Field(default=None, ge=1)
    """Workers that ask the model, each with requests of its own; None = one per node, or as many as the GPUs allow."""
    ray_rewriter_gpus: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """GPUs of each; None = what a vLLM of its own needs, none for servers that run already."""
    strict: bool = False
    max_reject_rate: float = Field(default=0.2, ge=0.0, le=1.0)
    name: str | None = None
    rewriter: RewriterSettings | None = None
    """The language model that writes what rules cannot; None = rules, fields and mining alone."""

    @field_validator("styles", mode="before")
    @classmethod
    def parse_styles(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if value is None:
            return None
        styles = tuple(dict.fromkeys(parse_style(str(item)) for item in value))
        if not styles:
            raise ValueError("no style is named")
        return styles

    @field_validator("rfps")
    @classmethod
    def validate_rfps(cls, value: dict[str, list[str]] | None) -> dict[str, list[str]] | None:
        for key, texts in (value or {}).items():
            if key not in general_rfp_keys():
                raise ValueError(f"rfps: no key {key!r} (known: {', '.join(general_rfp_keys())})")
            if not texts or not all(text.strip() for text in texts):
                raise ValueError(f"rfps: {key} needs at least one sentence, and none may be empty")
        return value

    @field_validator("out")
    @classmethod
    def require_local_folder(cls, value: Path | None) -> Path | None:
        if value is not None and re.match(r"[a-z0-9+.-]+:/", str(value)):
            raise ValueError("is a local folder, where the work is done; give the address as publish")
        return value

    @field_validator("split")
    @classmethod
    def normalise_split(cls, value: str | None) -> str | None:
        """One spelling per split, so that "validation" and "val" are the same version."""
        return normalise_split(value) if value is not None else None

    @model_validator(mode="after")
    def validate_engine(self) -> ConvertConfig:
        if self.engine != "ray" and self.ray_address is not None:
            raise ValueError("ray_address needs --engine ray")
        if self.engine != "ray" or self.rewriter is None:
            for name in ("ray_rewriters", "ray_rewriter_gpus"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} needs --engine ray and a rewriter (--rewriter)")
        return self

    @model_validator(mode="after")
    def validate_mix(self) -> ConvertConfig:
        shares = self.ratio_per_style or {}
        if self.ratio_per_style is not None and not shares:
            raise ValueError("ratio_per_style: no style is named")
        for style, share in shares.items():
            if style not in TARGET_STYLES:
                raise ValueError(f"ratio_per_style: {style.value} is no target style")
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"ratio_per_style: {style.value}={share} is outside [0, 1]")
        if sum(shares.values()) > 1.0 + 1e-9:
            raise ValueError(f"ratio_per_style: the shares add up to {sum(shares.values()):g}, more than 1")
        return self

    def load_spec(self) -> TaskSpec:
        """The task, with this conversion's wordings. Raises: as `load_task`; UnknownNameError for its `scorer`."""
        spec = load_task(self.task)
        _require_scorer(spec)  # here, not when the first predictions are scored, after the training
        return spec.model_copy(update={"rfps": {**spec.rfps, **self.rfps}}) if self.rfps else spec

    def identity(self) -> dict[str, Any]:
        """The settings that decide the content, JSON-ready."""
        kept = self.model_dump(mode="json", exclude=set(NOT_IDENTITY))
        if self.ratio_per_style is not None:
            kept["ratio"] = None
        if self.styles is not None:
            kept["styles"] = sorted(kept["styles"])
        return kept


def _require_scorer(spec: TaskSpec) -> None:
    try:
        find_rule(spec.scorer)
    except UnknownNameError as exc:
        hint = f"It is the `scorer` of the task {spec.name!r}; docs/scoring.md has the rules."
        raise UnknownNameError(exc.kind, exc.name, exc.known, hint=hint) from None
