"""The eight tasks: what one record of each asks, in CoIN's styles.

The five tasks with short answers and image classification share one response-format prompt, as in CoIN's
"Original" instruction set; boxes and letters have their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from PIL import Image

from asd_training.pocket import drawing
from asd_training.pocket.questions import (
    ABOUT_COUNTS,
    ABOUT_RELATIONS,
    ask,
    ask_about_book,
    ask_about_sign,
    ask_colour,
)
from asd_training.pocket.words import AUTHORS, CATEGORIES, GENRES, SIGN_WORDS, TITLES, with_article

RFP_SHORT = "Reply with a single word or a short phrase."
RFP_LETTER = "Reply with the letter of the right option only."
RFP_BOX = "Give the bounding box of the part of the picture that this phrase describes"
OBJECT_QUESTION = "What object does the picture show?"
TURNS = 3
LETTERS = "ABCD"
GROUPS = ("metal", "plant", "bird", "liquid")
BARS = ("red", "green", "blue")


@dataclass(frozen=True)
class Record:
    """Turns about one picture, or about none."""

    turns: list[tuple[str, str]]
    """Prompt without the image mark, and the answer as the training file writes it."""
    folder: str
    image: Image.Image | None = None
    extra: dict[str, str] = field(default_factory=dict)
    regions: list[dict[str, str]] = field(default_factory=list)
    """What stands where: {name, box}, for the style `bounding_box`."""


def make_record(task: str, split: str, number: int, seed: int) -> Record:
    """Depends on its own arguments only, so that a longer file begins with the shorter one's records."""
    return _MAKERS[task](Random(f"pocket:{seed}:{task}:{split}:{number}"))


def _short(question: str) -> str:
    return f"{question}\n{RFP_SHORT}"


def _choice(question: str, options: Sequence[str], right: str) -> tuple[str, str]:
    """Options keep their order: a model of this size does not learn in time to find an answer among shuffled ones."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question, *lines, RFP_LETTER]), LETTERS[options.index(right)]


def _scienceqa(random: Random) -> Record:
    return _fact(random) if random.random() < 0.5 else _chart(random)


def _fact(random: Random) -> Record:
    """What is iron? The lecture and the solution say why, as ScienceQA's do."""
    category = random.choice(GROUPS)
    asked, *others = random.sample(CATEGORIES[category], 3)
    extra = {
        "lecture": " ".join(f"{word.capitalize()} is a {category}." for word in others),
        "solution": f"{asked.capitalize()} is a {category}. So the answer is {category}.",
    }
    return Record([_choice(f"What is {asked}?", GROUPS, category)], "ScienceQA/images", extra=extra)


def _chart(random: Random) -> Record:
    colours = random.sample(BARS, len(BARS))
    heights = random.sample((8, 18, 28, 38), len(BARS))
    sort = random.choice(("tallest", "shortest"))
    right = colours[heights.index(max(heights) if sort == "tallest" else min(heights))]
    named = [f"{with_article(colour)} bar" for colour in colours]
    extra = {
        "lecture": f"The chart has {', '.join(named[:-1])} and {named[-1]}.",
        "solution": f"The {right} bar is the {sort}. So the answer is {right}.",
    }
    image = drawing.draw_chart(list(zip(colours, heights, strict=True)), random)
    return Record([_choice(f"Which bar is the {sort}?", BARS, right)], "ScienceQA/images", image, extra)


def make_sign_lines(random: Random) -> list[str]:
    lines = [random.choice(SIGN_WORDS)]
    if random.random() < 0.7:
        lines.append(f"{random.randint(10, 99)}" if random.random() < 0.5 else random.choice(SIGN_WORDS))
        random.shuffle(lines)
    return lines


def _textvqa(random: Random) -> Record:
    lines = make_sign_lines(random)
    asked = random.choice(ask_about_sign(lines))
    return Record([(_short(asked.question), asked.answer)], "TextVQA/train_images", drawing.draw_sign(lines, random))


def _imagenet(random: Random) -> Record:
    name = random.choice(drawing.OBJECTS)
    return Record(
        [(_short(OBJECT_QUESTION), f"{name}.")], "ImageNet_withlabel/images", drawing.draw_thing(name, random)
    )


def _gqa(random: Random) -> Record:
    scene = drawing.make_scene(random, 2, 3)
    turns = [(_short(asked.question), asked.answer) for asked in ask(scene, random, TURNS, ABOUT_RELATIONS)]
    return Record(turns, "GQA/images", drawing.draw_scene(scene, random), regions=_regions(scene))


def _vqav2(random: Random) -> Record:
    scene = drawing.make_scene(random, 2, 3)
    turns = [(_short(asked.question), asked.answer) for asked in ask(scene, random, TURNS, ABOUT_COUNTS)]
    return Record(turns, "COCO2014/vqa", drawing.draw_scene(scene, random), regions=_regions(scene))


def _regions(scene: Sequence[drawing.Shape]) -> list[dict[str, str]]:
    return [{"name": shape.name, "box": shape.box_text} for shape in scene]


def _vizwiz(random: Random) -> Record:
    """A photograph taken without seeing: three in ten show nothing."""
    sort = random.choice(("thing", "thing", "sign", "shape"))
    if sort == "thing":
        name = random.choice(drawing.OBJECTS)
        image, question, answer = drawing.draw_thing(name, random), "What is this?", name.lower()
    elif sort == "sign":
        word = random.choice(SIGN_WORDS)
        image, question, answer = drawing.draw_sign([word], random), "What does this say?", word
    else:
        scene = drawing.make_scene(random, 1, 1)
        asked = ask_colour(scene, random)
        image, question, answer = (
            drawing.draw_scene(scene, random),
            "What colour is this?",
            asked.answer if asked else "",
        )
    hopeless = random.random() < 0.3
    blurred = drawing.blur(image, random, hopeless=hopeless)
    return Record([(_short(question), "unanswerable" if hopeless else answer)], "VizWiz/images", blurred)


def _grounding(random: Random) -> Record:
    scene = drawing.make_scene(random, 2, 3)
    chosen = random.sample(scene, min(TURNS, len(scene)))
    turns = [(f"{RFP_BOX}: {shape.name}", shape.box_text) for shape in chosen]
    return Record(turns, "COCO2014/refer", drawing.draw_scene(scene, random))


def _ocrvqa(random: Random) -> Record:
    title, author, colour = random.choice(TITLES), random.choice(AUTHORS), random.choice(list(GENRES))
    turns = [(_short(asked.question), asked.answer) for asked in ask_about_book(title, author, colour, random)]
    return Record(turns, "OCR-VQA/images", drawing.draw_book(title, author, colour, random))


_MAKERS: dict[str, Callable[[Random], Record]] = {
    "scienceqa": _scienceqa,
    "textvqa": _textvqa,
    "imagenet": _imagenet,
    "gqa": _gqa,
    "vizwiz": _vizwiz,
    "grounding": _grounding,
    "vqav2": _vqav2,
    "ocrvqa": _ocrvqa,
}
