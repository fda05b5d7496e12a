"""What a recipe says about its benchmark besides how to convert it: where the data lies, how the paper trained, and
what was published, so that a check can run before any work and a comparison after it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Plain):
    """One way in which a task's data may lie below the data root. The first complete one of a task is read."""

    folder: str
    """Folder of the annotation files, relative to the data root."""
    files: list[str] = Field(min_length=1)
    """Globs, relative to `folder`; each must match."""
    image_root: str | None = None
    """Folder that image paths are relative to, relative to the data root; None: `folder`."""
    origin: str = ""
    """Where to get it, if not from the task's homepage."""
    licence: str = ""
    """Of these files, if not the task's."""


class Benchmark(_Plain):
    """A benchmark, and how its tables are to be read."""

    name: str
    title: str
    paper: str
    homepage: str = ""
    backward_transfer_divisor: Literal["T", "T-1"] | None = None
    """Of the published tables: number of tasks, or one less."""
    notes: list[str] = Field(default_factory=list)
    """What a reader of the figures must know (test subsets, uncertain parts)."""


class Published(_Plain):
    """One row of published results. Scores in percent; rows that start from different models are not comparable."""

    method: str
    start_model: str
    source: str
    """Who reports it, and where."""
    certainty: Literal["read", "recalled", "third_party", "inferred"]
    """read: in the authors' files; recalled: from memory of the paper; third_party: quoted by another paper."""
    asd: bool = False
    """Whether the training data was diversified."""
    after_own_task: dict[str, float] = Field(default_factory=dict)
    """Task -> score right after it was trained (the diagonal of the accuracy matrix)."""
    after_last_task: dict[str, float] = Field(default_factory=dict)
    """Task -> score after the last task was trained."""
    matrix: list[list[float | None]] | None = None
    """Row t: scores on all tasks after task t was trained; null where none is known."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """MFT, MFN, MAA, BWT as printed."""
    note: str = ""

    @field_validator("matrix")
    @classmethod
    def is_square(cls, matrix: list[list[float | None]] | None) -> list[list[float | None]] | None:
        if matrix is not None and any(len(row) != len(matrix) for row in matrix):
            raise ValueError("every row needs as many scores as there are rows (null where none is known)")
        return matrix

    @model_validator(mode="after")
    def says_something(self) -> Published:
        if not (self.after_own_task or self.after_last_task or self.matrix or self.metrics):
            raise ValueError(f"{self.method}: no figure is given")
        return self


class TaskEntry(_Plain):
    """One task of a recipe: what is known of it there, and in `settings` what differs for its conversion."""

    task: str
    native_style: str | None = None
    scorers: list[str] = Field(default_factory=list)
    """Scoring rules of the paper, then the repaired ones; see `asd.scoring`."""
    places: list[Place] = Field(default_factory=list)
    """Empty: the task's own folder below the data root."""
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    """Of the paper, where they differ for this task."""
    samples: dict[str, int] = Field(default_factory=dict)
    """Published number of records by split."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of `ConvertConfig`; in the YAML they stand beside the other keys."""

    @model_validator(mode="before")
    @classmethod
    def gather_settings(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "settings" in raw:
            return raw
        if "task" not in raw:
            raise ValueError(f"an entry of `tasks` has no `task`: {raw}")
        known = set(cls.model_fields)
        return {key: value for key, value in raw.items() if key in known} | {
            "settings": {key: value for key, value in raw.items() if key not in known}
        }
