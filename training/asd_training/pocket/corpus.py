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

from asd_training.pocket import Facts, drawing
from asd_training.pocket.questions import (
    ABOUT_COUNTS,
    ABOUT_RELATIONS,
    Asked,
    Asker,
    Scene,
    ask,
    ask_about_book,
    ask_about_sign,
)
from asd_training.pocket.tasks import LETTERS, OBJECT_QUESTION, make_sign_lines
from asd_training.pocket.words import (
    AUTHORS,
    BROADER,
    CATEGORIES,
    COLOURS,
    GENRES,
    KINDS,
    SIGN_WORDS,
    TITLES,
    with_article,
)

KNOWN_FACTS: dict[Facts, int] = {"some": 3, "all": 6}
"""Members of each science category that the base is told about; the others are left to the task."""
CAPTIONS: dict[Facts, float] = {"some": 0.35, "all": 0.2}
"""Share of captions among what is said of pictures; the rest answers questions."""
VIEWS: dict[Facts, tuple[int, ...]] = {"some": (40, 22, 14, 15, 9), "all": (52, 24, 9, 9, 6)}
"""Weights of scenes, signs, things, books, charts."""
REQUESTS = {
    "short": (
        "One word will do.", "Name it in a word or two.", "Just the word, please.", "Say it in one word.",
        "Answer with a short phrase.", "Only a word, nothing more.", "Be as short as you can: a word.",
        "Give a brief name.", "A word is all I need.", "Write a word or a few words.", "Keep it short, no full sentence.",
        "Give only the answer itself, a word or phrase.", "Reply briefly, in one or two words.",
    ),
    "letter": (
        "Choose by letter.", "Which letter is it?", "Name the letter of your choice.", "Only the letter, please.",
        "Give me the right letter.", "Answer by option letter.", "One letter will do.", "Say which letter fits.",
        "Pick the fitting option by its letter.", "Write the letter that stands before the right option.",
        "Reply with one letter only.", "Of these options, give the correct letter alone.",
    ),
    "yes_no": (
        "Yes or no?", "Is that so, yes or no?", "True? Say yes or no.", "Does that hold, Yes or No?",
        "Just yes or no, please.", "Is this correct? Yes or no.", "Answer Yes, or answer No.",
        "Judge it: Yes or No.", "Write a plain Yes or No.", "Does it fit? Reply Yes or No.", "Decide: Yes or No.",
        "Would you accept that? Yes or No.", "Check the proposed answer: Yes or No?", "A single word: Yes or No.",
    ),
    "sentence": (
        "Use a sentence.", "Say it in a sentence.", "Answer in a full sentence.", "A complete sentence, please.",
        "Tell me in one sentence.", "Explain in a short sentence.", "Give your answer as a sentence.",
        "State the answer in one full sentence.", "Put it into a complete sentence.", "Reply with a whole sentence.",
    ),
    "long": (
        "Explain it in several sentences.", "Tell me in detail how you know.", "Give the reasoning and the answer.",
        "Explain at length.", "Reason about it, then answer.",
        "Say in full sentences what it follows from.", "Write a thorough, detailed explanation.",
    ),
}  # fmt: skip
CAPTION_REQUESTS = (
    "Describe the picture.", "What can be seen?", "What does the image show?", "Give a caption.", "Tell me what you see.",
    "Write a caption for this picture.",
)  # fmt: skip
PLACE_REQUESTS = ("In numbers, where is the", "Corners of the", "Box for the", "Description:", "Write a box around the")
PROPOSALS = ("Suggested answer", "Somebody says", "Proposed", "An answer")
_WORDS = (
    *COLOURS, *KINDS, *SIGN_WORDS, *TITLES, *AUTHORS, *GENRES.values(), *("1", "2", "3", "4"),
    *(word for words in CATEGORIES.values() for word in words), *BROADER.values(),
    *(name.lower() for name in drawing.OBJECTS), *drawing.OBJECTS, "unanswerable", "yes", "no",
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


def make_view(random: Random, facts: Facts = "some") -> View:
    maker = random.choices((_scene, _sign, _thing, _book, _chart), VIEWS[facts])[0]
    return maker(random, facts)


def picture_example(random: Random, facts: Facts = "some") -> Example:
    view = make_view(random, facts)
    if random.random() < 0.06:
        image = drawing.blur(view.image, random, hopeless=True)
        question = random.choice([*CAPTION_REQUESTS, random.choice(view.asked).question])
        return Example(question, BLURRED, image)
    image = drawing.blur(view.image, random, hopeless=False) if random.random() < 0.1 else view.image
    if random.random() < CAPTIONS[facts]:
        return Example(random.choice(CAPTION_REQUESTS), view.caption, image)
    asked = random.choice(view.asked)
    return Example(asked.question, asked.sentence, image)


def text_example(random: Random, facts: Facts = "some") -> Example:
    """A question about a described picture, or about a fact, with a request for one of the styles."""
    draw = random.random()
    if draw < 0.2:
        return _fact_example(random, facts)
    if draw < 0.4:
        return _lookup_example(random)
    if draw < 0.5:
        return _place_example(random)
    view = make_view(random, facts)
    asked = random.choice(view.asked)
    return _styled(view.caption, asked, view.wrong(asked, random), "", random)


def _styled(context: str, asked: Asked, wrong: list[str], reasons: str, random: Random) -> Example:
    head = f"{context}\n{asked.question}" if context else asked.question
    is_yes_no = asked.answer.lower() in ("yes", "no")
    styles = ["yes_no", "sentence"] if is_yes_no else ["short", "letter", "letter", "yes_no", "yes_no", "sentence"]
    style = random.choice([*styles, "long"] if reasons else styles)
    request = random.choice(REQUESTS[style])
    if style == "letter":
        options = random.sample([asked.answer, *wrong], len(wrong) + 1)
        lines = "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))
        return Example(f"{head}\n{lines}\n{request}", LETTERS[options.index(asked.answer)])
    if style == "yes_no" and not is_yes_no:
        guess = asked.answer if random.random() < 0.5 else random.choice(wrong)
        return Example(
            f"{head}\n{random.choice(PROPOSALS)}: {guess}\n{request}", "Yes" if guess == asked.answer else "No"
        )
    if style == "yes_no":
        return Example(f"{head}\n{request}", asked.answer.capitalize())
    answer = {"sentence": asked.sentence, "short": asked.answer, "long": reasons}[style]
    return Example(f"{head}\n{request}", answer)


def _lookup_example(random: Random) -> Example:
    """Which letter stands before a word, which word behind a letter, are two words the same: what styles rest on."""
    words = random.sample(_WORDS, random.randint(2, 4))
    place = random.randrange(len(words))
    lines = "\n".join(f"{letter}. {word}" for letter, word in zip(LETTERS, words, strict=False))
    kind = random.random()
    if kind < 0.5:
        request = random.choice(REQUESTS["letter"])
        return Example(f"The answer is {words[place]}.\n{lines}\n{request}", LETTERS[place])
    if kind < 0.6:
        return Example(f"{lines}\nThe answer is {LETTERS[place]}.\n{random.choice(REQUESTS['short'])}", words[place])
    guess = words[0] if random.random() < 0.5 else words[1]
    said = random.choice(PROPOSALS)
    request = random.choice(REQUESTS["yes_no"])
    return Example(f"The answer is {words[0]}.\n{said}: {guess}\n{request}", "Yes" if guess == words[0] else "No")


def _place_example(random: Random) -> Example:
    """Places in words and in numbers: what coordinates mean, without a picture."""
    scene = drawing.make_scene(random, 1, 3)
    shape = random.choice(scene)
    kind = random.random()
    if kind < 0.35:
        listed = ", ".join(f"{thing.name} {thing.box_text}" for thing in scene)
        return Example(f"{listed}.\n{random.choice(PLACE_REQUESTS)} {shape.name}", shape.box_text)
    listed = ", ".join(f"{with_article(thing.name)} at the {thing.place}" for thing in scene)
    if kind < 0.8:
        return Example(f"{listed}.\n{random.choice(PLACE_REQUESTS)} {shape.name}", shape.box_text)
    return Example(f"{shape.box_text}\nWhere is that? Use a sentence.", f"It is at the {shape.place}.")


def _fact_example(random: Random, facts: Facts) -> Example:
    known = KNOWN_FACTS[facts]
    category = random.choice(list(CATEGORIES))
    right = random.choice(CATEGORIES[category][:known])
    others = random.sample([name for name in CATEGORIES if name != category], random.randint(1, 3))
    wrong = [random.choice(CATEGORIES[name][:known]) for name in others]
    if random.random() < 0.3:
        return Example(f"What is {right}?", f"{right.capitalize()} is a {category}.")
    reasons = " ".join(f"{word.capitalize()} is a {name}." for word, name in zip(wrong, others, strict=True))
    sentence = f"{right.capitalize()} is a {category}."
    listed = ", ".join(random.sample([right, *wrong], len(wrong) + 1))
    asked = Asked(f"Which of these is a {category}?", right, sentence)
    return _styled(f"{listed}.", asked, wrong, f"{reasons} {sentence} So the answer is {right}.", random)


def _ask_corners(scene: Scene, random: Random) -> Asked:
    """Where a shape begins and ends, in the numbers of a box, but said in a sentence."""
    shape = random.choice(scene)
    left, top, right, bottom = shape.box_text.strip("[]").split(",")
    numbers = f"({left},{top}) and ({right},{bottom})"
    question = f"Where is the {shape.name}, in numbers?"
    return Asked(question, shape.box_text, f"The {shape.name} stands between {numbers}.")


def _askers(scene: Scene, random: Random, facts: Facts) -> tuple[Asker, ...]:
    if facts == "all":
        return (*ABOUT_COUNTS, *(ABOUT_RELATIONS if len(scene) > 1 else ()), _ask_corners)
    return ABOUT_COUNTS if len(scene) < 2 or random.random() < 0.5 else ABOUT_RELATIONS


def _scene(random: Random, facts: Facts) -> View:
    scene = drawing.make_scene(random, 1, 4)
    askers = _askers(scene, random, facts)
    said = ", ".join(f"{with_article(shape.name)} at the {shape.place}" for shape in random.sample(scene, len(scene)))
    count = f"{len(scene)} shape{'' if len(scene) == 1 else 's'}: " if random.random() < 0.5 else ""
    return View(drawing.draw_scene(scene, random), f"{count}{said}.", ask(scene, random, 3, askers), _wrong_of_scene)


def _wrong_of_scene(asked: Asked, random: Random) -> list[str]:
    if asked.answer.startswith("["):
        return [thing.box_text for thing in drawing.make_scene(random, 2, 3) if thing.box_text != asked.answer]
    pools: list[list[str]] = [
        list(COLOURS), list(KINDS), ["left", "middle", "right"], ["1", "2", "3", "4"],
    ]  # fmt: skip
    return _others(asked.answer, next((pool for pool in pools if asked.answer in pool), ["no", "yes"]), random)


def _others(answer: str, pool: list[str], random: Random) -> list[str]:
    rest = [item for item in pool if item != answer]
    return random.sample(rest, min(len(rest), random.randint(1, 3)))


def _sign(random: Random, facts: Facts) -> View:
    lines = make_sign_lines(random)
    if facts == "all" and random.random() < 0.5:  # numbers are read digit by digit: rarer and harder than words
        lines[random.randrange(len(lines))] = f"{random.randint(10, 99)}"
    asked = ask_about_sign(lines)
    said = [item.question.removeprefix("What ").split(" is ")[0] + f" {item.answer}" for item in asked]
    places = ("at the top", "at the bottom") if len(lines) == 2 else ("",)
    parts = " and ".join(f"the {what} {place}".strip() for what, place in zip(said, places, strict=True))
    return View(drawing.draw_sign(lines, random), f"A sign with {parts}.", asked, _wrong_of_sign)


def _wrong_of_sign(asked: Asked, random: Random) -> list[str]:
    if asked.answer.isdigit():
        return _others(asked.answer, [f"{random.randint(10, 99)}" for _ in range(3)], random) or ["11"]
    return _others(asked.answer, list(SIGN_WORDS), random)


def _thing(random: Random, facts: Facts) -> View:
    broader = BROADER if facts == "some" else {}
    name = random.choice(drawing.OBJECTS)
    called = broader.get(name, name.lower())
    said = with_article(called)
    asked = [
        Asked(OBJECT_QUESTION, called, f"The picture shows {said}."),
        Asked("What is this?", called, f"This is {said}."),
    ]
    if facts == "all":  # the name with its capital too: to this tokenizer it is another word
        asked.append(Asked(OBJECT_QUESTION, called, f"{name} is what the picture shows."))
    names = [broader.get(other, other.lower()) for other in drawing.OBJECTS]
    caption = f"A picture of {said}."
    return View(
        drawing.draw_thing(name, random), caption, asked, lambda item, keyed: _others(item.answer, names, keyed)
    )


def _book(random: Random, facts: Facts) -> View:
    title, author, colour = random.choice(TITLES), random.choice(AUTHORS), random.choice(list(GENRES))
    asked = ask_about_book(title, author, colour, random)
    caption = f"A {colour} book with the title {title} by {author}, about {GENRES[colour]}."

    def wrong(item: Asked, keyed: Random) -> list[str]:
        pool = next((p for p in (TITLES, AUTHORS, tuple(GENRES.values())) if item.answer in p), ("Yes", "No"))
        return _others(item.answer, list(pool), keyed)

    return View(drawing.draw_book(title, author, colour, random), caption, asked, wrong)


def _chart(random: Random, facts: Facts) -> View:
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
    return View(image, caption, asked, lambda item, keyed: _others(item.answer, colours, keyed))


def make_examples(count: int, seed: int, *, with_picture: bool, facts: Facts = "some") -> list[Example]:
    make = picture_example if with_picture else text_example
    kind = "picture" if with_picture else "text"
    return [make(Random(f"base:{seed}:{kind}:{number}"), facts) for number in range(count)]
