"""`asd convert`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from asd.cli.rewriter_options import OFF, build_settings
from asd.cli.table import Table
from asd.errors import AsdError, UsageError
from asd.pipeline.config import ConvertConfig
from asd.pipeline.convert import Conversion, convert, dry_run
from asd.pipeline.own_process import settle_in
from asd.pipeline.progress import progress_for_terminal
from asd.rewrite.settings import RewriterSettings
from asd.schemas.styles import Maker, parse_style
from asd.shards.manifest import Manifest


def given_settings(settings: dict[str, Any], ratio: float | None, ratio_per_style: str | None) -> dict[str, Any]:
    """The settings that the command line names."""
    given = {key: value for key, value in settings.items() if value is not None}
    if ratio is not None and ratio_per_style is not None:
        raise UsageError("give --ratio or --ratio-per-style, not both.")
    if ratio is not None:
        given["ratio"] = ratio
    if ratio_per_style is not None:
        given["ratio_per_style"] = parse_mix(ratio_per_style)
    return given


def _published_apart(config: ConvertConfig) -> ConvertConfig:
    """The tasks of a recipe go to folders of their own below the address."""
    if config.publish is None or config.out is None:
        return config
    return config.model_copy(update={"publish": f"{config.publish.rstrip('/')}/{config.out.name}"})


def _rewriter(options: dict[str, Any], *, whole: bool) -> RewriterSettings | dict[str, Any] | None:
    """whole: nothing else will add to the options. None switches a recipe's rewriter off."""
    if options.get("kind") == OFF:
        return None
    return build_settings(options) if whole else options


def build_config(given: dict[str, Any]) -> ConvertConfig:
    """Raises: UsageError that names the setting, what was expected and what was given."""
    try:
        return ConvertConfig(**given)
    except ValidationError as exc:
        first = exc.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # about several settings; the message names them
            raise UsageError(f"--{message.replace('_', '-', 2)}.") from exc
        option = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{option}: {message} (got {first['input']!r}).") from exc


def parse_mix(text: str) -> dict[str, float]:
    """ "yes_no=0.1,multiple_choice=0.05" -> shares. Raises: UsageError, UnknownNameError."""
    mix: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, share = part.partition("=")
        style = parse_style(name.strip()).value
        if style in mix:
            raise UsageError(f"--ratio-per-style: {style} stands twice.")
        try:
            mix[style] = float(share)
        except ValueError:
            raise UsageError(f"--ratio-per-style: {part!r} is not STYLE=SHARE, e.g. yes_no=0.1.") from None
    if not mix:
        raise UsageError("--ratio-per-style is empty; give e.g. yes_no=0.1,multiple_choice=0.05.")
    return mix


def run(
    settings: dict[str, Any],
    *,
    pipeline: str | None,
    ratio: float | None,
    ratio_per_style: str | None,
    dry: bool,
    as_json: bool,
    rewriter: dict[str, Any] | None = None,
    jobs: int | None = None,
    shard: tuple[int | None, int | None, float | None] = (None, None, None),
) -> None:
    """shard: index, number of parts, and seconds to wait; see `asd.cli.parts`."""
    settle_in()
    given = given_settings(settings, ratio, ratio_per_style)
    if rewriter:
        given["rewriter"] = _rewriter(rewriter, whole=pipeline is None)
    if (pipeline is None) == ("task" not in given):
        raise UsageError("give --task NAME (see `asd tasks`) or --pipeline NAME, one of the two.")
    if pipeline is None:
        configs = [build_config(given)]
    else:
        from asd.pipeline.recipe import load_recipe, recipe_configs, require_one_kind

        recipe = load_recipe(pipeline)
        configs = [_published_apart(config) for config in recipe_configs(recipe, given)]
        require_one_kind(recipe, configs)
    if jobs is not None and (pipeline is None or dry):
        raise UsageError("--jobs is for converting a --pipeline; give it without --task and --dry-run.")
    if jobs is not None and any(config.engine == "ray" for config in configs):
        raise UsageError("--jobs shares out this machine's cores; give it without --engine ray.")
    run_one = _runner(shard, dry=dry, jobs=jobs, as_json=as_json)
    outcomes: list[dict[str, Any]] = []
    if jobs is not None:
        from asd.cli.benchmark import run_side_by_side

        outcomes = run_side_by_side(configs, jobs, quiet=as_json)
        configs = []
    with _connected([] if dry or shard[0] is not None else configs):
        for number, config in enumerate(configs, start=1):
            try:
                outcomes.append(run_one(config))
            except AsdError:
                if pipeline is not None:
                    print(
                        f"recipe {pipeline} stopped at task {config.task}, {number} of {len(configs)}:", file=sys.stderr
                    )
                raise
    if as_json:
        print(json.dumps(outcomes if pipeline is not None else outcomes[0], indent=1, ensure_ascii=False))
    elif pipeline is not None and not dry and shard[0] is None:
        from asd.cli.benchmark import summary

        print("\n".join(summary(outcomes)))


def _connected(configs: Sequence[ConvertConfig]) -> AbstractContextManager[None]:
    """One connection for all tasks of a recipe that is converted on Ray."""
    first = next((config for config in configs if config.engine == "ray"), None)
    if first is None or len(configs) == 1:
        return nullcontext()
    from asd.pipeline.ray_cluster import ray_cluster

    return ray_cluster(first.ray_address, first.workers, lambda text: None)


def _runner(
    shard: tuple[int | None, int | None, float | None], *, dry: bool, jobs: int | None, as_json: bool
) -> Callable[[ConvertConfig], dict[str, Any]]:
    """What is done with each conversion. Raises: UsageError for options that exclude each other."""
    index, count, wait_s = shard
    if index is None and count is None:
        if wait_s is not None:
            raise UsageError("--wait is about other parts; give --shard-index and --num-shards as well.")
        return lambda config: _run_one(config, dry, as_json)
    from asd.cli.parts import part_of, run_one_part

    part = part_of(index, count)
    if dry or jobs is not None:
        raise UsageError("--shard-index does one part of the work; give it without --dry-run and --jobs.")
    return lambda config: run_one_part(config, part, wait_s or 0.0, as_json=as_json)


def _run_one(config: ConvertConfig, dry: bool, as_json: bool) -> dict[str, Any]:
    """Do one conversion; its text is printed at once, its JSON is returned."""
    progress = progress_for_terminal()
    try:
        outcome = dry_run(config, progress) if dry else convert(config, progress)
    finally:
        progress.close()
    if not as_json:
        print(describe_plan(outcome) if isinstance(outcome, dict) else describe_conversion(outcome), flush=True)
    return outcome if isinstance(outcome, dict) else conversion_json(outcome)


def conversion_json(conversion: Conversion) -> dict[str, Any]:
    counts = conversion.manifest.counts.model_dump(mode="json")
    return {
        "path": str(conversion.path),
        "version": conversion.version,
        "number": conversion.number,
        "did_work": conversion.did_work,
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
    lines = [
        f"{head} {conversion.path}@{conversion.number} (version {conversion.version}), task {conversion.manifest.task}"
    ]
    lines += describe_counts(conversion.manifest.counts.model_dump(), conversion.path)
    lines += _not_made(conversion.manifest)
    lines += describe_rewriting(conversion.manifest, conversion.making)
    lines += ["", *([f"copied to:   {conversion.published}"] if conversion.published else [])]
    lines += [f"look at it:  asd inspect {conversion.path}"]
    return "\n".join(lines)


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
    if counts["shortfall"]:
        lines += ["", f"note: {counts['wanted']:,} samples were to be converted; for {counts['shortfall']:,} no maker "
                  "could make any of the styles, so they stay native."]  # fmt: skip
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
    return "\n".join(lines + describe_counts(plan["counts"]))
