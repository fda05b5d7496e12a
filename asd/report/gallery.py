"""Several rows in a notebook cell: cards with their images, before and after side by side, and a filter by style.

Plain HTML and CSS in one piece, so that it shows itself wherever `_repr_html_` is shown; no script and no widget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from asd.errors import UnknownNameError, UsageError
from asd.report.cards import Card, Row, make_card
from asd.report.html import pictures_of, style_order
from asd.report.notebook import SampleView, describe_origin
from asd.report.page_parts import stylesheet, templates_in
from asd.schemas.styles import Maker, parse_style
from asd.shown_text import shown_on_line

_LINE = 60
_MOST_HANDED_OVER = 1_000_000
"""Rows that are taken from an iterator before those to show are picked."""

_FOLDER = Path(__file__).parent


class Gallery:
    """Rows as cards. `rows` holds those that are shown."""

    def __init__(self, rows: Sequence[Row], image_roots: Sequence[Path | None], num_matching: int) -> None:
        self.rows, self.image_roots, self.num_matching = list(rows), list(image_roots), num_matching

    def _repr_html_(self) -> str:
        cards = [make_card(row) for row in self.rows]
        styles = sorted({card.style for card in cards}, key=style_order)
        template = templates_in(_FOLDER).get_template("gallery.html.jinja")
        return template.render(
            css=stylesheet("card.css", "gallery.css"),
            told=self._told(),
            name="asd-" + xxhash.xxh3_64_hexdigest("\n".join(card.sample_id for card in cards).encode()),
            styles=[(number, style, sum(card.style == style for card in cards)) for number, style in enumerate(styles)],
            cards=[
                (styles.index(card.style), card, pictures_of(card, root))
                for card, root in zip(cards, self.image_roots, strict=True)
            ],
        )

    def __repr__(self) -> str:
        return "\n".join([self._told(), *(_line(make_card(row)) for row in self.rows)])

    def _told(self) -> str:
        if not self.rows:
            return "no samples"
        return f"{len(self.rows):,} of {self.num_matching:,} samples"


def show(
    rows: Any,
    n: int = 12,
    *,
    style: str | Sequence[str] | None = None,
    maker: str | Sequence[str] | None = None,
    image_root: Path | None = None,
) -> SampleView | Gallery:
    """What `asd.show` does; see there."""
    if isinstance(rows, str | Path):
        from asd.shards.reader import load

        rows = load(rows)
    root = image_root if image_root is not None else _recorded_root(rows)
    if isinstance(rows, Mapping) and not _is_batch(rows):
        return SampleView(dict(rows), root)
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"n = {n!r}: give the number of samples to show, at least 1; image_root is a keyword.")
    styles = {parse_style(name).value for name in _names(style)}
    makers = {_maker(name) for name in _names(maker)}
    table = _Rows(rows)
    matching = _matching(table, styles, makers)
    shown = table.take(_spread(table, matching, n))
    return Gallery(shown, [root if root is not None else _recorded_root(row) for row in shown], len(matching))


def _recorded_root(rows: Any) -> Path | None:
    """Of what `asd.load` gave: the rows, or one of them."""
    root = getattr(rows, "image_root", None)
    return None if root is None else Path(root)


def _names(given: str | Sequence[str] | None) -> Sequence[str]:
    return () if given is None else [given] if isinstance(given, str) else given


def _maker(name: str) -> str:
    known = [maker.value for maker in Maker]
    if name not in known:
        raise UnknownNameError("maker", name, known)
    return name


def _is_batch(rows: Mapping[str, Any]) -> bool:
    """Whether it is `rows[:5]`, columns of several rows, which `datasets` gives as a dict of lists."""
    return isinstance(rows.get("prompt", rows.get("id")), list)


class _Rows:
    """Rows by number, from whatever holds them, without making dicts of those that are not shown."""

    def __init__(self, rows: Any) -> None:
        if hasattr(rows, "to_arrow") and hasattr(rows, "to_dicts"):  # polars
            rows = rows.to_arrow()
        if isinstance(rows, Mapping):
            rows = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
        elif not hasattr(rows, "column_names") and not isinstance(rows, pa.RecordBatch | Sequence):
            rows = list(islice(_iterated(rows), _MOST_HANDED_OVER))
        self._held = rows
        self.names: list[str] = [] if isinstance(rows, Sequence) else _column_names(rows)

    def __len__(self) -> int:
        return len(self._held)

    def column(self, name: str) -> pa.Array | pa.ChunkedArray | None:
        """None where the rows do not have it."""
        if isinstance(self._held, Sequence):
            return pa.array([_row_of(row).get(name) for row in self._held], pa.string())
        if name not in self.names:
            return None
        if hasattr(self._held, "select_columns"):  # a datasets.Dataset
            return self._held.select_columns([name]).with_format("arrow")[:][name]
        return self._held.column(name)

    def take(self, numbers: Iterable[int]) -> list[Row]:
        if isinstance(self._held, pa.Table | pa.RecordBatch):
            return [self._held.slice(number, 1).to_pylist()[0] for number in numbers]
        return [_row_of(self._held[number]) for number in numbers]


def _column_names(rows: Any) -> list[str]:
    return list(rows.schema.names if isinstance(rows, pa.RecordBatch) else rows.column_names)


def _iterated(rows: Any) -> Iterable[Any]:
    try:
        return cast("Iterable[Any]", iter(rows))
    except TypeError:
        raise _no_rows(rows) from None


def _row_of(row: Any) -> Row:
    if not isinstance(row, Mapping):
        raise _no_rows(row)
    return row


def _no_rows(value: Any) -> UsageError:
    return UsageError(
        f"cannot show {type(value).__name__} {shown_on_line(repr(value)[:_LINE])}: give a row of `asd.load`, several of "
        'them, or "DIR[@VERSION]".'
    )


def _matching(table: _Rows, styles: set[str], makers: set[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    is_wanted = np.ones(len(table), bool)
    for name, wanted in (("style", styles), ("maker", makers)):
        if wanted and (column := table.column(name)) is not None:
            is_wanted &= np.asarray(pc.is_in(column, pa.array(sorted(wanted))))
    return np.flatnonzero(is_wanted)


def _spread(table: _Rows, matching: np.ndarray[Any, np.dtype[np.int64]], n: int) -> list[int]:
    """All where they fit. Else the first ones of each style in turn, converted ones before native ones."""
    style, maker = table.column("style"), table.column("maker")
    if len(matching) <= n or style is None:
        return [int(number) for number in matching[:n]]
    is_native = np.zeros(len(table), bool) if maker is None else np.asarray(pc.equal(maker, "native"))
    names = pc.fill_null(style, "").unique().to_pylist()
    codes = np.asarray(pc.index_in(pc.fill_null(style, ""), pa.array(names)))
    queues = []
    for native in (False, True):
        for name in sorted(names, key=style_order):
            chosen = matching[(codes[matching] == names.index(name)) & (is_native[matching] == native)][:n]
            if len(chosen):
                queues.append([int(number) for number in chosen])
    picked: list[int] = []
    for at in range(n):
        picked += [queue[at] for queue in queues if at < len(queue)]
    return picked[:n]


def _line(card: Card) -> str:
    """One row as one line of text."""
    question, response = (" ".join(text.split()) for text in (card.question, card.response))
    return f"{card.sample_id} · {describe_origin(card)} · {_cut(question)} → {_cut(response)}"


def _cut(text: str) -> str:
    return text if len(text) <= _LINE else text[: _LINE - 1] + "…"
