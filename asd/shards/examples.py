"""A few rows of every answer style, for somebody who wants to see what a version holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pyarrow as pa


def first_of_each_style(
    batches: Iterable[pa.RecordBatch], wanted: Collection[str], number: int
) -> list[dict[str, Any]]:
    """The first `number` rows of every style, converted ones before native ones.

    wanted: the styles that the batches hold; when all are found, no further batch is asked for.
    """
    by_style: dict[str, list[dict[str, Any]]] = {}
    for batch in batches:
        for index, name in enumerate(batch["style"].to_pylist()):
            if len(have := by_style.setdefault(name, [])) < number:
                have.append(batch.slice(index, 1).to_pylist()[0])
        if all(len(by_style.get(name, [])) >= number for name in wanted):
            break
    ordered = sorted(by_style, key=lambda name: (by_style[name][0]["maker"] == "native", name))
    return [row for name in ordered for row in by_style[name]]
