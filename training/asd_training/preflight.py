"""What a run is going to do, for its user to read before it does it: model, prompts with their mask, lengths, steps, memory.

Nothing is trained and no weights are read: the model is laid out without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from asd_training.encoding import Encoded
from asd_training.errors import TaskDataError, TrainingError
from asd_training.evaluation.evaluate import generation_of
from asd_training.evaluation.generate import stated_settings
from asd_training.inputs import RunInputs
from asd_training.layers.adapter_targets import reads_pictures
from asd_training.lengths import RowLengths
from asd_training.memory_estimate import estimate_memory
from asd_training.methods.registry import method_class
from asd_training.models import lay_out, projector_or_none, weight_dtype
from asd_training.preflight_text import LEARNT
from asd_training.processes import num_processes
from asd_training.task_trainer import StepPlan

if TYPE_CHECKING:
    from asd_training.config import RunConfig, TrainConfig
    from asd_training.data import TaskData
    from asd_training.methods.protocol import Stage

_RUN_OF_MARKS = 3


@dataclass(frozen=True)
class Preflight:
    """facts: as in preflight.json; problems: why the run cannot begin, empty if it can."""

    facts: dict[str, Any]
    problems: list[str]

    def require_none(self) -> None:
        """Raises: TaskDataError with all problems."""
        if self.problems:
            raise TaskDataError("\n".join(self.problems))


def look_ahead(
    config: RunConfig,
    tasks: Sequence[TaskData],
    inputs: RunInputs,
    stages: Sequence[Stage],
    replayed: Mapping[str, int],
) -> Preflight:
    """replayed: rows of earlier tasks by the stage's folder. Raises: ModelError if the model cannot be laid out."""
    trains = method_class(config.method).trains
    model = lay_out(config.model)
    problems: list[str] = []
    by_task: dict[str, dict[str, Any]] = {}
    longest = 0
    for task in tasks:
        try:
            task_facts = _look_at(task, inputs, problems, trains=trains)
        except TrainingError as exc:
            problems.append(f"task {task.name!r}: {exc}")
            continue
        longest = max(longest, task_facts.get("lengths", {}).get("longest", 0))
        by_task[task.name] = task_facts
    rows = {task.name: len(task.examples) for task in tasks}
    plans = {
        stage.folder: _plan(
            config.train_on(stage.tasks), sum(rows[name] for name in stage.tasks) + replayed[stage.folder]
        )
        for stage in stages
    }
    memory = estimate_memory(config, model, tokens=min(longest, config.train.max_length), stages=len(stages))
    facts: dict[str, Any] = {
        "model": _model(config, model),
        "processor": _processor(inputs),
        "prompt": {
            "kind": "the processor's chat template" if inputs.prompts.is_chat else "plain",
            "end": inputs.prompts.end,
        },
        "tasks": by_task,
        "stages": plans if trains else {},
        "memory_bytes": memory.to_json(),
        "generation": stated_settings(model, inputs.tokenizer, generation_of(config, inputs)),
    }
    return Preflight(facts, problems)


def _look_at(task: TaskData, inputs: RunInputs, problems: list[str], *, trains: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"questions": len(task.test)}
    RowLengths(task.test, inputs.encoder(task.test_image_root)).require_readable()
    if not trains:
        return facts
    lengths = RowLengths(task.train, inputs.encoder(task.image_root), task.examples)
    lengths.require_readable()
    measured, wrong = lengths.measure()
    facts |= {"styles": task.train.styles(), "lengths": measured.to_json()}
    if wrong:
        problems.append(f"task {task.name!r}: {wrong}")
    shown = _to_show(task, lengths)
    if shown is not None:
        facts["example"] = {"row": task.examples[shown]["id"], "text": marked_text(inputs, inputs.example(task, shown))}
    return facts


def _to_show(task: TaskData, lengths: RowLengths) -> int | None:
    """The first row that fits."""
    limit = lengths.encoder.max_length
    return next((n for n in range(min(len(task.examples), 100)) if lengths.tokens(n) <= limit), None)


def marked_text(inputs: RunInputs, encoded: Encoded) -> str:
    """The tokens of a row as text, those that are learnt between «»; a run of one special token is counted."""
    special = set(inputs.tokenizer.all_special_ids)
    parts: list[tuple[list[int], bool, int]] = []  # tokens, learnt, times
    for (token, learnt), group in groupby(zip(encoded.ids.tolist(), encoded.mask.tolist(), strict=True)):
        times = len(list(group))
        if times >= _RUN_OF_MARKS and token in special:
            parts.append(([token], learnt, times))
        elif parts and parts[-1][1:] == (learnt, 1):
            parts[-1][0].extend([token] * times)
        else:
            parts.append(([token] * times, learnt, 1))
    shown = []
    for tokens, learnt, times in parts:
        text = inputs.tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        text = f"[{text} x {times}]" if times > 1 else text
        shown.append(f"{LEARNT[0]}{text}{LEARNT[1]}" if learnt else text)
    return "".join(shown)


def _plan(settings: TrainConfig, rows: int) -> dict[str, int]:
    plan = StepPlan.of(settings, rows, num_processes())
    per_step = settings.batch * settings.accumulate * num_processes()
    return {"rows": rows, "steps": plan.steps, "rows_a_step": per_step, "rows_seen": plan.examples}


def _model(config: RunConfig, model: Any) -> dict[str, Any]:
    text = model.config.get_text_config()
    saved, used = model.config.dtype, weight_dtype(config.model, config.train.precision, model.config.dtype)
    return {
        "name": config.model.name,
        "class": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "saved_as": _bare(saved),
        "used_as": _bare(used),
        "attention": text._attn_implementation,
        "attention_dropout": getattr(text, "attention_dropout", None),
        "context": getattr(text, "max_position_embeddings", None),
        "projector": projector_or_none(model, config.model.projector),
        "reads_pictures": reads_pictures(model.config),
    }


def _bare(dtype: Any) -> str | None:
    return None if dtype is None else str(dtype).removeprefix("torch.")


def _processor(inputs: RunInputs) -> dict[str, Any]:
    tokenizer = inputs.tokenizer
    return {
        "class": type(inputs.processor).__name__,
        "images": type(images).__name__ if (images := inputs.processor.image_processor) is not None else None,
        "tokenizer": type(tokenizer).__name__,
        "pad": tokenizer.pad_token,
        "end": tokenizer.eos_token,
        "begin": tokenizer.bos_token,
        "image": inputs.prompts.image_token,
    }
