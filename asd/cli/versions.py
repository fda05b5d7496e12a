"""`asd versions`, `asd diff`, `asd verify`."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import asdict
from functools import partial
from typing import Any

from asd.cli.several import over_datasets
from asd.cli.table import Table
from asd.errors import ShardError
from asd.shards.card import dataset_card
from asd.shards.diff import Difference, diff
from asd.shards.locations import pairs_below
from asd.shards.store import Store, VersionInfo, split_location
from asd.shards.verify import Verification, require_sound, verify


def run_versions(directory: str, *, clean: bool, as_json: bool) -> None:
    over_datasets(directory, lambda location: _list_versions(location, clean=clean, quiet=as_json), as_json=as_json)


def _list_versions(location: str, *, clean: bool, quiet: bool) -> list[dict[str, Any]]:
    root, _ = split_location(location)
    store = Store(root)
    if not store.unfinished():  # the first conversion may be at work, or was stopped before any version was there
        store.require()
    deleted = store.clean() if clean else []
    if clean:
        store.renew_card(partial(dataset_card, store))
    infos, unfinished = store.versions(), store.unfinished()
    rows = [
        {"version": info.version, "names": list(info.names), "latest": info.is_latest, **info.origin} for info in infos
    ]
    if quiet:
        return rows
    for found in deleted:
        print(f"deleted unfinished {found.version}, {found.size_bytes:,} bytes")
    problems = _print_versions(store, infos)
    for found in unfinished:
        state = "being made now" if found.in_use else "stopped; the same conversion goes on from it, --clean deletes it"
        print(f"unfinished {found.version}, {found.size_bytes:,} bytes, {found.touched:%Y-%m-%d %H:%M} UTC ({state})")
    if problems:
        raise ShardError("\n".join(problems))
    return rows


def _print_versions(store: Store, infos: list[VersionInfo]) -> list[str]:
    """The table; what keeps single versions from being read is returned, so that the others are shown."""
    problems = []
    table = Table(["name", "version", "samples", "converted", "ratio", "seed", "made"])
    for info in infos:
        samples = converted = "-"
        try:
            counts = store.manifest(info.version).counts
            samples, converted = f"{counts.samples:,}", f"{counts.converted:,}"
        except ShardError as exc:
            problems.append(str(exc))
        names = ", ".join(info.names) + (" (latest)" if info.is_latest else "")
        table.add(names, info.version, samples, converted, _ratio(info.origin.get("ratio", "")),
                  str(info.origin.get("seed", "")), str(info.origin.get("created", "")))  # fmt: skip
    print("\n".join(table.lines()))
    return problems


def _ratio(value: object) -> str:
    return "by style" if value is None else str(value)


def run_diff(left: str, right: str, *, as_json: bool) -> None:
    pairs = list(pairs_below(left, right))
    found = [diff(*split_location(one), *split_location(other)) for one, other in pairs]
    documents = [asdict(one) for one in found]
    if as_json:
        print(json_module.dumps(documents if len(found) > 1 else documents[0], indent=1, ensure_ascii=False))
    else:
        heads = [f"{one} -> {other}\n" if len(pairs) > 1 else "" for one, other in pairs]
        print("\n\n".join(map(str.__add__, heads, map(describe_difference, found))))


def describe_difference(found: Difference) -> str:
    lines = [f"{found.left} -> {found.right}", "", "rows"]
    for name in ("same", "restyled", "changed", "added", "removed"):
        examples = ", ".join(found.examples.get(name, [])[:3])
        lines.append(f"  {name:<9} {getattr(found, name):>10,}" + (f"   e.g. {examples}" if examples else ""))
    lines += [f"    {move}: {count:,}" for move, count in found.moves.items()]
    lines += ["", "settings" if found.settings else "settings: the same"]
    lines += [f"  {name}: {_short(pair[0])} -> {_short(pair[1])}" for name, pair in found.settings.items()]
    return "\n".join(lines)


def _short(value: object) -> str:
    text = json_module.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def run_verify(directory: str, *, as_json: bool) -> None:
    reports: list[Verification] = []

    def check(location: str) -> dict[str, Any]:
        found = verify(*split_location(location))
        reports.append(found)
        for note in found.notes:
            print(f"note: {note}", file=sys.stderr)
        if not as_json:
            require_sound(found)
            print(
                f"version {found.version} is sound: {found.files} files, {found.rows:,} rows, {found.size_bytes:,} bytes"
            )
        return asdict(found)

    over_datasets(directory, check, as_json=as_json)
    for found in reports:  # a JSON document says what is wrong before it is an error
        require_sound(found)
