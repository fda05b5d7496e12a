"""First stage of the base model: a vision tower that learns to see with simple heads, then keeps its weights.

Trained end to end from captions a model of this size does not learn to look; with a label for every patch it does, in
minutes. The heads are thrown away.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPVisionConfig, CLIPVisionModel

from asd_training.pocket import drawing
from asd_training.pocket.words import AUTHORS, COLOURS, KINDS, SIGN_WORDS, TITLES

GRID = drawing.SIZE // drawing.PITCH
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
LETTERS = string.ascii_uppercase + string.digits
_COLOURS = tuple(COLOURS)
PATCH_HEADS = {"letter": len(LETTERS) + 1, "kind": len(KINDS) + 1, "colour": len(_COLOURS) + 1}
IMAGE_HEADS = {
    "thing": len(drawing.OBJECTS) + 1, "cover": len(_COLOURS) + 1, "tallest": len(_COLOURS) + 1,
    "shortest": len(_COLOURS) + 1, "count": 5, "blurred": 2,
}  # fmt: skip
Labels = dict[str, np.ndarray]


def vision_config() -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=128, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4,
        image_size=drawing.SIZE, patch_size=drawing.PITCH, projection_dim=128,
    )  # fmt: skip


class SeeingHeads(nn.Module):
    """Linear read-outs of the tower's last layer: per patch, per image, and the box of the patch's shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.patch = nn.ModuleDict({name: nn.Linear(width, size) for name, size in PATCH_HEADS.items()})
        self.image = nn.ModuleDict({name: nn.Linear(width, size) for name, size in IMAGE_HEADS.items()})
        self.box = nn.Linear(width, 3)

    def forward(self, hidden: Tensor) -> dict[str, Tensor]:
        """hidden: (batch, 1 + patches, width)."""
        patches = hidden[:, 1:]
        pooled = patches.mean(1)
        logits = {name: head(patches) for name, head in self.patch.items()}
        logits |= {name: head(pooled) for name, head in self.image.items()}
        return logits | {"box": self.box(patches)}


def _blank() -> Labels:
    labels: Labels = {name: np.zeros((GRID, GRID), np.int64) for name in PATCH_HEADS}
    labels |= {name: np.zeros((), np.int64) for name in IMAGE_HEADS}
    return labels | {"box": np.zeros((GRID, GRID, 3), np.float32)}


def _index(colour: str) -> np.ndarray:
    return np.int64(_COLOURS.index(colour) + 1)  # type: ignore[return-value]


def labelled_picture(random: Random) -> tuple[np.ndarray, Labels]:
    """Pixels uint8 (48, 48, 3) and what a tower should find in them; a blurred picture holds nothing to find."""
    maker: Callable[[Random, Labels], Image.Image]
    maker = random.choices((_scene, _sign, _thing, _book, _chart), (40, 22, 18, 10, 10))[0]
    labels = _blank()
    image = maker(random, labels)
    if random.random() < 0.05:
        image, labels = drawing.blur(image, random, hopeless=True), _blank()
        labels["blurred"] = np.int64(1)  # type: ignore[assignment]
    elif random.random() < 0.15:
        image = drawing.blur(image, random, hopeless=False)
    return np.asarray(image), labels


def _scene(random: Random, labels: Labels) -> Image.Image:
    scene = drawing.make_scene(random, 1, 4)
    labels["count"] = np.int64(len(scene))  # type: ignore[assignment]
    for shape in scene:
        cell = np.s_[2 * shape.row : 2 * shape.row + 2, 2 * shape.column : 2 * shape.column + 2]
        labels["kind"][cell] = KINDS.index(shape.kind) + 1
        labels["colour"][cell] = _index(shape.colour)
        middle = (shape.x - 16 * shape.column - 8, shape.y - 16 * shape.row - 8, shape.radius - 6)
        labels["box"][cell] = middle
    return drawing.draw_scene(scene, random)


def _some_text(random: Random, words: tuple[str, ...]) -> str:
    """A word of the world, or any letters and digits, so that the tower reads rather than recognises."""
    if random.random() < 0.4:
        return random.choice(words)
    return "".join(random.choice(LETTERS) for _ in range(random.randint(2, 6)))


def _mark(labels: Labels, marks: list[drawing.Mark]) -> None:
    for letter, line, column in marks:
        labels["letter"][line, column] = LETTERS.index(letter) + 1


def _sign(random: Random, labels: Labels) -> Image.Image:
    marks: list[drawing.Mark] = []
    lines = [_some_text(random, SIGN_WORDS) for _ in range(random.randint(1, 2))]
    image = drawing.draw_sign(lines, random, marks)
    _mark(labels, marks)
    return image


def _book(random: Random, labels: Labels) -> Image.Image:
    marks: list[drawing.Mark] = []
    colour = random.choice(_COLOURS)
    image = drawing.draw_book(_some_text(random, TITLES), _some_text(random, AUTHORS), colour, random, marks)
    labels["cover"] = _index(colour)
    _mark(labels, marks)
    return image


def _thing(random: Random, labels: Labels) -> Image.Image:
    name = random.choice(drawing.OBJECTS)
    labels["thing"] = np.int64(drawing.OBJECTS.index(name) + 1)  # type: ignore[assignment]
    return drawing.draw_thing(name, random)


def _chart(random: Random, labels: Labels) -> Image.Image:
    colours, heights = random.sample(_COLOURS, 3), random.sample((8, 18, 28, 38), 3)
    labels["tallest"] = _index(colours[heights.index(max(heights))])
    labels["shortest"] = _index(colours[heights.index(min(heights))])
    return drawing.draw_chart(list(zip(colours, heights, strict=True)), random)


def pixel_values(pictures: np.ndarray) -> Tensor:
    """uint8 (batch, 48, 48, 3) -> float32 (batch, 3, 48, 48), as the image processor scales them."""
    scaled = (pictures.astype(np.float32) / 255 - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)
    return torch.from_numpy(scaled).permute(0, 3, 1, 2).contiguous()


def _batches(seed: int, start: int, size: int) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    number = start
    while True:
        made = [labelled_picture(Random(f"see:{seed}:{n}")) for n in range(number, number + size)]
        number += size
        labels = {key: torch.from_numpy(np.stack([pair[1][key] for pair in made])) for key in made[0][1]}
        yield pixel_values(np.stack([pair[0] for pair in made])), labels


def _loss(logits: dict[str, Tensor], labels: dict[str, Tensor]) -> Tensor:
    zero = torch.zeros(())
    total = sum((functional.cross_entropy(logits[k].flatten(0, 1), labels[k].flatten()) for k in PATCH_HEADS), zero)
    total = total + sum((functional.cross_entropy(logits[k], labels[k]) for k in IMAGE_HEADS), zero)
    on_shape = labels["kind"].flatten(1) > 0
    error = (logits["box"] - labels["box"].flatten(1, 2))[on_shape]
    return total + 0.2 * error.abs().mean()


def train_tower(
    *, seed: int, steps: int, batch: int = 96, lr: float = 2e-3, say: Callable[[str], None] = print
) -> tuple[CLIPVisionModel, dict[str, float]]:
    """The tower and the share of right read-outs on fresh pictures, by head (patches: only those with something)."""
    torch.manual_seed(seed)
    tower = CLIPVisionModel(vision_config())
    heads = SeeingHeads(tower.config.hidden_size)
    parameters = [*tower.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    for step, (pixels, labels) in zip(range(steps), _batches(seed, 0, batch), strict=False):
        with torch.autocast("cpu", torch.bfloat16):
            logits = heads(tower(pixels).last_hidden_state)
        loss = _loss({key: value.float() for key, value in logits.items()}, labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            say(f"see {step}/{steps} loss {loss.item():.3f}")
    return tower.eval(), _check(tower, heads, seed)  # type: ignore[no-untyped-call]


@torch.no_grad()
def _check(tower: CLIPVisionModel, heads: SeeingHeads, seed: int) -> dict[str, float]:
    pixels, labels = next(_batches(seed + 1_000_003, 0, 600))
    logits = heads(tower(pixels).last_hidden_state)
    right = {}
    for name in (*PATCH_HEADS, *IMAGE_HEADS):
        gold = labels[name].flatten()
        hit = logits[name].flatten(0, -2).argmax(-1) == gold
        right[name] = hit[gold > 0].float().mean().item()
    return right
