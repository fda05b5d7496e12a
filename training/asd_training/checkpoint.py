"""The run folder: which stages are finished, what they left, and results.json. Stages are taken up where they stopped.

RUN_DIR/
  config.json        the resolved configuration, package versions, commit, shard versions; written first
  preflight.json     what the run was going to do, as it was told before it began
  tasks/NN-<task>/   see `asd_training.stage_files`; NN counts from 01
  predictions/NN-after-<task>/<evaluated task>[.<style>].arrow
  results.json       written after every stage
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from safetensors.torch import save_file

from asd.shards.store import split_location
from asd_training.config import NOT_IDENTITY, RunConfig, build_config
from asd_training.disk import is_disk_full
from asd_training.errors import RunError, StateError, list_names
from asd_training.methods.adapters import load_adapter, read_tensors, save_adapter
from asd_training.methods.registry import build_method
from asd_training.stage_files import StageFiles, read_json, write_json

if TYPE_CHECKING:
    from torch import nn

    from asd_training.data import TaskData
    from asd_training.methods.protocol import ContinualMethod, Stage
    from asd_training.models import Projector

FORMAT_VERSION = 1
_NO_CONFIG = "put back a copy (the run's other files are untouched), or set another `out`"
_PACKAGES = ("asd-mcit", "torch", "transformers", "peft", "accelerate", "datasets", "pyarrow", "tokenizers")


class RunFolder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.config_file = root / "config.json"
        self.results_file = root / "results.json"
        self.preflight_file = root / "preflight.json"
        self._lock = FileLock(root / ".lock")

    # -- opening ------------------------------------------------------------------------------------------------

    def claim(self, config: RunConfig) -> None:
        """Make sure that it is empty or this run's. Raises: RunError if it is another run's, or in use."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RunError(f"{self.root} is in use by another process; wait for it, or set another `out`") from None
        except OSError as exc:
            if is_disk_full(exc):
                raise
            raise RunError(
                f"{self.root} cannot be the run folder ({exc}); set `out` to a folder that can be made and written to"
            ) from exc
        try:
            self._require_free_or_same(config)
        except RunError:
            self.close()  # in a notebook the process goes on
            raise

    def _require_free_or_same(self, config: RunConfig) -> None:
        if self.config_file.is_file():
            self._require_same(config)
        elif any(path.name not in (".lock", f"{self.config_file.name}.tmp") for path in self.root.iterdir()):
            raise RunError(f"{self.root} is not empty and no run (config.json is missing); set another `out`")

    def pinned_shards(self) -> dict[str, dict[str, str]] | None:
        """Task -> split -> "DIR@version" that the run began with: it goes on with the same data whatever is newer.

        Relative ones are looked for where the command runs, else where the run began, so that a run opens from any folder.
        """
        if not self.config_file.is_file():
            return None
        facts = self.read_config()
        began_in = Path(facts.get("began_in", "."))
        return {
            task: {split: _found_from(began_in, location) for split, location in by_split.items()}
            for task, by_split in facts["shards"].items()
        }

    def record(self, config: RunConfig, tasks: Sequence[TaskData]) -> None:
        """Write config.json, unless it is there."""
        if self.config_file.is_file():
            return
        shards = {task.name: {"train": task.train_shards.location, "test": task.test_shards.location} for task in tasks}
        facts = {"format_version": FORMAT_VERSION, "config": config.model_dump(mode="json"), "seed": config.seed}
        facts["began_in"] = str(Path.cwd())
        write_json(self.config_file, {**facts, "shards": shards, **environment()})

    def close(self) -> None:
        self._lock.release()

    def _require_same(self, config: RunConfig) -> None:
        """A setting that did not exist when the run began has its default there."""
        before, now = self.run_config(), config
        if _same_steps_in_parts(before, now):  # what to lower when memory runs out, and what to raise by as much
            now = now.model_copy(update={"train": now.train.model_copy(update=_rows_in_parts(before))})
        changed = differences(before.model_dump(mode="json"), now.model_dump(mode="json"))
        if changed and not self._has_begun():  # its settings were refused after they were written down
            self.config_file.unlink()
        elif changed:
            raise RunError(
                f"{self.root} belongs to a run with other settings:\n  "
                + "\n  ".join(changed)
                + "\nset `out` to another folder, or delete this one"
            )

    def _has_begun(self) -> bool:
        said = (self.config_file, self.preflight_file, self.root / ".lock")
        return any(path not in said for path in self.root.iterdir())

    def read_config(self) -> dict[str, Any]:
        """Raises: RunError if this is no run folder, or from a newer build."""
        if not self.config_file.is_file():
            raise RunError(f"{self.root} is no run folder (config.json is missing); give the one that a run printed")
        facts = read_json(self.config_file, _NO_CONFIG)
        if missing := {"format_version", "config", "shards"} - facts.keys():
            raise RunError(f"{self.config_file} lacks {list_names(missing)}; {_NO_CONFIG}")
        if facts.get("format_version") != FORMAT_VERSION:
            raise RunError(
                f"{self.root} has format {facts.get('format_version')}, this build reads {FORMAT_VERSION}; upgrade to read it"
            )
        return facts

    def run_config(self) -> RunConfig:
        return build_config(self.read_config()["config"], str(self.config_file))

    # -- stages -------------------------------------------------------------------------------------------------

    def stage(self, stage: Stage) -> StageFiles:
        return StageFiles(self.root / "tasks" / stage.folder)

    def predictions(self, stage: Stage, task: str, style: str | None = None) -> Path:
        name = f"{task}.{style}.arrow" if style else f"{task}.arrow"
        return self.root / "predictions" / f"{stage.row + 1:02d}-after-{stage.name}" / name

    def save_stage(
        self,
        stage: Stage,
        method: ContinualMethod,
        model: nn.Module,
        projector: Projector | None,
        facts: dict[str, Any],
    ) -> None:
        """What the stage trained. `trained.json` comes last, so that a kill leaves the stage whole or untrained."""
        files = self.stage(stage)
        save_adapter(model, method.adapter_of(stage), files.adapter)  # type: ignore[arg-type]
        if projector:
            projector.save(model, files.projector)
        if state := method.state_dict():
            files.method_state.parent.mkdir(parents=True, exist_ok=True)
            save_file(state, files.method_state)
        files.mark_trained(facts)

    def load_stage(self, stage: Stage, method: ContinualMethod, model: nn.Module, projector: Projector | None) -> None:
        """Into a model that `method.wrap` has prepared. Raises: StateError if keys are missing or left over."""
        files = self.stage(stage)
        load_adapter(model, method.adapter_of(stage), files.adapter)  # type: ignore[arg-type]
        if projector:
            projector.load(model, files.projector)
        elif files.projector.is_file():
            raise StateError(f"{files.projector} holds a trained projector, but train.projector_lr is null")

    def load_method_state(self, stage: Stage, method: ContinualMethod) -> None:
        path = self.stage(stage).method_state
        method.load_state_dict(read_tensors(path) if path.is_file() else {})


def _same_steps_in_parts(before: RunConfig, now: RunConfig) -> bool:
    """Whether optimizer steps see the same rows and mean the same. A loss of each batch, as MoELoRA's balance of
    experts, depends on the rows that are together."""
    if _rows_a_step(before) != _rows_a_step(now) or _rows_in_parts(before) == _rows_in_parts(now):
        return False
    return not build_method(before.method, before.train.lora).has_batch_loss


def _found_from(began_in: Path, location: str) -> str:
    there = f"{began_in / location}"
    return there if not split_location(location)[0].is_dir() and split_location(there)[0].is_dir() else location


def _rows_a_step(config: RunConfig) -> int:
    return config.train.batch * config.train.accumulate


def _rows_in_parts(config: RunConfig) -> dict[str, int]:
    return {"batch": config.train.batch, "accumulate": config.train.accumulate}


def differences(before: Any, now: Any, prefix: str = "") -> list[str]:
    """ "train.lr: 0.0002, now 0.001" for every setting that decides the run and differs."""
    if isinstance(before, dict) and isinstance(now, dict):
        differing = []
        for key in sorted(before.keys() | now.keys()):
            if prefix + key not in NOT_IDENTITY:
                differing += differences(before.get(key), now.get(key), f"{prefix}{key}.")
        return differing
    return [] if before == now else [f"{prefix.rstrip('.')}: {before!r}, now {now!r}"]


def environment() -> dict[str, Any]:
    """Versions that a result depends on."""
    return {"python": platform.python_version(), "versions": _versions(), "git_commit": _commit()}


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _commit() -> str | None:
    """Of the checkout that this package runs from; None where it is installed from a wheel."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
