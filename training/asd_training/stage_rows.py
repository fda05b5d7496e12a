"""What a method may ask of a stage's training rows: embeddings of their instructions, and losses row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from asd_training.encoding import IGNORED
from asd_training.inputs import RunInputs
from asd_training.layers.conditioning import condition
from asd_training.methods.row_sample import sample_rows

if TYPE_CHECKING:
    from asd_training.data import TaskData


class TrainingRows:
    """Rows of `tasks`, as `asd_training.methods.protocol.StageRows` says."""

    def __init__(self, tasks: Sequence[TaskData], inputs: RunInputs) -> None:
        self.tasks, self.inputs = tasks, inputs
        self.autocast = inputs.config.train.precision == "bfloat16"

    def instructions(self) -> Tensor:
        """Raises: ModelError if the run has no encoder for instructions."""
        texts = [text for task in self.tasks for text in task.train.table["question"].to_pylist()]
        return self.inputs.embed(texts)

    def losses(self, model: nn.Module, count: int, sample: str) -> Iterator[Tensor]:
        model.eval()
        places = [(task, number) for task in self.tasks for number in range(len(task.examples))]
        ids = [row_id for task in self.tasks for row_id in task.examples.ids()]
        for place in sample_rows(ids, count, sample):
            yield self._loss(model, *places[place])

    def _loss(self, model: nn.Module, task: TaskData, number: int) -> Tensor:
        device = next(model.parameters()).device
        encoded = self.inputs.example(task, number)
        batch = {key: tensor.to(device) for key, tensor in self.inputs.collator.training([encoded]).items()}
        labels = batch.pop("labels")[:, 1:]
        batch.pop("style")
        condition(model, batch)
        with torch.enable_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.autocast):
            logits = model(**batch, use_cache=False).logits
        answer = labels != IGNORED
        return cross_entropy(logits[:, :-1][answer].float(), labels[answer], reduction="sum")


def replayed_rows(tasks: Sequence[TaskData], count: int, sample: str) -> list[tuple[TaskData, int]]:
    """`count` rows of each task, as (task, number of the row)."""
    return [
        (task, number) for task in tasks for number in sample_rows(task.examples.ids(), count, f"{sample}:{task.name}")
    ]
