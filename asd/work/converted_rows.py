"""The columns of rows that leave their native style: drafts rendered, checked and put into Arrow, style by style."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.errors import DataError
from asd.makers.rendering import render_style, reword
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.sources.answer_form import malformed
from asd.styles.checking import CHECKS, check, suspects
from asd.styles.style_rows import StyleRows, StyleTexts
from asd.styles.table import target_of
from asd.styles.wording import Wording
from asd.work.draft_files import DRAFT_FIELDS

_MAKERS = {maker.value: maker for maker in Maker}
_STRINGS = pa.list_(pa.string())
_TEXT_COLUMNS = ("question", "rfp", "prompt", "response")
_TOGETHER = 512
"""Rows that are rendered and checked at a time: as many as stay in a processor's cache."""
Places = npt.NDArray[np.int64]


def converted_columns(
    batch: pa.RecordBatch, rows: Places, drafts: pa.Table, deals: Sequence[int], ctx: Wording
) -> dict[str, pa.Array]:
    """The columns that conversion changes, one row for each of `rows` of `batch`, in their order.

    drafts: rows of DRAFT_SCHEMA, parallel to `rows`. Raises: DataError for a row that fails a check.
    """
    outcomes = drafts["outcome"].to_numpy()
    dealt = np.asarray(deals, np.int64)
    made = drafts.select(DRAFT_FIELDS)
    parts: list[dict[str, pa.Array]] = []
    order: list[Places] = []
    own_golds: list[Sequence[str] | None] = []
    failed: dict[int, DataError] = {}
    for style, places in _runs(outcomes):
        of_style = _style_rows(style, batch, rows[places], made.take(pa.array(places)))
        of_style = reword(style, of_style, dealt[places].tolist(), ctx)
        texts = render_style(style, of_style, dealt[places].tolist(), ctx)
        for place in sorted(suspects(style, of_style, texts)):
            if names := _failed_checks(style, of_style, texts, place, ctx):
                failed[int(places[place])] = _refusal(batch, rows[places[place]], style, names, ctx)
        columns = _columns(style, texts, ctx.templates[style].reference)
        for place, why in malformed(style, columns["response"], columns["options"]).items():
            failed.setdefault(
                int(places[place]), _refusal(batch, rows[places[place]], style, [f"its form: {why}"], ctx)
            )
        parts.append(columns)
        own_golds.append(texts.golds if target_of(style).answers_own_question else None)
        order.append(places)
    if failed:
        raise failed[min(failed)]
    back = pa.array(np.argsort(np.concatenate(order), kind="stable"))
    if any(golds is not None for golds in own_golds):
        for part, golds, places in zip(parts, own_golds, order, strict=True):
            part.update(_golds(batch, rows[places], golds))
    columns = {name: pa.concat_arrays([part[name] for part in parts]).take(back) for name in parts[0]}
    return columns | {"maker": drafts["maker"].combine_chunks(), "checks": _checks(drafts)}


def _golds(batch: pa.RecordBatch, rows: Places, own: Sequence[str] | None) -> dict[str, pa.Array]:
    """The sample's answers; those of the row itself where it answers a question of its own."""
    if own is None:
        return {name: batch[name].take(pa.array(rows)) for name in ("gold", "accepted")}
    return {"gold": pa.array(own, pa.string()), "accepted": pa.array([[gold] for gold in own], _STRINGS)}


def _runs(outcomes: npt.NDArray[np.uint8]) -> Iterator[tuple[AnswerStyle, Places]]:
    """A style and places of rows that take it, a few at a time."""
    for number, style in enumerate(TARGET_STYLES):
        places = np.flatnonzero(outcomes == number)
        for first in range(0, len(places), _TOGETHER):
            yield style, places[first : first + _TOGETHER]


def _style_rows(style: AnswerStyle, batch: pa.RecordBatch, rows: Places, drafts: pa.Table) -> StyleRows:
    wanted, count = pa.array(rows), len(rows)
    made = {name: drafts[name].combine_chunks() for name in DRAFT_FIELDS}
    return StyleRows(
        source_ids=batch["source_id"].take(wanted).to_pylist(),
        questions=batch["question"].take(wanted).to_pylist(),
        contexts=_texts(batch["context"].take(wanted)),
        num_images=pc.list_value_length(batch["images"].take(wanted)).to_pylist(),
        accepted=_lists(batch["accepted"].take(wanted)) if target_of(style).compares_accepted else [_NONE] * count,
        has_reasons=pc.greater(pc.list_value_length(batch["rationales"].take(wanted)), 0).to_pylist(),
        makers=[_MAKERS[name] for name in made["maker"].to_pylist()],
        golds=made["gold"].to_pylist(),
        options=_lists(made["options"]),
        fixed_order=made["fixed_order"].to_pylist(),
        gold_index=made["gold_index"].to_pylist(),
        wrong=_texts(made["wrong"]),
        texts=_texts(made["text"]),
        asked=_texts(made["question"]),
    )


_NONE: list[str] = []


def _texts(column: pa.StringArray) -> list[str]:
    """Values of a column without nulls; quick where it holds no letter."""
    values: list[str] = column.to_pylist() if pc.sum(pc.binary_length(column)).as_py() else [""] * len(column)
    return values


def _lists(column: pa.ListArray) -> list[list[str]]:
    """Values of a column of lists without nulls, not to be changed: made of one list of all texts."""
    texts = column.flatten().to_pylist()
    if not texts:
        return [_NONE] * len(column)
    ends = np.cumsum(pc.list_value_length(column).to_numpy()).tolist()
    return [texts[first:last] for first, last in zip([0, *ends], ends, strict=False)]


def _failed_checks(style: AnswerStyle, rows: StyleRows, texts: StyleTexts, place: int, ctx: Wording) -> list[str]:
    rendered = texts.row(place, ctx.templates[style].reference)
    return check(rendered, rows.sample(place), rows.draft(style, place))


def _refusal(batch: pa.RecordBatch, row: int, style: AnswerStyle, failed: Sequence[str], ctx: Wording) -> DataError:
    source_id, file, number = (batch[name][int(row)].as_py() for name in ("source_id", "source_file", "source_row"))
    template = ctx.templates[style]
    what = f"sample {source_id} ({file}, row {number}) in style {style.value} fails {', '.join(failed)}"
    if template.is_built_in:
        return DataError(
            f"{what} after the built-in template {template.reference}. That is an error of this package and none of the "
            "row's: please report it with the row. To go on without the row, give the task's YAML a `reject_when` for it."
        )
    return DataError(
        f"{what} after template {template.reference} ({template.path}:{template.lines['prompt']}). A template must keep the "
        "question, the options and the response unchanged; mend it, or leave out --template-dir."
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
