"""What the base model is raised on: captions and full-sentence answers about pictures; instructions in text alone.

Pictures are only ever described or asked about in full sentences, as for a model whose projector saw captions. Short
answers, letters, yes and no are asked for in texts without a picture, in requests worded otherwise than the tasks' and
ASD's. So the model knows each style before the sequence starts, but gives none of them about a picture by habit.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from PIL import Image

from training.pocket import drawing
from training.pocket.questions import ABOUT_COUNTS, ABOUT_RELATIONS, Asked, ask, ask_about_book, ask_about_sign
from training.pocket.tasks import LETTERS, OBJECT_QUESTION, make_sign_lines
from training.pocket.words import AUTHORS, CATEGORIES, COLOURS, GENRES, SIGN_WORDS, TITLES, with_article

KNOWN_FACTS = 3
"""Members of each science category that the base is told about; the others are left to the task."""
REQUESTS = {
    "short": (
        "One word will do.", "Name it in a word or two.", "Just the word, please.", "Say it in one word.",
        "Answer with a short phrase.", "Only a word, nothing more.", "Be as short as you can: a word.",
        "Give a brief name.", "A word is all I need.",
    ),
    "letter": (
        "Choose by letter.", "Which letter is it?", "Name the letter of your choice.", "Only the letter, please.",
        "Give me the right letter.", "Answer by option letter.", "One letter will do.", "Say which letter fits.",
    ),
    "yes_no": (
        "Yes or no?", "Is that so, yes or no?", "True? Say yes or no.", "Does that hold, Yes or No?",
        "Just yes or no, please.", "Is this correct? Yes or no.", "Answer Yes, or answer No.",
    ),
    "sentence": (
        "Use a sentence.", "Say it in a sentence.", "Answer in a full sentence.", "A complete sentence, please.",
        "Tell me in one sentence.", "Explain in a short sentence.", "Give your answer as a sentence.",
    ),
    "long": (
        "Explain it in several sentences.", "Tell me in detail how you know.", "Give the reasoning and the answer.",
        "Explain at length.", "Reason about it, then answer.",
    ),
}  # fmt: skip
CAPTION_REQUESTS = (
    "Describe the picture.", "What can be seen?", "What does the image show?", "Give a caption.", "Tell me what you see.",
    "Write a caption for this picture.",
)  # fmt: skip
BLURRED = "The picture is too blurred to see anything."


class Example(NamedTuple):
    prompt: str
    answer: str
    image: Image.Image | None = None


class View(NamedTuple):
    """A picture with what is true of it."""

    image: Image.Image
    caption: str
    asked: list[Asked]
    wrong: Callable[[Asked, Random], list[str]]


def make_view(random: Random) -> View:
    maker = random.choices((_scene, _sign, _thing, _book, _chart), (40, 18, 16, 16, 10))[0]
    return maker(random)


def picture_example(random: Random) -> Example:
    view = make_view(random)
    if random.random() < 0.06:
        image = drawing.blur(view.image, random, hopeless=True)
        question = random.choice([*CAPTION_REQUESTS, random.choice(view.asked).question])
        return Example(question, BLURRED, image)
    image = drawing.blur(view.image, random, hopeless=False) if random.random() < 0.1 else view.image
    if random.random() < 0.35:
        return Example(random.choice(CAPTION_REQUESTS), view.caption, image)
    asked = random.choice(view.asked)
    return Example(asked.question, asked.sentence, image)


def text_example(random: Random) -> Example:
    """A question about a described picture, or about a fact, with a request for one of the styles."""
    if random.random() < 0.3:
        return _fact_example(random)
    view = make_view(random)
    asked = random.choice(view.asked)
    return _styled(view.caption, asked, view.wrong(asked, random), "", random)


def _styled(context: str, asked: Asked, wrong: list[str], reasons: str, random: Random) -> Example:
    head = f"{context}\n{asked.question}" if context else asked.question
    is_yes_no = asked.answer.lower() in ("yes", "no")
    styles = ["yes_no", "sentence", "yes_no"] if is_yes_no else ["short", "letter", "yes_no", "sentence"]
    style = random.choice([*styles, "long"] if reasons else styles)
    request = random.choice(REQUESTS[style])
    if style == "letter":
        options = random.sample([asked.answer, *wrong], len(wrong) + 1)
        lines = "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))
        return Example(f"{head}\n{lines}\n{request}", LETTERS[options.index(asked.answer)])
    if style == "yes_no" and not is_yes_no:
        guess = asked.answer if random.random() < 0.5 else random.choice(wrong)
        said = random.choice(("Suggested answer", "Somebody says", "Proposed", "An answer"))
        return Example(f"{head}\n{said}: {guess}\n{request}", "Yes" if guess == asked.answer else "No")
    if style == "yes_no":
        return Example(f"{head}\n{request}", asked.answer.capitalize())
    answer = {"sentence": asked.sentence, "short": asked.answer, "long": reasons}[style]
    return Example(f"{head}\n{request}", answer)


def _fact_example(random: Random) -> Example:
    category = random.choice(list(CATEGORIES))
    right = random.choice(CATEGORIES[category][:KNOWN_FACTS])
    others = random.sample([name for name in CATEGORIES if name != category], random.randint(1, 3))
    wrong = [random.choice(CATEGORIES[name][:KNOWN_FACTS]) for name in others]
    if random.random() < 0.3:
        return Example(f"What is {right}?", f"{right.capitalize()} is a {category}.")
    reasons = " ".join(f"{word.capitalize()} is a {name}." for word, name in zip(wrong, others, strict=True))
    sentence = f"{right.capitalize()} is a {category}."
    listed = ", ".join(random.sample([right, *wrong], len(wrong) + 1))
    asked = Asked(f"Which of these is a {category}?", right, sentence)
    return _styled(f"{listed}.", asked, wrong, f"{reasons} {sentence} So the answer is {right}.", random)


def _scene(random: Random) -> View:
    scene = drawing.make_scene(random, 1, 4)
    askers = ABOUT_COUNTS if len(scene) < 2 or random.random() < 0.5 else ABOUT_RELATIONS
    said = ", ".join(f"{with_article(shape.name)} at the {shape.place}" for shape in random.sample(scene, len(scene)))
    count = f"{len(scene)} shape{'' if len(scene) == 1 else 's'}: " if random.random() < 0.5 else ""
    return View(drawing.draw_scene(scene, random), f"{count}{said}.", ask(scene, random, 3, askers), _wrong_of_scene)


def _wrong_of_scene(asked: Asked, random: Random) -> list[str]:
    pools: list[list[str]] = [
        list(COLOURS), list(drawing.KINDS), ["left", "middle", "right"], ["1", "2", "3", "4"],
    ]  # fmt: skip
    return _others(asked.answer, next((pool for pool in pools if asked.answer in pool), ["no", "yes"]), random)


def _others(answer: str, pool: list[str], random: Random) -> list[str]:
    rest = [item for item in pool if item != answer]
    return random.sample(rest, min(len(rest), random.randint(1, 3)))


def _sign(random: Random) -> View:
    lines = make_sign_lines(random)
    asked = ask_about_sign(lines)
    said = [one.question.removeprefix("What ").split(" is ")[0] + f" {one.answer}" for one in asked]
    places = ("at the top", "at the bottom") if len(lines) == 2 else ("",)
    parts = " and ".join(f"the {what} {place}".strip() for what, place in zip(said, places, strict=True))
    return View(drawing.draw_sign(lines, random), f"A sign with {parts}.", asked, _wrong_of_sign)


def _wrong_of_sign(asked: Asked, random: Random) -> list[str]:
    if asked.answer.isdigit():
        return _others(asked.answer, [f"{random.randint(10, 99)}" for _ in range(3)], random) or ["11"]
    return _others(asked.answer, list(SIGN_WORDS), random)


def _thing(random: Random) -> View:
    name = random.choice(drawing.OBJECTS)
    said = with_article(name.lower())
    asked = [
        Asked(OBJECT_QUESTION, name.lower(), f"The picture shows {said}."),
        Asked("What is this?", name.lower(), f"This is {said}."),
    ]
    names = [other.lower() for other in drawing.OBJECTS]
    caption = f"A picture of {said}."
    return View(drawing.draw_thing(name, random), caption, asked, lambda one, keyed: _others(one.answer, names, keyed))


def _book(random: Random) -> View:
    title, author, colour = random.choice(TITLES), random.choice(AUTHORS), random.choice(list(GENRES))
    asked = ask_about_book(title, author, colour, random)
    caption = f"A {colour} book with the title {title} by {author}, about {GENRES[colour]}."

    def wrong(one: Asked, keyed: Random) -> list[str]:
        pool = next((p for p in (TITLES, AUTHORS, tuple(GENRES.values())) if one.answer in p), ("Yes", "No"))
        return _others(one.answer, list(pool), keyed)

    return View(drawing.draw_book(title, author, colour, random), caption, asked, wrong)


def _chart(random: Random) -> View:
    colours = random.sample(list(COLOURS), 3)
    heights = random.sample((8, 18, 28, 38), 3)
    most, least = colours[heights.index(max(heights))], colours[heights.index(min(heights))]
    asked = [
        Asked("Which bar is the tallest?", most, f"The {most} bar is the tallest."),
        Asked("Which bar is the shortest?", least, f"The {least} bar is the shortest."),
    ]
    listed = ", ".join(with_article(f"{colour} bar") for colour in colours)
    caption = f"A chart with {listed}. The {most} bar is the tallest, the {least} bar is the shortest."
    image = drawing.draw_chart(list(zip(colours, heights, strict=True)), random)
    return View(image, caption, asked, lambda one, keyed: _others(one.answer, colours, keyed))


def make_examples(count: int, seed: int, *, with_picture: bool) -> list[Example]:
    make = picture_example if with_picture else text_example
    kind = "picture" if with_picture else "text"
    return [make(Random(f"base:{seed}:{kind}:{number}")) for number in range(count)]
