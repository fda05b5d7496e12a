"""The example on docs/reglora.md works as printed, with gradient accumulation, in a plain `transformers.Trainer`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, TrainingArguments

from tests.conftest import REPO

CODE = re.findall(r"```python\n(.*?)```", (REPO / "docs" / "reglora.md").read_text("utf-8"), re.DOTALL)


def make_task(seed: int) -> list[dict[str, Any]]:
    ids = torch.randint(0, 50, (16, 12), generator=torch.Generator().manual_seed(seed))
    return [{"input_ids": row, "labels": row} for row in ids]


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # asked by PEFT
def test_the_printed_example(tmp_path: Path) -> None:
    torch.manual_seed(0)
    base = LlamaForCausalLM(
        LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, vocab_size=50)
    )
    arguments = TrainingArguments(
        output_dir=str(tmp_path), max_steps=6, per_device_train_batch_size=2, gradient_accumulation_steps=4, use_cpu=True,
        learning_rate=1e-2, report_to="none", disable_tqdm=True, save_strategy="no", logging_strategy="no",
    )  # fmt: skip
    before = base.model.layers[0].mlp.up_proj.weight.clone()
    names: dict[str, Any] = {}
    for block in CODE:
        exec(block, names)
    tuned = names["tune"](base, [make_task(1), make_task(2)], arguments)
    penalty = names["penalty"]
    assert penalty.num_tasks == 2
    assert len(penalty.key_elements) == 2 * 7
    assert not torch.equal(tuned.model.layers[0].mlp.up_proj.weight, before)
