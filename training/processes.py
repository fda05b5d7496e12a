"""Several processes (DDP): which part of the work is this one's, and who writes files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
import torch.distributed as dist

from training.errors import SettingError

T = TypeVar("T")


def start_processes() -> torch.device:
    """Join the other processes where a launcher (torchrun, accelerate) started several; the device of this one."""
    from accelerate import PartialState  # type: ignore[import-untyped]

    _refuse_sharding()
    device: torch.device = PartialState().device
    return device


def _refuse_sharding() -> None:
    """Every process needs the whole model: adapters are merged and saved, and answers are written, by each alone."""
    for switch, kind in (("ACCELERATE_USE_FSDP", "FSDP"), ("ACCELERATE_USE_DEEPSPEED", "DeepSpeed")):
        if os.environ.get(switch, "false").lower() in ("true", "1"):
            raise SettingError(
                f"accelerate is set to shard the model by {kind} (${switch}), but each process of a run holds the whole "
                "model; use torchrun, or accelerate with distributed_type MULTI_GPU"
            )


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def num_processes() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def writes_files() -> bool:
    return rank() == 0


def wait_for_all() -> None:
    if dist.is_initialized():
        dist.barrier()


def share_of(items: Sequence[T]) -> Sequence[T]:
    """Every n-th item, so that all processes have about as much to do."""
    return items[rank() :: num_processes()]


def gather_by_position(mine: Mapping[int, T]) -> dict[int, T]:
    """The parts of all processes joined."""
    if num_processes() == 1:
        return dict(mine)
    parts: list[Mapping[int, T]] = [{} for _ in range(num_processes())]
    dist.all_gather_object(parts, dict(mine))
    return {key: value for part in parts for key, value in part.items()}
