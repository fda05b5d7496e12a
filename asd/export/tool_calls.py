"""Tools and their calls as chat templates read them: `tools` beside the messages, `tool_calls` in those of the assistant.

A conversation holds them as the texts that its source has. Here they become `{"type": "function", "function": {...}}`, and
turns become messages. A text that names no function cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from asd.export.conversation import TOOLS, Turn
from asd.export.writing import Record
from asd.schemas.image_marks import MARK

_ROLES = {"observation": "tool"}
_FUNCTION = "function"


def tools_of(turns: Sequence[Turn]) -> list[Record] | None:
    """What `tools` holds; [] where no tools are described. None: a text that describes none by name."""
    text = tools_text(turns)
    return [] if not text else _functions(text, _tool)


def tools_text(turns: Sequence[Turn]) -> str:
    return next((turn.text for turn in turns if turn.role == TOOLS), "")


def messages_of(turns: Sequence[Turn]) -> list[tuple[Record, tuple[str, ...]]] | None:
    """Messages without image marks, each with the texts that its calls have in the source; None: a call names no function.

    What the assistant says and calls at once is one message.
    """
    messages: list[tuple[Record, tuple[str, ...]]] = []
    previous = ""
    for turn in turns:
        if turn.role == TOOLS:
            continue
        if turn.role == "function_call":
            calls = _functions(turn.text, _call)
            if not calls:
                return None
            if previous not in ("assistant", "function_call"):
                messages.append(({"role": "assistant", "content": ""}, ()))
            message, texts = messages[-1]
            message["tool_calls"] = [*message.get("tool_calls", ()), *calls]
            messages[-1] = message, (*texts, turn.text)
        else:
            text = turn.text.replace(MARK, "")
            messages.append(({"role": _ROLES.get(turn.role, turn.role), "content": text}, ()))
        previous = turn.role
    return messages


def _functions(text: str, made: Any) -> list[Record] | None:
    """Of a JSON object or a list of them; None if one of them is none that has a name, or nests too deeply to be written."""
    try:
        value = orjson.loads(text)
        functions = [made(one) for one in (value if isinstance(value, list) else [value])]
        orjson.dumps({"tool_calls": functions})
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return None if None in functions else functions


def _named(value: Any) -> Record | None:
    """The function that an object is, or holds; None if it has no name."""
    function = value.get(_FUNCTION, value) if isinstance(value, dict) else None
    return (
        function if isinstance(function, dict) and isinstance(function.get("name"), str) and function["name"] else None
    )


def _tool(value: Any) -> Record | None:
    function = _named(value)
    return None if function is None else value if _FUNCTION in value else {"type": _FUNCTION, _FUNCTION: value}


def _call(value: Any) -> Record | None:
    """Arguments that are JSON in a text become an object: templates write them as JSON themselves."""
    function = _named(value)
    if function is None:
        return None
    given = function.get("arguments", function.get("parameters"))
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            return None
    if not isinstance(given, dict | None):
        return None
    identity = {"id": value["id"]} if isinstance(value.get("id"), str) else {}
    return {**identity, "type": _FUNCTION, _FUNCTION: {"name": function["name"], "arguments": given or {}}}
