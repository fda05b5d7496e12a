"""The program that serves a GGUF file: llama.cpp's own server, out of the package xllamacpp. A script of its own:

    python -P llama_child.py check JSON       whether the package is there and takes the parameters
    python -P llama_child.py serve JSON       serve until killed

JSON: {"model": file, "alias": name, "host": ..., "port": ..., "parameters": {name: value}}; a parameter is a field of
xllamacpp.CommonParams, with dots for fields of fields ("mmproj.path"). What is wrong with one is said on standard
output, in a sentence, with exit status 2; exit status 3: the package is missing.
"""

from __future__ import annotations

import difflib
import enum
import json
import sys
import threading
from typing import Any

BAD_PARAMETER, NO_PACKAGE = 2, 3
_FALSE, _TRUE = ("0", "false", "no", "off"), ("1", "true", "yes", "on")


class BadParameterError(Exception):
    """A parameter that there is not, or whose value is none for it."""


def main(mode: str, text: str) -> int:
    """The exit status."""
    try:
        import xllamacpp
    except ModuleNotFoundError as exc:
        if exc.name != "xllamacpp":
            raise
        return NO_PACKAGE
    asked = json.loads(text)
    params = xllamacpp.CommonParams()
    params.model.path, params.model_alias = asked["model"], [asked["alias"]]
    params.hostnames, params.port = [asked["host"]], asked["port"]
    # Requests name all that shapes a reply; what the server would add by itself is switched off.
    params.sampling.top_k, params.sampling.min_p = 0, 0.0
    try:
        for name, value in asked["parameters"].items():
            set_parameter(params, name, value)
    except BadParameterError as error:
        print(error, flush=True)
        return BAD_PARAMETER
    if mode == "serve":
        try:
            server = xllamacpp.Server(params)
        except RuntimeError as error:  # the log above says why
            print(f"llama.cpp: {error}", file=sys.stderr, flush=True)
            return 1
        threading.Event().wait()
        del server
    return 0


def set_parameter(params: Any, name: str, value: Any) -> None:
    """Raises: BadParameterError."""
    *owners, last = name.split(".")
    place = params
    for owner in owners:
        place = _field(place, owner, name)
    known = _field(place, last, name)
    kind = type(known)
    if kind not in (bool, int, float, str) and not isinstance(known, enum.IntEnum):
        inner = ", ".join(f"{name}.{field}" for field in _fields(known)) or "none of its own"
        raise BadParameterError(f"server_args: {name} cannot be set as a whole; its fields are: {inner}")
    try:
        setattr(place, last, _as_kind(value, kind))
    except (KeyError, TypeError, ValueError, OverflowError):
        expected = " or ".join(member.name for member in kind) if issubclass(kind, enum.Enum) else kind.__name__
        raise BadParameterError(f"server_args: {name} is {value!r}; expected {expected}") from None


def _field(place: Any, part: str, name: str) -> Any:
    names = _fields(place)
    if part not in names:
        near = difflib.get_close_matches(part, names, n=3, cutoff=0.5)
        guess = f"; did you mean {' or '.join(near)}?" if near else ""
        raise BadParameterError(f"server_args: llama.cpp has no parameter {name!r}{guess}")
    return getattr(place, part)


def _fields(place: Any) -> list[str]:
    return [name for name in dir(place) if not name.startswith("_") and not callable(getattr(place, name))]


def _as_kind(value: Any, kind: Any) -> Any:
    if kind is bool and isinstance(value, str):
        if value.lower() not in (*_FALSE, *_TRUE):
            raise ValueError(value)
        return value.lower() in _TRUE
    if issubclass(kind, enum.Enum) and isinstance(value, str):
        return kind[value]
    return kind(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
