"""pyproject.toml: what developers need is named twice, for new and for old installers, and must be the same."""

from __future__ import annotations

import tomllib
from typing import Any

from tests.conftest import REPO


def test_the_extra_and_the_groups_bring_the_same() -> None:
    project: dict[str, Any] = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    grouped = {name for entry in groups["dev"] for name in groups[entry["include-group"]]}
    extra = set(project["project"]["optional-dependencies"]["dev"])
    assert {name for name in extra if not name.startswith("asd-mcit[")} == grouped


def test_both_packages_say_that_they_are_typed() -> None:
    for package in ("asd", "training/asd_training"):
        assert (REPO / package / "py.typed").is_file()
