"""The API key: read from the environment or a file, held so that nothing prints it."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path

from asd.errors import KeyRefusedError

NO_KEY = "EMPTY"
"""Sent where no key is set, as servers of one's own expect; $OPENAI_API_KEY is never taken unasked."""
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_KEY_SHAPED = re.compile(r"[A-Za-z0-9_.=+-]{16,}")


HIDDEN = "[key]"
_TELLING = 8
"""Characters of a key in a row that tell it from other text."""
_SPLITS = dict.fromkeys(map(ord, " \t\r\n\f\v\"'`\\\u200b\u00ad"))
_ESCAPED = re.compile(r"(?:%(?:25)*|\\+u00|\\+x|&#0*x?0*)[2-9]", re.IGNORECASE)
"""The beginning of a plain character that is written otherwise."""
_WRITTEN = re.compile(
    r"%(?:25)*([0-9a-f]{2})|\\+(?:u00|x)([0-9a-f]{2})|&#0*([0-9]{2,3});|&#x0*([0-9a-f]{2});|([\s\"'`\\\u200b\u00ad])|(.)",
    re.IGNORECASE | re.DOTALL,
)
"""One character, however it is written; the fifth group is one that keys are split by."""


class ApiKey:
    """`reveal` is for the HTTP client alone."""

    __slots__ = ("_grams", "_length", "_sought", "_text", "origin")

    def __init__(self, text: str, origin: str) -> None:
        self._text, self.origin = text, origin
        spellings = [] if text == NO_KEY else _spellings(text)
        self._length = min([_TELLING, *map(len, spellings)])
        self._grams = {gram for spelling in spellings for gram in _grams(spelling, self._length)}
        coarse = {
            spelling[at : at + self._length]
            for spelling in spellings[1:]
            for at in range(0, len(spelling), self._length)
        }
        self._sought = sorted(self._grams if not coarse else coarse | {*_grams(spellings[0], self._length)})

    def reveal(self) -> str:
        return self._text

    def hide_in(self, text: str) -> str:
        """The text without the key, or any stretch of it that tells: servers like to repeat it in their errors.

        Found in any case, cut off, split by blanks, quotes or line ends, and as URLs, JSON, HTML, base64 and hex write it.
        Cut a text after this, never before: a part shorter than eight characters is not told from other words.
        """
        if not self._grams:
            return text
        letters, starts, ends = _read(text)
        hits = [at for at in range(len(letters) - self._length + 1) if letters[at : at + self._length] in self._grams]
        parts, done = [], 0
        for first, last in _joined(hits, self._length):
            parts += [text[done : starts[first]], HIDDEN]
            done = ends[last]
        return "".join([*parts, text[done:]])

    def hide_in_body(self, body: bytes) -> bytes:
        """`hide_in` for a whole reply: it is looked at closely only where a search finds a part of the key."""
        if not self._grams:
            return body
        text = body.decode("utf-8", "replace")
        bare = text.translate(_SPLITS).lower()
        is_near = any(part in bare for part in self._sought) or self._is_escaped(text)
        return self.hide_in(text).encode() if is_near else body

    def _is_escaped(self, text: str) -> bool:
        marks = text.count("%") + text.count("\\") + text.count("&#")
        return marks >= self._length and len(_ESCAPED.findall(text)) >= self._length

    def __repr__(self) -> str:
        return f"ApiKey(from {self.origin})"

    def __reduce__(self) -> str:
        raise TypeError("an API key is not to be stored")


def _spellings(key: str) -> list[str]:
    """The key as itself, in base64 from any place on, and in hex; lower case, without what it may be split by."""
    forms = [key, key.encode().hex()]
    for before in range(3):
        data = base64.b64encode(bytes(before) + key.encode()).decode().rstrip("=")
        inner = data[2 if before else 0 : -1]  # the outer letters depend on what stands around the key
        forms += [inner[2:] if before == 2 else inner, inner.replace("+", "-").replace("/", "_")]
    return [read for form in forms if (read := _read(form)[0])]


def _grams(text: str, length: int) -> Iterator[str]:
    return (text[at : at + length] for at in range(len(text) - length + 1))


def _read(text: str) -> tuple[str, list[int], list[int]]:
    """The letters of a text in lower case, and where in it each begins and ends."""
    letters, starts, ends = [], [], []
    for match in _WRITTEN.finditer(text):
        if match[5] is not None:
            continue
        code = next((int(match[group], base) for group, base in _CODES if match[group] is not None), None)
        letter = (match[6] if code is None else chr(code)).lower()
        if len(letter) == 1:
            letters.append(letter)
            starts.append(match.start())
            ends.append(match.end())
    return "".join(letters), starts, ends


_CODES = ((1, 16), (2, 16), (3, 10), (4, 16))
"""Groups of _WRITTEN, and the base of the number in each."""


def _joined(hits: list[int], length: int) -> list[tuple[int, int]]:
    """First and last letter of each stretch that the hits cover."""
    spans: list[tuple[int, int]] = []
    for at in hits:
        if spans and at <= spans[-1][1] + 1:
            spans[-1] = spans[-1][0], at + length - 1
        else:
            spans.append((at, at + length - 1))
    return spans


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
