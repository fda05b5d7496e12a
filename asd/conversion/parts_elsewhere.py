"""Finds the parts that somebody looks for in the wrong folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from asd.engines.shared_staging import SharedStaging, words
from asd.errors import AsdError
from asd.shards.store import STAGING, Store

_SAMPLE = "-sample"
_SHOWN = 3


def what_is_there(store: Store) -> str:
    """ "DIR holds no conversion in parts (...)", with what it holds instead."""
    if not store.root.is_dir():
        return f"{store.root} does not exist"
    if unfinished := len(store.unfinished()):
        state = f"it has {unfinished} unfinished version{'s' if unfinished > 1 else ''} of runs without parts"
    elif latest := store.latest():
        state = f"its latest version is {latest}; if that is theirs, all is done"
    else:
        state = "it has no version yet"
    return f"{store.root} holds no conversion in parts ({state})"


def where_parts_are(root: Path) -> str:
    """Says what to do: names the folders near by that hold parts or versions that parts made, or tells how parts are run."""
    hints = [hint for folder in _near(root) if (hint := _parts_of(folder))]
    if hints:
        more = f"; and {len(hints) - _SHOWN} more" if len(hints) > _SHOWN else ""
        return f"Parts are near by: {'; '.join(hints[:_SHOWN])}{more}. Give that folder."
    return "Run the parts first: `asd convert ... --shard-index I --num-shards N`."


def _near(root: Path) -> Iterator[Path]:
    """With and without the ending that the embedded sample gives a folder; and the folders inside, e.g. a recipe's."""
    if name := root.name:
        yield root.with_name(name.removesuffix(_SAMPLE) if name.endswith(_SAMPLE) else f"{name}{_SAMPLE}")
    with contextlib.suppress(OSError):
        yield from sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _parts_of(folder: Path) -> str:
    """ "DIR (parts 0, 1 of 2)"; empty where there are none. What cannot be read is passed over: this is a hint."""
    begun = [SharedStaging(path) for path in sorted((folder / STAGING).glob("[0-9a-f]*"))]
    descriptions = [
        f"{words([record.index for record in shared.records()])} of {summary['parts']['count']}"
        for shared in begun
        if (summary := shared.summary())
    ]
    with contextlib.suppress(AsdError):
        merged = [f"{name}, made in parts" for name, ref in Store(folder).refs().items() if "parts" in ref]
        descriptions = descriptions or merged[-1:]
    return f"{folder} ({', '.join(descriptions)})" if descriptions else ""
