"""Arguments of vLLM's engine, the same for its server and for its in-process engine."""

from __future__ import annotations

import os
import re
from pathlib import Path

import orjson

from asd.errors import UsageError
from asd.rewrite.settings import RewriterSettings

ArgumentValue = str | int | float | bool

RESERVED = {
    "model": "it is the rewriter's `model`",
    "served_model_name": "it is the rewriter's `model`",
    "host": "the server listens on this machine alone",
    "port": "a free one is chosen",
    "api_key": "keys stay out of command lines; the server listens on this machine alone",
}
"""Arguments that are not the user's to set here, each with its reason."""

DEFAULTS: dict[str, ArgumentValue] = {
    # Of the backends, guidance alone held to string lengths with every model tried; white space costs tokens.
    "structured_outputs_config": '{"backend": "guidance", "disable_any_whitespace": true}',
    # A model's own generation_config adds penalties and cut-offs that no request names; ours names all it uses.
    "generation_config": "vllm",
}
"""Set unless `server_args` says otherwise."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


def engine_arguments(settings: RewriterSettings) -> dict[str, ArgumentValue]:
    """Argument name (underscores) -> value. Raises: UsageError for one that is not the user's to set."""
    given = {name.lstrip("-").replace("-", "_"): value for name, value in settings.server_args.items()}
    for name, reason in RESERVED.items():
        if name in given:
            raise UsageError(f"server_args: {name} cannot be set: {reason}; remove it")
    arguments = {**DEFAULTS, "model": model_location(settings)}
    if _COMMIT.fullmatch(settings.revision) and not Path(settings.model).is_dir():
        arguments["revision"] = settings.revision
    return {**arguments, **given}


def model_location(settings: RewriterSettings) -> str:
    """The model's folder as an absolute path, or its name as given."""
    return str(Path(settings.model).resolve()) if Path(settings.model).is_dir() else settings.model


def as_command_line(arguments: dict[str, ArgumentValue]) -> list[str]:
    """`{"max_model_len": 4096, "enforce_eager": True}` -> `--max-model-len 4096 --enforce-eager`."""
    line: list[str] = []
    for name, value in arguments.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            line.append(f"--{option}" if value else f"--no-{option}")
        else:
            line += [f"--{option}", str(value)]
    return line


def as_keywords(arguments: dict[str, ArgumentValue]) -> dict[str, object]:
    """The same for `vllm.LLM`: what is JSON on a command line is a dictionary there."""
    return {name: _parsed(value) for name, value in arguments.items()}


def _parsed(value: ArgumentValue) -> object:
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        parsed: object = orjson.loads(value)
    except orjson.JSONDecodeError as exc:
        raise UsageError(f"server_args: {value!r} is not JSON: {exc}") from None
    return parsed


def quiet_environment() -> dict[str, str]:
    """This process's environment, with vLLM's usage reports off unless they were asked for."""
    return {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", **os.environ}
