"""Training one stage: its rows in order, the trainer with its arguments, and going on from a checkpoint."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import nn

from asd_training.encoding import Encoded
from asd_training.errors import SettingError
from asd_training.inputs import RunInputs, has_text_only_rows
from asd_training.learning import Changes, require_finite, tell_what_was_learnt
from asd_training.memory import out_of_memory
from asd_training.models import Projector, trainable
from asd_training.processes import num_processes, writes_files
from asd_training.sharding import ShardedCopy
from asd_training.stage_files import StageFiles
from asd_training.task_trainer import OrderedExamples, StepPlan, TaskTrainer, training_arguments

if TYPE_CHECKING:
    from asd_training.config import RunConfig
    from asd_training.data import TaskData
    from asd_training.methods.protocol import ContinualMethod, Stage


_TENSORBOARD = "TENSORBOARD_LOGGING_DIR"


class Trained(NamedTuple):
    """learnt: "all", "nothing", or "some" where the projector has not changed."""

    plan: StepPlan
    learnt: str


def train_stage(
    model: nn.Module,
    tasks: Sequence[TaskData],
    *,
    config: RunConfig,
    inputs: RunInputs,
    method: ContinualMethod,
    stage: Stage,
    projector: Projector | None,
    files: StageFiles,
    replayed: Sequence[tuple[TaskData, int]] = (),
    sharded: ShardedCopy | None = None,
    say: Callable[[str], None] = lambda text: None,
    on_line: Callable[[int, int, dict[str, Any]], None] = lambda step, steps, line: None,
) -> Trained:
    """Train what of the model is trainable on the rows of `tasks`, from the last checkpoint if there is one.

    on_line: is told each line of the log. Raises: NumberError if a loss or a weight is no number any more.
    replayed: rows of other tasks, by task and number, that are mixed in; sharded: what `model` is the copy of.
    """
    settings = config.train_on([task.name for task in tasks])
    ends = list(accumulate(len(task.examples) for task in tasks))
    num_rows = ends[-1] + len(replayed)

    def encode(number: int) -> Encoded:
        if number >= ends[-1]:
            return inputs.example(*replayed[number - ends[-1]])
        place = bisect_right(ends, number)
        return inputs.example(tasks[place], number - (ends[place - 1] if place else 0))

    seed = stage_seed(config.seed, stage)
    plan = StepPlan.of(settings, num_rows, num_processes())
    mixed = any(
        has_text_only_rows(task.train) for task in [*tasks, *{task.name: task for task, _ in replayed}.values()]
    )
    if writes_files():
        files.prepare_log()
    if settings.gradient_checkpointing:
        switch_checkpointing(model, "enable", {"use_reentrant": False})
    with _tensorboard_beside(files):
        trainer = TaskTrainer(
            model,
            OrderedExamples(encode, num_rows, plan.examples, seed),
            inputs.collator.training,
            arguments=training_arguments(
                settings, plan, files.checkpoints, seed, mixed=mixed, name=(config.name, stage.folder)
            ),
            config=settings,
            method=method,
            stage=stage,
            projector=projector,
            styles=inputs.styles,
            files=files,
            sharded=sharded,
            on_line=on_line,
        )
    changes = Changes(model)
    checkpoint = files.last_checkpoint()
    with out_of_memory(f"training {stage.name}", _what_to_lower(config, method)):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    _release(trainer, model)
    require_finite(model, stage.folder, settings)
    learnt = tell_what_was_learnt(
        changes.unchanged(model),
        _names_of(projector, model),
        len(trainable(model)),
        lambda text: say(f"{stage.folder}: {text}"),
    )
    if settings.gradient_checkpointing:
        switch_checkpointing(model, "disable")
    return Trained(plan, learnt)


def require_reporters(names: Sequence[str]) -> None:
    """Raises: SettingError if a tracker of `train.report_to` is not known, or not installed."""
    from transformers.integrations import integration_utils

    trackers: Any = integration_utils
    there = trackers.get_available_reporting_integrations()
    for name in names:
        if name not in trackers.INTEGRATION_TO_CALLBACK:
            known = ", ".join(sorted(trackers.INTEGRATION_TO_CALLBACK))
            raise SettingError(f"train.report_to: {name!r} is no tracker that transformers knows; known: {known}")
        if name not in there:
            raise SettingError(
                f"train.report_to: {name} is not installed; install it (pip install {name}), or leave it out"
            )


@contextmanager
def _tensorboard_beside(files: StageFiles) -> Iterator[None]:
    """Its events lie in the stage's folder; else beside the checkpoints, which are removed when a stage is over."""
    chosen = os.environ.get(_TENSORBOARD)
    os.environ[_TENSORBOARD] = chosen or str(files.folder / "tensorboard")
    try:
        yield
    finally:
        if chosen is None:
            del os.environ[_TENSORBOARD]


def _names_of(projector: Projector | None, model: nn.Module) -> set[str]:
    mine = {id(parameter) for parameter in projector.parameters(model).values()} if projector else set()
    return {name for name, parameter in trainable(model).items() if id(parameter) in mine}


def _what_to_lower(config: RunConfig, method: ContinualMethod) -> str:
    """What this run may go on with comes first."""
    settings = config.train
    split = f"train.batch (now {settings.batch}; raise train.accumulate, now {settings.accumulate}, by as much), "
    longest = (
        f"train.max_length (now {settings.max_length}; in another run folder), or set train.gradient_checkpointing"
    )
    return longest if method.has_batch_loss else split + longest


def _release(trainer: TaskTrainer, model: nn.Module) -> None:
    """Undo what accelerate did to the model: a method that keeps it for the next stage has it prepared anew there."""
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # or autocast wrappers pile up, stage by stage
    vars(model).pop("_is_accelerate_prepared", None)  # or the next stage is trained without autocast


def switch_checkpointing(model: Any, what: str, *settings: Any) -> None:
    """By the method's new name where the library has it."""
    switch = getattr(model, f"activation_checkpointing_{what}", None) or getattr(
        model, f"gradient_checkpointing_{what}"
    )
    switch(*settings)


def stage_seed(seed: int, stage: Stage) -> int:
    return (seed * 1_000_003 + stage.number) % 2**31
