"""The shipped base model: its files are the recipe's, and it sees and reads as the recipe says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from PIL import Image

from asd_training.pocket import Facts
from asd_training.pocket.base_model import RECIPE_FILE, base_folder, checksum
from asd_training.pocket.drawing import OBJECTS
from asd_training.pocket.source import model_location
from asd_training.pocket.tasks import make_record

BOTH = pytest.mark.parametrize("facts", ["some", "all"])


def recipe(facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((base_folder(facts) / RECIPE_FILE).read_text("utf-8"))
    return found


@BOTH
def test_the_weights_are_those_of_the_recipe(facts: Facts) -> None:
    assert recipe(facts)["sha256"] == checksum(base_folder(facts))["sha256"]
    assert (base_folder(facts) / "model.safetensors").stat().st_size < 10e6


def test_the_knowing_base_was_raised_from_the_other() -> None:
    assert recipe("all")["start"] == recipe("some")["sha256"]


def test_pocket_names_the_shipped_models() -> None:
    assert model_location("pocket") == str(base_folder())
    assert model_location("pocket-knowing") == str(base_folder("all"))
    assert model_location("some/model") == "some/model"


@BOTH
def test_the_base_names_what_it_sees(facts: Facts) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(base_folder(facts))
    model = AutoModelForImageTextToText.from_pretrained(base_folder(facts), dtype=torch.float32).eval()
    made = [make_record("imagenet", "test", number, 7) for number in range(40)]
    names = [(record, record.turns[0][1].removesuffix(".").lower()) for record in made]
    known = [(record, name) for record, name in names if name in KNOWN[facts]]
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


KNOWN = {
    "some": {"balloon", "clock", "envelope", "flag", "key", "ladder", "lamp", "snowman", "umbrella"},
    "all": {name.lower() for name in OBJECTS},
}
