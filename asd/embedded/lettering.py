"""Pictures with something to read: signs, labels and book covers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw, ImageFont

from asd.embedded.scenes import COLOURS

INK = {
    "red": "white",
    "blue": "white",
    "green": "white",
    "purple": "white",
    "brown": "white",
    "black": "white",
}
INK |= {"yellow": "black", "orange": "black"}
NAMES = ("NOVA", "LUMEN", "TIDAL", "ORBIT", "CEDAR", "MAPLE", "DELTA", "RAVEN", "PEARL", "COMET")
STREETS = ("ELM", "MILL", "HARBOUR", "CHURCH", "STATION", "GARDEN", "BRIDGE", "MARKET")
TOWNS = ("Ashford", "Brindle", "Carrow", "Dunmere", "Eastwick", "Farley", "Glenhead")
SHOPS = ("CAFE", "BAKERY", "BOOKS", "FLOWERS", "GARAGE", "PHARMACY")

ADJECTIVES = (
    "Silent",
    "Golden",
    "Broken",
    "Distant",
    "Hidden",
    "Winter",
    "Crimson",
    "Second",
    "Hollow",
    "Paper",
)
NOUNS = ("River", "Garden", "Clock", "Harbour", "Letter", "Mountain", "Mirror", "Orchard", "Engine", "Island")
FIRST_NAMES = ("Ada", "Bruno", "Clara", "Dario", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas")
LAST_NAMES = ("Abel", "Berg", "Costa", "Dunne", "Egan", "Falk", "Grau", "Holm", "Ito", "Jarvis")
GENRES = ("Travel", "Cooking", "History", "Mystery", "Science", "Poetry", "Gardening", "Romance")


@dataclass(frozen=True)
class Sign:
    """Lines of text on a board, and one true question about them."""

    lines: tuple[str, ...]
    question: str
    answer: str


@dataclass(frozen=True)
class Book:
    title: str
    author: str
    genre: str


@lru_cache(maxsize=32)
def font_of(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The font that Pillow brings along, so that no system font changes the bytes."""
    return ImageFont.load_default(size)


def make_sign(random: Random) -> Sign:
    kind = random.choice(("shop", "street", "speed", "price", "bus", "bus_to", "bottle", "clock", "room"))
    name, number = random.choice(NAMES), random.randint(2, 98)
    if kind == "shop":
        shop = random.choice(SHOPS)
        return Sign((name, shop), "What name stands above the word " + shop.lower() + "?", name.lower())
    if kind == "street":
        street = random.choice(STREETS)
        return Sign((street, "STREET"), "What street is this?", f"{street.lower()} street")
    if kind == "speed":
        return Sign(
            ("LIMIT", str(number // 10 * 10 + 10)),
            "What is the limit on the sign?",
            str(number // 10 * 10 + 10),
        )
    if kind == "price":
        price = f"${number % 9 + 1}.{random.choice(('25', '50', '75', '99'))}"
        return Sign(("APPLES", price), "How much do the apples cost?", price)
    if kind in ("bus", "bus_to"):
        town = random.choice(TOWNS)
        asked = (
            ("Which number has the bus?", str(number)) if kind == "bus" else ("Where does the bus go?", town.lower())
        )
        return Sign((f"BUS {number}", town), *asked)
    if kind == "bottle":
        drink = random.choice(("WATER", "JUICE", "COLA", "TEA"))
        return Sign((name, drink), "What kind of drink does the label name?", drink.lower())
    if kind == "clock":
        time = f"{random.randint(1, 12)}:{random.randint(0, 59):02d}"
        return Sign((time,), "What time does the display show?", time)
    return Sign(("ROOM", str(number + 100)), "Which room number is on the plate?", str(number + 100))


def draw_sign(sign: Sign, random: Random) -> Image.Image:
    colour = random.choice(sorted(INK))
    image = Image.new("RGB", (128, 96), random.choice(((150, 190, 220), (176, 168, 156), (198, 206, 190))))
    pen = ImageDraw.Draw(image)
    pen.rectangle((60, 78, 67, 95), fill=(90, 84, 80))
    pen.rounded_rectangle((6, 10, 121, 80), 7, fill=COLOURS[colour], outline=INK[colour], width=2)
    step = 62 // len(sign.lines)
    for number, line in enumerate(sign.lines):
        write_centred(pen, line, 64, 14 + step * number + step // 2, 104, 28, INK[colour])
    return image


def write_centred(
    pen: ImageDraw.ImageDraw,
    text: str,
    x: int,
    y: int,
    width: int,
    size: int,
    fill: str | tuple[int, int, int],
) -> None:
    """As large as fits into `width`, at most `size`."""
    while size > 7 and pen.textlength(text, font=font_of(size)) > width:
        size -= 1
    pen.text((x, y), text, font=font_of(size), fill=fill, anchor="mm")


def make_book(random: Random) -> Book:
    title = f"The {random.choice(ADJECTIVES)} {random.choice(NOUNS)}"
    return Book(title, f"{random.choice(FIRST_NAMES)} {random.choice(LAST_NAMES)}", random.choice(GENRES))


def draw_book(book: Book, random: Random) -> Image.Image:
    colour = random.choice(sorted(INK))
    image = Image.new("RGB", (88, 128), COLOURS[colour])
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 5, 127), fill=tuple(value * 2 // 3 for value in COLOURS[colour]))
    for number, word in enumerate(book.title.split()):
        write_centred(pen, word, 47, 20 + 18 * number, 76, 18, INK[colour])
    left = random.randint(26, 36)
    pen.ellipse((left, 70, left + 26, 92), outline=INK[colour], width=2)
    write_centred(pen, book.author, 47, 102, 78, 12, INK[colour])
    pen.rectangle((6, 113, 87, 127), fill=(245, 245, 240))
    write_centred(pen, book.genre, 47, 120, 76, 11, "black")
    return image


def ask_about_book(book: Book, random: Random) -> list[tuple[str, str]]:
    genre = book.genre if random.random() < 0.5 else random.choice([name for name in GENRES if name != book.genre])
    asked = [
        ("Who is the author of this book?", book.author),
        ("What is this book called?", book.title),
        ("Which genre is printed on the cover?", book.genre),
        (f"Does the cover call this a {genre.lower()} book?", "yes" if genre == book.genre else "no"),
    ]
    return random.sample(asked, 3)
