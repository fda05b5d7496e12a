"""A probe on a transformers model of random weights: it answers, with and without an adapter, and while it is tuned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # asked by PEFT

from asd.probing.items import ProbeItem, read_items, write_items  # noqa: E402
from asd.schemas.styles import AnswerStyle  # noqa: E402
from asd_training import StyleProbe  # noqa: E402
from asd_training.cli.main import main  # noqa: E402
from asd_training.errors import ModelError, SettingError  # noqa: E402
from asd_training.evaluation.probe_answers import answer_items, load_to_answer  # noqa: E402
from tests.servers.tiny_llm import save_model, save_tokenizer  # noqa: E402


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_tokenizer(folder, ["Is it red? Answer Yes or No. What is it? A word."] * 4, 512)
    save_model(folder, 512, seed=0)
    return folder


def questions(count: int = 12) -> list[ProbeItem]:
    return [
        ProbeItem(
            id=str(number), style=AnswerStyle.YES_NO, question=f"Is it {number}?", response="Yes", accepted=("yes",),
            prompt=f"Is it {number}{' and red' * (number % 3)}?\nAnswer Yes or No.",
        )
        for number in range(count)
    ]  # fmt: skip


def test_answers_do_not_depend_on_what_else_is_asked(model_folder: Path) -> None:
    model, reader = load_to_answer(str(model_folder))
    together = answer_items(model, reader, questions(), Path(), max_new_tokens=8)
    alone = [answer_items(model, reader, [item], Path(), max_new_tokens=8)[0] for item in questions()]
    assert [item.answer for item in together] == [item.answer for item in alone]
    assert reader.padding_side == "right", "left as it was"


def test_each_module_keeps_its_mode(model_folder: Path) -> None:
    model, reader = load_to_answer(str(model_folder))
    modules = list(model.modules())
    model.train()
    modules[-1].eval()
    modes = [module.training for module in modules]
    answer_items(model, reader, questions(2), Path(), max_new_tokens=2)
    assert [module.training for module in modules] == modes == [True] * (len(modes) - 1) + [False]


def test_the_command_answers_with_and_without_an_adapter(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import LoraConfig, get_peft_model

    model, _ = load_to_answer(str(model_folder))
    tuned: Any = get_peft_model(
        model, LoraConfig(r=4, target_modules=["q_proj", "v_proj", "o_proj"], init_lora_weights=False)
    )
    tuned.save_pretrained(tmp_path / "adapter")
    write_items(tmp_path / "q.jsonl", questions())
    for name, more in (("base", []), ("tuned", ["--adapter", str(tmp_path / "adapter")])):
        arguments = [
            "answer",
            str(tmp_path / "q.jsonl"),
            "--model",
            str(model_folder),
            "--out",
            str(tmp_path / f"{name}.jsonl"),
        ]
        monkeypatch.setattr("sys.argv", ["asd-train", *arguments, "--max-new-tokens", "6", *more])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
    base, tuned_answers = (
        [item.answer for item in read_items(tmp_path / f"{name}.jsonl")] for name in ("base", "tuned")
    )
    assert all(answer is not None for answer in base)
    assert base != tuned_answers


def test_pictures_need_a_model_that_sees(model_folder: Path) -> None:
    model, reader = load_to_answer(str(model_folder))
    items = [questions(1)[0].model_copy(update={"images": ("a.png",)})]
    with pytest.raises(ModelError, match=r"1 of the questions have pictures, and Qwen2ForCausalLM reads text alone"):
        answer_items(model, reader, items, Path())


def test_the_device_is_said_or_the_best_there_is(model_folder: Path) -> None:
    for device in ("cpu", None):
        model, _ = load_to_answer(str(model_folder), device=device)
        best = torch.accelerator.current_accelerator() if device is None and torch.accelerator.is_available() else None
        assert next(model.parameters()).device.type == (best.type if best else "cpu")
    with pytest.raises(SettingError, match="--device gpu: Expected one of cpu, cuda"):
        load_to_answer(str(model_folder), device="gpu")
    with pytest.raises(SettingError, match="--device meta: tensors there hold no numbers; give cpu"):
        load_to_answer(str(model_folder), device="meta")
    with pytest.raises(ModelError, match=r"does not go to the device cuda:99 \(.+\); give --device cpu"):
        load_to_answer(str(model_folder), device="cuda:99")


def test_a_run_has_its_own_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["asd-train", "answer", "q", "--run", "r", "--device", "cpu", "--out", str(tmp_path / "o.jsonl")]
    )
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "--device cpu is for --model" in capsys.readouterr().err


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_to_answer(str(tmp_path))


def test_an_adapter_of_another_model(model_folder: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2Config, Qwen2ForCausalLM

    other: Any = Qwen2ForCausalLM(
        Qwen2Config(vocab_size=512, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                    num_key_value_heads=2)
    )  # fmt: skip
    get_peft_model(other, LoraConfig(r=4, target_modules=["q_proj"])).save_pretrained(str(tmp_path / "adapter"))
    with pytest.raises(
        ModelError, match=r"the model '.*' with adapter '.*/adapter' cannot be loaded: .*size mismatch for"
    ):
        load_to_answer(str(model_folder), str(tmp_path / "adapter"))


def test_a_tokenizer_without_an_end_token(model_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(model_folder, tmp_path / "endless")
    settings = tmp_path / "endless/tokenizer_config.json"
    none = {"eos_token": None, "pad_token": None}
    settings.write_text(json.dumps(json.loads(settings.read_text("utf-8")) | none), encoding="utf-8")
    (tmp_path / "endless/special_tokens_map.json").unlink(missing_ok=True)
    with pytest.raises(ModelError, match=r"the tokenizer of '.*/endless' has no end token \(eos_token\), .*; set one"):
        load_to_answer(str(tmp_path / "endless"))


def test_the_callback_stops_when_a_style_is_lost(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Trainer, TrainingArguments

    model, reader = load_to_answer(str(model_folder))
    model.requires_grad_(True)
    write_items(tmp_path / "q.jsonl", questions(40))
    row = reader("Is it red? No, it is a large box.", return_tensors="pt")["input_ids"][0].tolist()
    rows = [{"input_ids": row, "labels": row}] * 64
    probe = StyleProbe(tmp_path / "q.jsonl", reader, every_steps=2, stop=True, max_new_tokens=4)
    said = iter(["Yes", "Yes", "a box there, it is large"])

    def ask(model: Any) -> list[ProbeItem]:
        answer = next(said)
        return [item.model_copy(update={"answer": answer}) for item in probe.items]

    monkeypatch.setattr(probe, "_ask", ask)
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "run"), max_steps=20, per_device_train_batch_size=2, report_to=[], use_cpu=True,
        save_strategy="no", disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[probe])  # type: ignore[arg-type]
    trainer.train()
    assert trainer.state.global_step == 4, "the second look ended it"
    assert [(step, found.fallen) for step, found in probe.history] == [(2, ()), (4, (AnswerStyle.YES_NO,))]
    assert {"step": 4, "style_yes_no": 0.0} in trainer.state.log_history


def test_the_callback_asks_the_model_that_is_tuned(model_folder: Path, tmp_path: Path) -> None:
    from transformers import Trainer, TrainingArguments

    model, reader = load_to_answer(str(model_folder))
    model.requires_grad_(True)
    write_items(tmp_path / "q.jsonl", questions(4))
    row = reader("Is it red? No.", return_tensors="pt")["input_ids"][0].tolist()
    probe = StyleProbe(tmp_path / "q.jsonl", reader, every_steps=2, max_new_tokens=4)
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "run"), max_steps=2, per_device_train_batch_size=2, report_to=[], use_cpu=True,
        save_strategy="no", disable_tqdm=True, logging_strategy="no", learning_rate=0.05,
    )  # fmt: skip
    rows = [{"input_ids": row, "labels": row}] * 8
    Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[probe]).train()  # type: ignore[arg-type]
    assert [step for step, _ in probe.history] == [2]
    assert probe.history[0][1].questions == 4
