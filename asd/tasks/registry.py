"""Finds a task by name or by the path of its YAML file, and says exactly what is wrong with a YAML that is
not a task.

Response-format prompts (RFPs) that a task does not word itself come from `_defaults.yaml`, so a loaded
`TaskSpec` always has every paraphrase that its styles need.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from asd.errors import UnknownNameError, UsageError
from asd.schemas.task import TaskSpec
from asd.tasks.task_files import TASKS_DIR, builtin_tasks, line_numbers, read_mapping

_DEFAULTS_FILE = TASKS_DIR / "_defaults.yaml"


def load_task(name_or_path: str | Path) -> TaskSpec:
    """A built-in task by name, or any task by the path of its YAML file (a `Path`, or a string that looks
    like one).

    Raises: UnknownNameError for a name that is not built in, UsageError for a file that does not describe a
    task.
    """
    file = task_file(name_or_path)
    return _load_builtin(file.stem) if file.parent == TASKS_DIR else read_task_file(file)


def task_file(name_or_path: str | Path) -> Path:
    """The YAML file that describes a task. Raises: UnknownNameError for a name that is not built in."""
    if isinstance(name_or_path, Path) or _looks_like_path(name_or_path):
        return Path(name_or_path)
    name = builtin_name(name_or_path)
    if name is None:
        raise UnknownNameError("task", name_or_path, builtin_tasks(), hint=_hint(name_or_path))
    return TASKS_DIR / f"{name}.yaml"


def builtin_name(text: str) -> str | None:
    """The built-in task that is meant: `ScienceQA`, `OCR-VQA` and `A-OKVQA` are scienceqa, ocrvqa and aokvqa."""
    return next((name for name in builtin_tasks() if _letters(name) == _letters(text)), None)


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _hint(name: str) -> str:
    """Data sets often go by another name than their task, which the task's title then holds (RefCOCO: grounding)."""
    wanted = name.lower()
    titles = {task: _load_builtin(task).title or task for task in builtin_tasks()}
    meant = [f"{task} is {title}" for task, title in titles.items() if _is_meant(wanted, title.lower())]
    by_title = f"{'; '.join(meant)}. " if 0 < len(meant) <= 3 else ""
    here = next((file for ending in (".yaml", ".yml") if (file := Path(name + ending)).is_file()), None)
    if here is not None:
        return f"The file {here} is here: give {here}, its path."
    return f"{by_title}A path to a YAML file works too."


def _is_meant(wanted: str, title: str) -> bool:
    return any(
        word in wanted or wanted in word for word in re.findall(r"\w+", title) if min(len(word), len(wanted)) > 5
    )


def read_task_file(file: Path) -> TaskSpec:
    """Raises: UsageError that names the file, the line, the key, what was expected and what stands there."""
    raw = read_mapping(file)
    try:
        spec = TaskSpec.model_validate(raw)
    except ValidationError as error:
        raise UsageError(_describe(file, error)) from None
    return spec.model_copy(update={"rfps": _all_rfps(spec)})


def rfps_for(spec: TaskSpec, key: str) -> tuple[str, ...]:
    """Paraphrases of the response-format prompt `key`: the task's own, else its family's, else the general
    ones.

    Raises: UnknownNameError where nobody words this key.
    """
    wordings = spec.rfps.get(key) or _default_rfps().get(f"{spec.family}.{key}") or _default_rfps().get(key)
    if not wordings:
        raise UnknownNameError("response-format prompt", key, general_rfp_keys())
    return tuple(wordings)


def has_own_rfps(spec: TaskSpec, key: str) -> bool:
    """Whether a task's file or a conversion's settings word a response-format prompt, rather than the defaults."""
    return list(rfps_for(spec, key)) != list(
        _default_rfps().get(f"{spec.family}.{key}") or _default_rfps().get(key) or ()
    )


def rfps_in(language: str, spec: TaskSpec, key: str) -> tuple[str, ...]:
    """Paraphrases for questions in a language ("zh"); none where there are none, or the task words its own."""
    return () if has_own_rfps(spec, key) else tuple(_default_rfps().get(f"{language}.{key}", ()))


def general_rfp_keys() -> tuple[str, ...]:
    """Keys of `_defaults.yaml` that every family has."""
    return tuple(key for key in _default_rfps() if "." not in key)


@cache
def _load_builtin(name: str) -> TaskSpec:
    return read_task_file(TASKS_DIR / f"{name}.yaml")


@cache
def _default_rfps() -> Mapping[str, Sequence[str]]:
    rfps: dict[str, list[str]] = read_mapping(_DEFAULTS_FILE)["rfps"]
    return rfps


def _all_rfps(spec: TaskSpec) -> dict[str, list[str]]:
    keys = dict.fromkeys((*general_rfp_keys(), *spec.rfps))
    return {key: list(rfps_for(spec, key)) for key in keys}


def _looks_like_path(text: str) -> bool:
    return text.endswith((".yaml", ".yml")) or "/" in text or "\\" in text


def _describe(file: Path, error: ValidationError) -> str:
    lines = line_numbers(file)
    problems = error.errors(include_url=False)
    described = [f"{file}{_line_of(problem['loc'], lines)}: {_problem(problem)}" for problem in problems]
    return "\n".join(described)


def _problem(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]") or "task"
    if problem["type"] == "missing":
        return f"key {key!r} is missing; every task needs it"
    if problem["type"] == "extra_forbidden":
        return str(UnknownNameError("task key", str(problem["loc"][-1]), TaskSpec.model_fields))
    if problem["type"] == "value_error":
        return str(problem["msg"]).removeprefix("Value error, ")
    near = difflib.get_close_matches(str(problem["input"]), re.findall(r"'(\w+)'", problem["msg"]), n=2, cutoff=0.5)
    guess = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"key {key!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}, got {problem['input']!r}{guess}"


def _line_of(location: Sequence[Any], lines: Mapping[tuple[str, ...], int]) -> str:
    parts = [str(part) for part in location if part != "[key]"]
    while parts:
        if tuple(parts) in lines:
            return f":{lines[tuple(parts)]}"
        parts.pop()
    return ""
