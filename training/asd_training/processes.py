"""Several processes (DDP, FSDP2): which part of the work is this one's, and who writes files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
import torch.distributed as dist

from asd_training.errors import SettingError

T = TypeVar("T")


def start_processes() -> torch.device:
    """Join the other processes where a launcher (torchrun, accelerate) started several; the device of this one."""
    from accelerate import PartialState  # type: ignore[import-untyped]

    _read_launcher()
    device: torch.device = PartialState().device
    return device


_asked_of_launcher = False


def _read_launcher() -> None:
    """accelerate set to FSDP2 means `train.shard`; accelerate itself is to see plain processes, or it shards, too.

    Raises: SettingError for what it can shard and this package cannot.
    """
    global _asked_of_launcher  # noqa: PLW0603  # the launcher speaks to the process as a whole
    if _is_on("ACCELERATE_USE_DEEPSPEED"):
        raise SettingError(
            "accelerate is set to DeepSpeed ($ACCELERATE_USE_DEEPSPEED), which this package does not train with; use "
            "torchrun, or accelerate with distributed_type MULTI_GPU, and set train.shard: true to share the model out"
        )
    if not _is_on("ACCELERATE_USE_FSDP"):
        return
    version = os.environ.get("FSDP_VERSION", "1")
    if version != "2" or _is_on("FSDP_OFFLOAD_PARAMS"):
        wrong = "parameters on the CPU (offload_params)" if version == "2" else f"version {version}"
        raise SettingError(
            f"accelerate is set to FSDP with {wrong} ($ACCELERATE_USE_FSDP); this package shards by FSDP2 alone, on the "
            "device: set fsdp_version: 2 and fsdp_offload_params: false, or use torchrun with train.shard: true"
        )
    _asked_of_launcher = True
    os.environ["ACCELERATE_USE_FSDP"] = "false"


def _is_on(switch: str) -> bool:
    return os.environ.get(switch, "false").lower() in ("true", "1")


def shards_model(setting: bool) -> bool:
    """Whether the model is shared out: `train.shard`, or the launcher asks for it, and there are several processes."""
    return (setting or _asked_of_launcher) and num_processes() > 1


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def num_processes() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def writes_files() -> bool:
    return rank() == 0


def wait_for_all() -> None:
    if dist.is_initialized():
        dist.barrier()


def share_of(items: Sequence[T], *, even: bool = False) -> Sequence[T]:
    """Every n-th item, so that all processes have about as much to do.

    even: exactly as much, the first of all items once more where others have one more: for work that processes can
    only do together.
    """
    mine = list(items[rank() :: num_processes()])
    missing = -(-len(items) // num_processes()) - len(mine)
    return mine + [items[0]] * missing if even else mine


def gather_by_position(mine: Mapping[int, T]) -> dict[int, T]:
    """The parts of all processes joined."""
    if num_processes() == 1:
        return dict(mine)
    parts: list[Mapping[int, T]] = [{} for _ in range(num_processes())]
    dist.all_gather_object(parts, dict(mine))
    return {key: value for part in parts for key, value in part.items()}
