"""lemminflect's word tables, searched where they lie: sorted lines, of which a conversion needs a few thousand.

The package itself makes dictionaries of all 120,000 lines when it is first asked, which takes 0.3 s and 50 MB in
every worker process. Where it is of another release than the one whose files are known here, it is asked.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import importlib.util
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

KNOWN_RELEASE = "0.2.3"
_LEMMAS, _LEMMA_OVERRIDES = "lemma_lu.csv.gz", "lemma_overrides.csv"
_FORMS, _FORM_OVERRIDES = "infl_lu.csv.gz", "infl_overrides.csv"
_FORM_ORDER = {"VBD": 0, "VBN": 1, "VBZ": 3}
"""Place of a verb's form in its line."""
_IRREGULAR = frozenset("can may will shall must ought dare be".split())
"""Verbs whose forms the package has in its code."""

Lemmas = dict[str, tuple[str, ...]]


class SortedLines:
    """Lines `<word>,<...>` in the order of their words."""

    def __init__(self, text: bytes) -> None:
        """text: every line ends in a line feed."""
        self._text = text
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
        self._starts = np.concatenate([[0], ends[:-1]]).astype(np.uint32).data

    def of(self, word: str) -> Iterator[list[str]]:
        """What follows the word on each of its lines, cut at commas."""
        text, starts, wanted = self._text, self._starts, word.encode()
        place = bisect_left(starts, wanted, key=lambda start: text[start : text.index(b",", start)])
        while place < len(starts):
            line = text[starts[place] : text.index(b"\n", starts[place])]
            first, *rest = line.decode().strip().split(",")
            if first != word:
                return
            yield rest
            place += 1


def lemmas_of(word: str) -> Lemmas:
    """Part of speech -> lemmas; empty for unknown words. As `lemminflect.getAllLemmas`."""
    if _tables() is None or word != word.lower():
        given: Lemmas = _package().getAllLemmas(word)
        return given
    lemmas = {}
    for category, forms in _lines(_LEMMAS).of(word):
        part = category.upper()
        lemmas["AUX" if part == "MODAL" else part] = tuple(forms.lower().split("/"))
    return lemmas | _overrides(_LEMMA_OVERRIDES).get(word, {})


def verb_form(verb: str, tag: str) -> str | None:
    """A verb's first form of a Penn tag (VBD, VBN, VBZ). As `lemminflect.getInflection`, which has rules, too."""
    if _tables() is not None and verb not in _IRREGULAR and verb == verb.lower():
        overridden = _overrides(_FORM_OVERRIDES).get(verb, {}).get(tag)
        if overridden is not None:
            return overridden[0]
        for category, *forms in _lines(_FORMS).of(verb):
            if category == "verb" and len(forms) > _FORM_ORDER[tag] and forms[_FORM_ORDER[tag]]:
                return forms[_FORM_ORDER[tag]].split("/")[0].lower()
    made: tuple[str, ...] = _package().getInflection(verb, tag)
    return made[0] if made else None


@cache
def _package() -> Any:
    """Imported when it is needed: that takes time."""
    import lemminflect

    return lemminflect


@cache
def _tables() -> Path | None:
    """The folder of the package's tables; None where they may be others."""
    spec = importlib.util.find_spec("lemminflect")
    if spec is None or spec.origin is None or importlib.metadata.version("lemminflect") != KNOWN_RELEASE:
        return None
    folder = Path(spec.origin).parent / "resources"
    files = (_LEMMAS, _LEMMA_OVERRIDES, _FORMS, _FORM_OVERRIDES)
    return folder if all((folder / name).is_file() for name in files) else None


def _table(name: str) -> bytes:
    folder = _tables()
    return b"" if folder is None else (folder / name).read_bytes()


@cache
def _lines(name: str) -> SortedLines:
    return SortedLines(gzip.decompress(_table(name)))


@cache
def _overrides(name: str) -> dict[str, Lemmas]:
    lemmas: dict[str, Lemmas] = {}
    for line in _table(name).decode().splitlines():
        if line.strip() and not line.startswith("#"):
            word, part, form = line.strip().split(",")
            lemmas.setdefault(word, {})[part] = (form.lower(),)
    return lemmas
