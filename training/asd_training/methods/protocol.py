"""What a continual-learning method is to the loop. The loop asks for these attributes, never for a name.

Per stage (a task, or all tasks at once) the loop calls, in this order:

    model = method.wrap(model, stage)            adapters for this stage are in place and trainable
    method.before_training(model, stage, rows)   what the method wants to know of the stage's rows
    training; method.extra_loss(model)           once per optimizer step
              method.batch_loss(model)           after every forward pass
    method.after_task(model, stage)              learn from the finished adapter
    (the adapter `method.adapter_of(stage)` and `method.state_dict()` are saved)
    model = method.carry_over(model, stage)      what is evaluated, and what the next stage starts from

A resumed run repeats `wrap`, loads the saved adapter, and `carry_over`, stage by stage; then `load_state_dict`.
`asd_training.methods.defaults` has what most methods do in each of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Stage:
    """One training stage. number: from 0; row: of the accuracy matrix that it fills; tasks: whose data it trains on."""

    number: int
    row: int
    name: str
    tasks: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Name of its folders in the run folder; numbered from 01."""
        return f"{self.row + 1:02d}-{self.name}"


class StageRows(Protocol):
    """What a method may ask of the training rows of a stage."""

    def instructions(self) -> Tensor:
        """float32 (rows, d): embeddings of the bare instructions, in the order of the shards."""
        ...

    def losses(self, model: nn.Module, count: int, sample: str) -> Iterator[Tensor]:
        """Per row the sum of -log p of its answer tokens, shape (), with a graph, dropout off.

        The rows are `count` of them (or all), chosen by a hash of `sample` and their ids.
        """
        ...


class ContinualMethod(Protocol):
    trains: bool
    """False: the model is evaluated as it is."""
    all_tasks_at_once: bool
    """True: one stage with the data of all tasks."""
    has_extra_loss: bool
    """True: `extra_loss` is called once per optimizer step."""
    has_batch_loss: bool
    """True: `batch_loss` is called after every forward pass in training."""
    reads_instructions: bool
    """True: every batch brings an embedding of each row's bare instruction (see `asd_training.layers.conditioning`)."""
    can_shard: bool
    """True: it trains a model whose parameters are DTensors in part (see `asd_training.sharding`): `extra_loss`, `batch_loss`
    and `after_task` meet that one, everything else a whole model in main memory."""
    can_merge: bool
    """True: adapters can be added to the weights without changing what the model computes."""
    replayed_rows: int
    """Rows of each earlier task that are trained on again, beside those of the stage."""
    replay_sample: str
    """Name of the sample that they are: the same name, the same rows."""

    def wrap(self, model: nn.Module, stage: Stage) -> nn.Module: ...

    def adapter_of(self, stage: Stage) -> str:
        """Name of the adapter that the stage trains."""
        ...

    def before_training(self, model: nn.Module, stage: Stage, rows: StageRows) -> None:
        """Also called before training goes on from a checkpoint, which is loaded after it."""
        ...

    def extra_loss(self, model: nn.Module) -> Tensor:
        """Shape (), float32, on the device of the model; depends on parameters only."""
        ...

    def batch_loss(self, model: nn.Module) -> Tensor:
        """Shape (), of the last forward pass; averaged over the micro-batches of a step."""
        ...

    def after_task(self, model: nn.Module, stage: Stage) -> None: ...

    def carry_over(self, model: nn.Module, stage: Stage) -> nn.Module: ...

    def state_dict(self) -> dict[str, Tensor]:
        """What the method knows of the stages so far, ready for safetensors; may be empty."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Raises: StateError if the state is not one that `state_dict` gave."""
        ...
