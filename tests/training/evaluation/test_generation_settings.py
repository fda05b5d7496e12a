"""Answers are written by the settings that a run states, whatever a model's generation_config.json brings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from asd_training.config import ModelConfig
from asd_training.encoding import Collator, Encoder
from asd_training.evaluation.generate import Generation, generate, stated_settings
from asd_training.evaluation.served_model import write_model
from asd_training.models import load_model, load_processor
from asd_training.prompt_format import PromptFormat
from tests.training.tiny_models import llava


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llava(tmp_path_factory.mktemp("settings") / "llava")


def with_settings(folder: Path, tmp_path: Path, **settings: Any) -> Path:
    shutil.copytree(folder, tmp_path / "model")
    file = tmp_path / "model/generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))
    return tmp_path / "model"


def answers(folder: Path) -> list[str]:
    processor = load_processor(ModelConfig(name=str(folder)))
    encoder = Encoder(processor, PromptFormat(processor))
    said = [{"role": "user", "content": "abc?"}, {"role": "assistant", "content": "?"}]
    rows = [{"id": "a", "images": [], "messages": said, "style": "short_answer"}]
    model = load_model(ModelConfig(name=str(folder)))
    return generate(model, encoder.tokenizer, Collator(3), [encoder.question(row) for row in rows], Generation())


@pytest.mark.parametrize(
    "settings",
    [
        {"no_repeat_ngram_size": 1},
        {"bad_words_ids": [[number] for number in range(5, 60)]},
        {"stop_strings": ["a"]},
        {"do_sample": True, "temperature": 2.0, "top_p": 0.5, "num_beams": 3, "repetition_penalty": 3.0},
        {"suppress_tokens": list(range(5, 60)), "begin_suppress_tokens": list(range(5, 90))},
        {"max_length": 3, "max_new_tokens": 1},
        {"forced_eos_token_id": 9, "forced_bos_token_id": 9},
    ],
)
def test_a_models_own_settings_are_named_and_not_used(folder: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    own = with_settings(folder, tmp_path, **settings)
    assert answers(own) == answers(folder)
    model = load_model(ModelConfig(name=str(own)))
    stated = stated_settings(model, load_processor(ModelConfig(name=str(own))).tokenizer, Generation(end=2))
    named = {name: value for name, value in settings.items() if not name.endswith("_token_id")}
    assert stated["not_used"].items() >= named.items()
    assert stated["end_tokens"] == {"2": "</s>"} and stated["max_new_tokens"] == 64 and not stated["do_sample"]


def test_fewest_new_tokens_are_not_asked_for(folder: Path, tmp_path: Path) -> None:
    own = with_settings(folder, tmp_path, min_new_tokens=64, eos_token_id=list(range(90)))
    assert answers(own) == [""]  # every token is an end token here, so the first one ends the answer


def test_settings_that_transformers_refuses_to_save_do_not_stop_a_served_model(folder: Path, tmp_path: Path) -> None:
    own = with_settings(folder, tmp_path, temperature=0.5, top_p=0.3)
    write_model(load_model(ModelConfig(name=str(own))), load_processor(ModelConfig(name=str(own))), tmp_path / "served")
    assert (tmp_path / "served/model.safetensors").is_file()
