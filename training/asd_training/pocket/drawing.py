"""Pictures of the pocket benchmark, 48 x 48 pixels: scenes of shapes, signs, objects, book covers, bar charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from asd.embedded.objects import CLASSES, draw_object
from asd_training.pocket.words import COLOURS, COLUMNS, KINDS, ROWS

SIZE = 48
CELL = 16
PITCH = 8
"""Width of a letter with its gap."""
PAPERS = ((236, 236, 228), (222, 234, 242), (240, 232, 220), (228, 240, 228))
OBJECTS = tuple(sorted(CLASSES))
INK = (24, 24, 32)
Mark = tuple[str, int, int]
"""A letter, and the line and column of the 8-pixel grid where it stands."""
_FONT = ImageFont.load_default_imagefont()  # a bitmap font: the same pixels wherever Pillow runs


@dataclass(frozen=True)
class Shape:
    kind: str
    colour: str
    column: int
    row: int
    x: int
    y: int
    radius: int

    @property
    def name(self) -> str:
        return f"{self.colour} {self.kind}"

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels."""
        return self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius

    @property
    def place(self) -> str:
        return f"{ROWS[self.row]} {COLUMNS[self.column]}"

    @property
    def box_text(self) -> str:
        """Corners as shares of the side of the (square) image, two decimals, CoIN's way."""
        return f"[{','.join(f'{edge / SIZE:.2f}' for edge in self.box)}]"


def make_scene(random: Random, least: int = 2, most: int = 4) -> tuple[Shape, ...]:
    """Shapes in cells of their own; no two have both kind and colour in common."""
    cells = random.sample([(column, row) for column in range(3) for row in range(3)], random.randint(least, most))
    kinds, colours = random.sample(KINDS, 3), random.sample(list(COLOURS), 3)
    names = random.sample([(kind, colour) for kind in kinds for colour in colours], len(cells))
    shapes = []
    for (column, row), (kind, colour) in zip(cells, names, strict=True):
        x, y = (CELL * at + CELL // 2 + random.randint(-1, 1) for at in (column, row))
        shapes.append(Shape(kind, colour, column, row, x, y, random.randint(5, 7)))
    return tuple(shapes)


def draw_scene(shapes: Sequence[Shape], random: Random) -> Image.Image:
    image = Image.new("RGB", (SIZE, SIZE), random.choice(PAPERS))
    pen = ImageDraw.Draw(image)
    for shape in shapes:
        _draw_shape(pen, shape)
    return image


def _draw_shape(pen: ImageDraw.ImageDraw, shape: Shape) -> None:
    left, top, right, bottom = shape.box
    fill = COLOURS[shape.colour]
    if shape.kind == "circle":
        pen.ellipse(shape.box, fill=fill)
    elif shape.kind == "square":
        pen.rectangle(shape.box, fill=fill)
    elif shape.kind == "triangle":
        pen.polygon([(shape.x, top), (right, bottom), (left, bottom)], fill=fill)
    elif shape.kind == "diamond":
        pen.polygon([(shape.x, top), (right, shape.y), (shape.x, bottom), (left, shape.y)], fill=fill)
    else:
        pen.rectangle((shape.x - 1, top, shape.x + 1, bottom), fill=fill)
        pen.rectangle((left, shape.y - 1, right, shape.y + 1), fill=fill)


def draw_sign(lines: Sequence[str], random: Random, marks: list[Mark] | None = None) -> Image.Image:
    """One or two lines of at most six letters, dark on a pale board. `marks` gains where each letter stands."""
    image = Image.new("RGB", (SIZE, SIZE), random.choice(PAPERS))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 4, SIZE - 1, SIZE - 5), outline=COLOURS[random.choice(["blue", "green", "black"])])
    tops = (8, 24) if len(lines) == 2 else (random.choice((8, 16, 24)),)
    for line, top in zip(lines, tops, strict=True):
        _write(pen, line.upper(), top + random.randint(0, 1), random, marks)
    return image


def draw_book(title: str, author: str, colour: str, random: Random, marks: list[Mark] | None = None) -> Image.Image:
    """A cover of one colour with the title on a white field and the author's name on a grey one."""
    image = Image.new("RGB", (SIZE, SIZE), COLOURS[colour])
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 7, SIZE - 1, 19), fill=(250, 250, 246))
    pen.rectangle((0, 31, SIZE - 1, 43), fill=(214, 214, 214))
    _write(pen, title.upper(), 8, random, marks)
    _write(pen, author.upper(), 32, random, marks)
    return image


def _write(pen: ImageDraw.ImageDraw, text: str, top: int, random: Random, marks: list[Mark] | None) -> None:
    first = random.randint(0, SIZE // PITCH - len(text))
    for place, letter in enumerate(text, first):
        pen.text((PITCH * place + 1, top - 1), letter, fill=INK, font=_FONT)
        if marks is not None:
            marks.append((letter, top // PITCH, place))


def draw_chart(bars: Sequence[tuple[str, int]], random: Random) -> Image.Image:
    """Bars side by side: (colour, height in pixels)."""
    image = Image.new("RGB", (SIZE, SIZE), random.choice(PAPERS))
    pen = ImageDraw.Draw(image)
    for place, (colour, height) in enumerate(bars):
        left = 4 + place * 15
        pen.rectangle((left, SIZE - 4 - height, left + 9, SIZE - 4), fill=COLOURS[colour])
    pen.line((1, SIZE - 3, SIZE - 2, SIZE - 3), fill=(50, 44, 40))
    return image


def draw_thing(name: str, random: Random) -> Image.Image:
    """One of `OBJECTS`, a little turned, in a random colour."""
    return draw_object(name, random).resize((SIZE, SIZE), Image.Resampling.BOX)


def blur(image: Image.Image, random: Random, *, hopeless: bool) -> Image.Image:
    """A photograph out of focus: a little, or so much that nothing can be told."""
    return image.filter(ImageFilter.GaussianBlur(14 if hopeless else random.uniform(0.2, 0.7)))
