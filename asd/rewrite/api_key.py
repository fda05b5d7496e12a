"""The API key: read from the environment or a file, held so that nothing prints it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from asd.errors import KeyRefusedError

NO_KEY = "EMPTY"
"""Sent where no key is set, as servers of one's own expect; $OPENAI_API_KEY is never taken unasked."""
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_KEY_SHAPED = re.compile(r"[A-Za-z0-9_.=+-]{16,}")


class ApiKey:
    """`reveal` is for the HTTP client alone."""

    __slots__ = ("_text", "origin")

    def __init__(self, text: str, origin: str) -> None:
        self._text, self.origin = text, origin

    def reveal(self) -> str:
        return self._text

    def hide_in(self, text: str) -> str:
        """The text without the key; servers like to repeat it in their errors."""
        return text if self._text == NO_KEY else text.replace(self._text, "[key]")

    def __repr__(self) -> str:
        return f"ApiKey(from {self.origin})"

    def __reduce__(self) -> str:
        raise TypeError("an API key is not to be stored")


def read_api_key(env: str | None, file: Path | None) -> ApiKey:
    """Raises: KeyRefusedError if the variable is not set, the file cannot be read, or either holds no key."""
    if env is not None:
        if not os.environ.get(env) and not _VARIABLE.fullmatch(env):
            raise KeyRefusedError(
                "api_key_env names no variable that is set (not shown: it may be the key itself). Put the key into an "
                "environment variable and name that, e.g. MY_KEY"
            )
        if env not in os.environ:
            raise KeyRefusedError(f"${env} is not set, but api_key_env says that the API key is there; export it")
        return _checked(os.environ[env], f"${env}")
    if file is not None:
        try:
            return _checked(file.read_text(encoding="utf-8"), str(file))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise KeyRefusedError(f"{_shown(file)}: cannot read the API key (api_key_file): {why}") from None
    return ApiKey(NO_KEY, "no setting")


def _shown(file: Path) -> str:
    """The path, unless it looks like a key that was given in the place of its file."""
    is_key_shaped = _KEY_SHAPED.fullmatch(str(file)) is not None
    return "(not shown: it may be the key itself)" if is_key_shaped else str(file)


def _checked(text: str, origin: str) -> ApiKey:
    key = text.strip()
    if not key:
        raise KeyRefusedError(f"{origin} holds no API key: it is empty")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise KeyRefusedError(f"{origin} holds no API key: a key is one word of plain ASCII on one line")
    return ApiKey(key, origin)
