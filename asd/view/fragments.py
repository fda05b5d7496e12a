"""Pieces of the viewer's page, as HTML in which everything from the data is made visible and escaped; cards are the report's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from asd.pictures import PictureError, picture_size
from asd.quality.oddities import Oddity
from asd.report.cards import Card, Row, make_card
from asd.report.html import MAX_PICTURES, card_fragment, place_boxes, render_overview
from asd.report.page_parts import stylesheet, templates_in
from asd.report.thumbnails import NoImageError, Thumbnail, has_image, read_image
from asd.report.visible_text import visible
from asd.shards.manifest import Manifest
from asd.shards.marks import Mark
from asd.view.figures import FiguresInBackground

_FOLDER = Path(__file__).parent
_CUT = 160
_ORIGIN = (
    "source_id",
    "split",
    "group",
    "turn",
    "source_file",
    "source_row",
    "native_style",
    "template",
    "seed",
    "checks",
)


@dataclass(frozen=True, slots=True)
class Item:
    """A row in the list."""

    number: int
    card: Card
    mark: Mark | None
    oddities: list[Oddity]
    change: str
    image_root: Path | None

    @property
    def has_image(self) -> bool:
        """Whether there is a picture to show beside it."""
        return bool(self.card.images) and has_image(*self.card.images[0], self.image_root)

    @property
    def said(self) -> str:
        """The response; of a letter the answer, too."""
        response, gold = self.card.response, self.card.gold
        return f"{response} · {gold}" if self.card.style == "multiple_choice" and gold != response else response

    @property
    def suspicion(self) -> int:
        """Points of its oddities."""
        return sum(oddity.points for oddity in self.oddities)


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row in full, and where its images are."""

    version: str
    number: int
    row: Row
    image_root: Path | None

    @property
    def origin(self) -> list[tuple[str, str]]:
        """Columns that say where it came from, as text."""
        named = [(name, self.row.get(name)) for name in _ORIGIN]
        return [(name, visible(_plain(value))) for name, value in named if value not in (None, "", [])]

    @property
    def declined(self) -> list[str]:
        """Why the rewriter's text was not taken, style by style."""
        return [visible(reason) for reason in (self.row.get("rewrite") or {}).get("declined") or []]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def page(title: str) -> str:
    """The page itself; it holds no data but its title, and asks for the rest."""
    return templates_in(_FOLDER).get_template("page.html.jinja").render(title=visible(title))


@lru_cache
def styles() -> str:
    """The style sheet: the report's and the viewer's own."""
    return f"{stylesheet('card.css', 'report.css')}\n{(_FOLDER / 'view.css').read_text('utf-8')}"


@lru_cache
def icon() -> str:
    """The page's icon, as SVG."""
    return (_FOLDER / "icon.svg").read_text("utf-8")


@lru_cache
def script() -> str:
    """The page's script."""
    return (_FOLDER / "view.js").read_text("utf-8")


def items(shown: Sequence[Item], version: str) -> str:
    """List items of a page of rows."""
    return (
        templates_in(_FOLDER).get_template("items.html.jinja").render(items=shown, image=partial_url(version), cut=_cut)
    )


def partial_url(version: str) -> Any:
    """Number and place of an image -> its address, relative to the page."""

    def address(number: int, place: int, side: int) -> str:
        return "image?" + urlencode({"v": version, "n": number, "i": place, "side": side})

    return address


def detail(shown: Sequence[ShownRow], oddities: Sequence[Oddity], change: str) -> str:
    """One row in full; with a second one, both beside each other."""
    cards = [(row, _card(row)) for row in shown]
    return templates_in(_FOLDER).get_template("detail.html.jinja").render(cards=cards, oddities=oddities, change=change)


def _card(shown: ShownRow) -> Markup:
    card = make_card(shown.row)
    address = partial_url(shown.version)
    thumbnails = [
        _linked(path, data, shown.image_root, address(shown.number, place, 768))
        for place, (path, data) in enumerate(card.images[:MAX_PICTURES])
    ]
    return card_fragment(card, place_boxes(card, thumbnails))


def _linked(path: str, data: bytes | None, root: Path | None, address: str) -> Thumbnail:
    """A picture that the page asks for when it is shown; its size is needed for boxes in pixels."""
    try:
        return Thumbnail(address, path, "", picture_size(read_image(path, data, root)))
    except NoImageError as exc:
        return Thumbnail(None, path, str(exc))
    except PictureError as exc:
        return Thumbnail(None, path, f"not a readable image: {exc}")


def as_json(row: Row) -> str:
    """The row as indented JSON; image bytes as their number."""
    return json.dumps(row, indent=1, ensure_ascii=False, default=_size_of)


def _size_of(value: object) -> str:
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else str(value)


def overview(manifest: Manifest, figures: FiguresInBackground) -> str:
    """The version as a whole, as in the report."""
    state = "The quality figures are being measured." if not figures.is_done else visible(figures.trouble)
    return render_overview(manifest.model_dump(mode="json"), figures.figures, state)


def rejects(entries: Sequence[Mapping[str, Any]]) -> str:
    """A table of source rows that are no samples."""
    names = ("file", "row", "source_id", "reason", "detail")
    rows = [[visible(reject.get(name)) for name in names] for reject in entries]
    return templates_in(_FOLDER).get_template("rejects.html.jinja").render(names=names, rows=rows)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CUT else line[: _CUT - 1] + "…"
