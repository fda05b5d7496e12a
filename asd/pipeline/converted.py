"""The columns of rows that leave their native style: drafts rendered, checked and put into Arrow, style by style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.errors import DataError
from asd.makers.checks import CHECKS, check, suspects
from asd.makers.rendering import RenderContext, StyleRows, StyleTexts, render_style
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker

_MAKERS = {maker.value: maker for maker in Maker}
_ANSWERS_MATTER = (AnswerStyle.YES_NO, AnswerStyle.MULTIPLE_CHOICE)
"""Styles with wrong answers, which are compared with every accepted one."""
_STRINGS = pa.list_(pa.string())
_TEXT_COLUMNS = ("question", "rfp", "prompt", "response")
Places = npt.NDArray[np.int64]


def converted_columns(
    batch: pa.RecordBatch, rows: Places, drafts: pa.Table, deals: Sequence[int], ctx: RenderContext
) -> dict[str, pa.Array]:
    """The columns that conversion changes, one row for each of `rows` of `batch`, in their order.

    drafts: rows of DRAFT_SCHEMA, parallel to `rows`. Raises: DataError for a row that fails a check.
    """
    outcomes = drafts["outcome"].to_numpy()
    dealt = np.asarray(deals, np.int64)
    parts: list[dict[str, pa.Array]] = []
    order: list[Places] = []
    failed: dict[int, DataError] = {}
    for number, style in enumerate(TARGET_STYLES):
        places = np.flatnonzero(outcomes == number)
        if not len(places):
            continue
        of_style = _style_rows(style, batch, rows[places], drafts.take(pa.array(places)))
        texts = render_style(style, of_style, dealt[places].tolist(), ctx)
        for place in sorted(suspects(style, of_style, texts)):
            if names := _failed_checks(style, of_style, texts, place, ctx):
                failed[int(places[place])] = _refusal(batch, rows[places[place]], style, names, ctx)
        parts.append(_columns(style, texts, ctx.templates[style].reference))
        order.append(places)
    if failed:
        raise failed[min(failed)]
    back = pa.array(np.argsort(np.concatenate(order), kind="stable"))
    columns = {name: pa.concat_arrays([part[name] for part in parts]).take(back) for name in parts[0]}
    return columns | {"maker": drafts["maker"].combine_chunks(), "checks": _checks(drafts)}


def _style_rows(style: AnswerStyle, batch: pa.RecordBatch, rows: Places, drafts: pa.Table) -> StyleRows:
    wanted, count = pa.array(rows), len(rows)

    def told(name: str) -> list[Any]:
        values: list[Any] = batch[name].take(wanted).to_pylist()
        return values

    has_reasons = [False] * count
    if style is AnswerStyle.BRIEF_EXPLANATION:
        has_reasons = pc.greater(pc.list_value_length(batch["rationales"].take(wanted)), 0).to_pylist()
    return StyleRows(
        source_ids=told("source_id"),
        questions=told("question"),
        contexts=told("context"),
        num_images=pc.list_value_length(batch["images"].take(wanted)).to_pylist(),
        accepted=told("accepted") if style in _ANSWERS_MATTER else [[] for _ in range(count)],
        has_reasons=has_reasons,
        makers=[_MAKERS[name] for name in drafts["maker"].to_pylist()],
        golds=drafts["gold"].to_pylist(),
        options=drafts["options"].to_pylist(),
        fixed_order=drafts["fixed_order"].to_pylist(),
        gold_index=drafts["gold_index"].to_pylist(),
        wrong=drafts["wrong"].to_pylist(),
        texts=drafts["text"].to_pylist(),
        asked=drafts["question"].to_pylist(),
    )


def _failed_checks(style: AnswerStyle, rows: StyleRows, texts: StyleTexts, place: int, ctx: RenderContext) -> list[str]:
    rendered = texts.row(place, ctx.templates[style].reference)
    return check(rendered, rows.sample(place), rows.draft(style, place))


def _refusal(
    batch: pa.RecordBatch, row: int, style: AnswerStyle, failed: Sequence[str], ctx: RenderContext
) -> DataError:
    source_id, file, number = (batch[name][int(row)].as_py() for name in ("source_id", "source_file", "source_row"))
    return DataError(
        f"sample {source_id} ({file}, row {number}) in style {style.value} fails {', '.join(failed)} after template "
        f"{ctx.templates[style].reference}. A template must keep the question, the options and the response "
        "unchanged; mend it, or leave out --template-dir."
    )


def _columns(style: AnswerStyle, texts: StyleTexts, reference: str) -> dict[str, pa.Array]:
    count = len(texts.prompts)
    columns = (texts.questions, texts.rfps, texts.prompts, texts.responses)
    made = {name: pa.array(column, pa.string()) for name, column in zip(_TEXT_COLUMNS, columns, strict=True)}
    made["options"] = pa.array(texts.options, _STRINGS)
    made["candidate"] = pa.array([candidate or None for candidate in texts.candidates], pa.string())
    made["style"] = pa.repeat(pa.scalar(style.value), count)
    made["template"] = pa.repeat(pa.scalar(reference), count)
    return made


def _checks(drafts: pa.Table) -> pa.Array:
    """Names of the checks that each row passed; a rewriter's text passes more than those of its style."""
    extra = drafts["made_checks"].combine_chunks()
    styles = drafts["outcome"].combine_chunks()
    if len(extra.flatten()) == 0:
        return pa.array([CHECKS[style] for style in TARGET_STYLES], _STRINGS).take(styles)
    pairs = zip(styles.to_pylist(), extra.to_pylist(), strict=True)
    return pa.array([[*CHECKS[TARGET_STYLES[number]], *(more or ())] for number, more in pairs], _STRINGS)
