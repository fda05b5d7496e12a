"""What a mix file says: which rows, from where, in which shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from asd.errors import UsageError, problem_of_setting
from asd.mixing.sizes import Unit
from asd.plain_yaml import read_yaml
from asd.schemas.styles import parse_style

NATIVE = "native"


class MixPart(BaseModel):
    """Rows of one data set. They come from a version that is there (`data`), or from a conversion (`task`, `source`,
    `ratio` and any other setting of `asd convert`), which is made first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(gt=0, le=1, allow_inf_nan=False)
    """Of the mix, in its unit."""
    data: str | None = None
    """DIR[@VERSION], as `asd convert` printed it; relative to the mix file's folder, else to the current one."""
    styles: tuple[str, ...] | None = None
    """Rows of these answer styles alone; `native` is the task's own."""
    split: str | None = "train"
    """Rows of this split; null: all."""
    convert: dict[str, Any] = Field(default_factory=dict)
    """Settings of `asd convert`; in the YAML they stand beside the other keys."""

    @model_validator(mode="before")
    @classmethod
    def gather_settings(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "convert" in raw:
            return raw
        known = set(cls.model_fields)
        settings = {key: value for key, value in raw.items() if key not in known}
        if settings and "data" in raw:
            raise ValueError(f"`data` names a version that is there; {', '.join(settings)} would be for converting one")
        if settings and "task" not in settings:
            raise ValueError(
                f"no key {', '.join(map(repr, settings))} (known: {', '.join(sorted(known))}, or `task` with settings)"
            )
        if not settings and "data" not in raw:
            raise ValueError("say `data: DIR`, or `task:` with `source:` and `ratio:` as in `asd convert`")
        return {key: value for key, value in raw.items() if key in known} | {"convert": settings}

    @field_validator("styles", mode="before")
    @classmethod
    def parse_styles(cls, value: Any) -> Any:
        if value is None:
            return None
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        return tuple(name if name == NATIVE else parse_style(str(name)).value for name in names)


class MixRecipe(BaseModel):
    """A mix file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]*$")
    """Names the version's task, and its folder below asd-data."""
    description: str = ""
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    unit: Unit = "rows"
    """What shares are counted in. words, tokens: those of prompt and response (of every message where there are more); a word is
    two characters where no blanks are written."""
    tokenizer: Path | None = None
    """That counts tokens: a tokenizer.json, or a folder that holds one; beside the mix file, else from the current folder."""
    total: int | None = Field(default=None, gt=0)
    """Rows (words, tokens) of the mix; null: the most that the parts have for their shares, no row twice."""
    parts: dict[str, MixPart] = Field(min_length=1)
    """In the order in which rows that repeat each other are kept: the first part that has one keeps it."""

    @field_validator("parts")
    @classmethod
    def require_names(cls, parts: dict[str, MixPart]) -> dict[str, MixPart]:
        for name in parts:
            if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
                raise ValueError(f"{name!r} cannot name a part: use letters, digits, '_', '-'")
        total = sum(part.share for part in parts.values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the shares add up to {total:g}, expected 1")
        return parts

    @model_validator(mode="after")
    def require_unit_of_tokenizer(self) -> MixRecipe:
        if self.tokenizer is not None and self.unit != "tokens":
            raise ValueError(f"`tokenizer` counts tokens, but shares are counted in {self.unit}: add `unit: tokens`")
        return self


def read_recipe(path: Path) -> MixRecipe:
    """Raises: UsageError that says where in the file."""
    try:
        raw = read_yaml(path)
    except FileNotFoundError:
        raise UsageError(f"{path} is not there. Give the file of a mix; docs/mix.md shows one.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise UsageError(f"{path} cannot be read as YAML ({exc}).") from exc
    try:
        return MixRecipe.model_validate(raw)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"{path}: {where}: {problem_of_setting(first)}") from exc
