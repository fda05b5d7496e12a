"""What holds for every method that trains, on tiny models of three families: one suite, no exceptions by name."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from peft import PeftModel  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from asd_training.errors import ModelError, StateError  # noqa: E402
from asd_training.models import trainable  # noqa: E402
from asd_training.stage_training import switch_checkpointing  # noqa: E402
from tests.training.conformance.trainees import CASES, STAGES, Rows, Trainee, untested  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # asked by PEFT
FIRST, SECOND, THIRD = STAGES
every_case = pytest.mark.parametrize("case", sorted(CASES))


def test_every_method_is_in_the_suite() -> None:
    assert untested() == set()


@pytest.mark.parametrize("family", ["llava", "qwen2_vl", "smolvlm"])
@every_case
def test_the_loss_goes_down_in_two_stages(models: dict[str, Path], case: str, family: str) -> None:
    trainee = Trainee(case, models[family])
    for stage in (FIRST, SECOND):
        losses = trainee.train(stage, steps=6)
        assert losses[-1] < losses[0]
        trainee.carry_over(stage)


@every_case
def test_saved_and_loaded_it_goes_on_with_the_same_numbers(models: dict[str, Path], case: str, tmp_path: Path) -> None:
    """Through a save after each stage, up to the middle of the third."""
    whole, folders = Trainee(case, models["llava"]), [tmp_path / "1", tmp_path / "2"]
    for stage, folder in zip((FIRST, SECOND), folders, strict=True):
        whole.train(stage)
        whole.save(stage, folder)
        whole.carry_over(stage)
    again = Trainee(case, models["llava"])
    for stage, folder in zip((FIRST, SECOND), folders, strict=True):
        again.load(stage, folder)
        again.carry_over(stage)
    assert torch.equal(again.answers(FIRST), whole.answers(FIRST))
    assert again.train(THIRD) == whole.train(THIRD)
    assert torch.equal(again.answers(FIRST), whole.answers(FIRST))


@every_case
def test_only_the_stage_s_own_adapter_is_trained_and_saved(models: dict[str, Path], case: str, tmp_path: Path) -> None:
    """What is saved is what the stage's adapter has, and nothing of the base model or of other adapters changes."""
    trainee = Trainee(case, models["llava"])
    trainee.train(FIRST)
    trainee.carry_over(FIRST)
    trainee.wrap(SECOND)
    trainee.method.before_training(trainee.model, SECOND, Rows(SECOND))
    before = {name: parameter.clone() for name, parameter in trainee.model.named_parameters()}
    trained = set(trainable(trainee.model))
    trainee.steps(SECOND, 3)
    changed = {name for name, parameter in trainee.model.named_parameters() if not torch.equal(parameter, before[name])}
    adapter = trainee.method.adapter_of(SECOND)
    assert changed
    assert changed <= trained
    assert all(f".{adapter}." in name and ".lora_" in name for name in trained)
    trainee.save(SECOND, tmp_path)
    saved = load_file(tmp_path / "adapter/adapter_model.safetensors")
    assert {name.replace(f".{adapter}.", ".") for name in trained} <= saved.keys()
    assert all(".lora_" in name and adapter not in name.split(".") for name in saved)
    assert sum(tensor.numel() for tensor in saved.values()) < 0.5 * sum(p.numel() for p in before.values())


@every_case
def test_wrong_and_missing_keys_are_named(models: dict[str, Path], case: str, tmp_path: Path) -> None:
    trainee = Trainee(case, models["llava"])
    trainee.train(FIRST, steps=1)
    trainee.save(FIRST, tmp_path)
    file = tmp_path / "adapter/adapter_model.safetensors"
    saved = load_file(file)
    for kind in sorted({name.rpartition(".lora_")[2] for name in saved}):
        lost = next(name for name in saved if name.endswith(f".lora_{kind}"))
        rest = {name: tensor for name, tensor in saved.items() if name != lost}
        save_file({**rest, "left.over": torch.zeros(1)}, file)
        with pytest.raises(StateError, match=rf"1 missing: '{lost}'; 1 not in the model: 'left.over'"):
            trainee.load(FIRST, tmp_path)
        save_file({**rest, lost: torch.zeros(1, 1)}, file)
        with pytest.raises(StateError, match=rf"1 of another shape: '{lost}'"):
            trainee.load(FIRST, tmp_path)
    with pytest.raises(StateError, match="unheard_of"):
        trainee.method.load_state_dict({**trainee.method.state_dict(), "unheard_of/entry": torch.zeros(1)})


@every_case
def test_merged_equals_unmerged_or_merging_is_refused(models: dict[str, Path], case: str) -> None:
    trainee = Trainee(case, models["llava"])
    trainee.train(FIRST)
    beside = trainee.answers(FIRST)
    assert isinstance(trainee.model, PeftModel)
    if trainee.method.can_merge:
        trainee.model = trainee.model.merge_and_unload()
        torch.testing.assert_close(trainee.answers(FIRST), beside, atol=1e-5, rtol=1e-4)
    else:
        with pytest.raises(ModelError, match="cannot be merged"):
            trainee.model.merge_and_unload()


@every_case
def test_bfloat16_models_train_float32_adapters(models: dict[str, Path], case: str) -> None:
    trainee = Trainee(case, models["llava"], dtype="bfloat16")
    losses = trainee.train(FIRST, steps=6)
    assert losses[-1] < losses[0]
    assert {parameter.dtype for parameter in trainable(trainee.model).values()} == {torch.float32}
    trainee.carry_over(FIRST)
    assert trainee.answers(FIRST).isfinite().all()


@every_case
def test_gradient_checkpointing_changes_no_number(models: dict[str, Path], case: str) -> None:
    found = []
    for on in (False, True):
        trainee = Trainee(case, models["llava"])
        if on:
            switch_checkpointing(trainee.model, "enable", {"use_reentrant": False})
        found.append([*trainee.train(FIRST, steps=3), *trainee.train(SECOND, steps=3)])
    assert found[0] == pytest.approx(found[1], rel=1e-5)


@every_case
def test_layers_take_inputs_with_and_without_a_batch_dimension(models: dict[str, Path], case: str) -> None:
    """(rows * tokens, in) and (rows, tokens, in) give the same; so does every row by itself."""
    from peft.tuners.lora.layer import LoraLayer

    trainee = Trainee(case, models["llava"])
    trainee.train(FIRST)
    rows = Rows(FIRST)
    trainee.answers(FIRST)  # the rows that the layers are told of
    layer = next(module for module in trainee.model.modules() if isinstance(module, LoraLayer))
    x = torch.randn(rows.count, 5, layer.in_features)
    with torch.no_grad():
        torch.testing.assert_close(layer(x).flatten(0, 1), layer(x.flatten(0, 1)))  # type: ignore[operator]


@every_case
def test_dropout_is_off_in_evaluation_and_seeded_in_training(models: dict[str, Path], case: str) -> None:
    one, other = (Trainee(case, models["llava"], dropout=0.3) for _ in range(2))
    assert one.train(FIRST) == other.train(FIRST)
    assert torch.equal(one.answers(FIRST), one.answers(FIRST))
