"""Every pair of `model.dtype` and `train.precision`, on weights saved in each type: it trains, or is refused at once."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from asd_training.config import ModelConfig, build_config
from asd_training.errors import SettingError
from asd_training.loop import run
from asd_training.models import load_model
from tests.training.run_settings import make_settings
from tests.training.tiny_models import BUILDERS

SAVED = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DTYPES, PRECISIONS = ("auto", "float32", "bfloat16", "float16"), ("float32", "bfloat16")
NO_FLOAT16 = r"model.dtype: Input should be 'auto', 'float32' or 'bfloat16', got 'float16'"
REFUSED = {
    ("bfloat16", "float32"): r"but train.precision is float32.*set train.precision: bfloat16, or model.dtype: float32",
    ("float16", "float32"): NO_FLOAT16,
    ("float16", "bfloat16"): NO_FLOAT16,
}
"""(model.dtype, train.precision) -> message"""
PAIRS = list(itertools.product(DTYPES, PRECISIONS))


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same model, saved in each type."""
    root = tmp_path_factory.mktemp("bases")
    for name, dtype in SAVED.items():
        BUILDERS["llava"](root / name)
        model = load_model(ModelConfig(name=str(root / name), dtype="float32"))
        model.to(dtype).save_pretrained(root / name)  # type: ignore[operator]
    return {name: root / name for name in SAVED}


def settings(root: Path, base: Path, dtype: str, precision: str) -> dict[str, Any]:
    given = make_settings(
        root, name=f"{base.name}-{dtype}-{precision}", model="llava", method={"method": "reglora"},
        train={"steps": 2, "log_steps": 1, "precision": precision}, eval={"constrained": True},
    )  # fmt: skip
    given["model"] = {"name": str(base), "dtype": dtype}
    given["data"] |= {"tasks": given["data"]["tasks"][:1], "max_train": 6, "max_test": 2}
    return given


@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize(("dtype", "precision"), [pair for pair in PAIRS if pair not in REFUSED])
def test_it_trains_and_answers(workshop: Path, bases: dict[str, Path], saved: str, dtype: str, precision: str) -> None:
    config = build_config(settings(workshop, bases[saved], dtype, precision))
    is_whole = "float32" in (dtype, precision) or (dtype, saved) == ("auto", "float32")
    wanted = torch.float32 if is_whole else torch.bfloat16
    assert {parameter.dtype for parameter in load_model(config.model, precision).parameters()} == {wanted}
    results = run(config, lambda text: None)
    assert 0 < results["losses"]["01-vqav2"]["last"]["loss"] < 10
    assert results["merging_error"]["01-vqav2"]["float32"] < 1e-4
    stage = config.run_dir / "tasks/01-vqav2"
    trained = [*load_file(stage / "adapter/adapter_model.safetensors").values()]
    trained += load_file(stage / "projector.safetensors").values()
    assert {weight.dtype for weight in trained} == {torch.float32}
    assert all(weight.isfinite().all() for weight in trained)


@pytest.mark.parametrize(("dtype", "precision"), sorted(REFUSED))
def test_it_is_refused_before_any_work(dtype: str, precision: str) -> None:
    given = {"name": "t", "method": {"method": "zero-shot"}, "model": {"name": "m", "dtype": dtype}}
    with pytest.raises(SettingError, match=REFUSED[dtype, precision]):
        build_config({**given, "data": {"tasks": ["gqa"]}, "train": {"precision": precision}})
