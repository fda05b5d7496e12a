"""The files of one stage: tasks/NN-<name>/ of a run folder. What is written last says that the rest is whole.

adapter/, projector.safetensors, method/   the finished stage's weights and the method's state
trained.json    written when those are whole: training is over
done.json       written when the stage is evaluated too
log.jsonl       one line every few steps
checkpoints/    inside training; removed when it is over
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from asd_training.errors import StateError, list_names
from asd_training.valid_json import json_text

CHECKPOINT_COMPLETE = "complete.json"
_AGAIN = "delete it to have it made again"
_TRAINED: dict[str, type | tuple[type, ...]] = {"train_s": (int, float), "trainable_parameters": int}
_DONE = {**_TRAINED, "evaluate_s": (int, float), "scores": dict, "forgetting": dict}
"""What the results are built from, by key."""


class StageFiles:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.adapter = folder / "adapter"
        self.projector = folder / "projector.safetensors"
        self.method_state = folder / "method" / "state.safetensors"
        self.checkpoints = folder / "checkpoints"
        self.log = folder / "log.jsonl"
        self._trained, self._done = folder / "trained.json", folder / "done.json"

    @property
    def is_trained(self) -> bool:
        return self._trained.is_file()

    @property
    def is_done(self) -> bool:
        return self._done.is_file()

    def trained(self) -> dict[str, Any]:
        return _with_facts(self._trained, _TRAINED, _AGAIN)

    def done(self) -> dict[str, Any]:
        return _with_facts(self._done, _DONE, _AGAIN)

    def done_as_found(self) -> dict[str, Any]:
        """For reports, which use what is there."""
        return read_json(self._done)

    def mark_trained(self, facts: dict[str, Any]) -> None:
        write_json(self._trained, facts)
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def mark_done(self, facts: dict[str, Any]) -> None:
        write_json(self._done, facts)

    def last_checkpoint(self) -> Path | None:
        """The newest whole one; a checkpoint that a kill cut short does not count."""
        whole = [path.parent for path in self.checkpoints.glob(f"checkpoint-*/{CHECKPOINT_COMPLETE}")]
        return max(whole, key=_step_of, default=None)

    @property
    def last_step(self) -> int:
        """Of the checkpoint that training goes on from; 0 without one."""
        checkpoint = self.last_checkpoint()
        return _step_of(checkpoint) if checkpoint else 0

    def prepare_log(self) -> None:
        """Drop lines after the checkpoint that training goes on from: they will be written again."""
        last = self.last_step
        kept = [line for line in self.read_log() if line["step"] <= last]
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.log, "".join(json_text(line) + "\n" for line in kept))

    def append_log(self, line: dict[str, Any]) -> None:
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json_text(line) + "\n")

    def read_log(self) -> list[dict[str, Any]]:
        """Whole lines; the last one may have been cut by a kill."""
        if not self.log.is_file():
            return []
        lines = self.log.read_text("utf-8").split("\n")[:-1]
        try:
            return [json.loads(line) for line in lines]
        except ValueError as exc:
            raise StateError(f"{self.log} is damaged ({exc}); delete the file: only the loss curve is lost") from exc

    @staticmethod
    def remove_checkpoints(folder: Path, *, keep: Path) -> None:
        for path in folder.glob("checkpoint-*"):
            if path != keep:
                shutil.rmtree(path, ignore_errors=True)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def read_json(path: Path, otherwise: str = _AGAIN) -> dict[str, Any]:
    """Raises: StateError if the file is missing or damaged."""
    try:
        facts: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise StateError(f"{path} cannot be read ({exc}); {otherwise}") from exc
    if not isinstance(facts, dict):
        raise StateError(f"{path} holds {type(facts).__name__}, expected an object; {otherwise}")
    return facts


def _with_facts(path: Path, expected: dict[str, Any], otherwise: str) -> dict[str, Any]:
    """Raises: StateError if the file is damaged, or lacks a fact that the results need."""
    facts = read_json(path, otherwise)
    if wrong := [key for key, kind in expected.items() if not isinstance(facts.get(key), kind)]:
        got = ", ".join(f"{key}: {facts[key]!r}" if key in facts else f"no {key}" for key in wrong)
        raise StateError(f"{path} lacks {list_names(wrong)} (got {got}); {otherwise}")
    return facts


def write_json(path: Path, facts: dict[str, Any]) -> None:
    write_text(path, json_text(facts, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """All of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)  # noqa: PTH105
