"""This package's own pure makers, for peers that call them row by row: wrong answers mined from the data, sentences by
grammar, checks of every converted row.

So the peers leave out less: what they still do not do is exact quotas and letters, provenance, checksums, the flush and
the commit. The index of answers needs a pass over all rows before the first is converted; it is part of the work.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from asd.makers.distractors import AnswerRules, DistractorIndex
from asd.makers.drafting import draft
from asd.makers.maker_context import MakerContext
from asd.makers.rendering import RenderContext, render
from asd.records import Draft, Sample
from asd.schemas.styles import AnswerStyle
from asd.tasks.registry import load_task
from asd.templating import TemplateSet

from .task import PREFIX, SEED, STYLES, SUFFIX, selection_hash, style_hash

SCHEMA = pa.schema(
    [
        (name, pa.list_(pa.string()) if name == "options" else pa.string())
        for name in ("source_id", "image", "style", "question", "options", "candidate", "prompt", "response", "gold")
    ]
)
TASK = "vqav2"


def write_index(source: Path, path: Path) -> None:
    """Of all rows of `source`, for every process to load."""
    with source.open("rb") as lines:
        rows = [(selection_hash(row["id"]), _question(row), row["conversations"][1]["value"], None)
                for row in map(json.loads, lines)]  # fmt: skip
    DistractorIndex.build(rows, seed=SEED, rules=AnswerRules.of(load_task(TASK))).save(path)


@cache
def _context(index: Path) -> MakerContext:
    spec, styles = load_task(TASK), [AnswerStyle(name) for name in STYLES]
    wording = RenderContext.build(spec, SEED, TemplateSet(None), styles)
    return MakerContext(spec, SEED, DistractorIndex.load(index), wording)


def _question(record: dict[str, Any]) -> str:
    return str(record["conversations"][0]["value"]).removeprefix(PREFIX).removesuffix(SUFFIX)


def convert(record: dict[str, Any], below: int, index: str) -> dict[str, Any]:
    """One record to one row; it keeps its style where no maker takes it."""
    sample_id, image, gold = record["id"], record["image"], record["conversations"][1]["value"]
    question = _question(record)
    row = {
        "source_id": sample_id, "image": image, "style": "short_answer", "question": question, "options": [],
        "candidate": None, "prompt": record["conversations"][0]["value"], "response": gold, "gold": gold,
    }  # fmt: skip
    if selection_hash(sample_id) < below:
        sample = Sample(sample_id, question, gold, images=[image], accepted=[gold])
        row |= _made(sample, style_hash(sample_id), _context(Path(index)))
    return row


def _made(sample: Sample, drawn: int, ctx: MakerContext) -> dict[str, Any]:
    """The columns of the first style that takes the sample (`draft` checks all that may be dealt); {} where none does."""
    assert ctx.rendering is not None
    for step in range(len(STYLES)):
        style = AnswerStyle(STYLES[(drawn + step) % len(STYLES)])
        made = draft(sample, style, ctx)
        if not isinstance(made, Draft):
            continue
        deals = 2 if style is AnswerStyle.YES_NO else len(made.options) or 1
        rendered = render(sample, made, (drawn >> 16) % deals, ctx.rendering)
        return {
            "style": style.value, "question": rendered.question, "options": rendered.options,
            "candidate": rendered.candidate, "prompt": rendered.prompt, "response": rendered.response,
        }  # fmt: skip
    return {}


def convert_columns(batch: dict[str, list[Any]], below: int, index: str) -> dict[str, list[Any]]:
    """A batch by columns (`id`, `image`, `conversations`) to columns."""
    records = [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
    rows = [convert(record, below, index) for record in records]
    return {name: [row[name] for row in rows] for name in SCHEMA.names}
