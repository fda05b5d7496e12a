"""What the conformance suite trains: every method with its options, on tiny models, by a loop of a few lines.

The loop is the protocol and nothing else, so that a method is held to what the protocol says, not to how the real
loop happens to call it (that is tests/training/test_loop.py).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from pydantic import TypeAdapter
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from asd_training.config import MethodConfig, ModelConfig, TrainConfig
from asd_training.instruction_encoders import HASHED_SIZE
from asd_training.layers.conditioning import condition
from asd_training.methods.adapters import load_adapter, read_tensors, save_adapter
from asd_training.methods.protocol import Stage
from asd_training.methods.registry import METHODS, build_method
from asd_training.models import load_model, trainable

CASES: dict[str, dict[str, Any]] = {
    "seq-lora-merge": {"method": "seq-lora"},
    "seq-lora-keep": {"method": "seq-lora", "between_tasks": "keep"},
    "seq-lora-stack": {"method": "seq-lora", "between_tasks": "stack"},
    "reglora-merge": {"method": "reglora"},
    "reglora-stack": {"method": "reglora", "between_tasks": "stack"},
    "joint": {"method": "joint"},
    "ewc-adapter": {"method": "ewc", "rows": 4},
    "ewc-merged": {"method": "ewc", "fisher": "merged", "rows": 4, "decay": 0.9},
    "o-lora": {"method": "o-lora"},
    "o-lora-absolute": {"method": "o-lora", "norm": "absolute"},
    "replay": {"method": "replay", "rows": 2},
    "continual-llava": {"method": "continual-llava", "slots": 4, "rank": 2, "chosen": 2, "encoder": "hashed-words"},
    "moelora": {"method": "moelora", "experts": 2},
    "moelora-sparse": {"method": "moelora", "experts": 4, "top_k": 2, "balance": 0.01, "float32_router": True},
}
"""Name -> `method` section of a run. Every method that trains must be among them."""

STAGES = [Stage(number, number, name, (name,)) for number, name in enumerate(("first", "second", "third"))]


def build(case: str, *, dropout: float = 0.0, **changes: Any) -> Any:
    settings: Any = TypeAdapter(MethodConfig).validate_python({**CASES[case], **changes})
    return build_method(settings, TrainConfig(lora={"r": 4, "alpha": 8, "dropout": dropout}).lora)  # type: ignore[arg-type]


def untested() -> set[str]:
    return METHODS.keys() - {settings["method"] for settings in CASES.values()} - {"zero-shot"}


@dataclass(frozen=True)
class Rows:
    """Six rows of random letters for a stage; the rows of a stage share two instructions."""

    stage: Stage
    vocabulary: int = 80
    count: int = 6

    def batch(self) -> dict[str, Tensor]:
        draw = torch.Generator().manual_seed(100 + self.stage.number)
        ids = torch.randint(5, self.vocabulary, (self.count, 10), generator=draw)
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "instruction": self.instructions()}

    def instructions(self) -> Tensor:
        draw = torch.Generator().manual_seed(200 + self.stage.number)
        two = torch.randn(2, HASHED_SIZE, generator=draw)
        return normalize(two[torch.arange(self.count) % 2], dim=-1)

    def losses(self, model: nn.Module, count: int, sample: str) -> Iterator[Tensor]:
        batch = self.batch()
        for number in range(min(count, self.count)):
            yield loss_of(model, {key: tensor[number : number + 1] for key, tensor in batch.items()}, reduction="sum")


def loss_of(model: nn.Module, batch: dict[str, Tensor], reduction: str = "mean") -> Tensor:
    logits = logits_of(model, batch)[:, :-1].float()
    return cross_entropy(logits.flatten(0, 1), batch["input_ids"][:, 1:].flatten(), reduction=reduction)


def logits_of(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    inputs = dict(batch)
    condition(model, inputs)
    logits: Tensor = model(**inputs, use_cache=False).logits
    return logits


@cache
def _loaded(model: Path, dtype: str) -> nn.Module:
    return load_model(ModelConfig(name=str(model), dtype=dtype))  # type: ignore[arg-type]


class Trainee:
    """One method on one model, stage by stage."""

    def __init__(self, case: str, model: Path, *, dtype: str = "float32", **changes: Any) -> None:
        self.method = build(case, **changes)
        self.model: nn.Module = copy.deepcopy(_loaded(model, dtype))
        self.autocast = dtype == "bfloat16"

    def wrap(self, stage: Stage) -> nn.Module:
        torch.manual_seed(stage.number)
        self.model = self.method.wrap(self.model, stage)
        return self.model

    def train(self, stage: Stage, steps: int = 4, *, lr: float = 1e-2) -> list[float]:
        """Wraps, trains, and learns from the finished adapter; losses before each step, without penalties."""
        self.wrap(stage)
        rows = Rows(stage)
        self.method.before_training(self.model, stage, rows)
        found = self.steps(stage, steps, lr=lr)
        self.method.after_task(self.model, stage)
        return found

    def steps(self, stage: Stage, steps: int, *, lr: float = 1e-2) -> list[float]:
        self.model.train()
        optimizer = torch.optim.AdamW(trainable(self.model).values(), lr=lr, weight_decay=0.0)
        found = []
        for _ in range(steps):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
                loss = loss_of(self.model, Rows(stage).batch())
            found.append(loss.item())
            if self.method.has_extra_loss:
                loss = loss + self.method.extra_loss(self.model)
            if self.method.has_batch_loss:
                loss = loss + self.method.batch_loss(self.model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.model.eval()
        return found

    def carry_over(self, stage: Stage) -> None:
        self.model = self.method.carry_over(self.model, stage).eval()

    def save(self, stage: Stage, folder: Path) -> None:
        from safetensors.torch import save_file

        assert isinstance(self.model, PeftModel)
        save_adapter(self.model, self.method.adapter_of(stage), folder / "adapter")
        if state := self.method.state_dict():
            save_file(state, folder / "state.safetensors")

    def load(self, stage: Stage, folder: Path) -> None:
        self.wrap(stage)
        load_adapter(self.model, self.method.adapter_of(stage), folder / "adapter")  # type: ignore[arg-type]
        state = folder / "state.safetensors"
        self.method.load_state_dict(read_tensors(state) if state.is_file() else {})

    def answers(self, stage: Stage) -> Tensor:
        """Logits on the rows of a stage."""
        with torch.no_grad():
            return logits_of(self.model.eval(), Rows(stage).batch())
