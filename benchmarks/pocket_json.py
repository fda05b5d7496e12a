"""What the pocket benchmark's probes of finished runs share: arguments, and figures as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def read_arguments(description: str | None) -> argparse.Namespace:
    """root, runs, json."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder with the run folders <run>-s<seed>")
    parser.add_argument("--runs", nargs="+", default=["seq-lora", "seq-lora-asd", "reglora", "sefe"])
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def report(
    given: argparse.Namespace, runs: Mapping[str, Mapping[int, Any]],
    summarise: Callable[[Mapping[int, Any]], Any], tables: Callable[[Mapping[str, Any]], str],
) -> None:  # fmt: skip
    """runs: name -> seed -> counts. Prints the table, and writes the figures where `--json` says."""
    if missing := [name for name, by_seed in runs.items() if not by_seed]:
        raise SystemExit(f"{given.root} holds no finished runs named {missing[0]}-s<seed>")
    found = {
        "seeds": {name: sorted(by_seed) for name, by_seed in runs.items()},
        "summary": {name: summarise(by_seed) for name, by_seed in runs.items()},
    }
    if given.json:
        write_figures(given.json, found)
    print(tables(found))


def write_figures(path: Path, figures: Any) -> None:
    """Four decimals, a list of plain values on one line."""
    text = json.dumps(rounded(figures), indent=1)
    path.write_text(re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", _one_line, text) + "\n", encoding="utf-8")


def rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [rounded(value) for value in figures]
    return round(figures, 4) if isinstance(figures, float) else figures


def _one_line(match: re.Match[str]) -> str:
    return f"[{' '.join(match[1].split())}]"
