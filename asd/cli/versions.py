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
    for begun in deleted:
        print(f"deleted unfinished {begun.version}, {begun.size_bytes:,} bytes")
    problems = _print_versions(store, infos)
    for begun in unfinished:
        state = "being made now" if begun.in_use else "stopped; the same conversion goes on from it, --clean deletes it"
        print(f"unfinished {begun.version}, {begun.size_bytes:,} bytes, {begun.touched:%Y-%m-%d %H:%M} UTC ({state})")
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
    differences = [diff(*split_location(left), *split_location(other)) for left, other in pairs]
    documents = [asdict(difference) for difference in differences]
    if as_json:
        print(json_module.dumps(documents if len(differences) > 1 else documents[0], indent=1, ensure_ascii=False))
    else:
        heads = [f"{left} -> {other}\n" if len(pairs) > 1 else "" for left, other in pairs]
        print("\n\n".join(map(str.__add__, heads, map(describe_difference, differences))))


def describe_difference(difference: Difference) -> str:
    lines = [f"{difference.left} -> {difference.right}", "", "rows"]
    for name in ("same", "restyled", "changed", "added", "removed"):
        examples = ", ".join(difference.examples.get(name, [])[:3])
        lines.append(f"  {name:<9} {getattr(difference, name):>10,}" + (f"   e.g. {examples}" if examples else ""))
    lines += [f"    {move}: {count:,}" for move, count in difference.moves.items()]
    lines += ["", "settings" if difference.settings else "settings: the same"]
    lines += [f"  {name}: {_short(pair[0])} -> {_short(pair[1])}" for name, pair in difference.settings.items()]
    return "\n".join(lines)


def _short(value: object) -> str:
    text = json_module.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def run_verify(directory: str, *, as_json: bool) -> None:
    reports: list[Verification] = []

    def check(location: str) -> dict[str, Any]:
        report = verify(*split_location(location))
        reports.append(report)
        for note in report.notes:
            print(f"note: {note}", file=sys.stderr)
        if not as_json:
            require_sound(report)
            print(
                f"version {report.version} is sound: {report.files} files, {report.rows:,} rows, {report.size_bytes:,} bytes"
            )
        return asdict(report)

    over_datasets(directory, check, as_json=as_json)
    for report in reports:  # a JSON document says what is wrong before it is an error
        require_sound(report)
