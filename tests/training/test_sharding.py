"""A sharded copy of a model, in two processes: what it holds, and the way to the whole model and back."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from asd_training.config import LoraSettings, ModelConfig
from asd_training.errors import ModelError, SettingError
from asd_training.layers.sharded import is_sharded, whole_tensor
from asd_training.methods.adapters import add_adapter
from asd_training.models import Projector, load_model
from asd_training.sharding import average_gradients, clip_gradients, sharded_copy, share_like
from tests.training.run_processes import MODULES
from tests.training.tiny_models import BUILDERS

CPU = torch.device("cpu")


def tuned(folder: Path) -> nn.Module:
    torch.manual_seed(0)
    model = load_model(ModelConfig(name=str(folder)))
    Projector(model).make_trainable(model)
    return add_adapter(model, LoraSettings(r=3, alpha=6))


def in_each_process(rank: int, folder: Path, meeting: Path, told: Any) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    whole = tuned(folder)
    pair = sharded_copy(whole, CPU)
    values = {name: value.clone() for name, value in whole.named_parameters()}
    shares = {name: p.to_local().numel() / p.numel() for name, p in pair.model.named_parameters() if is_sharded(p)}
    told.put(("shares", all(0.3 < share < 0.7 for share in shares.values())))
    told.put(("layers", all((".layers." in name and "language_model" in name) == (name in shares) for name in values)))

    trained = {name: p for name, p in pair.model.named_parameters() if p.requires_grad}
    draw = torch.Generator().manual_seed(1)
    gradients = {name: torch.randn(p.shape, generator=draw) for name, p in trained.items()}
    for name, parameter in trained.items():
        if is_sharded(parameter):
            parameter.grad = share_like(gradients[name], parameter)
        elif rank == 0:  # as if the other process had met no image; 2, so that the mean is the gradient
            parameter.grad = 2 * gradients[name]
    average_gradients(pair.model)
    norm = clip_gradients(trained.values(), max_norm=0.5)
    expected = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
    told.put(("norm", torch.allclose(norm, expected)))
    clipped = {name: whole_tensor(p.grad) for name, p in trained.items()}
    told.put(("clipped", all(torch.allclose(clipped[n], g * 0.5 / norm, atol=1e-6) for n, g in gradients.items())))

    with torch.no_grad():
        for parameter in trained.values():
            parameter.add_(1.0)
    pair.gather()
    moved = dict(whole.named_parameters())
    told.put(("gathered", all(torch.equal(moved[n], v + 1 if n in trained else v) for n, v in values.items())))
    with torch.no_grad():
        for name in trained:
            moved[name].copy_(values[name])
    pair.scatter()
    told.put(("scattered", all(torch.equal(whole_tensor(p), values[name]) for name, p in trained.items())))
    dist.destroy_process_group()


def test_a_sharded_copy_and_its_whole_model(tmp_path: Path) -> None:
    folder = BUILDERS["llava"](tmp_path / "model")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    told = context.Queue()
    running = [context.Process(target=in_each_process, args=(n, folder, tmp_path / "meet", told)) for n in range(2)]
    for process in running:
        process.start()
    found = [told.get(timeout=120) for _ in range(2 * 6)]
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0, 0]
    assert [name for name, holds in found if not holds] == []


class NoLayers(nn.Module):
    """A vision-language model whose decoder is one piece."""

    base_model_prefix = "model"

    def __init__(self) -> None:
        super().__init__()
        self.text = nn.Linear(2, 2)

    def get_decoder(self) -> nn.Module:
        return self.text


def test_a_model_without_a_list_of_layers(tmp_path: Path) -> None:
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1)
    try:
        with pytest.raises(
            ModelError, match=r"a Linear, keeps no list of layers that could be sharded; leave train.shard"
        ):
            sharded_copy(NoLayers(), CPU)
    finally:
        dist.destroy_process_group()


def test_an_older_torch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "torch.distributed.fsdp.fully_shard", lambda module, *, mesh=None: module
    )  # as torch 2.6 has it
    with pytest.raises(SettingError, match=r"train.shard needs FSDP2 \(torch 2.7 or newer\), this is torch 2.*upgrade"):
        sharded_copy(nn.Linear(1, 1), CPU)
