"""The two column sets of the pipeline: what sources give, and what shards hold (the contract with every consumer).

Shard columns are specified in `asd/shards/FORMAT.md`; a change here is a change of the format version.
"""

from __future__ import annotations

import pyarrow as pa

_strings = pa.list_(pa.string())

NATIVE_SCHEMA = pa.schema(
    [
        pa.field("source_id", pa.string(), nullable=False),  # the source's own id; multi-turn: "<record>#<turn>"
        pa.field("split", pa.string(), nullable=False),
        pa.field("images", _strings, nullable=False),  # paths relative to the image root, no leading "./"
        pa.field("question", pa.string(), nullable=False),  # bare: no <image>, no options, no instruction
        pa.field(
            "context", pa.string(), nullable=False
        ),  # hint, passage, table, that belong before the question; or ""
        pa.field("options", _strings, nullable=False),  # texts in source order; [] where the task has none
        pa.field("answer_index", pa.int32()),  # index of the gold option, null where there are no options
        pa.field(
            "gold", pa.string(), nullable=False
        ),  # the answer as text: the option's text, "yes"/"no", "[x1,y1,x2,y2]"
        pa.field("accepted", _strings, nullable=False),  # every accepted answer, gold first
        pa.field("response", pa.string(), nullable=False),  # the answer as the native style writes it ("B")
        pa.field("rfp", pa.string()),  # response-format prompt found in the source, null if none
        pa.field("rationales", _strings, nullable=False),  # short human explanations
        pa.field("full_answer", pa.string()),  # a sentence that states the answer (GQA)
        pa.field("solution", pa.string()),  # a long worked explanation
        pa.field("ocr_tokens", _strings, nullable=False),
        pa.field("other_boxes", _strings, nullable=False),  # other objects' boxes in the same image, same convention
        pa.field("answer_type", pa.string()),  # the source's own hint (VQA: "yes/no", "number", "other"), or null
        pa.field("group", pa.string(), nullable=False),  # the record that this turn belongs to
        pa.field("turn", pa.int32(), nullable=False),  # 0-based
        pa.field("source_file", pa.string(), nullable=False),  # relative to the source
        pa.field("source_row", pa.int64(), nullable=False),  # 0-based record number in that file
        # JSON list of messages, for records that are kept untouched (tool calls); JSON object, for rows converted before
        # they were exported and read again: the shard columns of `asd.sources.kept_rows.OVERLAID`
        pa.field("passthrough", pa.string()),
        # the prompt as the source has it, without image marks, which the native style keeps to the byte; null where the
        # parts above, put together line by line, are just that, or where the source has no prompt
        pa.field("asked", pa.string()),
        # what stands in the picture and where: names (objects, or read words) and their boxes, as long as each other; "" for
        # a box that is none. Read only where the style bounding_box is asked for
        pa.field("region_names", _strings, nullable=False),
        pa.field("region_boxes", _strings, nullable=False),
    ]
)

IMAGE = pa.struct([("path", pa.string()), ("bytes", pa.binary())])
MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])

SHARD_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("images", pa.list_(IMAGE), nullable=False),
        pa.field("context", pa.string(), nullable=False),
        pa.field("question", pa.string(), nullable=False),
        pa.field("options", _strings, nullable=False),
        pa.field("candidate", pa.string()),
        pa.field("rfp", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("response", pa.string(), nullable=False),
        pa.field("messages", pa.list_(MESSAGE), nullable=False),
        pa.field("native_style", pa.string(), nullable=False),
        pa.field("style", pa.string(), nullable=False),
        pa.field("maker", pa.string(), nullable=False),
        pa.field("gold", pa.string(), nullable=False),
        pa.field("accepted", _strings, nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("turn", pa.int32(), nullable=False),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_row", pa.int64(), nullable=False),
        pa.field("template", pa.string()),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("checks", _strings, nullable=False),
    ]
)

REWRITE = pa.struct(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("revision", pa.string(), nullable=False),
        ("template", pa.string()),  # name and hash of the prompt template; null where the rewriter's text was not taken
        pa.field("attempts", pa.int32(), nullable=False),  # where the model wrote the row: at its style alone
        ("judge", pa.string()),  # the second opinion's verdict, null where none was asked for
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        pa.field("completion_tokens", pa.int32(), nullable=False),
        pa.field("requests", _strings, nullable=False),  # keys of the requests in the request cache
        pa.field("replies", pa.string(), nullable=False),  # hash of the replies' texts
        pa.field("declined", _strings, nullable=False),  # "<style>: <reason>" for each style given up on before
    ]
)
"""The rewriter's part in a row: what it wrote, or why its text was not taken; null where it had no part."""

REWRITTEN_SCHEMA = SHARD_SCHEMA.append(pa.field("rewrite", REWRITE))
"""Shard columns of a version that was made with a rewriter."""


READABLE_SCHEMAS = (SHARD_SCHEMA, REWRITTEN_SCHEMA)


def shard_schema(*, is_rewritten: bool) -> pa.Schema:
    """Columns of the shards of a version, made with a rewriter or without; see `asd/shards/FORMAT.md`."""
    return REWRITTEN_SCHEMA if is_rewritten else SHARD_SCHEMA
