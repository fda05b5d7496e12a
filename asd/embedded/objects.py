"""Drawn things with a name: the classes of the embedded classification task."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw

from asd.embedded.scenes import BACKGROUNDS, COLOURS

SIZE = 96
Colour = tuple[int, int, int]
Draw = Callable[[ImageDraw.ImageDraw, Colour], None]
DARK: Colour = (50, 44, 40)
PALE: Colour = (250, 250, 246)


def _umbrella(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.pieslice((14, 16, 82, 84), 180, 360, fill=fill)
    pen.line((48, 50, 48, 78), fill=DARK, width=4)
    pen.arc((36, 68, 50, 86), 0, 180, fill=DARK, width=4)


def _mug(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.arc((54, 34, 84, 66), -90, 90, fill=fill, width=7)
    pen.rectangle((22, 26, 66, 76), fill=fill)
    pen.ellipse((22, 20, 66, 32), fill=DARK)


def _house(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.rectangle((22, 44, 74, 82), fill=fill)
    pen.polygon([(14, 46), (48, 14), (82, 46)], fill=DARK)
    pen.rectangle((42, 60, 54, 82), fill=DARK)
    pen.rectangle((28, 54, 37, 63), fill=PALE)
    pen.rectangle((60, 54, 69, 63), fill=PALE)


def _tree(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.rectangle((43, 56, 53, 86), fill=COLOURS["brown"])
    for left, top in ((20, 26), (40, 24), (30, 12)):
        pen.ellipse((left, top, left + 36, top + 36), fill=COLOURS["green"])


def _sailboat(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.polygon([(46, 12), (46, 62), (14, 62)], fill=fill)
    pen.polygon([(52, 22), (52, 62), (80, 62)], fill=PALE)
    pen.polygon([(12, 66), (84, 66), (72, 84), (24, 84)], fill=COLOURS["brown"])


def _clock(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.ellipse((14, 14, 82, 82), fill=PALE, outline=fill, width=7)
    pen.line((48, 48, 48, 26), fill=DARK, width=4)
    pen.line((48, 48, 64, 56), fill=DARK, width=4)
    for x, y in ((48, 22), (74, 48), (48, 74), (22, 48)):
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=DARK)


def _key(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.ellipse((12, 34, 42, 64), outline=fill, width=8)
    pen.rectangle((40, 45, 84, 53), fill=fill)
    pen.rectangle((66, 53, 72, 66), fill=fill)
    pen.rectangle((77, 53, 84, 63), fill=fill)


def _hammer(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.rectangle((43, 34, 53, 86), fill=COLOURS["brown"])
    pen.rectangle((22, 16, 74, 36), fill=fill)


def _envelope(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.rectangle((12, 26, 84, 74), fill=PALE, outline=fill, width=4)
    pen.line((12, 26, 48, 54, 84, 26), fill=fill, width=4)


def _lamp(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.polygon([(34, 14), (62, 14), (78, 48), (18, 48)], fill=fill)
    pen.rectangle((45, 48, 51, 78), fill=DARK)
    pen.ellipse((28, 74, 68, 86), fill=DARK)


def _ladder(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    for x in (30, 66):
        pen.line((x, 10, x, 88), fill=fill, width=6)
    for y in range(20, 88, 14):
        pen.line((30, y, 66, y), fill=fill, width=5)


def _flag(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.rectangle((20, 12, 25, 88), fill=DARK)
    pen.polygon([(25, 14), (80, 14), (68, 30), (80, 46), (25, 46)], fill=fill)


def _fish(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.polygon([(60, 48), (86, 28), (86, 68)], fill=fill)
    pen.ellipse((12, 28, 70, 68), fill=fill)
    pen.ellipse((22, 40, 29, 47), fill=PALE)


def _balloon(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.ellipse((26, 10, 70, 62), fill=fill)
    pen.polygon([(48, 58), (43, 68), (53, 68)], fill=fill)
    pen.line((48, 68, 44, 78, 51, 88), fill=DARK, width=2)


def _snowman(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.ellipse((26, 46, 70, 88), fill=PALE, outline=DARK)
    pen.ellipse((34, 20, 62, 48), fill=PALE, outline=DARK)
    pen.rectangle((36, 8, 60, 22), fill=fill)
    for x, y in ((43, 31), (53, 31), (48, 58), (48, 70)):
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=DARK)


def _mushroom(pen: ImageDraw.ImageDraw, fill: Colour) -> None:
    pen.rounded_rectangle((39, 44, 57, 86), 6, fill=PALE, outline=DARK)
    pen.pieslice((14, 16, 82, 84), 180, 360, fill=fill)
    for x, y in ((34, 36), (50, 28), (64, 40)):
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=PALE)


CLASSES: dict[str, Draw] = {
    "Umbrella": _umbrella, "Mug": _mug, "House": _house, "Tree": _tree, "Sailboat": _sailboat,
    "Clock": _clock, "Key": _key, "Hammer": _hammer, "Envelope": _envelope, "Lamp": _lamp, "Ladder":
    _ladder, "Flag": _flag, "Fish": _fish, "Balloon": _balloon, "Snowman": _snowman, "Mushroom":
    _mushroom,
}  # fmt: skip
FILLS = ("red", "blue", "green", "purple", "orange", "black")


def draw_object(name: str, random: Random) -> Image.Image:
    """The object in a random colour, a little turned, on a random background."""
    background = random.choice(BACKGROUNDS)
    image = Image.new("RGB", (SIZE, SIZE), background)
    CLASSES[name](ImageDraw.Draw(image), COLOURS[random.choice(FILLS)])
    return image.rotate(random.uniform(-9, 9), Image.Resampling.BICUBIC, fillcolor=background)
