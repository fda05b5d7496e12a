"""Short rows without pictures for `pipelines/smollm`, out of a user's files of ScienceQA, TabMWP and GSM8K.

    python benchmarks/smollm_rows.py --data DATA --out smollm-rows

DATA holds scienceqa/problems.json, tabmwp/problems_*.json and gsm8k/*.jsonl (each where it is there), as released; files of the
same names and layouts are written below --out, with train and test chosen by a seed. Rows with pictures or of more than
--letters letters are left out: two cores train 8 x 100 tokens in some four seconds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

Record = dict[str, Any]


def short(letters: int, *fields: str) -> Callable[[Record], bool]:
    """Whether a record has no picture, and its fields together at most so many letters."""
    return lambda record: not record.get("image") and sum(len(str(record.get(f) or "")) for f in fields) <= letters


def deal(source: Path, keys: list[str], test: int, seed: int) -> dict[str, str]:
    """Key -> split. Raises: SystemExit if none would be left to train on."""
    if len(keys) <= test:
        raise SystemExit(
            f"{source}: {len(keys)} rows are short enough and without a picture, and {test} are for testing; "
            "expected more: give a larger --letters or a smaller --test"
        )
    order = sorted(keys)
    Random(seed).shuffle(order)
    return {key: "test" if place < test else "train" for place, key in enumerate(order)}


def write_problems(source: Path, out: Path, keep: Callable[[Record], bool], test: int, seed: int) -> int:
    """Problems by their ids, in one file; how many there are."""
    records: dict[str, Record] = json.loads(source.read_text("utf-8"))
    kept = {key: record for key, record in records.items() if keep(record)}
    split = deal(source, list(kept), test, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({key: {**kept[key], "split": split[key]} for key in sorted(kept)}), encoding="utf-8")
    return len(kept)


def write_lines(source: Path, out: Path, keep: Callable[[Record], bool], test: int, seed: int) -> int:
    records = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    kept = {f"{number:06d}": record for number, record in enumerate(records) if keep(record)}
    split = deal(source, list(kept), test, seed)
    out.mkdir(parents=True, exist_ok=True)
    for name in ("train", "test"):
        lines = [json.dumps(record) + "\n" for key, record in kept.items() if split[key] == name]
        (out / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return len(kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--letters", type=int, default=320)
    parser.add_argument("--test", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    problems = (
        ("scienceqa", "problems.json", ("question", "hint", "choices")),
        ("tabmwp", "problems_*.json", ("question", "table", "table_title", "choices")),
    )
    for task, name, fields in problems:
        for source in sorted((given.data / task).glob(name)):
            keep = short(given.letters, *fields)
            count = write_problems(source, given.out / task / source.name, keep, given.test, given.seed)
            print(f"{task}: {count:,} rows, {given.test} of them for testing")
    for source in sorted((given.data / "gsm8k").glob("*.jsonl"))[:1]:
        count = write_lines(
            source, given.out / "gsm8k", short(given.letters, "question", "answer"), given.test, given.seed
        )
        print(f"gsm8k: {count:,} rows, {given.test} of them for testing")


if __name__ == "__main__":
    main()
