"""BLEU, METEOR, ROUGE-L and CIDEr of a whole set of captions, by the COCO caption evaluation (package pycocoevalcap).

The package prints, starts Java programs (the tokenizer and METEOR) and writes beside its own files, so it works in a
process of its own; `asd.scoring.coco_child` is its other end.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from asd.errors import ScoreError, UsageError
from asd.scoring.coco_child import MEASURES
from asd.scoring.rule import Reference

_PACKAGE = "pycocoevalcap"
_SHOWN_LINES = 3


class CaptionMeasures(NamedTuple):
    """Corpus measures x 100 by name, in the order of MEASURES. CIDEr may exceed 100."""

    measures: dict[str, float]
    captions: int
    package: str
    """Name and version of the package that measured."""

    @property
    def mean(self) -> float:
        """Of all seven, as UCIT reports its caption tasks."""
        return sum(self.measures.values()) / len(self.measures)


def measure_captions(said: Mapping[str, str], references: Mapping[str, Reference]) -> CaptionMeasures:
    """said and references: by question id, the same ids in both.

    Raises: UsageError where the package or Java is not installed; ScoreError where it fails.
    """
    version = _version()
    if shutil.which("java") is None:
        raise UsageError(
            "the caption measures need Java: METEOR 1.5 and the tokenizer are Java programs, and no port of them gives the "
            "same numbers. Install a JRE >= 8, or score with --rules fixed (ROUGE-L alone, in Python)"
        )
    names = sorted(references)
    pairs = [[_one_line(said[name]), [_one_line(text) for text in texts_of(references[name])]] for name in names]
    measures = _ask_child(pairs)
    return CaptionMeasures({name: 100 * measures[name] for name in MEASURES}, len(names), f"{_PACKAGE} {version}")


def texts_of(reference: Reference) -> Sequence[str]:
    """The captions of an image, each as often as it was written: CIDEr is a mean over them."""
    known = reference.gold in reference.accepted
    return reference.accepted if known else reference.right_answers


def _version() -> str:
    try:
        return importlib.metadata.version(_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise UsageError(
            f"BLEU, METEOR, ROUGE-L and CIDEr of captions need {_PACKAGE}: pip install 'asd-mcit[captions]'"
        ) from None


def _one_line(text: str) -> str:
    """The Java programs read a caption a line, and METEOR takes ||| for a border."""
    plain = text.encode("utf-8", "replace").decode()
    return " ".join(plain.replace("|||", " ").split())


def _ask_child(pairs: Sequence[Sequence[object]]) -> dict[str, float]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}  # Java reads and writes in the encoding of the locale
    done = subprocess.run(
        [sys.executable, "-m", "asd.scoring.coco_child"],
        input=json.dumps(pairs), capture_output=True, text=True, encoding="utf-8", env=environment, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        output = "; ".join(done.stderr.strip().splitlines()[-_SHOWN_LINES:])
        raise ScoreError(
            f"{_PACKAGE} failed on {len(pairs)} captions (exit code {done.returncode}): {output}. It needs Java, 2 GB of "
            "memory for METEOR, and write access to its own folder"
        )
    measures: dict[str, float] = json.loads(done.stdout)
    return measures
