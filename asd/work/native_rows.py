"""Shard rows of samples that keep their native style, made with Arrow expressions, no Python per row.

Converted rows are put among them column by column.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.columns import IMAGE, MESSAGE, SHARD_SCHEMA
from asd.makers.chinese import script_language
from asd.plan.keys import Keys, mix
from asd.schemas.image_marks import INERT, MARK, is_placed
from asd.schemas.styles import LETTERS, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.sources.image_text import DATA, path_and_data
from asd.sources.kept_rows import OVERLAID
from asd.tasks.registry import rfps_in


def inert(text: pa.Array) -> pa.Array:
    """`asd.schemas.image_marks.make_inert` of each text."""
    return text if _is_inert(text) else pc.replace_substring(text, MARK, INERT)


def _is_inert(text: pa.Array) -> bool:
    """Whether the column is as `replace_substring` would leave it, byte for byte; a quick look at all texts at once."""
    _, offsets, data = text.buffers()
    if data is None or text.offset or text.null_count or not len(text):
        return False
    last = int(np.frombuffer(offsets, np.int32)[len(text)])
    return data.size == last and MARK.encode() not in data.to_pybytes()


def sample_ids(task: str, split: str, source_ids: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(f"{task}/{split}", source_ids, "/")


@dataclass(frozen=True)
class ConvertedRows:
    """Rows of a batch that leave the native style: where they stand, and the columns that this changes."""

    rows: npt.NDArray[np.int64]
    columns: Mapping[str, pa.Array]


def shard_rows(
    batch: pa.RecordBatch,
    keys: Keys,
    source_ids: pa.Array,
    spec: TaskSpec,
    rfps: Sequence[str],
    seed: int,
    converted: ConvertedRows | None = None,
    *,
    adds_rfps: bool = False,
) -> pa.RecordBatch:
    """NATIVE_SCHEMA rows of one split -> SHARD_SCHEMA rows, in the native style but for those in `converted`.

    keys: uint64 (rows,), choose the response-format prompt where the source brings none; source_ids: with suffixes.
    adds_rfps: also to prompts of a source that are kept to the byte, if they have none.
    """
    count = batch.num_rows
    rfp = batch["rfp"]
    if rfp.null_count and rfps:
        with np.errstate(over="ignore"):
            chosen = mix(keys ^ np.uint64(0x2F0B)) % np.uint64(len(rfps))
        rfp = pc.coalesce(rfp, pa.array(rfps).take(pa.array(chosen.astype(np.int64))))
        rfp = _in_chinese(rfp, batch, keys, rfps_in("zh", spec, spec.native_style.value))
    rfp = inert(pc.fill_null(rfp, "") if rfp.null_count else rfp)
    asked, passthrough = batch["asked"], batch["passthrough"]
    if not adds_rfps:
        rfp = pc.if_else(pc.and_(pc.is_valid(asked), pc.is_null(batch["rfp"])), "", rfp)
    if passthrough.null_count < count:
        rfp = pc.if_else(pc.is_valid(passthrough), "", rfp)
    prompt = _kept_prompts(batch, _prompts(batch, rfp), rfp)
    split = batch["split"][0].as_py() if count else ""
    columns: dict[str, Any] = {
        "id": sample_ids(spec.name, split, source_ids),
        "source_id": batch["source_id"],
        "task": _constant(spec.name, count),
        "split": batch["split"],
        "images": image_structs(batch["images"]),
        "context": batch["context"],
        "question": batch["question"],
        "options": batch["options"],
        "candidate": pa.nulls(count, pa.string()),
        "rfp": rfp,
        "prompt": prompt,
        "response": inert(batch["response"]),
        "native_style": _constant(spec.native_style.value, count),
        "style": _constant(spec.native_style.value, count),
        "maker": _constant(Maker.NATIVE.value, count),
        "gold": batch["gold"],
        "accepted": batch["accepted"],
        "group": batch["group"],
        "turn": batch["turn"],
        "source_file": batch["source_file"],
        "source_row": batch["source_row"],
        "template": pa.nulls(count, pa.string()),
        "seed": pa.array(np.full(count, seed, np.int64)),
        "checks": empty_lists(count, pa.string()),
    }
    for changed in (converted, _kept_rows(passthrough)):
        if changed is not None:
            order = np.arange(count)
            order[changed.rows] = count + np.arange(len(changed.rows))
            for name, column in changed.columns.items():
                columns[name] = pa.concat_arrays([columns[name], column]).take(pa.array(order))
    messages = _messages(columns["prompt"], columns["response"])
    if passthrough.null_count < count:
        messages = _keep_passthrough(messages, passthrough)
        columns["prompt"] = _with_placed_images(columns["prompt"], messages, batch["images"])
    columns["messages"] = messages
    return pa.record_batch([columns[name] for name in SHARD_SCHEMA.names], schema=SHARD_SCHEMA)


def _in_chinese(rfp: pa.Array, batch: pa.RecordBatch, keys: Keys, texts: Sequence[str]) -> pa.Array:
    """Prompts in Chinese for questions in Chinese that the source has none for."""
    if not texts or not pc.any(pc.match_substring_regex(batch["question"], r"\p{Han}")).as_py():
        return rfp
    rows = zip(batch["question"].to_pylist(), batch["rfp"].to_pylist(), rfp.to_pylist(), keys.tolist(), strict=True)
    return pa.array(
        [
            texts[key % len(texts)] if own is None and question and script_language(question) == "zh" else given
            for question, own, given, key in rows
        ],
        pa.string(),
    )


@lru_cache(maxsize=32)
def _constant(value: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), count)


@lru_cache(maxsize=8)
def _roles(count: int) -> pa.Array:
    return pa.array(["user", "assistant"]).take(pa.array(np.tile([0, 1], count)))


def empty_lists(count: int, item: pa.DataType) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), pa.array([], item))


def image_structs(images: pa.ListArray) -> pa.ListArray:
    """list<string> -> list<{path, bytes}>; bytes null but where a source gave data (`asd.sources.image_text`)."""
    flat = images.flatten()
    offsets = _offsets(images)
    data = pa.nulls(len(flat), pa.binary())
    if len(flat) and pc.any(pc.starts_with(flat, DATA)).as_py():
        both = [path_and_data(text) for text in flat.to_pylist()]
        flat, data = (
            pa.array([path for path, _ in both], pa.string()),
            pa.array([content for _, content in both], pa.binary()),
        )
    structs = pa.StructArray.from_arrays([flat, data], fields=list(IMAGE))
    return pa.ListArray.from_arrays(offsets, structs)


def _offsets(lists: pa.ListArray) -> pa.Array:
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))


def _prompts(batch: pa.RecordBatch, rfp: pa.Array) -> pa.Array:
    """`<image>` line per image, context, question, lettered options, response-format prompt; empty parts leave no line."""
    parts = [_image_lines(batch["images"])]
    if pc.any(pc.not_equal(batch["context"], "")).as_py():
        parts.append(_line(batch["context"]))
    parts.append(inert(batch["question"]))
    options = _option_lines(batch["options"])
    if options is not None:
        parts.append(options)
    has_rfp = _lengths(rfp) > 0
    if has_rfp.all():
        parts += ["\n", rfp]
    elif has_rfp.any():
        parts.append(pc.if_else(pa.array(has_rfp), pc.binary_join_element_wise("\n", rfp, ""), ""))
    return pc.binary_join_element_wise(*parts, "")


def _kept_prompts(batch: pa.RecordBatch, made: pa.Array, rfp: pa.Array) -> pa.Array:
    """The prompts that the source has, in place of those made; with an instruction where the source has none and it is to
    be added."""
    asked = batch["asked"]
    if asked.null_count == len(asked):
        return made
    added = pc.if_else(
        pc.and_(pc.is_null(batch["rfp"]), pc.not_equal(rfp, "")), pc.binary_join_element_wise("\n", rfp, ""), ""
    )
    kept = pc.binary_join_element_wise(_image_lines(batch["images"]), inert(pc.fill_null(asked, "")), added, "")
    return pc.if_else(pc.is_valid(asked), kept, made)


def _image_lines(images: pa.ListArray) -> pa.Array | str:
    """One mark a line for each image; a single text where all rows have as many."""
    counts = pc.list_value_length(images).to_numpy(zero_copy_only=False)
    most = int(counts.max(initial=0))
    if len(counts) and (counts == most).all():
        return f"{MARK}\n" * most
    return pa.array([f"{MARK}\n" * n for n in range(most + 1)]).take(pa.array(counts))


def _lengths(text: pa.StringArray) -> npt.NDArray[np.int32]:
    """In bytes."""
    return np.diff(np.frombuffer(text.buffers()[1], np.int32)[text.offset : text.offset + len(text) + 1])


def _line(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(text, ""), "", pc.binary_join_element_wise(inert(text), "\n", ""))


def _option_lines(options: pa.ListArray) -> pa.Array | None:
    """ "\\nA. first\\nB. second" per row, "" where there are no options; None if no row has any."""
    flat = options.flatten()
    if len(flat) == 0:
        return None
    offsets = _offsets(options)
    starts = offsets.to_numpy()
    position = np.arange(len(flat)) - np.repeat(starts[:-1], np.diff(starts))
    letters = pa.array([f"\n{letter}. " for letter in LETTERS]).take(pa.array(np.minimum(position, len(LETTERS) - 1)))
    lines = pc.binary_join_element_wise(letters, inert(flat), "")
    return pc.fill_null(pc.binary_join(pa.ListArray.from_arrays(offsets, lines), ""), "")


def _messages(prompt: pa.Array, response: pa.Array) -> pa.ListArray:
    """One user and one assistant message per row."""
    count = len(prompt)
    if not count:
        return pa.array([], pa.list_(MESSAGE))
    joined = pc.binary_join_element_wise(prompt, response, "")  # prompt, response, prompt, ... in one buffer
    lengths = np.stack([_lengths(prompt), _lengths(response)], axis=1).ravel()
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int32)
    texts = pa.StringArray.from_buffers(2 * count, pa.py_buffer(offsets), joined.buffers()[2])
    structs = pa.StructArray.from_arrays([_roles(count), texts], fields=list(MESSAGE))
    return pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * count + 1, 2, dtype=np.int32)), structs)


def _kept_rows(passthrough: pa.Array) -> ConvertedRows | None:
    """Rows that were converted before they were exported and read again; they stay as they are."""
    kept = pc.fill_null(pc.starts_with(passthrough, "{"), False).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(kept)
    if not len(rows):
        return None
    exported = [json.loads(text) for text in passthrough.take(pa.array(rows)).to_pylist()]
    types = {field.name: field.type for field in SHARD_SCHEMA}
    return ConvertedRows(
        rows, {name: pa.array([fields[name] for fields in exported], types[name]) for name in OVERLAID}
    )


def _keep_passthrough(messages: pa.ListArray, passthrough: pa.Array) -> pa.ListArray:
    """Records that are kept untouched bring all their turns (tool calls and all)."""
    texts = passthrough.to_pylist()
    kept = [json.loads(text) if text is not None and text.startswith("[") else None for text in texts]
    rows = [own if own is not None else made for own, made in zip(kept, messages.to_pylist(), strict=True)]
    return pa.array(rows, messages.type)


def _with_placed_images(prompts: pa.Array, messages: pa.ListArray, images: pa.ListArray) -> pa.Array:
    """A question with images amid its text is its own prompt."""
    rows = zip(prompts.to_pylist(), messages.to_pylist(), pc.list_value_length(images).to_pylist(), strict=True)
    asked = [
        turns[0]["content"] if len(turns) == 2 and is_placed([turns[0]["content"]], number) else prompt
        for prompt, turns, number in rows
    ]
    return pa.array(asked, pa.string())


def native_rfps(spec: TaskSpec, rfps_by_key: dict[str, Sequence[str]]) -> Sequence[str]:
    """Response-format prompts of the native style; free text has none."""
    if spec.native_style == AnswerStyle.FREE_FORM:
        return ()
    return rfps_by_key.get(spec.native_style.value, ())
