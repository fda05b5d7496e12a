"""Shards back to LLaVA conversation JSON: one record per sample, or one per source record with its turns together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from asd.shards.files import storage_errors
from asd.shards.reader import read_batches

_ROLES = {"user": "human", "assistant": "gpt"}
_IMAGE = "<image>\n"


def write_llava(root: Path, version: str | None, out: Path, *, group_turns: bool, split: str | None = None) -> int:
    """Write a JSON list, one record a line, atomically; returns the number of records.

    With `group_turns`, turns of one source record that stand together in the shards become one conversation; only its
    first turn carries the image placeholder. Raises: as `read_batches`; StorageError.
    """
    rows = (row for batch in read_batches(root, version, split=split) for row in batch.to_pylist())
    records = _grouped(rows) if group_turns else (_record(row["id"], [row]) for row in rows)
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_name(f".{out.name}.tmp")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                count = _write(records, file)
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
    return count


def _write(records: Iterator[dict[str, Any]], file: IO[str]) -> int:
    count = 0
    for count, record in enumerate(records, start=1):
        file.write("[\n" if count == 1 else ",\n")
        file.write(json.dumps(record, ensure_ascii=False))
    file.write("\n]\n" if count else "[]\n")
    return count


def _grouped(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for row in rows:
        if turns and (row["group"] != turns[0]["group"] or row["source_file"] != turns[0]["source_file"]):
            yield _record(turns[0]["group"], turns)
            turns = []
        turns.append(row)
    if turns:
        yield _record(turns[0]["group"], turns)


def _record(identity: str, turns: list[dict[str, Any]]) -> dict[str, Any]:
    """LLaVA-type loaders want `image` left out of text-only records, and ignore keys that they do not know."""
    conversations = []
    for number, row in enumerate(turns):
        for message in row["messages"]:
            text = message["content"]
            if number and message["role"] == "user":
                text = text.removeprefix(_IMAGE * len(row["images"]))
            conversations.append({"from": _ROLES.get(message["role"], message["role"]), "value": text})
    images = [image["path"] for image in turns[0]["images"]]
    record: dict[str, Any] = {"id": identity}
    if images:
        record["image"] = images[0] if len(images) == 1 else images
    styles = [row["style"] for row in turns]
    return record | {"conversations": conversations, "style": styles[0] if len(styles) == 1 else styles}
