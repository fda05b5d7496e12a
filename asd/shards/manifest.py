"""The manifest of one version: everything that says how it was made and what is in it. Written last, deterministic.

No times and no absolute paths: two runs with the same inputs write the same bytes. When and from where a version was
made stands in its ref (`asd.shards.store`), outside the version.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from asd.columns import shard_schema
from asd.errors import ShardError
from asd.plain_files import require_regular
from asd.shards.untrusted import (
    require_inner_path,
    require_inside,
    require_split_name,
    require_task_name,
    require_version_id,
)

FORMAT_VERSION = 3
READABLE_FORMATS = (1, 2, 3)
_REWRITTEN_FORMAT = 2
"""It was that of versions with the column `rewrite`, format 1 that of all others."""
MANIFEST_NAME = "manifest.json"


class FileEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, AfterValidator(require_inner_path)]
    """Relative to the version's folder, posix."""
    split: Annotated[str | None, AfterValidator(require_split_name)] = None
    rows: int | None = Field(default=None, ge=0)
    size_bytes: int = Field(ge=0)
    sha256: str


class Counts(BaseModel):
    """Numbers of samples. `declined` counts makers' refusals by "<style>: <reason>"; a sample may have several."""

    model_config = ConfigDict(extra="forbid")

    samples: int = 0
    converted: int = 0
    wanted: int = 0
    """Samples that were to leave the native style; `converted` is smaller only if `shortfall` is not 0."""
    shortfall: int = 0
    by_split: dict[str, int] = Field(default_factory=dict)
    by_style: dict[str, int] = Field(default_factory=dict)
    by_style_before: dict[str, int] = Field(default_factory=dict)
    by_maker: dict[str, int] = Field(default_factory=dict)
    moved: dict[str, int] = Field(default_factory=dict)
    """"<planned style>-><style it got>": samples."""
    declined: dict[str, int] = Field(default_factory=dict)
    rejects: dict[str, int] = Field(default_factory=dict)
    """Source rows that are no samples, by reason."""
    renamed_ids: int = 0
    """Samples whose source id occurs more than once, so that a suffix was added."""


class ImageCounts(BaseModel):
    """How many images the rows name, and of how many the shards hold the bytes."""

    model_config = ConfigDict(extra="forbid")

    named: int = Field(default=0, ge=0)
    embedded: int = Field(default=0, ge=0)

    def add(self, images: pa.ListArray) -> None:
        """images: the column of a batch of rows."""
        structs = images.flatten()
        self.named += len(structs)
        self.embedded += len(structs) - structs.field("bytes").null_count

    def __iadd__(self, more: ImageCounts) -> ImageCounts:
        self.named += more.named
        self.embedded += more.embedded
        return self


class RewriterEntry(BaseModel):
    """The language model's part in a version. All of it follows from the settings and the replies."""

    model_config = ConfigDict(extra="forbid")

    model: str
    revision: str
    settings: dict[str, Any]
    """Those that decide content."""
    templates: dict[str, str]
    """Prompt template name -> sha256 of its text."""
    code: str
    """sha256 of the code that makes prompts and reads replies."""
    images: str | None = None
    """Hash of the names and sizes of the images below the image root; null where none are sent."""
    asked: int
    """Rows of the plan that the model was asked about."""
    written: int
    """Rows that carry its text."""
    replies: int
    attempts: int
    prompt_tokens: int
    completion_tokens: int
    declined: dict[str, int]
    """"<style>: <reason>" for which its text was not taken -> rows."""
    judged: dict[str, int]
    """Verdict of the second opinion -> rows."""
    digest: str
    """sha256 over ids, requests and replies of all rows asked about: equal if all replies were equal."""


class Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format_version: int = FORMAT_VERSION
    version: Annotated[str, AfterValidator(require_version_id)]
    """Hash of everything that decides the content; the same inputs give the same version."""
    task: Annotated[str, AfterValidator(require_task_name)]
    asd_version: str
    config: dict[str, Any]
    spec: dict[str, Any]
    source: dict[str, Any]
    templates: dict[str, str]
    """Template name -> sha256 of its text."""
    code: str
    """sha256 of the code that makes samples."""
    counts: Counts
    files: list[FileEntry]
    columns: list[str] | None = None
    """Of the shards. None in formats 1 and 2, each of which has its own."""
    croissant: FileEntry | None = None
    """`croissant.json`, which describes the files. None in formats 1 and 2, which did not have it."""
    images: ImageCounts | None = None
    """None in formats 1 and 2, which did not count them."""
    rewriter: RewriterEntry | None = None
    """Of versions made with a rewriter."""

    @property
    def row_schema(self) -> pa.Schema:
        """Columns of the version's shards."""
        is_rewritten = self.format_version == _REWRITTEN_FORMAT if self.columns is None else "rewrite" in self.columns
        return shard_schema(is_rewritten=is_rewritten)

    def all_files(self) -> list[FileEntry]:
        """Every file of the version but the manifest."""
        return self.files if self.croissant is None else [*self.files, self.croissant]

    def shard_names(self) -> list[str]:
        """Names of the version's shards within its folder, in order."""
        return [entry.path for entry in self.files if entry.split is not None]

    def to_json(self) -> str:
        left_out = {name for name in ("columns", "croissant", "images", "rewriter") if getattr(self, name) is None}
        return (
            json.dumps(self.model_dump(mode="json", exclude=left_out), indent=1, sort_keys=True, ensure_ascii=False)
            + "\n"
        )


def read_manifest(folder: Path) -> Manifest:
    """Raises: ShardError if it is missing, damaged, or of a format that this build does not read."""
    path = folder / MANIFEST_NAME
    try:
        require_regular(path)
        require_inside(path, folder)
        raw = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ShardError(f"{path} is missing: {folder} is not a finished version. Re-run the conversion.") from None
    except (OSError, ValueError, RecursionError) as exc:
        raise ShardError(f"{path} cannot be read ({exc}). Re-run the conversion to write it again.") from exc
    version = raw.get("format_version") if isinstance(raw, dict) else None
    if version not in READABLE_FORMATS:
        readable = ", ".join(map(str, READABLE_FORMATS))
        raise ShardError(
            f"{path} has format {version!r}; this build reads format {readable}. "
            "Upgrade the package, or convert again with this one."
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"]))
        problem = first["msg"].removeprefix("Value error, ")
        raise ShardError(f"{path}: field {where}: {problem}. Re-run the conversion to write it again.") from exc
