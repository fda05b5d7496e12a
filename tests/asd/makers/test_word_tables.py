"""Words are looked up as lemminflect looks them up."""

from __future__ import annotations

import gzip
from pathlib import Path

import lemminflect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers import word_tables
from asd.makers.word_tables import SortedLines, lemmas_of, verb_form

RESOURCES = Path(lemminflect.__file__).parent / "resources"


def words_of(name: str) -> list[str]:
    lines = gzip.decompress((RESOURCES / name).read_bytes()).decode().splitlines()
    return sorted({line.partition(",")[0] for line in lines})


def overridden(name: str) -> list[str]:
    lines = (RESOURCES / name).read_text("utf-8").splitlines()
    return [line.partition(",")[0] for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.skipif(word_tables._tables() is None, reason="lemminflect is of another release: it is asked itself")
def test_every_word_has_the_packages_lemmas() -> None:
    words = [
        *words_of("lemma_lu.csv.gz")[::41],
        *overridden("lemma_overrides.csv"),
        "Paris",
        "NASA",
        "",
        "zzz",
        "a b",
        "é",
    ]
    for word in words:
        assert lemmas_of(word) == lemminflect.getAllLemmas(word), word


@pytest.mark.skipif(word_tables._tables() is None, reason="lemminflect is of another release: it is asked itself")
def test_every_verb_has_the_packages_forms() -> None:
    verbs = [word for word in words_of("infl_lu.csv.gz") if "VERB" in lemminflect.getAllLemmas(word, "VERB")]
    for verb in [*verbs[::29], *overridden("infl_overrides.csv"), "be", "can", "will", "dare", "blorf"]:
        for tag in ("VBD", "VBN", "VBZ"):
            assert verb_form(verb, tag) == next(iter(lemminflect.getInflection(verb, tag)), None), (verb, tag)


def test_another_release_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_tables, "_tables", lambda: None)
    assert lemmas_of("knives")["NOUN"] == ("knife",)
    assert verb_form("take", "VBD") == "took"


@given(st.lists(st.text(st.characters(exclude_characters=",\n\r", exclude_categories=("Cs",)), min_size=1), max_size=8))
def test_lines_of_a_word_are_found(words: list[str]) -> None:
    kept = [word for word in words if word == word.strip() and len(word.splitlines()) == 1]
    lines = "".join(f"{word},{number}\n" for number, word in enumerate(sorted(kept)))
    table = SortedLines(lines.encode()) if lines else None
    for word in {*kept}:
        assert table is not None
        assert [rest for [rest] in table.of(word)] == [str(n) for n, one in enumerate(sorted(kept)) if one == word]
