"""The public names are those that docs/api.md lists, and each says what it does."""

from __future__ import annotations

import re
import sys
import types
from importlib import import_module

import pytest

import asd
import asd_training
from tests.conftest import REPO

PAGE = (REPO / "docs" / "api.md").read_text("utf-8")


@pytest.mark.parametrize("package", [asd, asd_training], ids=lambda package: package.__name__)
def test_the_page_lists_the_public_names(package: types.ModuleType) -> None:
    listed = re.findall(rf"^\| `{package.__name__}\.(\w+)", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(package.__all__)
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("name", asd.__all__)
def test_every_public_name_is_explained(name: str) -> None:
    assert (getattr(asd, name).__doc__ or "").strip()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    for package in (asd, asd_training):
        with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'no_such'"):
            package.no_such  # noqa: B018


def test_importing_the_training_package_loads_no_torch() -> None:
    import subprocess

    code = "import sys, asd_training; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_old_name_of_the_training_package_says_the_new_one() -> None:
    with pytest.raises(ImportError, match="is called `asd_training` now"):
        import_module("training.methods")
