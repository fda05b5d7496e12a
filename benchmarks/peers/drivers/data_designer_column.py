"""NeMo Data Designer: the rows as an ordered seed, one custom column generator over whole row groups of 10,000.

Its own Jinja column compiles the template again for every record (milliseconds a row), so the custom column it is.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ["NEMO_TELEMETRY_ENABLED"] = "false"

import data_designer.config as dd
import pandas as pd
from data_designer.interface import DataDesigner
from peers.task import convert_columns, threshold

ROW_GROUP = 10_000
BELOW = {"threshold": 0}


@dd.custom_column_generator(
    required_columns=["id", "image", "conversations"], side_effect_columns=["gold", "prompt", "response"]
)
def style(df: pd.DataFrame) -> pd.DataFrame:
    batch = {name: df[name].tolist() for name in ("id", "image", "conversations")}
    done = convert_columns(batch, BELOW["threshold"])
    return df.assign(**{name: done[name] for name in ("style", "gold", "prompt", "response")})


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    BELOW["threshold"] = threshold(ratio)
    with (source / "rows.jsonl").open("rb") as lines:
        count = sum(1 for _ in lines)
    builder = dd.DataDesignerConfigBuilder(model_configs=[])
    seed = dd.LocalFileSeedSource(path=str(source / "rows.jsonl"))
    builder.with_seed_dataset(seed, sampling_strategy=dd.SamplingStrategy.ORDERED)
    builder.add_column(
        dd.CustomColumnConfig(
            name="style", generator_function=style, generation_strategy=dd.GenerationStrategy.FULL_COLUMN
        )
    )
    designer = DataDesigner(artifact_path=out)
    designer.set_run_config(dd.RunConfig(buffer_size=ROW_GROUP, otel_metrics_port=None))
    designer.create(builder, num_records=count, dataset_name="rows")


def stop() -> None:
    """Nothing runs on."""
