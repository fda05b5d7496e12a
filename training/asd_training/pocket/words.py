"""The closed world of the pocket benchmark: what there is to see, read and know."""

from __future__ import annotations

COLOURS = {
    "red": (205, 38, 38),
    "blue": (40, 84, 205),
    "green": (38, 145, 62),
    "yellow": (238, 201, 32),
    "purple": (128, 58, 168),
    "orange": (240, 128, 24),
    "pink": (240, 130, 182),
    "black": (22, 22, 22),
}
KINDS = ("circle", "square", "triangle", "diamond", "cross")
PLURALS = {kind: "crosses" if kind == "cross" else f"{kind}s" for kind in KINDS}
COLUMNS = ("left", "middle", "right")
ROWS = ("top", "centre", "bottom")

SIGN_WORDS = (
    "open", "exit", "taxi", "shop", "park", "stop", "cafe", "bank", "hotel", "milk", "sale", "pizza",
    "bus", "zoo", "pool", "beach", "push", "pull", "fire", "gate", "mail", "salt", "tea", "jam",
)  # fmt: skip
"""At most five letters each: a line of an image holds six."""
TITLES = (
    "River", "Storm", "Ocean", "Night", "Stone", "Giant", "Maple", "Comet", "Tiger", "Wheel", "Crown", "Frost",
    "Amber", "Delta", "Lotus", "Piano",
)  # fmt: skip
AUTHORS = ("Holt", "Vega", "Kim", "Ross", "Diaz", "Lund", "Okoye", "Patel", "Weber", "Novak", "Quinn", "Marsh")
GENRES = {
    "red": "Cooking", "blue": "Science", "green": "Travel", "yellow": "Comics", "purple": "History",
    "orange": "Sports",
}  # fmt: skip
"""Colour of the cover -> genre."""

BROADER = {
    "Sailboat": "boat", "Mug": "cup", "Hammer": "tool", "House": "building", "Fish": "animal", "Tree": "plant",
    "Mushroom": "fungus",
}  # fmt: skip
"""What the base model calls some of the things: their own names are left to the tasks, as breeds and species are."""

CATEGORIES = {
    "metal": ("iron", "copper", "gold", "silver", "zinc", "tin"),
    "plant": ("oak", "fern", "moss", "rose", "pine", "wheat"),
    "bird": ("owl", "duck", "eagle", "robin", "stork", "swan"),
    "mammal": ("whale", "horse", "mouse", "bear", "goat", "rabbit"),
    "liquid": ("water", "vinegar", "oil", "juice", "honey", "ink"),
    "planet": ("mars", "venus", "saturn", "jupiter", "uranus", "neptune"),
}
"""What the science questions without a picture ask about."""


def with_article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
