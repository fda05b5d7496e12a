"""A run folder as a report sees it: its configuration, results, and what every finished stage left. Read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from asd_training.errors import MetricError, RunError
from asd_training.evaluation.accuracy_matrix import AccuracyMatrix
from asd_training.evaluation.metrics import all_metrics
from asd_training.evaluation.stage_scores import READ_OUTS
from asd_training.preflight_text import describe
from asd_training.stage_files import StageFiles, read_json

READS = 1
"""The format version of config.json and results.json that this build reads."""


class Split(BaseModel):
    """What of a task was forgotten since, as `asd_training.evaluation.forgetting` counts it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    right_own: int
    forgotten: int
    gained: int = 0
    counts: dict[str, int]
    constrained: dict[str, float | None] | None = None


Shares = dict[str, float | None]


class TaskTransitions(BaseModel):
    """Questions of a task that turned right or wrong since, as `asd_training.evaluation.transitions` counts them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    lost: int
    gained: int
    by_chance: float | None = None
    shares: Shares


class RunTransitions(BaseModel):
    """After the last finished stage; empty for results of older builds."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    by_task: dict[str, TaskTransitions] = {}
    mean: Shares = {}


class RunResults(BaseModel):
    """results.json, as far as reports use it. Further keys are let through."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = ""
    method: str
    asd: bool | float = False
    seed: int
    model: str = ""
    finished: bool = True
    tasks: list[str] = Field(min_length=1)
    stages: list[str] = []
    questions: dict[str, int] = {}
    matrices: dict[str, list[list[float | None]]] = {}
    transitions: RunTransitions = RunTransitions()
    forgetting: dict[str, dict[str, Split]] = {}
    """Task -> folder of a later stage -> split."""
    cross_format: dict[str, dict[str, Any]] = {}
    time_s: dict[str, dict[str, float]] = {}
    processor_s: dict[str, dict[str, float]] = {}
    steps: dict[str, int] = {}
    trainable_parameters: int = 0

    @model_validator(mode="after")
    def matrices_are_square(self) -> RunResults:
        for kind, rows in self.matrices.items():
            try:
                AccuracyMatrix.from_rows(self.tasks, rows)
            except MetricError as exc:
                raise ValueError(f"matrix {kind!r}: {exc}") from exc
        return self


@dataclass(frozen=True)
class StageRecord:
    """A finished stage. folder: "03-imagenet"; row: of the accuracy matrix, from 0; tasks: those it trained on;
    facts: its done.json, empty where only the results of a run were kept."""

    folder: str
    row: int
    tasks: tuple[str, ...]
    facts: Mapping[str, Any]
    files: StageFiles

    @property
    def name(self) -> str:
        return self.folder.partition("-")[2]

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """Lines of log.jsonl: step, loss, loss_by_style, ... Raises: StateError if a line is damaged."""
        return self.files.read_log()


@dataclass(frozen=True)
class RunRecord:
    """facts: config.json, with the resolved configuration under `config`; stages: the finished ones in order."""

    root: Path
    facts: Mapping[str, Any]
    results: RunResults
    stages: tuple[StageRecord, ...]

    @property
    def config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.facts["config"]
        return config

    @property
    def tasks(self) -> list[str]:
        return self.results.tasks

    @property
    def asd_ratio(self) -> float:
        """Share of the training rows in other styles: as configured, else as counted; 0.0 for none."""
        convert = _dict(self.config, "data").get("convert") or {}
        if not convert or convert.get("ratio_per_style"):
            return round(float(self.results.asd), 2)
        return float(convert.get("ratio", 0.0)) if self.results.asd else 0.0

    @property
    def progress(self) -> str:
        """How far an unfinished run came, in words."""
        return f"{len(self.stages)} of {len(self.tasks)} tasks"

    @cached_property
    def matrices(self) -> dict[str, AccuracyMatrix]:
        """By read-out: strict, recovered, constrained, those that were measured."""
        matrices = self.results.matrices
        kinds = [
            *(kind for kind in READ_OUTS if kind in matrices),
            *(kind for kind in matrices if kind not in READ_OUTS),
        ]
        return {kind: AccuracyMatrix.from_rows(self.tasks, matrices[kind]) for kind in kinds}

    @cached_property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """By read-out and name, worked out from the matrices; None where a cell was not evaluated."""
        return {kind: all_metrics(matrix) for kind, matrix in self.matrices.items()}

    @property
    def peak_memory(self) -> Mapping[str, int]:
        """Kind of memory ("process", "cuda") -> most bytes over the stages; empty where it was not recorded.

        Raises: RunError if what was recorded is no number.
        """
        peaks: dict[str, int] = {}
        for stage in self.stages:
            for kind, size in _dict(stage.facts, "peak_memory_bytes").items():
                if not isinstance(size, int):
                    raise RunError(
                        f"{stage.files.folder / 'done.json'}: peak_memory_bytes.{kind} is {size!r}, expected a number of "
                        "bytes; remove the entry to do without it"
                    )
                peaks[kind] = max(peaks.get(kind, 0), size)
        return peaks

    @property
    def preflight(self) -> str:
        """What the run was going to do, as it was told; empty for a run of an older build. Raises: StateError."""
        path = self.root / "preflight.json"
        return describe(read_json(path)) if path.is_file() else ""

    def seconds(self, doing: str) -> float | None:
        """Of "train" or "evaluate", over all stages; None where it was not recorded."""
        times = self.results.time_s.get(doing)
        return sum(times.values()) if times else None

    def processor_seconds(self, doing: str) -> float | None:
        """As `seconds`, in processor time; None, too, where a stage of an older build did not record it."""
        times = self.results.processor_s.get(doing, {})
        return sum(times.values()) if times and len(times) == len(self.results.stages) else None

    def predictions(self, stage: StageRecord, task: str) -> Path:
        return self.root / "predictions" / f"{stage.row + 1:02d}-after-{stage.name}" / f"{task}.arrow"


def load_record(root: Path) -> RunRecord:
    """Raises: RunError if this is no run folder, nothing in it is finished, or it is from another format."""
    if not (root / "config.json").is_file():
        raise RunError(f"{root} is no run folder (config.json is missing); give the one that `asd-train run` printed")
    facts = read_json(root / "config.json")
    _require_format(root / "config.json", facts)
    if not isinstance(facts.get("config"), dict):
        raise RunError(f"{root / 'config.json'} holds no configuration (key `config`)")
    if not (root / "results.json").is_file():
        raise RunError(f"{root} has no results yet: no stage is finished; run `asd-train run` with its configuration")
    raw = read_json(root / "results.json")
    _require_format(root / "results.json", raw)
    results = _checked(root / "results.json", raw)
    return RunRecord(root, facts, results, tuple(_stage(root, folder, results.tasks) for folder in results.stages))


def _require_format(path: Path, facts: Mapping[str, Any]) -> None:
    version = facts.get("format_version") if isinstance(facts, dict) else None
    if version != READS:
        raise RunError(f"{path} has format {version}, this build reads {READS}; use a build that reads it")


def _checked(path: Path, raw: Any) -> RunResults:
    try:
        return RunResults.model_validate(raw)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise RunError(f"{path}: {where}: {str(first['msg']).removeprefix('Value error, ')}") from exc


def _stage(root: Path, folder: str, tasks: Sequence[str]) -> StageRecord:
    number, _, name = folder.partition("-")
    if not number.isdigit() or not 1 <= int(number) <= len(tasks) or not name or "/" in name:
        raise RunError(f"{root / 'results.json'}: {folder!r} is no stage; expected a name such as 03-imagenet")
    files = StageFiles(root / "tasks" / folder)
    own = (name,) if name in tasks else tuple(tasks)  # a stage of all tasks has a name of its own
    return StageRecord(folder, int(number) - 1, own, files.done_as_found() if files.is_done else {}, files)


def _dict(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}
