from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny models of three families, by name."""
    pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")
    from tests.training.tiny_models import BUILDERS

    root = tmp_path_factory.mktemp("models")
    return {name: build(root / name) for name, build in BUILDERS.items()}
