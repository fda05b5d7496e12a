"""Writes the embedded sample of a task: records in CoIN's training layout, images in CoIN's folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import xxhash
from PIL import Image, ImageFilter

from asd.embedded import EMBEDDED_TASKS, lettering, objects, scenes, science
from asd.errors import UnknownNameError
from asd.schemas.styles import LETTERS

RFP_SHORT = "Reply with a single word or a short phrase."
RFP_LETTER = "Reply with the letter of the right option only."
RFP_BOX = "Give the bounding box of the part of the picture that this phrase describes"
TURNS = 3

Turn = tuple[str, str]
"""What the human says, without the image mark, and what the model answers."""
Made = tuple[list[Turn], str, Image.Image | None, dict[str, Any]]
"""Turns, path of the image, the image, and further keys of the record."""


def write_task(task: str, out: Path, *, rows: int, seed: int) -> Path:
    """See `asd.embedded.write_sample`."""
    if task not in _MAKERS:
        raise UnknownNameError("embedded task", task, EMBEDDED_TASKS)
    records = []
    for record_id, (turns, path, image, extra) in _records(task, rows, seed):
        record: dict[str, Any] = {"id": record_id}
        if image is not None:
            record["image"] = path
            _save(image, out / path)
        record["conversations"] = _conversation(turns, has_image=image is not None)
        records.append(record | extra)
    target = out / "train.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def _records(task: str, rows: int, seed: int) -> Iterator[tuple[str, Made]]:
    """As many records as it takes for `rows` turns. Each depends on the seed and its own number only."""
    number = 0
    while rows > 0:
        record_id = f"{task}-{number:05d}"
        made = _MAKERS[task](Random(xxhash.xxh3_64_intdigest(f"{seed}:{record_id}:draw".encode())), number)
        turns = made[0][:rows]
        rows -= len(turns)
        number += 1
        yield record_id, (turns, *made[1:])


def _conversation(turns: list[Turn], *, has_image: bool) -> list[dict[str, str]]:
    conversation = []
    for number, (asked, answered) in enumerate(turns):
        mark = "<image>\n" if has_image and number == 0 else ""
        conversation.append({"from": "human", "value": mark + asked})
        conversation.append({"from": "gpt", "value": answered})
    return conversation


def _save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        image.save(path, "PNG")
    else:
        image.save(path, "JPEG", quality=88)


def _short(turns: list[tuple[str, str]]) -> list[Turn]:
    return [(f"{question}\n{RFP_SHORT}", answer) for question, answer in turns]


def _scienceqa(random: Random, number: int) -> Made:
    problem = science.make_problem(random)
    lines = [f"Context: {problem.hint}"] if problem.hint else []
    lines.append(problem.question)
    lines += [f"{LETTERS[place]}. {option}" for place, option in enumerate(problem.options)]
    extra = {"lecture": problem.lecture, "solution": problem.solution}
    turns = [("\n".join([*lines, RFP_LETTER]), LETTERS[problem.answer])]
    return turns, f"ScienceQA/images/train/{number}/image.png", problem.image, extra


def _textvqa(random: Random, number: int) -> Made:
    sign = lettering.make_sign(random)
    tokens = [word for line in sign.lines for word in line.split()]
    image = lettering.draw_sign(sign, random)
    path = f"TextVQA/train_images/{number:05d}.jpg"
    return _short([(sign.question, sign.answer)]), path, image, {"ocr_tokens": tokens}


def _imagenet(random: Random, number: int) -> Made:
    name = random.choice(sorted(objects.CLASSES))
    path = f"ImageNet_withlabel/train/{name.lower()}/{name.lower()}_{number}.JPEG"
    return (
        _short([("What object does the picture show?", f"{name}.")]),
        path,
        objects.draw_object(name, random),
        {},
    )


def _gqa(random: Random, number: int) -> Made:
    scene = scenes.make_scene(random)
    turns = scenes.ask_questions(scene, random, TURNS, scenes.ABOUT_RELATIONS)
    return _short(turns), f"GQA/images/{number:05d}.jpg", scenes.draw_scene(scene), {}


def _vqav2(random: Random, number: int) -> Made:
    scene = scenes.make_scene(random)
    turns = scenes.ask_questions(scene, random, TURNS, scenes.ABOUT_COUNTS)
    return _short(turns), f"COCO2014/train2014/drawn_vqa_{number:05d}.jpg", scenes.draw_scene(scene), {}


def _vizwiz(random: Random, number: int) -> Made:
    """Blurred a little, or so much that nothing can be told."""
    scene = scenes.make_scene(random)
    is_hopeless = random.random() < 0.2
    askers = (scenes.ask_colour, scenes.ask_kind, scenes.ask_count, scenes.ask_side, scenes.ask_presence)
    question, answer = scenes.ask_questions(scene, random, 1, askers)[0]
    image = scenes.draw_scene(scene).filter(ImageFilter.GaussianBlur(30 if is_hopeless else random.uniform(0.8, 1.6)))
    turns = [(question, "unanswerable" if is_hopeless else answer)]
    return _short(turns), f"VizWiz/train/VizWiz_drawn_{number:08d}.jpg", image, {}


def _grounding(random: Random, number: int) -> Made:
    scene = scenes.make_scene(random)
    shapes = random.sample(scene.shapes, min(TURNS, len(scene.shapes)))
    turns = [
        (f"{RFP_BOX}: {shape.name}", scenes.square_box(shape.box, scenes.WIDTH, scenes.HEIGHT)) for shape in shapes
    ]
    return turns, f"COCO2014/train2014/drawn_ref_{number:05d}.jpg", scenes.draw_scene(scene), {}


def _ocrvqa(random: Random, number: int) -> Made:
    book = lettering.make_book(random)
    turns = _short(lettering.ask_about_book(book, random))
    return turns, f"OCR-VQA/images/{number:05d}.jpg", lettering.draw_book(book, random), {}


_MAKERS: dict[str, Callable[[Random, int], Made]] = {
    "scienceqa": _scienceqa,
    "textvqa": _textvqa,
    "imagenet": _imagenet,
    "gqa": _gqa,
    "vizwiz": _vizwiz,
    "grounding": _grounding,
    "vqav2": _vqav2,
    "ocrvqa": _ocrvqa,
}
