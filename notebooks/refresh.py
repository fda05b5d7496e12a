"""Runs a notebook's cells in order, in one namespace, and writes what they print and show back into it.

python notebooks/refresh.py        (run it after a change that alters the tour; a test compares the outputs)

No Jupyter is needed: the cells hold plain Python. Run it in the notebook's own folder, as Jupyter would.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

TOUR = Path(__file__).resolve().parent / "tour.ipynb"


def executed(path: Path) -> dict[str, Any]:
    """The notebook with fresh outputs. Raises whatever a cell raises."""
    notebook: dict[str, Any] = json.loads(path.read_text("utf-8"))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        number = 0
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                number += 1
                cell["execution_count"] = number
                cell["outputs"] = _run("".join(cell["source"]), namespace, number)
    finally:
        os.chdir(before)
    return notebook


def _run(source: str, namespace: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """What the cell prints, and the value of its last line if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"<cell {number}>", "exec"), namespace)
        value = eval(compile(ast.Expression(last.value), f"<cell {number}>", "eval"), namespace) if last else None
    outputs = []
    if text := printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)})
    if value is not None:
        outputs.append(
            {"data": _shown(value), "execution_count": number, "metadata": {}, "output_type": "execute_result"}
        )
    return outputs


def _shown(value: Any) -> dict[str, list[str]]:
    shown = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        shown["text/html"] = value._repr_html_().splitlines(keepends=True)
    return dict(sorted(shown.items()))


def write(path: Path, notebook: dict[str, Any]) -> None:
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.pop("ASD_DATA_ROOT", None)  # the tour shows the embedded samples
    write(TOUR, executed(TOUR))
