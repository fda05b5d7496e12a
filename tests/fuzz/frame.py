"""What every fuzzing module shares: one seed per trial, counts of what came of them, and what a failure is.

A module gives `trial(draw, folder) -> Counter`: one small piece of work on made-up input, told in numbers. An `AsdError` is
an answer, anything else that is raised is a failure, and so is a broken promise (`Broken`).
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from asd.errors import AsdError

INPUTS = "inputs"
"""The count of a trial that adds up to `--inputs`."""
Trial = Callable[[random.Random, Path], Counter[str]]


class Broken(Exception):  # noqa: N818  (what it says of the product is no error of this module)
    """Something that must always hold does not."""


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


def main(trial: Trial, doc: str) -> int:
    options = argparse.ArgumentParser(description=doc.splitlines()[0])
    options.add_argument("--inputs", type=int, default=2000, help="made-up inputs in all")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", type=int, help="number of the one trial to be run again")
    given = options.parse_args()
    began, tally, failed = time.monotonic(), Counter[str](), 0
    number = given.only or 0
    while tally[INPUTS] < given.inputs:
        told = run_trial(trial, given.seed, number)
        failed += told is None
        tally.update(told or {INPUTS: 1})
        if given.only is not None:
            break
        number += 1
    for name, count in sorted(tally.items()):
        print(f"{count:8,d} {name}")
    print(f"{number:8,d} trials, {failed} failed, {time.monotonic() - began:.0f} s")
    return int(failed > 0)


def run_trial(trial: Trial, seed: int, number: int) -> Counter[str] | None:
    """What a trial counted; None where it failed, which is printed."""
    with tempfile.TemporaryDirectory(prefix="asd-fuzz-") as folder:
        try:
            return trial(random.Random(f"{seed}:{number}"), Path(folder))
        except AsdError as exc:
            first = str(exc).splitlines()[0].replace(folder, "...")
            return Counter({INPUTS: 1, f"refused: {type(exc).__name__}: {first[:100]}": 1})
        except Exception:  # a report of all that failed, not of the first
            print(f"trial {number} of seed {seed} failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            return None
