"""SDG Hub: a flow with one block of our own over a pandas frame, written as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.json
from peers.task import COLUMNS, convert_columns, threshold
from sdg_hub import BaseBlock, BlockRegistry, Flow
from sdg_hub.core.flow.metadata import FlowMetadata


@BlockRegistry.register("AnswerStyleBlock", "transform", "Answers in another style")
class AnswerStyleBlock(BaseBlock):
    below: int

    def generate(self, samples: pd.DataFrame, **options: Any) -> pd.DataFrame:
        batch = {name: samples[name].tolist() for name in ("id", "image", "conversations")}
        done = convert_columns(batch, self.below)
        return samples.assign(**{name: done[name] for name in self.output_cols})


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    rows = pyarrow.json.read_json(source / "rows.jsonl").to_pandas()
    block = AnswerStyleBlock(
        block_name="styles",
        input_cols=["id", "image", "conversations"],
        output_cols=["style", "gold", "prompt", "response"],
        below=threshold(ratio),
    )
    done = Flow(blocks=[block], metadata=FlowMetadata(name="styles")).generate(rows)
    done[list(COLUMNS)].to_parquet(out / "rows.parquet")


def stop() -> None:
    """Nothing runs on."""
