"""School-science questions with options: on drawn pictures, on a hint, or on neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

from asd.embedded.lettering import font_of, write_centred
from asd.embedded.scenes import COLOURS

VILLAGES = ("Ash", "Carr", "Dunn", "Farn", "Glen", "Holt", "Mere")
SOLIDS = ("an iron nail", "a glass marble", "a wooden spoon", "a gold ring", "a stone")
LIQUIDS = ("orange juice", "rain water", "olive oil", "milk", "vinegar")
GASES = ("the air in a balloon", "steam from a kettle", "the helium in a party balloon", "oxygen")
LAY_EGGS = ("a robin", "a salmon", "a tortoise", "a penguin", "a goldfish", "a crocodile")
BEAR_YOUNG = ("a horse", "a rabbit", "a dolphin", "a bat", "a wolf", "a whale")
LENGTHS = (
    ("the length of a pencil", "centimetres"),
    ("the thickness of a coin", "millimetres"),
    ("the length of a school bus", "metres"),
    ("the distance between two cities", "kilometres"),
)


@dataclass(frozen=True)
class Problem:
    question: str
    options: tuple[str, ...]
    answer: int
    lecture: str
    solution: str
    hint: str = ""
    image: Image.Image | None = None


def make_problem(random: Random) -> Problem:
    makers: tuple[Callable[[Random], Problem], ...] = (
        _rain_chart, _rain_chart, _magnets, _magnets, _thermometers, _state_of_matter, _egg_layers,
        _best_unit,
    )  # fmt: skip
    return random.choice(makers)(random)


def _deal(random: Random, right: str, wrong: list[str]) -> tuple[tuple[str, ...], int]:
    options = [right, *wrong]
    random.shuffle(options)
    return tuple(options), options.index(right)


def _rain_chart(random: Random) -> Problem:
    villages = random.sample(VILLAGES, random.randint(3, 5))
    heights = random.sample(range(12, 74, 8), len(villages))
    asks_most = random.random() < 0.5
    right = villages[heights.index(max(heights) if asks_most else min(heights))]
    image = Image.new("RGB", (128, 112), "white")
    pen = ImageDraw.Draw(image)
    step = 120 // len(villages)
    for number, (village, height) in enumerate(zip(villages, heights, strict=True)):
        left = 6 + number * step
        pen.rectangle((left + 3, 94 - height, left + step - 4, 94), fill=COLOURS["blue"])
        write_centred(pen, village, left + step // 2, 103, step - 1, 11, "black")
    pen.line((3, 95, 125, 95), fill="black", width=1)
    extreme, which = ("tallest", "most") if asks_most else ("shortest", "least")
    options, answer = _deal(random, right, [village for village in villages if village != right])
    return Problem(
        f"Which village got the {which} rain?", options, answer,
        "In a bar chart, the height of a bar stands for an amount, so a taller bar stands for more.",
        f"The bar of {right} is the {extreme} of all, so {right} got the {which} rain.",
        "The chart shows how much rain fell in some villages in one week.", image,
    )  # fmt: skip


def _magnets(random: Random) -> Problem:
    poles = [random.choice(("NS", "SN")) for _ in range(2)]
    image = Image.new("RGB", (128, 64), (240, 240, 236))
    pen = ImageDraw.Draw(image)
    for left, pair in zip((6, 70), poles, strict=True):
        for offset, pole in zip((0, 26), pair, strict=True):
            pen.rectangle((left + offset, 20, left + offset + 26, 44), fill=COLOURS["red" if pole == "N" else "blue"])
            pen.text((left + offset + 13, 32), pole, font=font_of(16), fill="white", anchor="mm")
    facing = poles[0][1], poles[1][0]
    right = "attract" if facing[0] != facing[1] else "repel"
    options, answer = _deal(random, right, ["repel" if right == "attract" else "attract"])
    kinds = "different poles" if right == "attract" else "the same pole"
    return Problem(
        "Will these two magnets attract or repel each other?", options, answer,
        "Unlike poles of magnets pull each other, like poles push each other away.",
        f"The ends that face each other are {facing[0]} and {facing[1]}, {kinds}, so the magnets {right}.",
        "Two bar magnets lie in line on a table, as shown. N is a north pole and S a south pole.", image,
    )  # fmt: skip


def _thermometers(random: Random) -> Problem:
    names = ("Cup 1", "Cup 2", "Cup 3")[: random.randint(2, 3)]
    levels = random.sample(range(14, 66, 10), len(names))
    image = Image.new("RGB", (112, 104), (250, 248, 240))
    pen = ImageDraw.Draw(image)
    for number, (name, level) in enumerate(zip(names, levels, strict=True)):
        x = 112 * (2 * number + 1) // (2 * len(names))
        pen.rounded_rectangle((x - 5, 6, x + 5, 82), 5, fill="white", outline="black")
        pen.rectangle((x - 2, 76 - level, x + 2, 78), fill=COLOURS["red"])
        pen.ellipse((x - 8, 72, x + 8, 88), fill=COLOURS["red"])
        write_centred(pen, name, x, 96, 36, 11, "black")
    right = names[levels.index(max(levels))]
    options, answer = _deal(random, right, [name for name in names if name != right])
    return Problem(
        "Which cup holds the warmest water?", options, answer,
        "The liquid in a thermometer expands when it gets warmer, so it stands higher.",
        f"The red column stands highest for {right}, so its water is the warmest.",
        image=image,
    )  # fmt: skip


def _state_of_matter(random: Random) -> Problem:
    groups = {"solid": SOLIDS, "liquid": LIQUIDS, "gas": GASES}
    wanted = random.choice(sorted(groups))
    right = random.choice(groups[wanted])
    others = [item for state, items in groups.items() if state != wanted for item in items]
    options, answer = _deal(random, right, random.sample(others, random.randint(1, 4)))
    facts = {
        "solid": "keeps its own shape and volume",
        "liquid": "takes the shape of its container but keeps its volume",
        "gas": "spreads out and fills all of its container",
    }
    lecture = " ".join(f"A {state} {fact}." for state, fact in facts.items())
    return Problem(
        f"Which of these is a {wanted}?", options, answer,
        f"Matter comes as solid, liquid or gas. {lecture}",
        f"{right[0].upper()}{right[1:]} {facts[wanted]}, so it is a {wanted}.",
    )  # fmt: skip


def _egg_layers(random: Random) -> Problem:
    lays = random.random() < 0.5
    group, rest = (LAY_EGGS, BEAR_YOUNG) if lays else (BEAR_YOUNG, LAY_EGGS)
    right = random.choice(group)
    options, answer = _deal(random, right, random.sample(rest, random.randint(1, 3)))
    how = "lays eggs" if lays else "gives birth to live young"
    return Problem(
        f"Which of these animals {how}?", options, answer,
        "Birds, most fish and many reptiles lay eggs. Almost all mammals give birth to live young.",
        f"Of these animals, only {right} {how}.",
        "Animals have young in different ways: some hatch from eggs, others are born alive.",
    )  # fmt: skip


def _best_unit(random: Random) -> Problem:
    thing, right = random.choice(LENGTHS)
    units = [unit for _, unit in LENGTHS if unit != right]
    options, answer = _deal(random, right, random.sample(units, random.randint(1, 3)))
    return Problem(
        f"Which of these units suits {thing} best?", options, answer,
        "A unit suits a length if the number that goes with it is neither very large nor very small.",
        f"Measured in {right}, {thing} is a handy number, so {right} suit best.",
    )  # fmt: skip
