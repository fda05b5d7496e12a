"""The loop end to end on tiny models: it learns, carries the projector over, and equals what it should equal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from asd_training.config import ModelConfig, RunConfig, build_config
from asd_training.errors import MemoryLimitError, ModelError, StateError, TaskDataError
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.finished_run import load_run, predict
from asd_training.loop import run
from asd_training.methods.reg_lora import RegLoraPenalty
from asd_training.methods.registry import METHODS
from asd_training.models import load_model
from tests.training.run_processes import run_in_two_processes
from tests.training.run_settings import make_config, make_settings

SHORT = {"steps": 4, "log_steps": 2, "lora": {"r": 4, "alpha": 8, "dropout": 0.0}}


@pytest.fixture
def root(workshop: Path) -> Path:
    return workshop


def quiet(text: str) -> None:
    return


def finished(root: Path, **settings: Any) -> tuple[RunConfig, dict[str, Any]]:
    config = make_config(root, **settings)
    return config, run(config, quiet)


def first_adapter(config: RunConfig) -> dict[str, torch.Tensor]:
    return load_file(config.run_dir / "tasks/01-vqav2/adapter/adapter_model.safetensors")


def one_task(root: Path, **settings: Any) -> dict[str, Any]:
    """Settings of a run of a few steps on the first task alone."""
    given = make_settings(root, **settings)
    given["data"]["tasks"] = given["data"]["tasks"][:1]
    return given


@pytest.mark.parametrize("model", ["llava", "qwen2_vl", "smolvlm"])
def test_the_loss_goes_down(root: Path, model: str) -> None:
    settings = one_task(root, model=model, name=f"learns-{model}", train={"steps": 16, "log_steps": 4, "lr": 2e-2})
    losses = run(build_config(settings), quiet)["losses"]["01-vqav2"]
    assert losses["last"]["loss"] < 0.9 * losses["first"]["loss"]
    assert losses["first"]["loss_by_style"].keys() >= {"short_answer", "yes_no"}


def test_a_run_leaves_what_it_promises(root: Path) -> None:
    config, results = finished(root, name="whole", eval={"constrained": True})
    files = {str(path.relative_to(config.run_dir)) for path in config.run_dir.rglob("*") if path.is_file()}
    stage = ["adapter/adapter_config.json", "adapter/adapter_model.safetensors", "done.json", "log.jsonl",
             "method/state.safetensors", "projector.safetensors", "trained.json"]  # fmt: skip
    expected = {f"tasks/{task}/{name}" for task in ("01-vqav2", "02-scienceqa") for name in stage}
    answered = ("01-after-vqav2/vqav2", "02-after-scienceqa/vqav2", "02-after-scienceqa/scienceqa")
    expected |= {f"predictions/{name}.arrow" for name in answered}
    assert files == expected | {"config.json", "preflight.json", "results.json", ".lock"}
    assert results == json.loads((config.run_dir / "results.json").read_text())
    assert results["finished"]
    stages = ["01-vqav2", "02-scienceqa"]
    for doing in ("train", "evaluate"):
        clock, processor = results["time_s"][doing], results["processor_s"][doing]
        assert list(clock) == list(processor) == stages
        assert all(processor[stage] > 0 for stage in stages)
    assert results["steps"] == {stage: results["losses"][stage]["last"]["step"] for stage in stages}
    assert all(results["peak_memory_bytes"][stage]["process"] > 2**26 for stage in stages)
    assert results["asd"] == 0.25
    assert results["matrices"]["strict"][0][1] is None
    assert results["metrics"]["strict"]["MFT"] is not None
    assert results["forgetting"]["vqav2"]["02-scienceqa"]["questions"] == 6
    facts = json.loads((config.run_dir / "config.json").read_text())
    assert facts["versions"]["torch"] == torch.__version__
    assert "@" in facts["shards"]["vqav2"]["train"]


def test_predictions_are_scored_by_id(root: Path) -> None:
    config, results = finished(root, name="whole", eval={"constrained": True})
    rows = read_predictions(config.run_dir / "predictions/02-after-scienceqa/scienceqa.arrow")
    assert len({row["id"] for row in rows}) == len(rows) == 6
    assert sum(row["score"] for row in rows) / 6 == results["matrices"]["strict"][1][1]
    assert {row["constrained_text"] for row in rows} <= {"A", "B"}
    assert all(row["native"] and row["style"] == "multiple_choice" and len(row["options"]) == 2 for row in rows)


def test_the_projector_is_trained_and_carried_over(root: Path) -> None:
    config, _ = finished(root, name="whole", eval={"constrained": True})
    base = load_model(config.model)
    first, second = (
        load_file(config.run_dir / f"tasks/{task}/projector.safetensors") for task in ("01-vqav2", "02-scienceqa")
    )
    before = {name: dict(base.named_parameters())[name] for name in first}
    for name, weight in first.items():
        assert not torch.equal(weight, before[name])
        moved, again = (weight - before[name]).norm(), (second[name] - weight).norm()
        assert again < 3 * moved  # from where the first task left it, not from the start
    rebuilt = dict(load_run(config.run_dir).model.named_parameters())
    assert all(torch.equal(rebuilt[name], weight) for name, weight in second.items())


def test_merged_and_stacked_adapters_are_the_same_function(root: Path) -> None:
    methods = [{"method": "reglora", "between_tasks": how} for how in ("merge", "stack")]
    both = [finished(root, name=f"same-{method['between_tasks']}", method=method, train=SHORT)[0] for method in methods]
    adapters = [load_file(config.run_dir / "tasks/02-scienceqa/adapter/adapter_model.safetensors") for config in both]
    assert adapters[0].keys() == adapters[1].keys()
    for name, weight in adapters[0].items():
        torch.testing.assert_close(weight, adapters[1][name], atol=2e-3, rtol=2e-2)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # asked by PEFT
def test_adapters_load_with_plain_peft(root: Path) -> None:
    config, _ = finished(root, name="same-stack", method={"method": "reglora", "between_tasks": "stack"}, train=SHORT)
    ours = load_run(str(config.run_dir))
    base = load_model(config.model)
    names = dict(base.named_parameters())
    for name, weight in load_file(config.run_dir / "tasks/02-scienceqa/projector.safetensors").items():
        names[name].data.copy_(weight)
    theirs = PeftModel.from_pretrained(base, config.run_dir / "tasks/01-vqav2/adapter", adapter_name="a")
    theirs.load_adapter(config.run_dir / "tasks/02-scienceqa/adapter", adapter_name="b")
    theirs.base_model.set_adapter(["a", "b"])
    batch = ours.inputs.collator.generation(
        ours.inputs.questions(list(ours.tasks[1].test), ours.tasks[1].test_image_root)
    )
    with torch.inference_mode():
        torch.testing.assert_close(theirs(**batch).logits, ours.model(**batch).logits)


def test_accumulation_equals_one_large_batch(root: Path) -> None:
    """Mean over all answer tokens of the step; the penalty once per step. Micro-batches differ in answer tokens."""
    whole, _ = finished(root, name="batch-8", train={**SHORT, "batch": 8, "lr": 1e-3})
    parts, _ = finished(root, name="batch-2x4", train={**SHORT, "batch": 2, "accumulate": 4, "lr": 1e-3})
    for name, weight in first_adapter(whole).items():
        torch.testing.assert_close(weight, first_adapter(parts)[name], atol=2e-5, rtol=1e-3)
    logs = [(c.run_dir / "tasks/02-scienceqa/log.jsonl").read_text().splitlines() for c in (whole, parts)]
    for one, other in zip(*logs, strict=True):
        assert json.loads(one)["penalty"] == pytest.approx(json.loads(other)["penalty"], rel=1e-2)
        assert json.loads(one)["answer_tokens"] == json.loads(other)["answer_tokens"]


def test_the_penalty_is_asked_for_once_per_step(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    genuine = RegLoraPenalty.__call__
    monkeypatch.setattr(RegLoraPenalty, "__call__", lambda self, *a, **k: calls.append(1) or genuine(self, *a, **k))
    run(build_config(one_task(root, name="once", train={"steps": 3, "batch": 2, "accumulate": 4})), quiet)
    assert len(calls) == 3


def test_gradient_checkpointing_changes_nothing(root: Path) -> None:
    configs = [
        build_config(one_task(root, name=f"gc-{on}", train={**SHORT, "steps": 3, "gradient_checkpointing": on}))
        for on in (False, True)
    ]
    for config in configs:
        run(config, quiet)
    for name, weight in first_adapter(configs[0]).items():
        torch.testing.assert_close(weight, first_adapter(configs[1])[name], atol=1e-6, rtol=1e-5)


def test_bfloat16_trains_float32_adapters(root: Path) -> None:
    settings = one_task(root, name="bf16", train={"precision": "bfloat16", "steps": 8, "log_steps": 4})
    settings["model"]["dtype"] = "bfloat16"
    config = build_config(settings)
    losses = run(config, quiet)["losses"]["01-vqav2"]
    assert losses["last"]["loss"] < losses["first"]["loss"]
    projector = load_file(config.run_dir / "tasks/01-vqav2/projector.safetensors")
    assert {weight.dtype for weight in (*first_adapter(config).values(), *projector.values())} == {torch.float32}


def test_every_stage_of_a_kept_adapter_trains_in_bfloat16(root: Path) -> None:
    """What a model that is loaded for the second stage learns, one that comes from the first stage learns, too."""
    method = {"method": "seq-lora", "between_tasks": "keep"}
    config, _ = finished(root, name="bf16-kept", method=method, train={**SHORT, "precision": "bfloat16"})
    second = config.run_dir / "tasks/02-scienceqa"
    names = ("adapter/adapter_model.safetensors", "projector.safetensors", "log.jsonl")
    before = [(second / name).read_bytes() for name in names]
    for made in (second, config.run_dir / "predictions/02-after-scienceqa"):
        shutil.rmtree(made)
    run(config, quiet)
    assert [(second / name).read_bytes() for name in names] == before


def test_two_processes_equal_one_with_twice_the_batch(root: Path) -> None:
    one = make_settings(root, name="ddp-1", train={**SHORT, "batch": 8, "lr": 1e-3})
    two = make_settings(root, name="ddp-2", train={**SHORT, "batch": 4, "lr": 1e-3})
    results = run(build_config(one), quiet)
    assert run_in_two_processes(two) == [0, 0]
    shared = json.loads((Path(two["out"]) / "results.json").read_text())
    assert shared["questions"] == results["questions"]
    for stage in ("01-vqav2", "02-scienceqa"):
        assert shared["losses"][stage]["first"]["loss"] == pytest.approx(
            results["losses"][stage]["first"]["loss"], rel=1e-3
        )
    for name, weight in first_adapter(build_config(one)).items():
        torch.testing.assert_close(weight, first_adapter(build_config(two))[name], atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_runs_and_fills_its_rows(root: Path, method: str) -> None:
    needs = {"moelora": {"experts": 2}, "continual-llava": {"encoder": "hashed-words"}, "replay": {"rows": 4}}
    chosen = {"method": method, **needs.get(method, {})}
    _, results = finished(root, name=f"any-{method}", method=chosen, train={"steps": 2})
    rows = results["matrices"]["strict"]
    sequential = method not in ("joint", "zero-shot")
    assert [cell is None for cell in rows[0]] == ([False, True] if sequential else [True, True])
    assert None not in rows[1]
    assert (results["trainable_parameters"] > 0) == (method != "zero-shot")


def test_one_adapter_goes_on_where_it_is_kept(root: Path) -> None:
    method = {"method": "seq-lora", "between_tasks": "keep"}
    config, _ = finished(root, name="kept", method=method, train={"steps": 2})
    second = load_file(config.run_dir / "tasks/02-scienceqa/adapter/adapter_model.safetensors")
    assert second.keys() == first_adapter(config).keys()
    name = next(name for name in second if "lora_A" in name)
    assert (second[name] - first_adapter(config)[name]).norm() < 0.5 * second[name].norm()


def test_all_tasks_can_be_evaluated_before_they_are_trained(root: Path) -> None:
    _, results = finished(root, name="unseen", eval={"on": "all", "cross_format": True}, train={"steps": 1})
    assert None not in results["matrices"]["strict"][0]
    found = results["cross_format"]["scienceqa"]
    assert found["accuracy"].keys() == {"multiple_choice", "yes_no", "short_answer", "brief_explanation"}
    assert found["accuracy"]["yes_no"]["questions"] == 6
    assert found["consistency"]["questions"] == 6


def test_questions_of_other_shards_are_answered(root: Path) -> None:
    config, _ = finished(root, name="whole", eval={"constrained": True})
    rows = predict(load_run(config.run_dir, after="vqav2"), str(root / "asd/scienceqa"), split="train")
    assert len(rows) == 24
    assert {row["style"] for row in rows} >= {"multiple_choice", "yes_no"}


def test_a_model_without_the_wanted_layers(root: Path) -> None:
    settings = one_task(root, name="targets", train={"lora": {"r": 2, "targets": ["q_proj", "query"]}})
    with pytest.raises(
        ModelError, match=r"model.language_model\) of LlavaForCond.* no linear layer named 'query'; it has 'down_proj'"
    ):
        run(build_config(settings), quiet)


def test_a_projector_that_is_not_there(root: Path) -> None:
    settings = one_task(root, name="projector")
    settings["model"]["projector"] = "model.bridge"
    with pytest.raises(ModelError, match=r"has no module 'model.bridge' \(model.projector\)"):
        run(build_config(settings), quiet)


def test_weights_with_missing_or_extra_keys(root: Path, tmp_path: Path) -> None:
    config = make_config(root, name="whole")
    run_dir = shutil.copytree(config.run_dir, tmp_path / "damaged")
    file = run_dir / "tasks/01-vqav2/projector.safetensors"
    whole = load_file(file)
    save_file({"model.extra": torch.zeros(1), **dict(list(whole.items())[1:])}, file)
    with pytest.raises(
        StateError,
        match=r"projector.safetensors does not fit the model: 1 missing: .*; 1 not in the model: 'model.extra'",
    ):
        load_run(run_dir)


def test_a_base_model_with_missing_weights(root: Path, tmp_path: Path) -> None:
    make_config(root)
    broken = shutil.copytree(root / "llava", tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "q_proj" not in k}, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"do not fit its architecture: .* missing: .*q_proj"):
        load_model(ModelConfig(name=str(broken)))
    with pytest.raises(ModelError, match=r"the model '.*' cannot be loaded"):
        load_model(ModelConfig(name=str(tmp_path)))


def test_out_of_memory_says_what_to_lower(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = one_task(root, name="memory", train={"steps": 3})

    def full(*_: Any, **__: Any) -> None:
        torch.empty(2**60)  # a real allocation that no machine can serve

    monkeypatch.setattr("asd_training.task_trainer.cross_entropy", full)
    with pytest.raises(
        MemoryLimitError, match=r"out of memory while training vqav2; lower train.batch \(now 4;.*gradient_checkpoint"
    ):
        run(build_config(settings), quiet)
    monkeypatch.undo()
    assert run(build_config(settings), quiet)["finished"]


def test_a_row_that_is_too_long_is_told_before_training(root: Path) -> None:
    settings = one_task(root, name="long", train={"max_length": 100})
    with pytest.raises(
        TaskDataError,
        match=r"task 'vqav2': row vqav2/train/\w+ has 1\d\d tokens.*; train.max_length is 100: set it to 1\d\d or more",
    ):
        run(build_config(settings), quiet)
