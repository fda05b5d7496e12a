"""Handing facts about rows to the parts of a model that want them, beside the inputs of its forward pass.

A batch may hold `instruction`, an embedding of each row's bare instruction. The model's own forward and generation
know no such input, so it is taken out of the batch and given to every module that has `condition(instruction)`; what
the module makes of it stays until the next batch, also for the second forward pass of gradient checkpointing.
"""

from __future__ import annotations

from typing import Any

from torch import nn

INSTRUCTION = "instruction"


def condition(model: nn.Module, batch: dict[str, Any]) -> None:
    """Remove `instruction`, float32 (rows, d), from the batch, and tell those modules that listen."""
    instruction = batch.pop(INSTRUCTION, None)
    if instruction is None:
        return
    for module in model.modules():
        listen = getattr(module, "condition", None)
        if callable(listen):
            listen(instruction)
