"""`asd convert`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from asd.cli.conversion_text import conversion_json, describe_conversion, describe_plan
from asd.cli.rewriter_options import OFF, build_settings
from asd.conversion.config import ConvertConfig
from asd.conversion.convert import convert, dry_run
from asd.conversion.engine_choice import engine_of
from asd.conversion.events import logged
from asd.conversion.progress import progress_for_terminal
from asd.errors import AsdError, UsageError, problem_of_setting
from asd.rewrite.settings import RewriterSettings
from asd.schemas.styles import parse_style
from asd.work.own_process import settle_in


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
        if not first["loc"]:  # about several settings; the message names them
            message = first["msg"].removeprefix("Value error, ")
            raise UsageError(f"--{message.replace('_', '-', 2)}.") from exc
        option = str(first["loc"][0]).replace("_", "-")
        value = first["input"]
        shown = (
            f" {value:g}"
            if isinstance(value, float)
            else f" {value}"
            if isinstance(value, int | float) or (isinstance(value, str) and value)
            else ""
        )
        raise UsageError(f"--{option}{shown}: {problem_of_setting(first)}.") from exc


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
    recipe: str | None,
    ratio: float | None,
    ratio_per_style: str | None,
    dry: bool,
    as_json: bool,
    rewriter: dict[str, Any] | None = None,
    jobs: int | None = None,
    shard: tuple[int | None, int | None, float | None] = (None, None, None),
    events: str | None = None,
) -> None:
    """shard: index, number of parts, and seconds to wait; see `asd.cli.parts`. events: file that gets them."""
    settle_in()
    given = given_settings(settings, ratio, ratio_per_style)
    if rewriter:
        given["rewriter"] = _rewriter(rewriter, whole=recipe is None)
    if (recipe is None) == ("task" not in given):
        raise UsageError("give TASK (see `asd tasks`) or --recipe NAME (see `asd recipes`), one of the two.")
    if recipe is None:
        _require_no_recipe(str(given["task"]))
        configs = [build_config(given)]
    else:
        from asd.recipes.recipe import load_recipe, recipe_configs, require_one_kind

        loaded = load_recipe(recipe)
        configs = [_published_apart(config) for config in recipe_configs(loaded, given)]
        require_one_kind(loaded, configs)
    if jobs is not None and (recipe is None or dry):
        raise UsageError("--jobs is for converting a --recipe; give it without --task and --dry-run.")
    if jobs is not None and any(config.engine == "ray" for config in configs):
        raise UsageError("--jobs shares out this machine's cores; give it without --engine ray.")
    if events is not None and (jobs is not None or shard[0] is not None):
        raise UsageError("--events tells of one process; give it without --jobs and --shard-index.")
    run_one = _runner(shard, dry=dry, jobs=jobs, as_json=as_json, events=None if events is None else Path(events))
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
                if recipe is not None:
                    print(
                        f"recipe {recipe} stopped at task {config.task}, {number} of {len(configs)}:", file=sys.stderr
                    )
                raise
    if as_json:
        print(json.dumps(outcomes if recipe is not None else outcomes[0], indent=1, ensure_ascii=False))
    elif recipe is not None and not dry and shard[0] is None:
        from asd.cli.benchmark import summary

        print("\n".join(summary(outcomes)))


def _require_no_recipe(task: str) -> None:
    """Raises: UsageError for the name of a recipe in the place of a task's."""
    from asd.resources import pipelines_dir

    if "/" in task and not Path(task).exists() and (pipelines_dir() / f"{task.lower()}.yaml").is_file():
        raise UsageError(f"{task} is no task but a recipe, or a run of asd-train: asd convert --recipe {task}.")


def _connected(configs: Sequence[ConvertConfig]) -> AbstractContextManager[None]:
    """One connection for all tasks of a recipe that is converted on Ray."""
    first = next((config for config in configs if config.engine == "ray"), None)
    if first is None or len(configs) == 1:
        return nullcontext()
    return engine_of(first).connected(lambda text: None)


def _runner(
    shard: tuple[int | None, int | None, float | None],
    *,
    dry: bool,
    jobs: int | None,
    as_json: bool,
    events: Path | None,
) -> Callable[[ConvertConfig], dict[str, Any]]:
    """What is done with each conversion. Raises: UsageError for options that exclude each other."""
    index, count, wait_s = shard
    if index is None and count is None:
        if wait_s is not None:
            raise UsageError("--wait is about other parts; give --shard-index and --num-shards as well.")
        return lambda config: _run_one(config, dry, as_json, events)
    from asd.cli.parts import part_of, run_one_part

    part = part_of(index, count)
    if dry or jobs is not None:
        raise UsageError("--shard-index does one part of the work; give it without --dry-run and --jobs.")
    return lambda config: run_one_part(config, part, wait_s or 0.0, as_json=as_json)


def _run_one(config: ConvertConfig, dry: bool, as_json: bool, events: Path | None) -> dict[str, Any]:
    """Do one conversion; its text is printed at once, its JSON is returned."""
    with logged(events, Path(config.task).stem, progress_for_terminal()) as (progress, ending):
        try:
            outcome = dry_run(config, progress) if dry else convert(config, progress)
        finally:
            progress.close()
        ending.update(outcome if isinstance(outcome, dict) else conversion_json(outcome))
    if isinstance(outcome, dict):
        if not as_json:
            _print_plan(outcome)
        return outcome
    if not as_json:
        print(describe_conversion(outcome), flush=True)
    return conversion_json(outcome)


def _print_plan(plan: dict[str, Any]) -> None:
    from asd.report.terminal import print_samples
    from asd.shown_text import open_console

    print(describe_plan(plan), flush=True)
    print_samples(plan["samples"], open_console(highlight=False))
