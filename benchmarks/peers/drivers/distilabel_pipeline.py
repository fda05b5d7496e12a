"""distilabel: a loading step and a step of our own with two replicas; the result is the Parquet of its last step."""

# No `from __future__ import annotations` here: distilabel reads the annotations of steps as objects.

from pathlib import Path

from distilabel.mixins.runtime_parameters import RuntimeParameter
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromFileSystem, StepInput, StepResources, step
from distilabel.typing import StepOutput
from peers.task import COLUMNS, convert, threshold

BATCH = 10_000


@step(inputs=["id", "image", "conversations"], outputs=list(COLUMNS))
def Convert(inputs: StepInput, below: RuntimeParameter[int]) -> StepOutput:  # noqa: N802  distilabel names steps so
    yield [convert(row, below) for row in inputs]


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    with Pipeline(name="styles", cache_dir=out) as pipeline:
        load = LoadDataFromFileSystem(data_files=str(source / "rows.jsonl"), filetype="json", batch_size=BATCH)
        change = Convert(input_batch_size=BATCH, resources=StepResources(replicas=2))
        load >> change
    pipeline.run(use_cache=False, parameters={change.name: {"below": threshold(ratio)}})


def stop() -> None:
    """Nothing runs on."""
