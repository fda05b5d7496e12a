"""The model that a run had after one of its stages, to evaluate it again, ask it about other shards, or export it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from asd.probing.items import ProbeItem
from asd_training.checkpoint import RunFolder
from asd_training.config import RunConfig, change_config
from asd_training.data import TaskData, checked_scorer, describe, load_tasks, missing_in, read_rows
from asd_training.errors import RunError, TaskDataError
from asd_training.evaluation.evaluate import Evaluator
from asd_training.evaluation.vllm_engine import require_engine
from asd_training.inputs import RunInputs
from asd_training.loop import Loop
from asd_training.methods.protocol import Stage
from asd_training.processes import start_processes


@dataclass(frozen=True)
class FinishedRun:
    """root: the run folder; model: as evaluated after `stage`; config: with the changes that were asked for."""

    root: Path
    model: nn.Module
    stage: Stage
    config: RunConfig
    tasks: Sequence[TaskData]
    inputs: RunInputs

    @property
    def evaluator(self) -> Evaluator:
        return Evaluator(self.inputs)


def load_run(root: str | Path, *, after: str | None = None, changes: Iterable[str] = ()) -> FinishedRun:
    """after: a stage's folder ("03-imagenet") or name; None = the last finished one. changes: settings of `eval`.

    Raises: RunError if this is no run folder, the stage is unknown, or not finished.
    """
    start_processes()
    folder = RunFolder(Path(root))
    pinned = folder.pinned_shards()
    if pinned is None:
        folder.read_config()  # says what is wrong
    config = change_config(folder.run_config(), changes, allowed="eval")
    require_engine(config)
    tasks = load_tasks(config.data, pinned, train=False)
    loop = Loop(config, tasks, folder, lambda text: None)
    stage = _stage_named(loop, after)
    loop.inputs = RunInputs(config, tasks)
    return FinishedRun(
        folder.root, loop.placed(loop.restore(until=stage.number + 1)), stage, config, tasks, loop.inputs
    )


def _stage_named(loop: Loop, name: str | None) -> Stage:
    whole = [stage for stage in loop.stages if loop.is_usable(stage)]
    fitting = whole[-1:] if name is None else [stage for stage in whole if name in (stage.name, stage.folder)]
    if not fitting:
        known = ", ".join(stage.folder for stage in whole) or "none yet"
        raise RunError(f"{loop.folder.root} has no finished stage{f' {name!r}' if name else ''}; finished: {known}")
    return fitting[0]


def evaluate_again(run: FinishedRun, names: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """Prediction rows by task, of the named tasks or all. Raises: RunError for a name that the run does not have."""
    known = {task.name: task for task in run.tasks}
    if unknown := [name for name in names if name not in known]:
        raise RunError(f"the run has no task {unknown[0]!r}; it has {', '.join(known)}")
    evaluator = run.evaluator
    with evaluator.engine(run.model, run.root):
        return {name: evaluator.native(run.model, known[name]) for name in names or known}


def predict(
    run: FinishedRun, data: str, *, split: str = "test", scorer: str | None = None, image_root: Path | None = None
) -> list[dict[str, Any]]:
    """Prediction rows for all rows of a dataset, whatever their style. Raises: TaskDataError, AsdError."""
    shards = describe(data)
    rows = read_rows(data, split)
    if not len(rows):
        raise TaskDataError(f"{shards.location}, split {split!r}, has no rows to answer; name another split")
    rule = checked_scorer(shards.spec.name, scorer or shards.spec.scorer)
    root = image_root or shards.image_root
    if missing := missing_in(rows, root):
        raise TaskDataError(
            f"{shards.location}: {len(missing)} image(s) do not exist, e.g. {missing[0]}; "
            "give the folder that the paths are relative to (--image-root)"
        )
    evaluator = run.evaluator
    with evaluator.engine(run.model, run.root):
        return evaluator.ask(run.model, shards.spec.name, list(rows), rule, root)


def answer_probe(
    run: FinishedRun, items: Sequence[ProbeItem], beside: Path, tell: Callable[[int, int], None] = lambda done, of: None
) -> list[ProbeItem]:
    """The questions of `asd probe`, asked as the run asks its own. beside: folder that image paths are relative to.

    tell: is told how many are answered, and of how many. Raises: TaskDataError, as for a row of a dataset.
    """
    evaluator = run.evaluator
    evaluator.tell = tell
    with evaluator.engine(run.model, run.root):
        texts = evaluator.texts(run.model, "the probe", [_row_of(item) for item in items], beside)
    return [item.model_copy(update={"answer": text}) for item, text in zip(items, texts, strict=True)]


def _row_of(item: ProbeItem) -> dict[str, Any]:
    """What is read of a row to ask its question."""
    return {
        "id": item.id,
        "style": item.style.value,
        "question": item.question,
        "messages": [{"role": "user", "content": item.prompt}, {"role": "assistant", "content": item.response}],
        "images": [{"path": path, "bytes": None} for path in item.images],
    }
