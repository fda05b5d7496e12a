"""`asd rewrite plan`, `stats` and `cache`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from asd.cli.convert import build_config
from asd.cli.rewriter_options import OFF, build_settings
from asd.cli.table import Table
from asd.conversion.progress import progress_for_terminal
from asd.errors import UsageError
from asd.shards.manifest import Manifest
from asd.shards.store import Store, split_location

UNNAMED_MODEL = "any-model"
"""Stands for the model in a plan that names none."""


def run_plan(
    directory: str | None, given: dict[str, Any], rewriter: dict[str, Any], *, prompts: int, as_json: bool
) -> None:
    from asd.conversion.rewrite_plan import plan_requests

    given = {name: value for name, value in given.items() if value is not None}
    if (directory is None) == ("task" not in given):
        raise UsageError("give DIR, a dataset, or --task NAME (see `asd tasks`), one of the two.")
    base = {} if directory is None else _settings_of(directory)
    known = base.pop("rewriter", {})
    if rewriter.get("kind") == OFF:
        raise UsageError("--rewriter off leaves nothing to plan.")
    settings = build_settings({"kind": "cache", "model": UNNAMED_MODEL, **known, **rewriter})
    progress = progress_for_terminal()
    try:
        planned = plan_requests(build_config({**base, **given, "rewriter": settings}), progress, num_prompts=prompts)
    finally:
        progress.close()
    planned["group_by_image"] = settings.group_by_image
    print(json.dumps(planned, indent=1, ensure_ascii=False) if as_json else describe_plan(planned))


def _settings_of(directory: str) -> dict[str, Any]:
    """The settings that made a version, as far as they are recorded."""
    root, name = split_location(directory)
    store = Store(root)
    version = store.resolve(name)
    manifest = store.manifest(version)
    origin = next(info.origin for info in store.versions() if info.version == version)
    settings = {name: value for name, value in manifest.config.items() if value is not None}
    if manifest.rewriter is not None:
        settings["rewriter"] = manifest.rewriter.settings
    recorded = {name: origin[name] for name in ("task", "source", "image_root") if origin.get(name) is not None}
    return {**settings, **recorded}


def describe_plan(planned: dict[str, Any]) -> str:
    model = planned["model"] + (f"@{planned['revision']}" if planned["revision"] else "")
    at_most = " at most; questions of one image share requests" if planned["group_by_image"] > 1 else ""
    lines = [
        f"plan only: nothing was sent. Task {planned['task']} from {planned['source']}, model {model}",
        "",
        f"{planned['requests']:,} requests{at_most} for {planned['converted']:,} of {planned['samples']:,} samples",
    ]
    table = Table(["", "requests"])
    for style, count in planned["requests_by_style"].items():
        table.add(f"  {style}", f"{count:,}")
    lines += [*(table.lines() if planned["requests"] else []), ""]
    if planned["cached"]:
        lines.append(f"{planned['cached']:,} of them are answered by the cache and cost nothing")
    if planned["judge_requests"]:
        lines.append(f"{planned['judge_requests']:,} more for the second opinion")
    if planned["images"]:
        lines.append(f"{planned['images']:,} images are sent")
    lines.append(
        f"about {planned['prompt_tokens']:,} prompt tokens (the longest {planned['largest_prompt_tokens']:,}) and "
        f"{planned['reply_tokens']:,} reply tokens, if no reply has to be asked for again"
    )
    if planned["cost"] is not None:
        lines.append(f"about {planned['cost']:,.2f} at the prices given")
    for style, prompts in planned["prompts"].items():
        for prompt in prompts:
            images = f" with {len(prompt['images'])} image(s)" if prompt["images"] else ""
            lines += ["", f"--- {style}: {prompt['template']}, sample {prompt['source_id']}{images}"]
            lines += ["[system]", prompt["system"], "[user]", prompt["user"]]
    return "\n".join(lines)


def run_stats(directory: str, *, as_json: bool) -> None:
    root, name = split_location(directory)
    store = Store(root)
    unfinished = _unfinished(store)
    version = store.resolve(name) if name is not None or store.refs() or not unfinished else None
    manifest = store.manifest(version) if version is not None else None
    document: dict[str, Any] = {"unfinished": unfinished}
    if manifest is not None:
        document |= {"version": version, "rewriter": None, "making": _making(store, manifest.version)}
        if manifest.rewriter is not None:
            document["rewriter"] = manifest.rewriter.model_dump(mode="json")
    print(json.dumps(document, indent=1, ensure_ascii=False) if as_json else describe_stats(manifest, document))


def _making(store: Store, version: str) -> dict[str, Any] | None:
    refs = (ref.get("rewriter") for ref in store.refs().values() if ref["version"] == version)
    return next((making for making in refs if making), None)


def _unfinished(store: Store) -> dict[str, Any]:
    """Version that was begun -> counts of its runs so far."""
    from asd.work.rewriting_record import LEDGER, Ledger

    ledgers = {}
    for begun in store.unfinished():
        folder = store.staging(begun.version) / LEDGER
        if folder.is_dir():
            ledgers[begun.version] = Ledger.total(folder)
    return ledgers


def describe_stats(manifest: Manifest | None, document: dict[str, Any]) -> str:
    lines: list[str] = []
    if manifest is not None and manifest.rewriter is None:
        lines.append(f"version {manifest.version} was made without a rewriter")
    elif manifest is not None:
        lines += [f"version {manifest.version}", *_describe_entry(manifest)]
        if document["making"]:
            lines += ["", "the making, with all its runs", *_describe_making(document["making"])]
    for version, making in document["unfinished"].items():
        lines += ["", f"unfinished {version}, so far", *_describe_making(making)]
    return "\n".join(lines)


def _describe_entry(manifest: Manifest) -> list[str]:
    entry = manifest.rewriter
    assert entry is not None
    table = Table(["", "number"])
    for label, number in (
        ("samples asked about", entry.asked),
        ("  written by the model", entry.written),
        ("replies used", entry.replies),
        ("prompt tokens", entry.prompt_tokens),
        ("reply tokens", entry.completion_tokens),
    ):
        table.add(label, f"{number:,}")
    lines = [f"model {entry.model}" + (f", revision {entry.revision}" if entry.revision else ""), *table.lines()]
    lines += _listed("its text was not taken, samples by style and reason:", entry.declined)
    lines += _listed("second opinion:", entry.judged)
    return [*lines, f"digest of the replies {entry.digest}"]


def _describe_making(making: dict[str, Any]) -> list[str]:
    table = Table(["", "number"])
    for label, name in (
        ("runs", "runs"),
        ("requests", "requests"),
        ("  answered from the cache", "cache_hits"),
        ("  one with another in flight", "merged"),
        ("  answered by a server", "replies"),
        ("prompt tokens used", "prompt_tokens"),
        ("reply tokens used", "completion_tokens"),
    ):
        table.add(label, f"{making[name]:,}")
    lines = table.lines()
    if making["cost"] is not None:
        lines.append(f"cost {making['cost']:,.2f}")
    for title, name in (
        ("tries repeated, by reason:", "retries"),
        ("requests refused, by reason:", "refusals"),
        ("replies rejected, by failed check:", "rejected_replies"),
    ):
        lines += _listed(title, making[name])
    return lines


def _listed(title: str, counts: dict[str, int]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [title, *(f"  {count:>8,}  {reason}" for reason, count in ordered)] if counts else []


def run_cache_export(file: str, model: str | None, cache: str | None) -> None:
    from asd.rewrite.cache_file import export_cache

    count = export_cache(_cache_path(cache), Path(file), model=model)
    print(f"wrote {count:,} replies to {file}")


def run_cache_import(file: str, cache: str | None) -> None:
    from asd.rewrite.cache_file import import_cache

    added, known = import_cache(Path(file), _cache_path(cache))
    print(f"added {added:,} replies to {_cache_path(cache)}; {known:,} were there already")


def run_cache_stats(cache: str | None, *, as_json: bool) -> None:
    from asd.rewrite.cache_file import cache_stats

    path = _cache_path(cache)
    rows = cache_stats(path)
    if as_json:
        print(json.dumps({"path": str(path), "models": rows}, indent=1, ensure_ascii=False))
        return
    table = Table(["model", "replies", "refusals", "prompt tokens", "reply tokens"])
    for row in rows:
        table.add(
            row["model"], *(f"{row[name]:,}" for name in ("replies", "refusals", "prompt_tokens", "reply_tokens"))
        )
    print("\n".join([str(path), *table.lines()]))


def _cache_path(given: str | None) -> Path:
    from asd.rewrite.settings import RewriterSettings

    return RewriterSettings(
        kind="cache", model=UNNAMED_MODEL, cache=None if given is None else Path(given)
    ).cache_path()
