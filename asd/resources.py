"""Where the files that belong to the package but are no code lie: templates and recipes.

A wheel carries a copy under `asd/_resources/`; a checkout has them at its top level, where they are edited.
"""

from __future__ import annotations

from pathlib import Path

from asd.errors import StorageError

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """Folder of the built-in templates. Raises: StorageError where the installation lacks it."""
    return _locate("templates")


def pipelines_dir() -> Path:
    """Folder of the built-in recipes. Raises: StorageError where the installation lacks it."""
    return _locate("pipelines")


def _locate(name: str) -> Path:
    places = (_PACKAGE / "_resources" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise StorageError(
        f"the {name} that belong to this package are missing: looked in {' and '.join(map(str, places))}; "
        f"install the package again, or run from a complete checkout"
    )
