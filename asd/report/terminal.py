"""Samples and summaries in a terminal. Rich is imported on use, so that importing this module costs nothing.

All text from the data goes through `rich.text.Text`, never through Rich's markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from asd.report.cards import Card, Row, make_card
from asd.report.visible_text import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

_KIND_STYLES = {
    "text": "dim",
    "context": "green",
    "question": "bold",
    "option": "cyan",
    "candidate": "yellow",
    "rfp": "italic magenta",
}


def print_samples(rows: Iterable[Row], console: Console) -> None:
    """One panel per row: prompt with its parts told apart by colour, response, gold, where it came from."""
    for row in rows:
        console.print(_panel(make_card(row)))


def print_summary(summary: Mapping[str, Any], console: Console | None = None) -> None:
    """Facts and counts of a manifest, and quality figures where they stand under `figures`.

    Keys that are absent are left out: task, version, ratio, seed, num_samples, counts, figures.
    """
    from rich.console import Console

    out = console or Console()
    for part in _summary_parts(summary):
        out.print(part)


def _panel(card: Card) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    body = Text()
    for part in card.segments:
        body.append(part.text, _KIND_STYLES[part.kind])
    body.append("\n→ ", "green")
    body.append(card.response, "bold green")
    _append_line(body, "gold", card.gold)
    if card.also_accepted:
        _append_line(body, "also accepted", ", ".join(card.also_accepted))
    for path, data in card.images:
        _append_line(body, "image", visible(path) + (" (embedded)" if data else ""))
    _append_line(body, "source", card.where + (f" · template {card.template}" if card.template else ""))
    if card.rewrite:
        _append_line(body, "rewriter", card.rewrite)
    origin = f"from {card.native_style} by {card.maker}" if card.is_converted else "native"
    made = f"{card.style}, {origin}"
    return Panel(body, title=Text(made, "bold"), subtitle=Text(card.sample_id, "dim"), title_align="left")


def _append_line(body: Text, name: str, value: str) -> None:
    body.append(f"\n{name}: ", "dim")
    body.append(value)


def _summary_parts(summary: Mapping[str, Any]) -> Iterable[RenderableType]:
    counts, config = _dict(summary, "counts"), _dict(summary, "config")
    facts = {
        "task": summary.get("task"),
        "version": summary.get("version"),
        "ratio": summary.get("ratio", config.get("ratio")),
        "seed": summary.get("seed", config.get("seed")),
        "samples": summary.get("num_samples", counts.get("samples")),
        "converted": counts.get("converted"),
    }
    yield _facts({name: value for name, value in facts.items() if value is not None})
    before, after = _dict(counts, "by_style_before"), _dict(counts, "by_style")
    if after:
        yield _style_table(before, after)
    for key, title in (
        ("by_maker", "maker"), ("declined", "declined"), ("moved", "moved"), ("rejects", "rejected rows"),
    ):  # fmt: skip
        if _dict(counts, key):
            yield _count_table(title, _dict(counts, key))
    if _dict(summary, "figures"):
        yield _figure_table(_dict(summary, "figures"))


def _facts(facts: Mapping[str, Any]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(Text(name, "dim"), Text(visible(value) if name == "seed" else _shown(value)))
    return table


def _style_table(before: Mapping[str, int], after: Mapping[str, int]) -> Table:
    table = _table("style", "before", "after", "share")
    total = max(1, sum(after.values()))
    for style in dict.fromkeys([*before, *after]):
        share = after.get(style, 0) / total
        _add_row(table, style, f"{before.get(style, 0):,}", f"{after.get(style, 0):,}", f"{share:.1%}")
    return table


def _count_table(title: str, counts: Mapping[str, int]) -> Table:
    table = _table(title, "samples")
    for name, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        _add_row(table, name, f"{count:,}")
    return table


def _figure_table(figures: Mapping[str, Any]) -> Table:
    from rich.text import Text

    from asd.report.verdicts import verdicts_on

    colours = {"good": "green", "look": "yellow", "bad": "red"}
    table = _table("quality", "")
    table.add_column("value")
    table.add_column("wanted")
    for verdict in verdicts_on(figures):
        mark = Text(verdict.mark, colours[verdict.mark])
        table.add_row(Text(verdict.title), mark, Text(verdict.value), Text(verdict.wanted, "dim"))
    return table


def _table(first: str, *numbers: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _add_row(table: Table, *cells: str) -> None:
    from rich.text import Text

    table.add_row(*(Text(visible(cell)) for cell in cells))


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible(value)


def _dict(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}
