"""`asd convert --shard-index`, and `asd merge`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from shlex import quote
from typing import Any

from asd.cli.conversion_text import conversion_json, describe_conversion
from asd.conversion.config import ConvertConfig
from asd.conversion.merge import merge
from asd.conversion.parts import run_part
from asd.conversion.progress import progress_for_terminal
from asd.engines.part import PartReport
from asd.engines.shared_staging import Part, words
from asd.errors import UsageError
from asd.shards.store import split_location


def part_of(index: int | None, count: int | None) -> Part:
    """Raises: UsageError unless both are given and fit."""
    if index is None or count is None:
        raise UsageError("give --shard-index and --num-shards together, e.g. --shard-index 0 --num-shards 8.")
    return Part(index, count)


def run_one_part(config: ConvertConfig, part: Part, wait_s: float, *, as_json: bool) -> dict[str, Any]:
    """Do one part of one conversion; its text is printed at once, its JSON is returned."""
    progress = progress_for_terminal()
    try:
        report = run_part(config, part, wait_s=wait_s, progress=progress)
    finally:
        progress.close()
    if not as_json:
        print(describe_part(report), flush=True)
    return part_json(report)


def part_json(report: PartReport) -> dict[str, Any]:
    return {
        "path": str(report.path),
        "version": report.version,
        "part": report.part.index,
        "parts": report.part.count,
        "done": report.is_done,
        "committed": report.is_committed,
        "waiting_for": list(report.waiting_for),
        "drafts": [report.drafts_done, report.drafts],
        "shards": [report.shards_done, report.shards],
    }


def describe_part(report: PartReport) -> str:
    if report.is_committed:
        return f"{report.part}: version {report.version} is in {report.path} already, nothing to do"
    lines = [f"{report.part}: reading done, drafts {report.drafts_done} of {report.drafts} done{_shards(report)}"]
    if report.is_done:
        lines.append(f"when all parts are done:  asd merge {quote(str(report.path))}")
    if report.blocks < report.part.count:
        lines.append(
            f"note: the source has {report.blocks} blocks, so {report.part.count - report.blocks} of "
            f"{report.part.count} parts have no work; smaller blocks (`shard_rows` in a recipe) make another version."
        )
    return "\n".join(lines)


def _shards(report: PartReport) -> str:
    if report.shards is None:
        return f"; waiting for {words(list(report.waiting_for))}: run again when they are done, or with --wait 600"
    return f", shards {report.shards_done} of {report.shards} written"


def run_merge(directories: Sequence[str], *, finish: bool, workers: int | None, as_json: bool) -> None:
    outcomes = []
    for directory in directories:
        progress = progress_for_terminal()
        try:
            done = merge(*split_location(directory), finish=finish, workers=workers, progress=progress)
        finally:
            progress.close()
        outcomes.append(conversion_json(done))
        if not as_json:
            print(describe_conversion(done), flush=True)
    if as_json:
        print(json.dumps(outcomes if len(outcomes) > 1 else outcomes[0], indent=1, ensure_ascii=False))
