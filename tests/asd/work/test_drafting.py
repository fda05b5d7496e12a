"""Rows of a shard drafted, kept in a draft file and put into columns: as each row alone would be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asd.columns import NATIVE_SCHEMA
from asd.makers.distractors import DistractorIndex
from asd.makers.drafting import Drafter, MakerContext, draft, is_plain
from asd.makers.rendering import RenderContext, render
from asd.plan.planner import NOBODY
from asd.records import Draft, Sample
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.shards.files import open_staged, write_arrow
from asd.tasks.registry import load_task
from asd.templating import TemplateSet
from asd.work.converted_rows import converted_columns
from asd.work.draft_files import CHAINS, DraftOrder, Made, read_accepted, read_given_up, write_drafts
from asd.work.drafting import ShardDrafter, plain_styles
from asd.work.ingested import NativeShard

FRUIT = "apple banana cherry grape lemon mango melon orange peach pear plum quince fig kiwi papaya lychee".split()
QUESTION = "Which fruit is it?"
ROWS = [(number, QUESTION, fruit, None) for number, fruit in enumerate(FRUIT * 3)]
TASKS = {name: load_task(name) for name in ("vqav2", "scienceqa", "vqax")}
MAKING = {name: MakerContext(spec, 0, DistractorIndex.build(ROWS, 0)) for name, spec in TASKS.items()}
RENDERING = {name: RenderContext.build(spec, 0, TemplateSet(), [*spec.styles]) for name, spec in TASKS.items()}
REASONS = ["It is round and it hangs from a tree in the garden.", "People peel it with a knife before they eat it."]
SOLUTION = "We look at the bowl on the table and see one thing in it. It is red and round. So the answer is apple."
SAMPLES = st.builds(
    Sample,
    source_id=st.text("abc#/0", min_size=1, max_size=4),
    question=st.sampled_from([QUESTION, "Is it an apple or a pear?", "Is this a fruit?", "What <image> is it?"]),
    gold=st.sampled_from([*FRUIT[:4], "yes", "no", "unanswerable", " ", "a <image>", "two"]),
    images=st.lists(st.just("a.jpg"), max_size=2),
    accepted=st.lists(st.sampled_from(FRUIT), max_size=3),
    options=st.one_of(st.just([]), st.just(FRUIT[:4])),
    rationales=st.one_of(st.just([]), st.just(REASONS)),
    full_answer=st.sampled_from([None, "", "It is an apple."]),
    solution=st.sampled_from([None, None, SOLUTION]),
    other_boxes=st.one_of(st.just([]), st.just(["[0.6,0.6,0.9,0.9]"])),
    passthrough=st.sampled_from([None, None, None, "[]"]),
)


def native_batch(samples: Sequence[Sample]) -> pa.RecordBatch:
    rows = [{name: getattr(sample, name) for name in NATIVE_SCHEMA.names} for sample in samples]
    return pa.RecordBatch.from_pylist(rows, schema=NATIVE_SCHEMA)


def made_alone(sample: Sample, first: int, able: int, ctx: MakerContext) -> Made:
    reasons = []
    for number in CHAINS[first]:
        if able >> number & 1:
            made = draft(sample, TARGET_STYLES[number], ctx)
            if isinstance(made, Draft):
                return Made(number, made, reasons)
            reasons.append(f"{TARGET_STYLES[number].value}: {made.reason}")
    return Made(NOBODY, None, reasons)


@pytest.mark.parametrize("task", TASKS)
@given(
    rows=st.lists(st.tuples(SAMPLES, st.integers(0, 4), st.integers(0, 31)), min_size=1, max_size=8),
    deal=st.integers(0, 1),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_together_are_rows_alone(
    task: str, rows: list[tuple[Sample, int, int]], deal: int, tmp_path: Path
) -> None:
    samples, ctx = [sample for sample, *_ in rows], MAKING[task]
    batch, path = native_batch(samples), tmp_path / "native.arrow"
    write_arrow(path, NATIVE_SCHEMA, [batch.slice(0, 3), batch.slice(3)], durable=False)
    shard = NativeShard(file=path.name, split="train", number=0, first=0, rows=len(rows))
    backwards = [(place, rows[place][1]) for place in reversed(range(len(rows)))]
    order = DraftOrder(shard, 0, np.array(backwards, np.int32), np.zeros((0, 2), np.int32))
    made = ShardDrafter(Drafter(ctx), ctx.spec.family).draft(path, order, [rows[place][2] for place, _ in backwards])
    assert made == [made_alone(samples[place], first, rows[place][2], ctx) for place, first in backwards]
    write_drafts(tmp_path / "drafts.arrow", order, made)
    found = [(place, one) for (place, _), one in zip(backwards, made, strict=True) if one.draft is not None][::-1]
    places, styles = [place for place, _ in found], [one.outcome for _, one in found]
    if not places:
        return
    drafts = read_accepted([tmp_path / "none", tmp_path / "drafts.arrow"], places, styles, len(rows))
    columns = converted_columns(batch, np.asarray(places), drafts, [deal] * len(places), RENDERING[task])
    assert as_rows(columns) == [alone(samples[place], one.draft, deal, RENDERING[task]) for place, one in found]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 10))
def test_parts_of_an_order_are_its_requests(chain: int, single: int, most: int) -> None:
    shard = NativeShard(file="a.arrow", split="train", number=0, first=0, rows=9)
    pairs = np.array([[row, 2] for row in range(9)], np.int32).reshape(-1, 2)
    order = DraftOrder(shard, 0, pairs[:chain], pairs[9 - single :])
    parts = order.parts(most)
    assert [request for part in parts for request in part.requests()] == order.requests()
    assert parts
    assert all(len(part) <= most for part in parts)


@pytest.mark.parametrize("rewrite", [None, {"model": "m", "judge": None}])
def test_columns_of_a_rewriter_are_written_where_there_is_one(rewrite: dict[str, Any] | None, tmp_path: Path) -> None:
    shard = NativeShard(file="a.arrow", split="train", number=0, first=0, rows=2)
    order = DraftOrder(shard, 0, np.array([[0, 2], [1, 2]], np.int32), np.zeros((0, 2), np.int32))
    made = [Made(2, Draft(AnswerStyle.SHORT_ANSWER, Maker.FIELD, "a"), []), Made(NOBODY, None, ["b"], rewrite)]
    path = tmp_path / "drafts.arrow"
    write_drafts(path, order, made)
    assert ("rewrite" in open_staged(path).schema.names) == (rewrite is not None)
    assert read_accepted([path], [0], [2], 2)["made_checks"].to_pylist()[0] in (None, [])
    given_up = read_given_up([path], b"\x01\x01")
    assert [one["model"] for one in given_up.values()] == ([] if rewrite is None else ["m"])


def as_rows(columns: dict[str, pa.Array]) -> list[dict[str, Any]]:
    names = ("question", "options", "candidate", "rfp", "prompt", "response", "template", "style", "maker")
    lists = [columns[name].to_pylist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def alone(sample: Sample, made: Draft, deal: int, ctx: RenderContext) -> dict[str, Any]:
    row = render(sample, made, deal, ctx)._asdict()
    del row["gold"]
    return row | {"style": made.style.value, "maker": made.maker.value}


@given(rows=st.lists(SAMPLES, min_size=1, max_size=8), family=st.sampled_from(["vqa", "grounding"]))
@settings(max_examples=60, deadline=None)
def test_plain_rows_are_told_by_their_columns(rows: list[Sample], family: str) -> None:
    bits = plain_styles(native_batch(rows), family).tolist()
    for sample, found in zip(rows, bits, strict=True):
        for number, style in enumerate(TARGET_STYLES):
            assert bool(found >> number & 1) == is_plain(sample, AnswerStyle(style), family)
