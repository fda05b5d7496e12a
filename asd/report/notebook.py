"""One sample in a notebook cell: `SampleView(row)` shows itself, `print` gives plain text."""

from __future__ import annotations

from pathlib import Path

from asd.report.cards import Card, Row, make_card
from asd.report.html import pictures_of, render_card


class SampleView:
    """One shard row (a dict of `asd.columns.SHARD_SCHEMA`), shown as a card with its image where that exists.

    The picture comes from the row's own bytes, else from its path below `image_root`.
    """

    def __init__(self, row: Row, image_root: Path | None = None) -> None:
        self.row = row
        self.image_root = image_root

    def _repr_html_(self) -> str:
        card = make_card(self.row)
        return render_card(card, pictures_of(card, self.image_root))

    def __repr__(self) -> str:
        card = make_card(self.row)
        lines = [f"{card.sample_id} · {describe_origin(card)}", f"source: {card.where}"]
        lines += [f"image: {path}" for path, _ in card.images]
        lines += ["prompt:", _indent("".join(part.text for part in card.segments))]
        lines += ["response:", _indent(card.response), f"gold: {card.gold}"]
        if card.also_accepted:
            lines.append("also accepted: " + ", ".join(card.also_accepted))
        if card.rewrite:
            lines.append(f"rewriter: {card.rewrite}")
        return "\n".join(lines)


def describe_origin(card: Card) -> str:
    """ "multiple_choice (from short_answer by mined)" """
    made = f"from {card.native_style} by {card.maker}" if card.is_converted else "native"
    return f"{card.style} ({made})"


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
