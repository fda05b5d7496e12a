"""What an export says of rows that their prompt alone does not tell, so that an exported file is a source again.

Under the key `asd` a record holds "" or a JSON list with one entry a turn: null, or the shard columns of FIELDS. An
entry in the task's native style gives the parts of a native sample; one in another style is a row converted before: it
is kept as it is, and converted no more. A record that calls tools may hold a JSON object there (see `tell_calls`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from asd.records import brief
from asd.schemas.styles import AnswerStyle, Maker

KEY = "asd"
FIELDS = (
    "style",
    "maker",
    "question",
    "context",
    "options",
    "candidate",
    "rfp",
    "gold",
    "accepted",
    "template",
    "checks",
)
OVERLAID = ("style", "maker", "candidate", "rfp", "template", "checks", "prompt")
"""Shard columns of a kept row that native columns have no place for."""
_TEXTS = ("style", "maker", "question", "context", "rfp", "gold")
_NULLABLE = ("candidate", "template")
_LISTS = ("options", "accepted", "checks")
_SHARD_ROW = frozenset({*FIELDS, "native_style", "messages", "source_id", "group", "turn"})


def tell(rows: Sequence[Mapping[str, Any] | None]) -> str:
    """The text under KEY; rows: shard rows to be told of, None for those whose prompt tells all."""
    if all(row is None for row in rows):
        return ""
    return orjson.dumps([row and {name: row[name] for name in FIELDS} for row in rows]).decode()


def told(record: Mapping[str, Any], num_turns: int) -> list[dict[str, Any] | None]:
    """One entry a turn. Raises: ValueError that says what is wrong with the text under KEY."""
    text = record.get(KEY)
    if not isinstance(text, str) or not text.startswith("["):
        return [None] * num_turns
    entries = orjson.loads(text)
    if len(entries) != num_turns:
        raise ValueError(f"{len(entries)} entries for {num_turns} turns")
    for entry in entries:
        if entry is not None:
            check_entry(entry)
    return list(entries)


def tell_calls(tools: str, calls: Sequence[Sequence[str]]) -> str:
    """The text under KEY of a record that calls tools: how its source writes them, which formats spell in their own way.

    calls: those of each message that has some.
    """
    return orjson.dumps({"tools": tools, "calls": calls}).decode()


def spelt_calls(record: Mapping[str, Any]) -> tuple[str, list[list[str]]] | None:
    """Tools and calls as their source spelt them, which the export kept; None where it kept none.

    Raises: ValueError that says what is wrong with the text.
    """
    text = record.get(KEY)
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    entry = orjson.loads(text)
    tools, calls = entry.get("tools"), entry.get("calls")
    if not isinstance(tools, str) or not isinstance(calls, list) or not all(map(_is_texts, calls)):
        raise ValueError('an object needs "tools", a text, and "calls", lists of texts')
    return tools, calls


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_shard_row(record: Mapping[str, Any]) -> bool:
    """Whether a record has the columns of our own shards (a Parquet export, or a shard itself)."""
    return record.keys() >= _SHARD_ROW


def check_entry(entry: Any) -> None:
    """Raises: ValueError if an entry is not of FIELDS, each of its type."""
    if not isinstance(entry, dict) or not entry.keys() >= set(FIELDS):
        raise ValueError(f"an entry needs the keys {', '.join(FIELDS)}")
    for name in FIELDS:
        value = entry[name]
        is_text = isinstance(value, str) or (value is None and name in _NULLABLE)
        is_right = _is_texts(value) if name in _LISTS else is_text
        if not is_right:
            raise ValueError(f"{name} is {brief(value, 40)!r}")
    AnswerStyle(entry["style"])
    Maker(entry["maker"])


def keep(entry: Mapping[str, Any], prompt: str) -> str:
    """A kept row's overlay, as the native column `passthrough` carries it: a JSON object."""
    return orjson.dumps({name: entry.get(name) for name in OVERLAID} | {"prompt": prompt}).decode()
