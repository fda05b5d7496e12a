"""Corpus measures of captions, by hand: three captions, references with marks and letter case that do not count."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
from pathlib import Path

import pytest

from asd.errors import ScoreError, UsageError
from asd.scoring import coco_captions
from asd.scoring.coco_captions import measure_captions, texts_of
from asd.scoring.rule import Reference
from tests.asd.cli_runner import run_asd

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("pycocoevalcap") is None or shutil.which("java") is None,
    reason="needs pycocoevalcap (pip install 'asd-mcit[captions]') and Java",
)
SAID = {"1": "a red bus", "2": "Two dogs\nplay", "3": ""}
GOLD = {
    "1": Reference("A red bus.", ("A red bus.", "a blue bus")),
    "2": Reference("Two dogs play in the snow!"),
    "3": Reference("a café"),
}


@needs_package
def test_measures_by_hand(tmp_path: Path) -> None:
    """Six words said, all in the references; the closest references have 3 + 6 + 2 words: brevity exp(1 - 11/6).

    ROUGE-L with beta 1.2: 1 for the first; precision 1 and recall 3/6 for the second; 0 for no words. One run alone:
    METEOR takes seconds to load its tables.
    """
    rows = [{"question_id": name, "text": SAID[name], "answers": list(texts_of(GOLD[name]))} for name in "321"]
    path = tmp_path / "merge.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = run_asd("score", path, "--task", "flickr30k", "--rules", "ucit", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    measures = found["measures"]
    assert list(measures) == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr"]
    brevity = 100 * math.exp(1 - 11 / 6)
    assert (measures["BLEU-1"], measures["BLEU-2"]) == (pytest.approx(brevity, abs=1e-3),) * 2
    second = (1 + 1.44) * 0.5 / (0.5 + 1.44)
    assert measures["ROUGE-L"] == pytest.approx(100 * (1 + second) / 3, abs=1e-3)
    assert 0 < measures["METEOR"] < 100 < measures["CIDEr"]
    assert found["score_percent"] == pytest.approx(sum(measures.values()) / 7, abs=1e-3)
    assert (found["questions"], found["package"].split()[0]) == (3, "pycocoevalcap")


def test_captions_count_as_often_as_they_were_written() -> None:
    assert texts_of(Reference("a", ("a", "b", "a"))) == ("a", "b", "a")
    assert texts_of(Reference("a", ("b",))) == ("a", "b")
    assert texts_of(Reference("a")) == ("a",)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coco_captions, "_PACKAGE", "no-such-package")
    with pytest.raises(UsageError, match=r"need no-such-package: pip install 'asd-mcit\[captions\]'"):
        measure_captions(SAID, GOLD)
    monkeypatch.setattr(coco_captions, "_PACKAGE", "numpy")  # some package that is there
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="need Java"):
        measure_captions(SAID, GOLD)


def test_a_failing_evaluation_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child finds a package of that name without the parts that it needs."""
    (tmp_path / "pycocoevalcap").mkdir()
    (tmp_path / "pycocoevalcap" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "java").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setattr(coco_captions, "_PACKAGE", "numpy")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).resolve().parents[3]}")
    with pytest.raises(
        ScoreError, match=r"failed on 3 captions \(exit code 1\): .*No module named 'pycocoevalcap.bleu'"
    ):
        measure_captions(SAID, GOLD)
