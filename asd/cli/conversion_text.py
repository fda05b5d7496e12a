"""A finished or planned conversion, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from textwrap import wrap
from typing import Any

from asd.cli.table import Table
from asd.conversion.convert import Conversion
from asd.schemas.styles import Maker
from asd.shards.even_split import NEARLY_EVEN, describe_split, distance_from_even
from asd.shards.manifest import Manifest
from asd.shards.store import Store

_WIDTH = 100


def conversion_json(conversion: Conversion) -> dict[str, Any]:
    counts = conversion.manifest.counts.model_dump(mode="json")
    return {
        "path": str(conversion.path),
        "version": conversion.version,
        "number": conversion.number,
        "did_work": conversion.did_work,
        **({"image_root": _image_root(conversion)} if conversion.former_image_root is not None else {}),
        **({"published": conversion.published} if conversion.published else {}),
        "task": conversion.manifest.task,
        "notes": list(conversion.notes),
        "counts": counts,
        **({"rewriter": conversion.manifest.rewriter.model_dump(mode="json")} if conversion.manifest.rewriter else {}),
        **({"making": dict(conversion.making)} if conversion.making else {}),
        "files": [entry.model_dump() for entry in conversion.manifest.files],
    }


def describe_conversion(conversion: Conversion) -> str:
    head = "made" if conversion.did_work else "already there, nothing to do:"
    if conversion.former_image_root is not None:
        head = "already there, its image root is recorded anew:"
    lines = [
        f"{head} {conversion.path}@{conversion.number} (version {conversion.version}), task {conversion.manifest.task}"
    ]
    lines += describe_counts(conversion.manifest.counts.model_dump(), conversion.path)
    lines += _none_wanted(conversion.manifest)
    lines += _not_made(conversion.manifest)
    lines += describe_rewriting(conversion.manifest, conversion.making)
    lines += ["", *([f"copied to:   {conversion.published}"] if conversion.published else [])]
    if conversion.former_image_root is not None:
        lines += [f"images in:   {_image_root(conversion)} (before: {conversion.former_image_root or 'none recorded'})"]
    lines += [f"look at it:  asd inspect {quote(str(conversion.path))}"]
    return "\n".join(lines)


def _image_root(conversion: Conversion) -> str | None:
    return Store(conversion.path).image_root(conversion.version)


def _none_wanted(manifest: Manifest) -> list[str]:
    """A few rows, to try something out: their share is less than half a row."""
    ratio, counts = manifest.config.get("ratio"), manifest.counts
    if not ratio or counts.wanted or not counts.samples or not manifest.spec["styles"]:
        return []
    return ["", f"note: a share of {ratio:g} of {counts.samples:,} samples is none; give a larger --ratio, e.g. 1."]


def _not_made(manifest: Manifest) -> list[str]:
    """Styles that the task could take and nobody here can make; asked for by name they are an error."""
    if manifest.config.get("styles") or manifest.config.get("ratio_per_style") or manifest.rewriter is not None:
        return []
    styles = [style for style, makers in manifest.spec["styles"].items() if set(makers) == {Maker.REWRITER.value}]
    return ["", f"note: not made, for want of a rewriter: {', '.join(styles)}."] if styles else []


def describe_rewriting(manifest: Manifest, making: Mapping[str, Any] | None) -> list[str]:
    """The model's part; making: counts of the runs that made the version, where they are known."""
    entry = manifest.rewriter
    if entry is None:
        return []
    name = f"{entry.model}@{entry.revision}" if entry.revision else entry.model
    lines = ["", f"{name} wrote {entry.written:,} of the {entry.asked:,} samples it was asked about "
             f"({entry.replies:,} replies, {entry.prompt_tokens:,} + {entry.completion_tokens:,} tokens)"]  # fmt: skip
    if making:
        cost = f", cost {making['cost']:,.2f}" if making.get("cost") is not None else ""
        tries = sum(making["retries"].values())
        lines.append(
            f"in {making['runs']} runs: {making['requests']:,} requests, {making['cache_hits']:,} answered from the "
            f"cache, {tries:,} repeated; {making['prompt_tokens']:,} + {making['completion_tokens']:,} tokens used{cost}"
        )
    return lines


_REMEDIES = {
    "too_few_distractors": "the task has too few answers of one kind to mine wrong ones from: that takes at least 8 different "
    "ones, on at least 12 rows. Each of these helps: more rows that bring other answers, the source's own options, all "
    "possible answers as `options` in the task file, a rewriter, or leaving the style out with --styles.",
}
"""Reason of a maker -> what to do about it."""


def describe_counts(counts: dict[str, Any], directory: Path | None = None) -> list[str]:
    """directory: where the rejected rows are to be found, if they were written."""
    samples = counts["samples"]
    table = Table(["", "samples", "share"])
    table.add("read", f"{samples:,}", "")
    (native,) = counts["by_style_before"] or ("",)
    others = {style: count for style, count in counts["by_style"].items() if style != native}
    came_converted = sum(others.values()) > counts["converted"]  # the source is an export
    kept = "kept as they came" if came_converted else "kept native"
    table.add(kept, f"{samples - counts['converted']:,}", _share(samples - counts["converted"], samples))
    table.add("converted", f"{counts['converted']:,}", _share(counts["converted"], samples))
    for style, count in others.items():
        table.add(f"  {'in' if came_converted else 'to'} {style}", f"{count:,}", _share(count, samples))
    for maker, count in counts["by_maker"].items():
        if maker != "native":
            table.add(f"  by {maker}", f"{count:,}", _share(count, samples))
    lines = ["", *table.lines()]
    for title, key in (
        ("passed on to another style", "moved"),
        ("makers declined", "declined"),
        (f"rejected rows, in {directory}/latest/rejects.jsonl" if directory else "rejected rows", "rejects"),
    ):
        if counts[key]:
            lines += [
                "",
                f"{title}:",
                *(f"  {count:>8,}  {reason}" for reason, count in _largest(counts[key])),
            ]
    remedies = [
        f"{reason}: {remedy}"
        for reason, remedy in _REMEDIES.items()
        if any(key.endswith(reason) for key in counts["declined"])
    ]
    for line in remedies:
        lines += ["", *wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False)]
    if counts["shortfall"]:
        lines += ["", f"note: {counts['wanted']:,} samples were to be converted; for {counts['shortfall']:,} no maker "
                  "could make any of the styles, so they stay native."]  # fmt: skip
    if distance_from_even(native, counts["by_style"]) > NEARLY_EVEN:
        split = describe_split(native, counts["by_style"], counts["by_maker"])
        lines += ["", *wrap(split, _WIDTH, break_long_words=False, break_on_hyphens=False)]
    if counts["renamed_ids"]:
        lines += [
            "",
            f"note: {counts['renamed_ids']:,} samples share a source id with another; a suffix makes them unique.",
        ]
    if len(counts["by_split"]) > 1:
        splits = ", ".join(f"{name} {count:,}" for name, count in counts["by_split"].items())
        lines += [
            "",
            f"note: several splits were read and converted ({splits}); --split train keeps test rows out.",
        ]
    return lines


def _largest(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def describe_plan(plan: dict[str, Any]) -> str:
    known = " (already there)" if plan["exists"] else ""
    files = ", ".join(file["path"] for file in plan["files"][:4])
    more = f" and {len(plan['files']) - 4} more" if len(plan["files"]) > 4 else ""
    lines = [
        f"dry run: nothing was written. Would make {plan['out']}, version {plan['version']}{known}",
        f"task {plan['task']} (native style {plan['native_style']}) from {plan['source']} [{plan['layout']}: {files}{more}]",
    ]
    lines += describe_counts(plan["counts"])
    return "\n".join([*lines, "", "one sample of each style:"] if plan["samples"] else lines)
