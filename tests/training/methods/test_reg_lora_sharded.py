"""The penalty on a sharded model, in two processes, and on a compiled one: value and gradients of the plain model."""

from __future__ import annotations

import multiprocessing
import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from asd_training.errors import ModelError
from asd_training.methods.reg_lora import RegLoraPenalty
from tests.training.run_processes import MODULES

IDS = torch.arange(12).reshape(2, 6)


def tuned_model() -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = get_peft_model(
        LlamaForCausalLM(LlamaConfig(vocab_size=50, **sizes)), LoraConfig(r=3, target_modules="all-linear")
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)
    return model


def step(model: Any, penalty: RegLoraPenalty) -> Tensor:
    loss = model(input_ids=IDS, labels=IDS).loss
    loss = loss + penalty(model)
    loss.backward()
    return loss.detach()


def shard(model: Any) -> None:
    from torch.distributed.fsdp import fully_shard

    for layer in model.base_model.model.model.layers:
        fully_shard(layer)
    fully_shard(model)


def check_both_ways(rank: int, rendezvous: str, problems: Any) -> None:
    """FSDP2 against the plain model; FSDP1 raises."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch.distributed as dist
    from torch.distributed.fsdp import FullyShardedDataParallel

    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    plain, sharded, penalty, shared = tuned_model(), tuned_model(), RegLoraPenalty(), RegLoraPenalty()
    penalty.update_from(plain)
    shard(sharded)
    shared.update_from(sharded)
    same = all(torch.equal(shared.state_dict()[key], value) for key, value in penalty.state_dict().items())
    expected, got = step(plain, penalty), step(sharded, shared)
    wanted = {name: parameter.grad for name, parameter in plain.named_parameters() if parameter.grad is not None}
    found = {n: p.grad.full_tensor() for n, p in sharded.named_parameters() if p.grad is not None}
    close = found.keys() == wanted.keys() and all(torch.allclose(found[n], wanted[n], atol=1e-6) for n in wanted)
    flat = FullyShardedDataParallel(tuned_model(), use_orig_params=True, device_id=torch.device("cpu"))
    try:
        penalty(flat)
        refused = "not refused"
    except ModelError as exc:
        refused = str(exc)
    problems.put((same, torch.allclose(got, expected), close, refused))
    dist.destroy_process_group()


def test_sharded_parameters_are_gathered_or_refused(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    answers = context.Queue()
    running = [context.Process(target=check_both_ways, args=(n, str(tmp_path / "meet"), answers)) for n in range(2)]
    for process in running:
        process.start()
    told = [answers.get(timeout=120) for _ in running]
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0, 0]
    for same_elements, same_loss, same_gradients, refused in told:
        assert same_elements
        assert same_loss
        assert same_gradients
        assert re.search(r"lora_A is a flat piece of \d+ values, as FSDP1 and ZeRO-3.*shard with FSDP2", refused)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # asked by PEFT
def test_beside_a_compiled_model() -> None:
    plain, compiled, penalty = tuned_model(), tuned_model(), RegLoraPenalty()
    penalty.update_from(plain)
    expected = step(plain, penalty)
    assert torch.allclose(step(torch.compile(compiled, backend="eager"), penalty), expected)
    for (name, wanted), found in zip(plain.named_parameters(), compiled.parameters(), strict=True):
        if wanted.grad is not None:
            assert found.grad is not None, name
            assert torch.allclose(found.grad, wanted.grad, atol=1e-6), name
