"""What can go wrong, as a tree. Every message says what, where, expected, got, and what to do next.

AsdError                  anything this package raises on purpose
├── UsageError            the call itself is wrong (exit code 2)
│   ├── UnknownNameError  a style, task, format or version that does not exist; lists near matches
│   └── TemplateError     a template does not compile, uses an unknown variable, or loses the question
├── DataError             the data is wrong (exit code 1)
│   ├── SourceError       a source file is missing, truncated, or of another format than expected
│   ├── RejectLimitError  more bad rows than --max-reject-rate (or any, with --strict)
│   ├── ScoreError        predictions and gold answers do not fit together, or a rule lacks what it needs
│   ├── ShardError        a shard or manifest is damaged, missing, or from a newer format
│   └── StorageError      no space left, no permission, an output that something else owns
└── RewriterError         the language model's side (exit code 3); what was finished is kept
    ├── KeyRefusedError   no API key, an unreadable key file, or a key that the server refuses
    ├── PreflightError    the server cannot do the work: unknown model, context too small, no images
    ├── ServerError       a server cannot be started or reached, or stays broken past its time
    ├── BudgetError       --max-failures, --max-tokens-total or --max-cost is spent
    └── CacheError        the request cache or an exported one is damaged, foreign, or of another format
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

FINDING = 4
"""Exit code of a command that did its work and has something to complain of, where it was asked to look for that."""


class AsdError(Exception):
    """Base of all deliberate errors; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(AsdError):
    exit_code = 2


_MOST_LISTED = 30
"""Known names that a message lists beside near matches."""


class UnknownNameError(UsageError):
    """A name that is not in the table it was looked up in."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        near = difflib.get_close_matches(name, self.known, n=3, cutoff=0.5)
        guess = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        tail = f" {hint}" if hint else ""
        self.hint = hint
        listed = ", ".join(self.known) or "none"
        if near and len(self.known) > _MOST_LISTED:
            listed = f"{len(self.known)}, too many to list here"
        super().__init__(f"no {kind} named {name!r}{guess} (known: {listed}).{tail}")

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross from worker processes; by default only the message would be given to `__init__`."""
        return _unknown_name, (self.kind, self.name, self.known, self.hint)


def _unknown_name(kind: str, name: str, known: list[str], hint: str) -> UnknownNameError:
    return UnknownNameError(kind, name, known, hint=hint)


class TemplateError(UsageError):
    pass


class DataError(AsdError):
    exit_code = 1


class SourceError(DataError):
    pass


class RejectLimitError(DataError):
    pass


class ShardError(DataError):
    pass


class ScoreError(DataError):
    pass


class StorageError(DataError):
    pass


class RewriterError(AsdError):
    """The rewriter has to stop. Replies that came in are in the request cache: the same command goes on from there."""

    exit_code = 3


class KeyRefusedError(RewriterError):
    pass


class PreflightError(RewriterError):
    pass


class ServerError(RewriterError):
    pass


class BudgetError(RewriterError):
    pass


class CacheError(RewriterError):
    pass


def problem_of_setting(fault: Mapping[str, Any], *, show: bool = True) -> str:
    """What is wrong with the value of a setting, in the terms of whoever gave it. fault: of pydantic's `errors()`; show: the
    value, which is never shown of a rewriter's settings: it may be a key in the wrong place.

    A share above 1 is most often a percentage, so the message says what that is as a share.
    """
    limits, value, kind = fault.get("ctx", {}), fault["input"], str(fault["type"])
    show = show and "rewriter" not in fault["loc"]
    tail = f", not {value if isinstance(value, str) else repr(value)}" if show else ""
    if kind == "less_than_equal" and limits["le"] == 1:
        advice = "give a share between 0 and 1"
        is_percentage = show and isinstance(value, int | float) and 2 <= value <= 100
        return f"{advice}; {value:g} % is {value / 100:g}" if is_percentage else f"{advice}{tail}"
    bounds = {
        "less_than_equal": ("le", "at most"), "less_than": ("lt", "below"),
        "greater_than_equal": ("ge", "at least"), "greater_than": ("gt", "above"),
    }  # fmt: skip
    if kind in bounds:
        name, word = bounds[kind]
        is_share = kind == "greater_than_equal" and limits[name] == 0 and isinstance(limits[name], float)
        what = "a share between 0 and 1" if is_share else f"a number {word} {limits[name]:g}"
        return f"give {what}{tail}"
    if kind in ("int_parsing", "int_from_float", "int_type", "int_parsing_size"):
        return f"give a whole number{tail}"
    if kind in ("finite_number", "float_parsing", "float_type"):
        return f"give a number{tail}"
    if kind in ("bool_parsing", "bool_type"):
        return f"give true or false{tail}"
    if kind == "literal_error":
        return f"give {limits['expected']}{tail}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{message} (got {value!r})" if show and not isinstance(value, dict) else message
