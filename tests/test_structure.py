"""The shape of the packages: no module imports itself in a loop, however late, and no folder grows into a hall."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import REPO

PACKAGES = {"asd": REPO / "asd", "asd_training": REPO / "training" / "asd_training"}
MOST_FILES = 45


def modules_of(package: str) -> dict[str, Path]:
    root = PACKAGES[package].parent
    return {
        ".".join(path.relative_to(root).with_suffix("").parts): path
        for path in PACKAGES[package].rglob("*.py")
        if path.name != "__init__.py"
    }


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Modules that a file imports, at its top or inside a function; not those that only its annotations need."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = {
        inner
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for inner in ast.walk(block)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in (node.module, *inside) if name in known)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_in_a_loop_lazy_imports_counted(package: str) -> None:
    known = modules_of(package)
    assert len(known) > 50
    graph = {name: set(imported(path, known)) - {name} for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        pytest.fail(f"modules that import each other: {' -> '.join(reversed(exc.args[1]))}")


def test_no_folder_is_a_hall() -> None:
    sizes = Counter(path.parent.relative_to(REPO).as_posix() for path in modules_of("asd").values())
    assert {folder: files for folder, files in sizes.items() if files > MOST_FILES} == {}
