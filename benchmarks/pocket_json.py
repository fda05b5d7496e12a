"""Figures of the pocket benchmark's probes as JSON: four decimals, a list of plain values on one line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def write_figures(path: Path, figures: Any) -> None:
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
