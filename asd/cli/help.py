"""How commands explain themselves: whole descriptions, options in groups, rare groups behind --help-all, examples.

Typer's plain help cuts descriptions to one line and lists options as one block.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

SOURCE, CONVERTED, OUTPUT = "Source", "What to convert", "Output"
MODEL = "Language model (docs/rewriter.md)"
CLUSTER = "Cluster (docs/cluster.md)"
RARE = (MODEL, CLUSTER)
"""Groups of options that `--help` only names."""
ASKED_MODEL = "Language model"
"""The group where a command is about the model, so that it is shown."""
HELP_ALL = "--help-all"

MAKE, LOOK, USE = "Make data", "Look and measure", "Use it"
"""Groups of commands."""
_OTHERS = "Options"


class HelpfulCommand(TyperCommand):
    """A command whose help has its options in groups and ends with examples, the lines of its epilog."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        before = args[: args.index("--")] if "--" in args else args
        if HELP_ALL in before:
            ctx.meta[HELP_ALL] = True
            print(self.get_help(ctx))
            ctx.exit()
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        arguments, groups = _records(self, ctx)
        shown = groups if HELP_ALL in ctx.meta else {name: group for name, group in groups.items() if name not in RARE}
        if arguments:
            with formatter.section("Arguments"):
                formatter.write_dl(arguments)
        for name, group in shown.items():
            with formatter.section(name):
                formatter.write_dl(group)
        if len(shown) < len(groups):
            formatter.write_paragraph()
            for name in (name for name in groups if name not in shown):
                formatter.write(f"{name}: {len(groups[name])} options more, shown by {ctx.command_path} {HELP_ALL}\n")

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.epilog, formatter)


class HelpfulGroup(TyperGroup):
    """A group of commands whose descriptions are shown whole, below the headings of their panels."""

    command_class = HelpfulCommand

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                heading = getattr(command, "rich_help_panel", None)
                groups.setdefault(heading if isinstance(heading, str) else "Commands", []).append(
                    (name, first_paragraph(command.help or ""))
                )
        for heading, rows in groups.items():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.epilog, formatter)


def first_paragraph(text: str) -> str:
    """The first paragraph as one line; what a command does stands there, exit codes and the like come after it."""
    return " ".join(text.strip().split("\n\n")[0].split())


def _records(command: TyperCommand, ctx: Any) -> tuple[list[tuple[str, str]], dict[str, list[tuple[str, str]]]]:
    """Name and help of the arguments, and of the options by heading: those without one come before a model's and rare ones."""
    arguments: list[tuple[str, str]] = []
    groups: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is None:
            continue
        if param.param_type_name == "argument":
            arguments.append(record)
        else:
            panel = getattr(param, "rich_help_panel", None)
            groups.setdefault(panel if isinstance(panel, str) else _OTHERS, []).append(record)
    others = groups.pop(_OTHERS, [])
    late = {name: groups.pop(name) for name in (ASKED_MODEL, *RARE) if name in groups}
    heading = "Other options" if groups else _OTHERS
    return arguments, {**groups, heading: others, **late}


def _write_examples(text: str | None, formatter: Any) -> None:
    if text:
        with formatter.section("Examples"):
            for line in text.strip().splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line.strip()}\n")
