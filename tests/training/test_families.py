"""Families of models, one of them of text alone: what is asked is what is trained on, only answers are learnt, it trains."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import AutoConfig, AutoProcessor

from asd_training.config import LoraSettings, ModelConfig
from asd_training.encoding import Collator, Encoder, find_per_row
from asd_training.evaluation.generate import Generation, generate
from asd_training.methods.adapters import add_adapter
from asd_training.models import Projector, load_model, load_processor
from asd_training.prompt_format import PromptFormat
from tests.training.tiny_families import MORE, PROCESSORS
from tests.training.tiny_models import BUILDERS


def row(asked: str, answer: str, sizes: list[tuple[int, int]]) -> dict[str, Any]:
    images = []
    for number, size in enumerate(sizes):
        file = io.BytesIO()
        Image.effect_noise(size, 80 + number).convert("RGB").save(file, "png")
        images.append({"path": "a.png", "bytes": file.getvalue()})
    said = [{"role": "user", "content": "<image>\n" * len(sizes) + asked}, {"role": "assistant", "content": answer}]
    return {"id": "t/train/1", "images": images, "messages": said, "style": "short_answer"}


PICTURES_ONLY, TEXT_ONLY = {"paligemma"}, {"llama"}
"""A row of the other kind is an error that names it."""


@pytest.mark.parametrize("name", [*BUILDERS, *MORE])
def test_a_family_trains_and_answers(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder = {**BUILDERS, **MORE}[name](tmp_path / name)
    if name in PROCESSORS:
        AutoProcessor.register(type(AutoConfig.from_pretrained(folder)), PROCESSORS[name], exist_ok=True)
    processor = load_processor(ModelConfig(name=str(folder)))
    one = Encoder(processor, PromptFormat(processor))
    alone = [] if name in PICTURES_ONLY else [row("And of text alone?", "dog", [])]
    sizes = [] if name in TEXT_ONLY else [(30, 20)]
    rows = [row("What is it?", "a cat", sizes), *alone, row("This?", "it", [(h, w) for w, h in sizes])]
    examples, questions = [one.example(each) for each in rows], [one.question(each) for each in rows]
    for example, question in zip(examples, questions, strict=True):
        start = len(question.ids)
        assert example.ids[:start].tolist() == question.ids.tolist()
        assert example.mask.tolist() == [False] * start + [True] * (len(example.ids) - start)
        assert int(example.ids[-1]) == one.prompts.end_id
    of_pictures = one.picture_tokens(sizes) if sizes else 0
    assert one.text_tokens(rows[0])[1] + of_pictures == len(examples[0].ids)

    model = add_adapter(
        _with_projector(load_model(ModelConfig(name=str(folder))), name not in TEXT_ONLY),
        LoraSettings(r=2, alpha=4, dropout=0.0),
    )
    collator = Collator(
        processor.tokenizer.pad_token_id, per_row=find_per_row(processor, one.prompts), styles=["short_answer"]
    )
    batch = collator.training(examples)
    batch.pop("style")
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = model.train()(**batch, use_cache=False).loss
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    unmoved = [path for path, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert not [path for path in unmoved if "lora_B" in path], "every adapter has a gradient"
    answers = generate(model, processor.tokenizer, collator, questions, Generation(3, 4, end=one.prompts.end_id))
    singly = [
        generate(model, processor.tokenizer, collator, [each], Generation(1, 4, end=one.prompts.end_id))[0]
        for each in questions
    ]
    assert answers == singly


def _with_projector(model: torch.nn.Module, has_one: bool) -> torch.nn.Module:
    if has_one:
        Projector(model).make_trainable(model)
    return model
