"""`asd export`."""

from __future__ import annotations

from pathlib import Path

from asd.errors import UnknownNameError
from asd.shards.export_llava import write_llava
from asd.shards.store import Store, split_location


def run(directory: str, *, out: str, to: str, group_turns: bool, split: str | None) -> None:
    if to != "llava":
        raise UnknownNameError("export format", to, ["llava"])
    root, version = split_location(directory)
    records = write_llava(root, version, Path(out), group_turns=group_turns, split=split)
    print(f"wrote {records:,} records to {out}")
    splits = Store(root).manifest(Store(root).resolve(version)).counts.by_split
    if split is None and len(splits) > 1:
        print(f"note: the file holds several splits ({', '.join(splits)}); --split train keeps test rows out.")
