"""Second stage of the base model: a small language model learns to use what the frozen tower sees.

The projector starts at a scale taken from data, so that picture tokens enter the language model as large as words do;
without that the model leaves them aside for a long time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    CLIPVisionModel,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from asd_training.pocket import Facts
from asd_training.pocket.corpus import Example, make_examples
from asd_training.pocket.vision import GRID, pixel_values

PATCHES = GRID * GRID
IGNORED = -100


def make_model(tower: CLIPVisionModel, tokenizer: PreTrainedTokenizerFast, seed: int) -> LlavaForConditionalGeneration:
    """A language model with fresh weights behind the given tower."""
    torch.manual_seed(seed)
    ids: dict[str, Any] = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(getattr(tokenizer, f"{name}_token"))
        for name in ("bos", "eos", "pad")
    }
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=352, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=512, initializer_range=0.08,
        tie_word_embeddings=False, **ids,
    )  # fmt: skip
    config = LlavaConfig(  # type: ignore[call-arg]
        vision_config=tower.config, text_config=text, projector_hidden_act="gelu",
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), image_seq_length=PATCHES,
        vision_feature_layer=-1, vision_feature_select_strategy="default", tie_word_embeddings=False, **ids,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(tower.state_dict())
    model.model.vision_tower.requires_grad_(False)
    model.generation_config.update(  # type: ignore[no-untyped-call]
        do_sample=False, max_new_tokens=48, **ids
    )
    return model


@torch.no_grad()
def rescale_projector(model: LlavaForConditionalGeneration, features: Tensor) -> None:
    """features: (pictures, patches, width). Centres and scales the input, then the output to the word embeddings'."""
    projector: Any = model.model.multi_modal_projector
    flat = features.float().flatten(0, 1)
    projector.linear_1.weight.normal_(0, flat.shape[-1] ** -0.5)
    projector.linear_1.weight.div_(flat.std())
    projector.linear_1.bias.copy_(-projector.linear_1.weight @ flat.mean(0))
    projector.linear_2.weight.normal_(0, flat.shape[-1] ** -0.5)
    projector.linear_2.bias.zero_()
    words: Tensor = model.get_input_embeddings().weight.std()  # type: ignore[operator]
    projector.linear_2.weight.mul_(words / projector(flat).std())


@torch.no_grad()
def tower_features(tower: nn.Module, examples: Sequence[Example], batch: int = 250) -> Tensor:
    """bfloat16 (examples, patches, width): the tower's last layer without its class token."""
    parts = []
    for start in range(0, len(examples), batch):
        pictures = np.stack([np.asarray(example.image) for example in examples[start : start + batch]])
        with torch.autocast("cpu", torch.bfloat16):
            parts.append(tower(pixel_values(pictures)).last_hidden_state[:, 1:].bfloat16())
    return torch.cat(parts)


@dataclass(frozen=True)
class Encoded:
    ids: list[int]
    answer_at: int
    picture: int
    """Row of the features, or -1."""


def encode(tokenizer: PreTrainedTokenizerFast, example: Example, picture: int) -> Encoded:
    mark = "<image>" * PATCHES + "\n" if picture >= 0 else ""
    asked = tokenizer(f"<s>USER: {mark}{example.prompt} ASSISTANT:")["input_ids"]
    answer = tokenizer(f" {example.answer}</s>")["input_ids"]
    return Encoded(asked + answer, len(asked), picture)


def _batches(pool: list[Encoded], size: int, random: Random) -> Iterator[list[Encoded]]:
    """Batches of about equal length, in random order, for ever."""
    while True:
        order = sorted(random.sample(range(len(pool)), len(pool)), key=lambda n: len(pool[n].ids) // 4)
        groups = [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
        random.shuffle(groups)
        for group in groups:
            yield [pool[n] for n in group]


def _loss(model: LlavaForConditionalGeneration, batch: list[Encoded], features: Tensor, pad: int) -> Tensor:
    longest = max(len(encoded.ids) for encoded in batch)
    ids = torch.full((len(batch), longest), pad)
    labels = torch.full((len(batch), longest), IGNORED)
    for row, encoded in enumerate(batch):
        ids[row, : len(encoded.ids)] = torch.tensor(encoded.ids)
        labels[row, encoded.answer_at : len(encoded.ids)] = torch.tensor(encoded.ids[encoded.answer_at :])
    embeds = model.get_input_embeddings()(ids)
    rows = [encoded.picture for encoded in batch if encoded.picture >= 0]
    if rows:
        seen = model.model.multi_modal_projector(features[rows].float()).to(embeds.dtype)
        mask = (ids == model.config.image_token_id).unsqueeze(-1).expand_as(embeds)
        embeds = embeds.masked_scatter(mask, seen)
    # Padding stands behind the answers, where a causal model never looks.
    hidden = model.model.language_model(inputs_embeds=embeds).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    counted = wanted != IGNORED
    logits = model.lm_head(hidden[counted])
    losses = functional.cross_entropy(logits.float(), wanted[counted], reduction="none")
    # Every example counts the same, so that a letter is learnt as well as a long caption.
    return (losses / counted.sum(1).repeat_interleave(counted.sum(1))).sum() / len(batch)


def train_language(
    model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, *, seed: int, steps: int,
    examples: int, batch: int = 64, lr: float = 2e-3, facts: Facts = "some", pictures_in_three: int = 1,
    fresh: bool = True, say: Callable[[str], None] = print,
) -> None:  # fmt: skip
    """Trains projector and language model in place; the tower stays as it is.

    pictures_in_three: batches with pictures out of every three; fresh: the projector is new and is scaled first.
    """
    model.set_attn_implementation("eager")  # faster than fused attention for sequences this short
    torch.manual_seed(seed)
    pictures = make_examples(examples, seed, with_picture=True, facts=facts)
    texts = make_examples(examples, seed, with_picture=False, facts=facts)
    features = tower_features(model.model.vision_tower, pictures)
    if fresh:
        rescale_projector(model, features[:500])
    pools = (
        _batches([encode(tokenizer, example, row) for row, example in enumerate(pictures)], batch, Random(seed)),
        _batches([encode(tokenizer, example, -1) for example in texts], batch, Random(seed + 1)),
    )
    parameters = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.05)
    recent = [0.0, 0.0]
    for step in range(steps):
        kind = int(step % 3 >= pictures_in_three)
        with torch.autocast("cpu", torch.bfloat16):
            loss = _loss(model, next(pools[kind]), features, tokenizer.pad_token_id)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        recent[kind] = 0.95 * recent[kind] + 0.05 * loss.item() if step > 2 else loss.item()
        if step % 100 == 0:
            say(f"language {step}/{steps} loss with picture {recent[0]:.3f}, text alone {recent[1]:.3f}")
