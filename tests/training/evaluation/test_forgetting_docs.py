"""The tables in docs/forgetting.md are the committed result."""

from __future__ import annotations

import json
from typing import Any

from tests.conftest import REPO

STAGES = {"ImageNet": "Finetune", "OCR-VQA": "OCRVQA"}
SHOWN = ("superficial", "less_specific", "style_lost", "essential")


def table_rows() -> list[list[str]]:
    lines = (REPO / "docs" / "forgetting.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("## CoIN's ImageNet outputs")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:] if line.startswith("| ")]
    return [row for row in rows if row[0] not in ("after", "---")]


def figures(stage: dict[str, Any]) -> list[str]:
    cells = [f"{stage['published_percent']:.2f}", f"{stage['fixed_percent_at_most']:.2f}"]
    split = stage.get("forgetting")
    if split is None:
        return cells + [""] * 7
    shares = [f"{100 * split['shares'][name]:.1f}" for name in SHOWN]
    read = [f"{100 * split[name]:.2f}" for name in ("recovered_later", "recovered_or_broader_later")]
    return [*cells, f"{split['forgotten']:,}", *shares, *read]


def test_tables_are_the_committed_result() -> None:
    result = json.loads((REPO / "benchmarks" / "results" / "coin_imagenet_forgetting.json").read_text(encoding="utf-8"))
    expected = [[stage["stage"], *figures(stage)] for run in result["runs"] for stage in [run["own"], *run["later"]]]
    assert [[STAGES.get(row[0], row[0]), *row[1:]] for row in table_rows()] == expected
