"""The YAML files of tasks as plain values: what is read of them before anything is checked.

Nothing here knows the models of a task, so listing tasks costs reading their files and no more.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml

from asd.errors import StorageError, UsageError
from asd.plain_yaml import StrictLoader, parse_nodes, read_text, read_yaml

TASKS_DIR = Path(__file__).resolve().parent


def builtin_tasks() -> tuple[str, ...]:
    """Names of the tasks that come with the package, in alphabetical order."""
    return tuple(sorted(file.stem for file in TASKS_DIR.glob("*.yaml") if not file.stem.startswith("_")))


def read_mapping(file: Path) -> dict[str, Any]:
    """Raises: UsageError if the file is missing, no YAML, or no mapping; StorageError if it cannot be read."""
    try:
        raw = read_yaml(file, StrictLoader)
    except FileNotFoundError:
        raise UsageError(f"{file}: there is no such task file; {_instead(file)}") from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file}: expected UTF-8 text, got byte {error.object[error.start]:#04x} at offset "
            f"{error.start}; save the file as UTF-8"
        ) from None
    except OSError as error:
        raise StorageError(f"{file}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{file}{_yaml_problem(error)}") from None
    if not isinstance(raw, dict):
        raise UsageError(f"{file}: expected `key: value` lines, got {type(raw).__name__ if raw else 'an empty file'}")
    return raw


def _instead(file: Path) -> str:
    """Files of a like name beside it; else what else may be given."""
    beside = [path.name for path in file.parent.glob("*.y*ml")] if file.parent.is_dir() else []
    if near := difflib.get_close_matches(file.name, beside, n=3):
        return f"did you mean {' or '.join(str(file.parent / name) for name in near)}?"
    return (
        f"`asd init` writes one for data of your own, and built-in tasks go by name: {', '.join(builtin_tasks()[:6])}, ... "
        "(`asd tasks` lists all)."
    )


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f":{mark.line + 1}: no valid YAML, column {mark.column + 1}: {error.problem or error.context}"
    return f": no valid YAML: {error}"


def line_numbers(file: Path) -> dict[tuple[str, ...], int]:
    """Line of every key and list item; read again from the node tree, so the good path pays nothing for
    it."""
    lines: dict[tuple[str, ...], int] = {}

    def walk(node: Any, at: tuple[str, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                lines[(*at, str(key.value))] = key.start_mark.line + 1
                walk(value, (*at, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                lines[(*at, str(index))] = item.start_mark.line + 1
                walk(item, (*at, str(index)))

    walk(parse_nodes(read_text(file)), ())
    return lines
