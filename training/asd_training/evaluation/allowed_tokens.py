"""Rules for which tokens may come next in an answer. Standard library only: vLLM's process has this file, not the package.

`data()` is a rule as builtin types, `rule_from` the rule again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

_BOX_START = re.compile(r"[\[\]\d., ]*")
Decode = Callable[[Sequence[int]], str]


class Rule(Protocol):
    """Tokens written so far -> tokens that may come next."""

    def __call__(self, written: tuple[int, ...]) -> Sequence[int]: ...

    def data(self) -> dict[str, Any]: ...


class Trie:
    """Answers as token sequences; what may follow a beginning."""

    def __init__(self, answers: Iterable[Sequence[int]]) -> None:
        self._answers = [tuple(answer) for answer in answers]
        self._next: dict[tuple[int, ...], set[int]] = {}
        for answer in self._answers:
            for position, token in enumerate(answer):
                self._next.setdefault(answer[:position], set()).add(token)

    def __call__(self, written: tuple[int, ...]) -> Sequence[int]:
        return sorted(self._next[written])

    def data(self) -> dict[str, Any]:
        return {"kind": "trie", "answers": self._answers}


class BoxGrammar:
    """A box of numbers in 0..1, each with so many decimals, as samples carry them: [0.12,0.30,0.58,0.71].

    What may follow depends on the shape of what is written, so it is looked up once.
    """

    def __init__(self, pieces: Mapping[int, str], decode: Decode, end: int, decimals: int = 2) -> None:
        self._pieces = {token: text for token, text in pieces.items() if text and _BOX_START.fullmatch(text)}
        self._decode, self._end, self._decimals = decode, end, decimals
        self._known: dict[str, list[int]] = {}

    def __call__(self, written: tuple[int, ...]) -> Sequence[int]:
        text = self._decode(written)
        shape = re.sub(r"(?<=0\.)\d+", lambda match: "0" * len(match[0]), text)
        if shape not in self._known:
            after = [token for token in self._pieces if self._can_start(self._decode((*written, token)))]
            self._known[shape] = after + ([self._end] if text.rstrip().endswith("]") else [])
        return self._known[shape] or [self._end]

    def _can_start(self, text: str) -> bool:
        return box_can_start(text, self._decimals)

    def data(self) -> dict[str, Any]:
        return {"kind": "box", "pieces": self._pieces, "end": self._end, "decimals": self._decimals}


def box_can_start(text: str, decimals: int = 2) -> bool:
    """Whether some ending makes `text` a box; single blanks may stand between its parts."""
    number = rf"(?:0\.\d{{{decimals}}}|1\.0{{{decimals}}})"
    text = text.removeprefix(" ")
    if not text:
        return True
    if not text.startswith("["):
        return False
    *whole, last = re.split(r" ?, ?", text[1:].removeprefix(" "))
    if len(whole) > 3 or not all(re.fullmatch(number, part) for part in whole):
        return False
    if len(whole) == 3 and last.endswith("]"):
        return re.fullmatch(number, last[:-1].rstrip()) is not None
    begun = rf"(?:0(?:\.\d{{0,{decimals}}})?|1(?:\.0{{0,{decimals}}})?)?|{number} "
    return re.fullmatch(begun, last) is not None


class PlainAnswer:
    """One line of at most `longest` tokens (the end token not counted), written with the allowed words."""

    def __init__(self, words: Sequence[int], longest: int, end: int) -> None:
        self._words, self._longest, self._end = list(words), longest, end
        self._later = [*self._words, end]

    def __call__(self, written: tuple[int, ...]) -> Sequence[int]:
        if len(written) >= self._longest:
            return [self._end]
        return self._later if written else self._words

    def data(self) -> dict[str, Any]:
        return {"kind": "plain", "words": self._words, "longest": self._longest, "end": self._end}


def rule_from(data: Mapping[str, Any], decode: Decode) -> Rule:
    if data["kind"] == "trie":
        return Trie(data["answers"])
    if data["kind"] == "box":
        return BoxGrammar(data["pieces"], decode, data["end"], data["decimals"])
    return PlainAnswer(data["words"], data["longest"], data["end"])
