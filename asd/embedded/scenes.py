"""Pictures of coloured shapes: what is in them, how they are drawn, and true questions about them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 128, 96
COLUMNS, ROWS = 3, 2
COLOURS = {
    "red": (205, 38, 38),
    "blue": (40, 84, 205),
    "green": (38, 145, 62),
    "yellow": (238, 201, 32),
    "purple": (128, 58, 168),
    "orange": (240, 128, 24),
    "pink": (240, 130, 182),
    "brown": (118, 74, 40),
    "black": (22, 22, 22),
}
BACKGROUNDS = ((236, 236, 228), (222, 234, 242), (240, 232, 220), (228, 240, 228))
RADIUS = {"small": 9, "large": 18}
Question = tuple[str, str]
"""Question and answer."""


@dataclass(frozen=True)
class Shape:
    kind: str
    colour: str
    size: str
    column: int
    row: int
    x: int
    y: int

    @property
    def name(self) -> str:
        return f"{self.colour} {self.kind}"

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels."""
        radius = RADIUS[self.size]
        return self.x - radius, self.y - radius, self.x + radius, self.y + radius


@dataclass(frozen=True)
class Scene:
    background: tuple[int, int, int]
    shapes: tuple[Shape, ...]


def make_scene(random: Random) -> Scene:
    """Two to five shapes, each in a cell of its own; no two have both kind and colour in common."""
    cells = random.sample([(column, row) for column in range(COLUMNS) for row in range(ROWS)], random.randint(2, 5))
    shapes: list[Shape] = []
    kinds = random.sample(sorted(OUTLINES), 4)  # few kinds and colours, so that counts above one are common
    colours = random.sample(sorted(COLOURS), 4)
    for column, row in cells:
        taken = {shape.name for shape in shapes}
        kind, colour = random.choice([(k, c) for k in kinds for c in colours if f"{c} {k}" not in taken])
        size = random.choice(sorted(RADIUS))
        x = column * WIDTH // COLUMNS + WIDTH // COLUMNS // 2 + random.randint(-2, 2)
        y = row * HEIGHT // ROWS + HEIGHT // ROWS // 2 + random.randint(-4, 4)
        shapes.append(Shape(kind, colour, size, column, row, x, y))
    return Scene(random.choice(BACKGROUNDS), tuple(shapes))


def draw_scene(scene: Scene) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), scene.background)
    pen = ImageDraw.Draw(image)
    for shape in scene.shapes:
        OUTLINES[shape.kind](pen, shape, COLOURS[shape.colour])
    return image


def _polygon(
    *corners: tuple[float, float],
) -> Callable[[ImageDraw.ImageDraw, Shape, tuple[int, int, int]], None]:
    """Corners in units of the radius, from the centre; every outline reaches all four sides of its box."""

    def draw(pen: ImageDraw.ImageDraw, shape: Shape, fill: tuple[int, int, int]) -> None:
        radius = RADIUS[shape.size]
        pen.polygon([(shape.x + radius * x, shape.y + radius * y) for x, y in corners], fill=fill)

    return draw


def _draw_circle(pen: ImageDraw.ImageDraw, shape: Shape, fill: tuple[int, int, int]) -> None:
    pen.ellipse(shape.box, fill=fill)


def _star_corners() -> Iterator[tuple[float, float]]:
    points = [(math.sin(i * math.pi / 5), -math.cos(i * math.pi / 5)) for i in range(10)]
    corners = [(x * (1 if i % 2 == 0 else 0.42), y * (1 if i % 2 == 0 else 0.42)) for i, (x, y) in enumerate(points)]
    low, high = min(y for _, y in corners), max(y for _, y in corners)
    side = max(x for x, _ in corners)
    for x, y in corners:
        yield x / side, (y - low) / (high - low) * 2 - 1


OUTLINES: dict[str, Callable[[ImageDraw.ImageDraw, Shape, tuple[int, int, int]], None]] = {
    "circle": _draw_circle,
    "square": _polygon((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "triangle": _polygon((0, -1), (1, 1), (-1, 1)),
    "diamond": _polygon((0, -1), (1, 0), (0, 1), (-1, 0)),
    "star": _polygon(*_star_corners()),
    "cross": _polygon(
        (-0.35, -1), (0.35, -1), (0.35, -0.35), (1, -0.35), (1, 0.35), (0.35, 0.35),
        (0.35, 1), (-0.35, 1), (-0.35, 0.35), (-1, 0.35), (-1, -0.35), (-0.35, -0.35),
    ),
}  # fmt: skip


def ask_colour(scene: Scene, random: Random) -> Question | None:
    shape = _pick(scene, random, "kind")
    return (f"What colour is the {shape.kind}?", shape.colour) if shape else None


def ask_kind(scene: Scene, random: Random) -> Question | None:
    shape = _pick(scene, random, "colour")
    return (f"Which shape is {shape.colour}?", shape.kind) if shape else None


def ask_size(scene: Scene, random: Random) -> Question | None:
    shape = random.choice(scene.shapes)
    return f"How big is the {shape.name}, small or large?", shape.size


def ask_count_of_colour(scene: Scene, random: Random) -> Question | None:
    colour = random.choice(scene.shapes).colour
    return f"How many {colour} shapes are there?", str(sum(shape.colour == colour for shape in scene.shapes))


def ask_count_of_kind(scene: Scene, random: Random) -> Question | None:
    kind = random.choice(scene.shapes).kind
    plural = "crosses" if kind == "cross" else f"{kind}s"
    return f"How many {plural} can be seen?", str(sum(shape.kind == kind for shape in scene.shapes))


def ask_count(scene: Scene, random: Random) -> Question | None:
    return "How many shapes does the picture have?", str(len(scene.shapes))


def ask_presence(scene: Scene, random: Random) -> Question | None:
    names = {shape.name for shape in scene.shapes}
    if random.random() < 0.5:
        return f"Is there a {random.choice(sorted(names))}?".replace("a orange", "an orange"), "yes"
    absent = sorted({f"{a.colour} {b.kind}" for a in scene.shapes for b in scene.shapes} - names)
    return (f"Is there a {random.choice(absent)}?".replace("a orange", "an orange"), "no") if absent else None


def ask_left_of(scene: Scene, random: Random) -> Question | None:
    first, second = random.sample(scene.shapes, 2)
    if first.column == second.column:
        return None
    return f"Is the {first.name} left of the {second.name}?", "yes" if first.column < second.column else "no"


def ask_side(scene: Scene, random: Random) -> Question | None:
    shape = random.choice(scene.shapes)
    return f"In which part of the picture is the {shape.name}?", ("left", "middle", "right")[shape.column]


def ask_beside(scene: Scene, random: Random) -> Question | None:
    at = {(shape.column, shape.row): shape for shape in scene.shapes}
    pairs = [(shape, at[shape.column + 1, shape.row]) for shape in scene.shapes if (shape.column + 1, shape.row) in at]
    if not pairs:
        return None
    left, right = random.choice(pairs)
    return f"What is directly to the right of the {left.name}?", right.name


def ask_below(scene: Scene, random: Random) -> Question | None:
    at = {(shape.column, shape.row): shape for shape in scene.shapes}
    pairs = [(shape, at[shape.column, 1]) for shape in scene.shapes if shape.row == 0 and (shape.column, 1) in at]
    if not pairs:
        return None
    above, below = random.choice(pairs)
    return f"What stands below the {above.name}?", below.name


def _pick(scene: Scene, random: Random, trait: str) -> Shape | None:
    """A shape that is alone in its kind or colour."""
    counts = Counter(getattr(shape, trait) for shape in scene.shapes)
    alone = [shape for shape in scene.shapes if counts[getattr(shape, trait)] == 1]
    return random.choice(alone) if alone else None


Asker = Callable[[Scene, Random], Question | None]
ABOUT_RELATIONS: tuple[Asker, ...] = (
    ask_beside, ask_below, ask_left_of, ask_side, ask_colour, ask_kind, ask_presence, ask_size,
)  # fmt: skip
ABOUT_COUNTS: tuple[Asker, ...] = (
    ask_count_of_colour, ask_count_of_kind, ask_count, ask_presence, ask_colour, ask_kind, ask_left_of,
)  # fmt: skip


def ask_questions(scene: Scene, random: Random, count: int, askers: tuple[Asker, ...]) -> list[Question]:
    """At most `count` questions, no two alike; at least one."""
    questions: dict[str, str] = {}
    for asker in random.sample(askers, len(askers)):
        asked = asker(scene, random)
        if asked and len(questions) < count:
            questions.setdefault(*asked)
    return list(questions.items()) or [("How many shapes does the picture have?", str(len(scene.shapes)))]


def square_box(box: tuple[int, int, int, int], width: int, height: int) -> str:
    """Normalised by the longer side after centred padding to a square, two decimals."""
    side = max(width, height)
    left, top = (side - width) / 2, (side - height) / 2
    numbers = (box[0] + left, box[1] + top, box[2] + left, box[3] + top)
    return f"[{','.join(f'{number / side:.2f}' for number in numbers)}]"
