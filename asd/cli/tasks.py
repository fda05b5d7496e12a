"""`asd tasks`."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from asd.cli.table import Table
from asd.errors import UsageError
from asd.schemas.styles import ON_REQUEST_STYLES, Maker
from asd.tasks.task_files import TASKS_DIR, builtin_tasks, read_mapping

if TYPE_CHECKING:
    from asd.schemas.task import TaskSpec

_REWRITER = "rewriter: a language model, asked where --rewriter names one; see docs/rewriter.md"


def run(name: str | None, *, as_json: bool, as_yaml: bool = False) -> None:
    if as_yaml:
        print(_file_text(name), end="")
        return
    if name is None and not as_json:  # an everyday command: it does not wait for the models of tasks
        print("\n".join(overview([read_mapping(TASKS_DIR / f"{task}.yaml") for task in builtin_tasks()])))
        return
    from asd.tasks.registry import load_task

    specs = [load_task(name)] if name is not None else [load_task(task) for task in builtin_tasks()]
    if as_json:
        print(json_module.dumps([spec.model_dump(mode="json") for spec in specs], indent=1, ensure_ascii=False))
    else:
        print(describe(specs[0]))


def _file_text(name: str | None) -> str:
    """The task's file as it stands. Raises: UsageError without a name; as `load_task` where it is none."""
    from asd.tasks.registry import load_task, task_file

    if name is None:
        raise UsageError("--yaml prints one task; give its name, e.g. asd tasks vqav2 --yaml.")
    load_task(name)
    return task_file(name).read_text("utf-8")


def overview(tasks: list[dict[str, Any]]) -> list[str]:
    """tasks: the package's own task files as they stand; a test holds them to the model of a task."""
    lines = []
    for task in tasks:
        made = {
            style: [maker for maker in makers if maker != Maker.REWRITER]
            for style, makers in task.get("styles", {}).items()
        }
        styles = "; ".join(f"{style} ({'/'.join(makers)}{_asked(style)})" for style, makers in made.items() if makers)
        lines += [
            f"{task['name']:<20} {task['title']}",
            f"    native: {task['native_style']}",
            f"    takes:  {styles or '-'}",
            f"    reads:  {_formats(layout['name'] for layout in task.get('layouts', ()))}",
        ]
    return [
        *lines,
        "",
        f"{len(tasks)} tasks. `asd tasks NAME` shows one in full, --yaml as the file that it is; `asd init FILE` "
        "writes one for data of your own.",
    ]


def _formats(layouts: Iterable[str]) -> str:
    return ", ".join(["llava", *layouts])


def _takes_rewriter(spec: TaskSpec) -> bool:
    return any(Maker.REWRITER in makers for makers in spec.styles.values())


def _asked(style: str) -> str:
    return ", where --styles names it" if style in ON_REQUEST_STYLES else ""


def describe(spec: TaskSpec) -> str:
    from asd.schemas.task import NOT_GIVEN

    table = Table(["style", "made by"])
    for style, makers in spec.styles.items():
        table.add(style.value, ", ".join(maker.value for maker in makers) + _asked(style))
    lines = [
        f"{spec.name}: {spec.title}" if spec.title else spec.name,
        *([spec.description.strip()] if spec.description else []),
        "",
        f"native style   {spec.native_style.value}",
        f"family         {spec.family} (chooses the templates)",
        f"benchmarks     {', '.join(spec.benchmarks) or '-'}",
        f"formats read   {_formats(layout.name for layout in spec.layouts)}",
        f"scorer         {spec.scorer}",
        f"licence        {spec.licence or NOT_GIVEN}",
        f"cite           {spec.citation or NOT_GIVEN}",
        *([f"homepage       {spec.homepage}"] if spec.homepage else []),
        "",
        *table.lines(),
        *(["", _REWRITER] if _takes_rewriter(spec) else []),
    ]
    return "\n".join(lines)
