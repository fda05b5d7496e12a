"""The custom operator that Data-Juicer loads from its recipe."""

from __future__ import annotations

from typing import Any

from data_juicer.ops.base_op import OPERATORS, Mapper
from peers.task import convert_columns, threshold


@OPERATORS.register_module("answer_style_mapper")
class AnswerStyleMapper(Mapper):
    _batched_op = True

    def __init__(self, ratio: float = 0.2, **options: Any) -> None:
        super().__init__(**options)
        self.below = threshold(ratio)

    def process_batched(self, samples: dict[str, list[Any]]) -> dict[str, list[Any]]:
        return convert_columns(samples, self.below)
