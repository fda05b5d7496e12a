"""Rows to tensors: the loss mask, the same question in training and evaluation, batches of every model's kind."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers.image_utils import load_image

from asd_training.config import ModelConfig
from asd_training.encoding import IGNORED, Collator, Encoder, find_per_row
from asd_training.errors import ModelError, TaskDataError
from asd_training.models import load_model, load_processor
from asd_training.prompt_format import PromptFormat
from tests.training.tiny_models import BUILDERS

MODELS = sorted(BUILDERS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {name: build(root / name) for name, build in BUILDERS.items()}


def png(colour: str = "red", size: tuple[int, int] = (20, 12)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "png")
    return file.getvalue()


def row(question: str = "What?", answer: str = "red", images: int = 1) -> dict[str, Any]:
    asked = "<image>\n" * images + question
    return {
        "id": "t/train/1",
        "images": [{"path": None, "bytes": png()}] * images,
        "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
        "style": "short_answer",
    }


def encoder(folder: Path, prompt: str = "auto", **settings: Any) -> Encoder:
    processor = load_processor(ModelConfig(name=str(folder)))
    return Encoder(processor, PromptFormat(processor, kind=prompt), **settings)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("images", [0, 1, 2])
def test_only_the_answer_and_its_end_are_trained_on(folders: dict[str, Path], name: str, images: int) -> None:
    one = encoder(folders[name])
    example, question = one.example(row(images=images)), one.question(row(images=images))
    assert one.tokenizer.decode(example.ids[example.mask]) == " red</s>"
    assert example.ids[~example.mask].tolist() == question.ids.tolist()
    assert one.tokenizer.decode(question.ids).endswith("What? A:")
    for key, tensor in example.images.items():
        assert torch.equal(tensor, question.images[key])


def test_plain_prompts(folders: dict[str, Path]) -> None:
    one = encoder(folders["llava"], prompt="plain")
    example = one.example(row())
    assert one.tokenizer.decode(example.ids) == "<image>" * 4 + "\nWhat?\nred</s>"
    assert one.tokenizer.decode(example.ids[example.mask]) == "red</s>"


def test_every_answer_of_a_conversation_is_trained_on(folders: dict[str, Path]) -> None:
    said = [("user", "<image>\na?"), ("assistant", "b"), ("user", "c?"), ("assistant", "d")]
    messages = [{"role": role, "content": content} for role, content in said]
    one = encoder(folders["llava"])
    example = one.example(row() | {"messages": messages})
    assert one.tokenizer.decode(example.ids) == "Q: " + "<image>" * 4 + "\na? A: b</s>Q: c? A: d</s>"
    assert one.tokenizer.decode(example.ids[example.mask]) == " b</s> d</s>"


def test_a_row_without_answer(folders: dict[str, Path]) -> None:
    with pytest.raises(TaskDataError, match="t/train/1 has no answer to train on"):
        encoder(folders["llava"]).example(row(images=0) | {"messages": [{"role": "user", "content": "a?"}]})


@pytest.mark.parametrize("name", MODELS)
def test_text_and_images_mix_in_a_batch(folders: dict[str, Path], name: str) -> None:
    """Each row's logits in a batch are its logits alone, padded on either side."""
    one = encoder(folders[name])
    model = load_model(ModelConfig(name=str(folders[name])))
    collator = Collator(3, per_row=find_per_row(one.processor, one.prompts), styles=["short_answer"])
    rows = [
        one.example(row("Is this the longer of the two questions?")),
        one.example(row(images=0)),
        one.example(row()),
    ]
    batch = collator.training(rows)
    labels, styles = batch.pop("labels"), batch.pop("style")
    assert torch.equal(styles, torch.zeros_like(labels)), "by token: a record's answers may differ in style"
    with torch.inference_mode():
        logits = model(**batch).logits
        left = model(**collator.generation(rows)).logits
        for number, single in enumerate(rows):
            alone = model(**collator.generation([single])).logits[0]
            length = len(single.ids)
            torch.testing.assert_close(logits[number, :length], alone, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(left[number, -length:], alone, atol=1e-5, rtol=1e-4)
            assert labels[number, :length][single.mask].tolist() == single.ids[single.mask].tolist()
            assert labels[number, length:].eq(IGNORED).all()


def test_answers_that_do_not_fit(folders: dict[str, Path]) -> None:
    long = row(answer="a long answer")  # 16 tokens of question and image, 15 of the answer
    with pytest.raises(TaskDataError, match=r"t/train/1 has 31 tokens, 15 of them of answers; train.max_length is 25"):
        encoder(folders["llava"], max_length=25).example(long)
    assert encoder(folders["llava"], max_length=25).text_tokens(long) == (13, 28)
    with pytest.warns(UserWarning, match="the answer is cut"):
        cut = encoder(folders["llava"], max_length=25, overlong="cut").example(long)
    assert len(cut.ids) == 25
    with pytest.raises(TaskDataError, match="15 of them of answers"):
        encoder(folders["llava"], max_length=5, overlong="cut").example(long)


def test_images_that_cannot_be_read(folders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(png()[:20])
    one = encoder(folders["llava"], image_root=tmp_path)
    for name in ("broken.png", "absent.png"):
        with pytest.raises(TaskDataError, match=rf"t/train/1: the image .*{name} cannot be read"):
            one.question(row() | {"images": [{"path": name, "bytes": None}]})


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_model_sees_what_transformers_shows(folders: dict[str, Path], tmp_path: Path, orientation: int) -> None:
    halves = Image.new("RGB", (16, 16), "black")
    halves.paste("white", (0, 0, 16, 4))
    exif = Image.Exif()
    exif[0x0112] = orientation
    halves.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    one = encoder(folders["llava"], image_root=tmp_path)
    shown = one.question(row() | {"images": [{"path": "turned.jpg", "bytes": None}]}).images["pixel_values"]
    theirs = one.processor.image_processor(images=[load_image(str(tmp_path / "turned.jpg"))], return_tensors="pt")
    assert torch.equal(shown, theirs["pixel_values"])


def test_images_come_from_paths_and_bytes_alike(folders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    one = encoder(folders["llava"], image_root=tmp_path)
    from_path = one.question(row() | {"images": [{"path": "a.png", "bytes": None}]})
    assert torch.equal(from_path.images["pixel_values"], one.question(row()).images["pixel_values"])


def test_padding_to_a_square_keeps_the_borders(folders: dict[str, Path]) -> None:
    """A wide picture is cut at the sides by LLaVA's processor; padded first, all of it is seen."""
    halves = Image.new("RGB", (40, 20), "black")
    halves.paste("white", (0, 0, 8, 20))
    file = io.BytesIO()
    halves.save(file, "png")
    wide = row() | {"images": [{"path": None, "bytes": file.getvalue()}]}
    cut = encoder(folders["llava"]).question(wide).images["pixel_values"]
    whole = encoder(folders["llava"], padded_square=True).question(wide).images["pixel_values"]
    assert cut[0, 0, 8, :2].mean() < -1.7 < 1.9 < whole[0, 0, 8, :2].mean()


def test_an_image_mark_without_image(folders: dict[str, Path]) -> None:
    with pytest.raises(TaskDataError, match=r"t/train/1 has 0 image\(s\), but its prompt asks for 1"):
        encoder(folders["llava"]).question(row() | {"images": []})


def test_a_chat_template_that_is_wanted_and_missing(folders: dict[str, Path]) -> None:
    processor = load_processor(ModelConfig(name=str(folders["llava"])))
    processor.chat_template = processor.tokenizer.chat_template = None
    with pytest.raises(ModelError, match="the processor has no chat template"):
        PromptFormat(processor, kind="chat")
    assert not PromptFormat(processor).is_chat


def test_which_image_tensors_count_rows(folders: dict[str, Path]) -> None:
    found = {name: find_per_row(one.processor, one.prompts) for name in MODELS for one in [encoder(folders[name])]}
    assert found == {
        "llava": frozenset(),
        "qwen2_vl": frozenset(),
        "smolvlm": frozenset({"pixel_values", "pixel_attention_mask"}),
    }
