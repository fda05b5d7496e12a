"""`asd tasks`."""

from __future__ import annotations

import json as json_module

from asd.cli.table import Table
from asd.schemas.styles import Maker
from asd.schemas.task import TaskSpec
from asd.tasks.registry import builtin_tasks, load_task


def run(name: str | None, *, as_json: bool) -> None:
    specs = [load_task(name)] if name is not None else [load_task(task) for task in builtin_tasks()]
    if as_json:
        print(json_module.dumps([spec.model_dump(mode="json") for spec in specs], indent=1, ensure_ascii=False))
    elif name is not None:
        print(describe(specs[0]))
    else:
        print("\n".join(overview(specs)))


def overview(specs: list[TaskSpec]) -> list[str]:
    lines = []
    for spec in specs:
        made = {
            style.value: [m.value for m in makers if m is not Maker.REWRITER] for style, makers in spec.styles.items()
        }
        styles = "; ".join(f"{style} ({'/'.join(makers)})" for style, makers in made.items() if makers)
        formats = ", ".join(["llava", *(layout.name for layout in spec.layouts)])
        lines += [f"{spec.name:<20} {spec.title}", f"    native: {spec.native_style.value}", f"    takes:  {styles or '-'}",
                  f"    reads:  {formats}"]  # fmt: skip
    return [
        *lines,
        "",
        f"{len(specs)} tasks. `asd tasks NAME` shows one in full. A YAML file of your own works too.",
    ]


_REWRITER = "rewriter: a language model, asked where --rewriter names one; see docs/rewriter.md"


def _takes_rewriter(spec: TaskSpec) -> bool:
    return any(Maker.REWRITER in makers for makers in spec.styles.values())


def describe(spec: TaskSpec) -> str:
    table = Table(["style", "made by"])
    for style, makers in spec.styles.items():
        table.add(style.value, ", ".join(maker.value for maker in makers))
    lines = [
        f"{spec.name}: {spec.title}",
        *([spec.description.strip()] if spec.description else []),
        "",
        f"native style   {spec.native_style.value}",
        f"family         {spec.family} (chooses the templates)",
        f"benchmarks     {', '.join(spec.benchmarks) or '-'}",
        f"formats read   {', '.join(['llava', *(layout.name for layout in spec.layouts)])}",
        f"scorer         {spec.scorer}",
        f"licence        {spec.licence}",
        f"cite           {spec.citation}",
        *([f"homepage       {spec.homepage}"] if spec.homepage else []),
        "",
        *table.lines(),
        *(["", _REWRITER] if _takes_rewriter(spec) else []),
    ]
    return "\n".join(lines)
