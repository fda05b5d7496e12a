"""A language model without eyes: it is tuned on tasks of text, evaluated, asked again; pictures are refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asd
from asd_training.cli.main import main
from asd_training.config import ModelConfig, build_config
from asd_training.errors import ModelError, TaskDataError
from asd_training.finished_run import load_run, predict
from asd_training.layers.adapter_targets import adapted_linears
from asd_training.loop import check, run
from asd_training.models import lay_out, load_model, load_processor
from tests.training.run_settings import make_settings
from tests.training.tiny_families import llama


def write_sums(folder: Path, split: str, count: int) -> Path:
    """The source of task gsm8k."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"question": f"Ann has {n} pens and gets 2. How many has she?", "answer": f"She has {n}+2.\n#### {n + 2}"}
        for n in range(count)
    ]
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def write_choices(folder: Path, split: str, count: int) -> Path:
    """The source of task scienceqa, questions without a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": f"{split}{n}",
            "conversations": [
                {"from": "human", "value": f"Is {n} odd or even?\nA. odd\nB. even\nAnswer with the option's letter."},
                {"from": "gpt", "value": "BA"[n % 2]},
            ],
        }
        for n in range(count)
    ]
    (folder / f"{split}.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("text")
    llama(root / "llama")
    for task, write in (("gsm8k", write_sums), ("scienceqa", write_choices)):
        for split, count, ratio, end in (("train", 16, 0.25, ""), ("test", 4, 0.0, "-test")):
            source = write(root / "rows" / task, split, count)
            asd.convert(
                task=task, source=source, split=split, ratio=ratio, out=root / "asd" / f"{task}{end}", workers=1
            )
    return root


def settings_of(root: Path, name: str, **sections: Any) -> dict[str, Any]:
    tasks = [
        {"task": task, "train": str(root / "asd" / task), "test": str(root / "asd" / f"{task}-test")}
        for task in ("gsm8k", "scienceqa")
    ]
    settings = make_settings(root, model="llama", name=name, **sections)
    return {**settings, "data": {"tasks": tasks}}


@pytest.mark.parametrize("method", ["reglora", "seq-lora"])
def test_a_text_model_is_tuned_evaluated_and_asked_again(root: Path, method: str) -> None:
    settings = settings_of(
        root,
        method,
        method={"method": method},
        train={"steps": 4, "epochs": 1},
        eval={"constrained": True, "cross_format": True, "max_new_tokens": 4},
    )
    said: list[str] = []
    results = run(build_config(settings), said.append)
    assert results["finished"]
    assert "LlamaForCausalLM" in said[0] and "reads text alone" in said[0] and "picture" not in said[0]
    assert results["learnt"] == {"01-gsm8k": "all", "02-scienceqa": "all"}
    assert not list(Path(settings["out"]).rglob("projector.safetensors"))
    again = load_run(settings["out"])
    linears = adapted_linears(load_model(again.config.model))
    assert len(linears) == 14, "seven of each of two layers, the head is not among them"
    answers = Path(settings["out"]) / "answers.arrow"
    for command in (
        ["eval", settings["out"]],
        ["predict", settings["out"], "--data", str(root / "asd/gsm8k-test"), "--out", str(answers)],
        ["report", settings["out"]],
    ):
        with pytest.raises(SystemExit) as stopped:
            main(command)
        assert not stopped.value.code
    assert answers.is_file()


def test_pictures_are_refused_with_task_and_row(root: Path, tmp_path: Path) -> None:
    seeing = make_settings(tmp_path, name="seeing", train={"steps": 1})
    seeing["model"] = {"name": str(root / "llama")}
    message = (
        r"row vqav2/\S+ has 1 image\(s\), and the model reads text alone; leave such rows out, or tune a model that"
    )
    problems = check(build_config(seeing)).problems
    assert [problem.partition(": ")[0] for problem in problems] == ["task 'vqav2'", "task 'scienceqa'"]
    with pytest.raises(TaskDataError, match=r"task 'vqav2': " + message):
        run(build_config(seeing), lambda text: None)


def test_a_question_with_a_picture_is_refused_after_tuning(root: Path, tmp_path: Path) -> None:
    settings = settings_of(root, "asked-of-pictures", method={"method": "seq-lora"}, train={"steps": 1, "epochs": 1})
    run(build_config(settings), lambda text: None)
    pictures = make_settings(tmp_path)["data"]["tasks"][0]["test"]
    with pytest.raises(TaskDataError, match=r"row vqav2/test/\S+ has 1 image\(s\), and the model reads text alone"):
        predict(load_run(settings["out"]), pictures)


@pytest.mark.parametrize("load", [load_model, load_processor, lay_out])
def test_a_gguf_file_that_was_cut_short(tmp_path: Path, load: Callable[[ModelConfig], Any]) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF\3\0\0\0")
    message = (
        r"(the model|no processor was loaded from) '.*/tiny.gguf'.*: .*(Complete the download|Give a folder).*\(model"
    )
    with pytest.raises(ModelError, match=message):
        load(ModelConfig(name=str(tmp_path / "tiny.gguf")))


@pytest.mark.parametrize("name", ["tiny.gguf", "/tiny.gguf", "nowhere/tiny.gguf", "/nowhere/far/tiny.gguf"])
def test_a_gguf_file_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelError, match=rf"^model.name: there is no file {name}; give a GGUF file's path, or OWNER/"):
        load_model(ModelConfig(name=name))


def test_a_folder_may_be_called_as_a_gguf_file(tmp_path: Path) -> None:
    llama(tmp_path / "llama.gguf")
    assert load_model(ModelConfig(name=str(tmp_path / "llama.gguf")))


@pytest.mark.parametrize("load", [load_model, lay_out])
def test_a_download_is_not_blamed_for_a_library_that_is_too_old(
    tmp_path: Path, load: Callable[[ModelConfig], Any]
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "tomorrow"}', encoding="utf-8")
    with pytest.raises(ModelError, match=r"`tomorrow`(?!.*Complete the download).*\(model.name"):
        load(ModelConfig(name=str(tmp_path)))
