"""True questions about the pictures, each with its short answer and a full sentence that states it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from asd_training.pocket.drawing import Shape
from asd_training.pocket.words import COLOURS, COLUMNS, GENRES, KINDS, PLURALS, ROWS, with_article


class Asked(NamedTuple):
    question: str
    answer: str
    sentence: str


Scene = tuple[Shape, ...]
Asker = Callable[[Scene, Random], Asked | None]


def ask_colour(scene: Scene, random: Random) -> Asked | None:
    shape = _alone(scene, random, "kind")
    if shape is None:
        return None
    return Asked(f"What colour is the {shape.kind}?", shape.colour, f"The {shape.kind} is {shape.colour}.")


def ask_kind(scene: Scene, random: Random) -> Asked | None:
    shape = _alone(scene, random, "colour")
    if shape is None:
        return None
    return Asked(f"Which shape is {shape.colour}?", shape.kind, f"The {shape.kind} is {shape.colour}.")


def ask_column(scene: Scene, random: Random) -> Asked:
    shape, side = _pick(scene, random)
    where = "in the middle" if side == "middle" else f"on the {side}"
    return Asked(f"On which side of the picture is the {shape.name}?", side, f"The {shape.name} is {where}.")


def ask_left_of(scene: Scene, random: Random) -> Asked | None:
    first, second = random.sample(scene, 2)
    if first.column == second.column:
        return None
    answer = "yes" if first.column < second.column else "no"
    side = "left" if answer == "yes" else "right"
    question = f"Is the {first.name} left of the {second.name}?"
    return Asked(question, answer, f"{answer.capitalize()}, the {first.name} is {side} of the {second.name}.")


def ask_above(scene: Scene, random: Random) -> Asked | None:
    first, second = random.sample(scene, 2)
    if first.row == second.row:
        return None
    answer = "yes" if first.row < second.row else "no"
    side = "above" if answer == "yes" else "below"
    question = f"Is the {first.name} above the {second.name}?"
    return Asked(question, answer, f"{answer.capitalize()}, the {first.name} is {side} the {second.name}.")


def ask_count(scene: Scene, random: Random) -> Asked:
    return Asked("How many shapes are there?", str(len(scene)), f"There are {len(scene)} shapes.")


def ask_count_of_colour(scene: Scene, random: Random) -> Asked:
    colour = random.choice(scene).colour
    count = sum(shape.colour == colour for shape in scene)
    said = "is 1" if count == 1 else f"are {count}"
    sentence = f"There {said} {colour} shape{'' if count == 1 else 's'}."
    return Asked(f"How many {colour} shapes are there?", str(count), sentence)


def ask_count_of_kind(scene: Scene, random: Random) -> Asked:
    kind = random.choice(scene).kind
    count = sum(shape.kind == kind for shape in scene)
    said = f"is 1 {kind}" if count == 1 else f"are {count} {PLURALS[kind]}"
    return Asked(f"How many {PLURALS[kind]} are there?", str(count), f"There {said}.")


def ask_presence(scene: Scene, random: Random) -> Asked:
    names = {shape.name for shape in scene}
    if random.random() < 0.5:
        name = random.choice(sorted(names))
        return Asked(f"Is there {with_article(name)}?", "yes", f"Yes, there is {with_article(name)}.")
    near = {f"{a.colour} {b.kind}" for a in scene for b in scene}
    near |= {f"{shape.colour} {random.choice(KINDS)}" for shape in scene}
    near |= {f"{random.choice(list(COLOURS))} {shape.kind}" for shape in scene}
    absent = sorted(near - names) or [name for c in COLOURS for k in KINDS if (name := f"{c} {k}") not in names]
    name = random.choice(absent)
    return Asked(f"Is there {with_article(name)}?", "no", f"No, there is no {name}.")


def ask_place(scene: Scene, random: Random) -> Asked:
    shape = random.choice(scene)
    question = f"What shape is at the {ROWS[shape.row]} {COLUMNS[shape.column]}?"
    return Asked(question, shape.kind, f"The shape at the {shape.place} is {with_article(shape.kind)}.")


ABOUT_RELATIONS: tuple[Asker, ...] = (ask_colour, ask_kind, ask_column, ask_left_of, ask_above)
ABOUT_COUNTS: tuple[Asker, ...] = (
    ask_count,
    ask_count_of_colour,
    ask_count_of_kind,
    ask_presence,
    ask_place,
    ask_colour,
)


def ask(scene: Scene, random: Random, count: int, askers: Sequence[Asker]) -> list[Asked]:
    """`count` questions, or fewer where the scene has no more; no two alike, at least one."""
    questions: dict[str, Asked] = {}
    for asker in random.sample(askers, len(askers)):
        asked = asker(scene, random)
        if asked and len(questions) < count:
            questions.setdefault(asked.question, asked)
    return list(questions.values()) or [ask_column(scene, random)]


def _pick(scene: Scene, random: Random) -> tuple[Shape, str]:
    shape = random.choice(scene)
    return shape, COLUMNS[shape.column]


def _alone(scene: Scene, random: Random, trait: str) -> Shape | None:
    """A shape that is alone in its kind or colour."""
    counts = Counter(getattr(shape, trait) for shape in scene)
    alone = [shape for shape in scene if counts[getattr(shape, trait)] == 1]
    return random.choice(alone) if alone else None


def ask_about_sign(lines: Sequence[str]) -> list[Asked]:
    places = ("top", "bottom") if len(lines) == 2 else ("",)
    asked = []
    for line, place in zip(lines, places, strict=True):
        where = f"at the {place} of the sign" if place else "on the sign"
        sort = "number" if line.isdigit() else "word"
        asked.append(Asked(f"What {sort} is {where}?", line, f"The {sort} {where} is {line}."))
    return asked


def ask_about_book(title: str, author: str, colour: str, random: Random) -> list[Asked]:
    genre = GENRES[colour]
    asked = [
        Asked("What is the title of this book?", title, f"The title of this book is {title}."),
        Asked("Who wrote this book?", author, f"{author} wrote this book."),
        Asked("What is the genre of this book?", genre, f"This is a book about {genre}."),
    ]
    other = random.choice([name for name in GENRES.values() if name != genre])
    guess = random.choice((genre, other))
    answer, sentence = ("Yes", f"Yes, it is about {genre}.") if guess == genre else ("No", f"No, it is about {genre}.")
    asked.append(Asked(f"Is this book about {guess}?", answer, sentence))
    return random.sample(asked, 3)
