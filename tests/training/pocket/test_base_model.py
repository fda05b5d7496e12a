"""The shipped base model: its files are the recipe's, and it sees and reads as the recipe says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from PIL import Image

from training.pocket.base_model import RECIPE_FILE, base_folder, checksum
from training.pocket.source import model_location
from training.pocket.tasks import make_record


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((base_folder() / RECIPE_FILE).read_text("utf-8"))
    return found


def test_the_weights_are_those_of_the_recipe(recipe: dict[str, Any]) -> None:
    assert recipe["sha256"] == checksum(base_folder())["sha256"]
    assert (base_folder() / "model.safetensors").stat().st_size < 10e6


def test_pocket_names_the_shipped_model() -> None:
    assert model_location("pocket") == str(base_folder())
    assert model_location("some/model") == "some/model"


def test_the_base_names_what_it_sees() -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(base_folder())
    model = AutoModelForImageTextToText.from_pretrained(base_folder(), dtype=torch.float32).eval()
    made = [make_record("imagenet", "test", number, 7) for number in range(40)]
    known = [(record, name) for record in made if (name := record.turns[0][1].removesuffix(".").lower()) in KNOWN]
    images: list[Image.Image] = [record.image for record, _ in known if record.image is not None]
    asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]
    text = processor.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    batch = processor(text=[text] * len(images), images=images, return_tensors="pt")
    with torch.inference_mode():
        written = model.generate(**batch, max_new_tokens=8)
    answers = processor.batch_decode(written[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    right = [name in answer for (_, name), answer in zip(known, answers, strict=True)]
    assert len(right) > 10
    assert sum(right) > 0.9 * len(right)


KNOWN = {"balloon", "clock", "envelope", "flag", "key", "ladder", "lamp", "snowman", "umbrella"}
