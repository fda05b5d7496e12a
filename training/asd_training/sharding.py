"""A model whose decoder layers are shared out over processes (FSDP2), beside the whole model that it was made from.

Adapters are added, merged, saved and loaded on the whole model, which every process keeps in main memory, where PEFT
works as ever. Training and evaluation run on a copy on the device: its decoder layers, adapters among them, are
sharded; what lies outside (vision tower, projector, embeddings) is whole, and its gradients are averaged here, since
FSDP needs every process to run every sharded module at every step, and a batch may have no image.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from itertools import chain
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from asd_training.errors import ModelError, SettingError
from asd_training.layers.adapter_targets import language_model_path
from asd_training.layers.sharded import is_sharded, whole_tensor


@dataclass(frozen=True)
class ShardedCopy:
    """whole: in main memory, the same in all processes; model: the copy that is trained or asked."""

    whole: nn.Module
    model: nn.Module

    @torch.no_grad()
    def gather(self) -> None:
        """What is trained, from the copy into the whole model. Every process has to call it."""
        kept = dict(self.whole.named_parameters())
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                kept[name].copy_(whole_tensor(parameter))

    @torch.no_grad()
    def scatter(self) -> None:
        """What is trained, from the whole model into the copy."""
        kept = dict(self.whole.named_parameters())
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                _local(parameter).copy_(_local(share_like(kept[name], parameter)))


def sharded_copy(whole: nn.Module, device: torch.device) -> ShardedCopy:
    """Every process has to call it. Raises: ModelError if the model's decoder layers are not found, SettingError if
    this torch has no FSDP2."""
    from torch.distributed.device_mesh import init_device_mesh

    fully_shard = _fully_shard()
    model = _shallow_copy(whole)
    decoder = model.get_submodule(language_model_path(model))
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    for layer in _decoder_layers(decoder):
        fully_shard(layer, mesh=mesh, reshard_after_forward=True)
    outside = {parameter for parameter in decoder.parameters() if not is_sharded(parameter)}
    fully_shard(decoder, mesh=mesh, ignored_params=outside)  # the layers' common root: they are fetched in advance
    for tensor in chain(model.parameters(), model.buffers()):
        if not is_sharded(tensor):
            tensor.data = tensor.data.to(device)
    return ShardedCopy(whole, model)


def _fully_shard() -> Any:
    try:
        from torch.distributed.fsdp import fully_shard
    except ImportError:
        parameters: Any = ()
    else:
        parameters = signature(fully_shard).parameters
    if "ignored_params" not in parameters:  # torch 2.6 has the function, but all of a module is sharded
        raise SettingError(
            f"train.shard needs FSDP2 (torch 2.7 or newer), this is torch {torch.__version__}; upgrade torch, or leave it out"
        )
    return fully_shard


def _shallow_copy(whole: nn.Module) -> nn.Module:
    """The same modules anew, around the same values: a copy of a model that takes no memory."""
    memo: dict[int, Any] = {id(p): nn.Parameter(p.data, requires_grad=p.requires_grad) for p in whole.parameters()}
    memo |= {id(buffer): buffer.detach() for buffer in whole.buffers()}
    return copy.deepcopy(whole, memo)


def _decoder_layers(decoder: nn.Module) -> list[nn.Module]:
    layers = [layer for part in decoder.children() if isinstance(part, nn.ModuleList) for layer in part]
    if not layers:
        raise ModelError(
            f"the language model, a {type(decoder).__name__}, keeps no list of layers that could be sharded; "
            "leave train.shard out"
        )
    return layers


def _local(tensor: Any) -> Tensor:
    local: Tensor = tensor.to_local() if is_sharded(tensor) else tensor
    return local


def share_like(value: Tensor, like: Any) -> Tensor:
    """This process's share of a whole tensor that all processes have, sharded as `like` is."""
    from torch.distributed.tensor import distribute_tensor

    if not is_sharded(like):
        return value
    value = value.detach().to(like.to_local().device)
    return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)


# -- in the trainer ----------------------------------------------------------------------------------------------


def leave_model_alone(accelerator: Any) -> None:
    """accelerate would wrap the model in DDP, and take norms of shards and of whole tensors together."""
    accelerator.prepare_model = partial(accelerator.prepare_model, evaluation_mode=True)
    accelerator.clip_grad_norm_ = clip_gradients


def average_gradients(model: nn.Module) -> None:
    """Of trained parameters that are whole in every process; without a gradient in any, they stay without."""
    whole = [p for p in model.parameters() if p.requires_grad and not is_sharded(p)]
    if not whole:
        return
    counts = torch.tensor([float(p.grad is not None) for p in whole], device=whole[0].device)
    dist.all_reduce(counts)
    for parameter, count in zip(whole, counts.tolist(), strict=True):
        if count:
            gradient = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
            dist.all_reduce(gradient)
            parameter.grad = gradient.div_(dist.get_world_size())


@torch.no_grad()
def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float, norm_type: float = 2) -> Tensor:
    """The norm of all gradients before they are scaled down to `max_norm` at most; shape ()."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    device = _local(gradients[0]).device
    squares = torch.zeros(2, device=device)  # of shards, of whole gradients
    for gradient in gradients:
        squares[0 if is_sharded(gradient) else 1] += _local(gradient).float().square().sum()
    dist.all_reduce(squares[:1])
    norm = squares.sum().sqrt()
    scale = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        _local(gradient).mul_(scale)
    return norm


def save_optimizer_whole(optimizer: torch.optim.Optimizer) -> None:
    """From now on `state_dict` gathers, so that every process has to call it, and `load_state_dict` takes its share."""
    optimizer.register_state_dict_post_hook(_gathered)
    optimizer.register_load_state_dict_pre_hook(_shared_out)


def _gathered(_: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    whole = {
        number: {key: whole_tensor(value).cpu() if isinstance(value, Tensor) else value for key, value in entry.items()}
        for number, entry in state["state"].items()
    }
    return {**state, "state": whole}


def _shared_out(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    shared = dict(state["state"])
    for number, parameter in zip(numbers, parameters, strict=True):
        entry = shared.get(number, {})
        shared[number] = {
            key: share_like(value, parameter) if isinstance(value, Tensor) and value.shape == parameter.shape else value
            for key, value in entry.items()
        }
    return {**state, "state": shared}
