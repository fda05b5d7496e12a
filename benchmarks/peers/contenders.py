"""Who takes part: driver, requirements, where the output lies, and in what the work differs from ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Contender:
    """`name` is the requirements file's and environment's; `most_rows` keeps very slow ones out of long runs."""

    name: str
    title: str
    driver: str
    package: str
    output: str
    how: str
    aim: float | None = None
    """So many times as fast as this contender ours is meant to be."""
    environment: str | None = None
    most_rows: int | None = None
    by_hand: bool = False
    """The task is written out for the rows of `convert.make_source`; other shapes are not read."""
    uses_ours: bool = False
    """Calls this package's makers (`same_makers`), which are installed beside it; checked as ours is, but for the quotas."""


OURS: Final = "asd"
FLOOR: Final = "floor"

CONTENDERS: Final = (
    Contender(
        OURS,
        "asd (ours)",
        "ours",
        "asd-mcit",
        "latest/data/*.arrow",
        "exact quotas, mined wrong answers, sentences by grammar, checks, lineage, sha256, fsync, commit",
    ),
    Contender(
        FLOOR,
        "I/O floor",
        "floor",
        "pyarrow",
        "copied/*.arrow",
        "parses the same JSON, writes the very shards that ours wrote; converts nothing",
        environment=OURS,
    ),
    Contender(
        "distilabel",
        "distilabel",
        "distilabel_pipeline",
        "distilabel",
        "styles/*/executions/*/data/steps_outputs/*/*.parquet",
        "loading step and own step, two replicas, batches of 10,000; Jinja per converted row",
        aim=30,
    ),
    Contender(
        "data_juicer",
        "Data-Juicer",
        "data_juicer_recipe",
        "py-data-juicer",
        "*.parquet",
        "recipe with an own batched mapper, np 2; Jinja per converted row",
        aim=8,
    ),
    Contender(
        "datatrove",
        "datatrove",
        "datatrove_pipeline",
        "datatrove",
        "rows/*.parquet",
        "own step on documents, two tasks on pre-split files; Jinja per converted row",
        aim=8,
    ),
    Contender(
        "ray_data",
        "Ray Data",
        "ray_data",
        "ray",
        "rows/*.parquet",
        "map_batches on Arrow, pre-split files, two CPUs, start of Ray not counted; Jinja per converted row",
        aim=8,
    ),
    Contender(
        "datasets",
        "datasets.map",
        "hf_datasets",
        "datasets",
        "rows*.arrow",
        "batched, num_proc 2; Jinja per converted row; Arrow files of the map are the output",
        aim=4,
    ),
    Contender(
        "daft",
        "Daft",
        "daft_engine",
        "daft",
        "rows/*.parquet",
        "batch function; pre-split files; Jinja per converted row",
    ),
    Contender(
        "data_designer",
        "NeMo Data Designer",
        "data_designer_column",
        "data-designer",
        "rows/parquet-files/*.parquet",
        "custom column over row groups of 10,000 (not its own Jinja column); Jinja per converted row",
    ),
    Contender(
        "sdg_hub",
        "SDG Hub",
        "sdg_hub_flow",
        "sdg-hub",
        "rows.parquet",
        "flow with one own block on a pandas frame; Jinja per converted row",
    ),
    Contender(
        "polars",
        "Polars",
        "polars_lazy",
        "polars",
        "rows.parquet",
        "hand-written expressions, no Jinja, streamed",
        by_hand=True,
    ),
    Contender(
        "duckdb",
        "DuckDB",
        "duckdb_sql",
        "duckdb",
        "rows.parquet",
        "one hand-written SQL statement, no Jinja",
        by_hand=True,
    ),
    Contender(
        "datasets_makers",
        "datasets.map, our makers",
        "hf_datasets_makers",
        "datasets",
        "rows*.arrow",
        "as datasets.map, with our mined wrong answers, sentences and checks called for each converted row",
        uses_ours=True,
    ),
    Contender(
        "datatrove_makers",
        "datatrove, our makers",
        "datatrove_makers",
        "datatrove",
        "rows/*.parquet",
        "as datatrove, with our mined wrong answers, sentences and checks called for each converted row",
        uses_ours=True,
    ),
)
