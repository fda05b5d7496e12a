"""Several processes (DDP): which part of the work is this one's, and who writes files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
import torch.distributed as dist

T = TypeVar("T")


def start_processes() -> torch.device:
    """Join the other processes where a launcher (torchrun, accelerate) started several; the device of this one."""
    from accelerate import PartialState  # type: ignore[import-untyped]

    device: torch.device = PartialState().device
    return device


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
