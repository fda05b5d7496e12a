"""What the tests of the loop share: tiny models and converted tasks, built once."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

TRAIN_EXTRA = {"torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers", "matplotlib"}


class _TrainingModule(pytest.Module):
    """Where torch is not installed, a file that needs it is skipped and says so."""

    def _getobj(self) -> object:
        try:
            return super()._getobj()
        except self.CollectError as exc:
            missing = getattr(exc.__cause__, "name", None) or ""
            if find_spec("torch") is None and missing.partition(".")[0] in TRAIN_EXTRA:
                pytest.skip(
                    f"{missing} is not installed: pip install 'asd-mcit[train,report]'", allow_module_level=True
                )
            raise


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return _TrainingModule.from_parent(parent, path=module_path)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for tiny models, shards and runs; runs in it need names of their own."""
    return tmp_path_factory.mktemp("workshop")
