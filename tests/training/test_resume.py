"""A run that is killed anywhere ends at the same bits as one that is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asd_training.errors import RunError, SettingError
from asd_training.loop import run
from tests.training.run_processes import run_in_process
from tests.training.run_settings import make_config, make_settings

SMALL_STEPS = {"checkpoint_steps": 3, "steps": 8}
LOG, TRAINED = "asd_training.stage_files:StageFiles.append_log", "asd_training.stage_files:StageFiles.mark_trained"
KILLS = {
    "reglora": [
        (LOG, 4),  # inside the first task, after its second checkpoint
        (TRAINED, 1),  # all saved, not marked
        ("asd_training.loop:train_stage", 1),  # between the tasks
        (LOG, 4),  # inside the second task
    ],
    "seq-lora": [
        ("asd_training.task_trainer:_Checkpoints.on_save", 1),  # the checkpoint is written, but not marked as whole
        ("asd_training.loop:write_predictions", 1),  # trained, answered, and the answers lost
        ("asd_training.evaluation.generate:_generate_batch", 2),  # in the middle of the second evaluation
        ("asd_training.stage_files:StageFiles.mark_done", 1),  # predictions written, stage not marked
    ],
}


def outcome(folder: Path) -> dict[str, Any]:
    """All that a run decides, as bytes: weights, states, predictions, logs and results, but no times and no memory."""
    kinds = ("*.safetensors", "*.arrow", "log.jsonl", "adapter_config.json")
    files = {str(p.relative_to(folder)): p.read_bytes() for kind in kinds for p in folder.rglob(kind)}
    results = json.loads((folder / "results.json").read_text())
    costs = ("time_s", "processor_s", "peak_memory_bytes", "name")
    return {**files, "results": {key: value for key, value in results.items() if key not in costs}}


@pytest.mark.parametrize("method", [{"method": "reglora"}, {"method": "seq-lora", "between_tasks": "stack"}])
def test_killed_anywhere_ends_at_the_same_bits(workshop: Path, method: dict[str, Any]) -> None:
    whole = make_settings(workshop, name=f"whole-{method['method']}", method=method, train=SMALL_STEPS)
    killed = make_settings(workshop, name=f"killed-{method['method']}", method=method, train=SMALL_STEPS)
    assert run_in_process(whole) == 0
    codes = [run_in_process(killed, kill_at) for kill_at in KILLS[method["method"]]]
    assert codes == [-9] * 4
    assert run_in_process(killed) == 0
    expected, got = outcome(Path(whole["out"])), outcome(Path(killed["out"]))
    assert got.keys() == expected.keys()
    assert [name for name in expected if got[name] != expected[name]] == []
    assert not list(Path(killed["out"]).rglob("checkpoint-*"))


OTHERS: list[dict[str, Any]] = [
    {"method": "moelora", "experts": 2, "top_k": 1, "balance": 0.1},
    {"method": "continual-llava", "encoder": "hashed-words", "slots": 4, "rank": 2, "chosen": 2},
    {"method": "ewc", "rows": 4},
    {"method": "o-lora"},
    {"method": "replay", "rows": 4},
]


@pytest.mark.slow
@pytest.mark.parametrize("method", OTHERS, ids=lambda method: method["method"])
def test_other_methods_killed_inside_both_tasks_end_at_the_same_bits(workshop: Path, method: dict[str, Any]) -> None:
    name = method["method"]
    whole = make_settings(workshop, name=f"whole-{name}", method=method, train=SMALL_STEPS)
    killed = make_settings(workshop, name=f"killed-{name}", method=method, train=SMALL_STEPS)
    assert run_in_process(whole) == 0
    assert [run_in_process(killed, (LOG, 4)) for _ in range(2)] == [-9, -9]  # after a checkpoint of each task
    assert run_in_process(killed) == 0
    expected, got = outcome(Path(whole["out"])), outcome(Path(killed["out"]))
    assert got.keys() == expected.keys()
    assert [file for file in expected if got[file] != expected[file]] == []


def test_a_finished_run_does_no_work_again(workshop: Path) -> None:
    config = make_config(workshop, name="seen-through", method={"method": "zero-shot"})
    first = run(config, lambda text: None)
    predictions = config.run_dir / "predictions" / "02-after-zero-shot" / "vqav2.arrow"
    before = predictions.stat().st_mtime_ns
    assert run(config, lambda text: None) == first
    assert predictions.stat().st_mtime_ns == before


def test_another_configuration_is_refused(workshop: Path) -> None:
    config = make_config(workshop, name="seen-through", method={"method": "zero-shot"})
    run(config, lambda text: None)
    other = make_config(workshop, name="seen-through", method={"method": "zero-shot"}, eval={"max_new_tokens": 5})
    for _ in range(2):  # a refusal does not keep the folder locked
        with pytest.raises(RunError, match=r"other settings:\n  eval.max_new_tokens: 2, now 5\nset `out`"):
            run(other, lambda text: None)


def test_a_run_that_was_refused_before_it_began_leaves_its_folder_free(workshop: Path) -> None:
    method = {"method": "moelora", "experts": 3, "top_k": 1}
    config = make_config(workshop, name="refused", method=method)
    with pytest.raises(SettingError, match="cannot be shared by 3 experts"):
        run(config, lambda text: None)
    assert [path.name for path in sorted(config.run_dir.iterdir())] == [".lock", "config.json"]
    corrected = make_config(workshop, name="refused", method={"method": "zero-shot"})
    assert run(corrected, lambda text: None)["method"] == "zero-shot"


def test_what_was_lowered_for_want_of_memory_is_no_other_run(workshop: Path) -> None:
    method, halves = {"method": "zero-shot"}, {"batch": 2, "accumulate": 4, "gradient_checkpointing": True}
    first = run(
        make_config(workshop, name="lowered", method=method, train={"batch": 8, "accumulate": 1}), lambda text: None
    )
    again = make_config(workshop, name="lowered", method=method, train=halves, eval={"batch": 1})
    assert run(again, lambda text: None) == first
    fewer = make_config(workshop, name="lowered", method=method, train={**halves, "accumulate": 1})
    with pytest.raises(RunError, match=r"other settings:\n  train.batch: 8, now 2\nset"):
        run(fewer, lambda text: None)


def test_inside_a_task_rows_a_step_go_on_in_smaller_parts(workshop: Path) -> None:
    train = {"checkpoint_steps": 3, "steps": 8, "log_steps": 1, "lora": {"r": 4, "alpha": 8, "dropout": 0.0}}
    parts = {"batch": 1, "accumulate": 4, "gradient_checkpointing": True}
    whole = make_settings(workshop, name="undivided", method={"method": "seq-lora"}, train=train)
    killed = make_settings(workshop, name="divided", method={"method": "seq-lora"}, train=train)
    assert run_in_process(whole) == 0
    assert run_in_process(killed, (LOG, 5)) == -9
    assert run_in_process({**killed, "train": {**killed["train"], **parts}}) == 0
    expected, got = (_losses(Path(settings["out"])) for settings in (whole, killed))
    assert len(expected) == 16
    assert got == pytest.approx(expected, abs=1e-3)


def _losses(folder: Path) -> list[float]:
    logs = sorted(folder.rglob("log.jsonl"))
    return [json.loads(line)["loss"] for log in logs for line in log.read_text().splitlines()]


def test_a_loss_of_each_batch_keeps_the_parts_of_a_step(workshop: Path) -> None:
    method = {"method": "moelora", "experts": 2, "top_k": 1, "balance": 0.1}
    config = make_config(workshop, name="balanced", method=method, train={"batch": 4, "accumulate": 1, "steps": 1})
    run(config, lambda text: None)
    parts = make_config(workshop, name="balanced", method=method, train={"batch": 2, "accumulate": 2, "steps": 1})
    with pytest.raises(RunError, match=r"other settings:\n  train.accumulate: 1, now 2\n  train.batch: 4, now 2\nset"):
        run(parts, lambda text: None)


def test_a_folder_of_something_else_is_refused(workshop: Path) -> None:
    config = make_config(workshop, name="thesis")
    config.run_dir.mkdir(parents=True)
    (config.run_dir / "thesis.tex").write_text("")
    with pytest.raises(RunError, match="is not empty and no run"):
        run(config, lambda text: None)
