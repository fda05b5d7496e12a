"""Plots as self-contained SVG images for a page: one small figure each, so that they flow in narrow windows too.

The same figures give the same bytes. Names are drawn as they are: no mathematics is read in them.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asd.report.visible_text import visible
from asd.styles.table import STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, FAINT = "#1d2430", "#5c6675", "#e4e8ee"
KIND_COLOURS = {
    "superficial": "#ddcc77",
    "less_specific": "#999933",
    "style_lost": "#88ccee",
    "both_wrong": "#cc6677",
    "essential": "#332288",
}
"""Paul Tol's muted scheme: told apart with any colour vision."""
LINE_COLOURS = (
    "#332288",
    "#117733",
    "#cc6677",
    "#88ccee",
    "#999933",
    "#aa4499",
    "#ddcc77",
    "#44aa99",
    "#882255",
    "#5c6675",
)
_DASHES = ("-", "--", ":", "-.")
STYLE_COLOURS = {style.value: entry.colour for style, entry in STYLES.items()}
_LONGEST_NAME = 24
_MOST_POINTS = 300


@dataclass(frozen=True)
class Plot:
    """An image as a data URI, with what it shows in words."""

    uri: str
    alt: str


Point = tuple[float, float | None]


def lines(
    series: Mapping[str, Sequence[Point]], *, title: str, x_names: Sequence[str] = (), x_label: str = "",
    y_label: str = "", colours: Mapping[str, str] | None = None, percent: bool = False, width: float = 5.2,
) -> Plot:  # fmt: skip
    """One line per name, broken where a value is None. x_names: names of x = 0, 1, ...; percent: y in 0..1."""
    figure, axes = _figure(width, 3.4, title)
    for place, (name, points) in enumerate(series.items()):
        axes.plot(
            [x for x, _ in points],
            [math.nan if y is None else y * (100 if percent else 1) for _, y in points],
            marker="o" if len(points) < 25 else None, markersize=3.5, linewidth=1.4,
            color=(colours or {}).get(name) or LINE_COLOURS[place % len(LINE_COLOURS)],
            linestyle=_DASHES[place // len(LINE_COLOURS) % len(_DASHES)],
        )  # fmt: skip
    if x_names:
        _name_ticks(axes, x_names)
    if percent:
        axes.set_ylim(-3, 103)
    elif series:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    _legend(figure, axes, list(series))
    return _drawn(figure, title)


def stacked_bars(
    bars: Mapping[str, Mapping[str, float] | None], *, title: str, y_label: str,
    colours: Mapping[str, str], top: float = 1.0, width: float = 3.6, void: str = "nothing\nknown",
) -> Plot:  # fmt: skip
    """A bar per name, of shares in 0..1 stacked in the order of `colours`; None: no bar but the words of `void`."""
    figure, axes = _figure(width, 2.9, title)
    places = list(range(len(bars)))
    floor = [0.0] * len(bars)
    for part, colour in colours.items():
        heights = [100 * (bar or {}).get(part, 0.0) for bar in bars.values()]
        axes.bar(places, heights, 0.68, bottom=floor, color=colour, linewidth=0)
        floor = [low + high for low, high in zip(floor, heights, strict=True)]
    for place, bar in zip(places, bars.values(), strict=True):
        if bar is None:
            axes.text(place, 1, void, ha="center", va="bottom", fontsize=7, color=SOFT)
    _name_ticks(axes, list(bars))
    axes.set_ylim(0, 100 * top)
    axes.set_xlim(-0.6, max(len(bars), 3) - 0.4)
    axes.set_ylabel(y_label)
    return _drawn(figure, title)


def dots_with_intervals(
    rows: Mapping[str, tuple[float | None, float | None, float | None]], *, title: str, x_label: str
) -> Plot:
    """A dot per name at its mean, and a bar from low to high where there is an interval; values in percent."""
    figure, axes = _figure(5.2, 0.9 + 0.36 * max(1, len(rows)), title)
    for place, (mean, low, high) in enumerate(rows.values()):
        if mean is None:
            axes.text(
                0.01, place, "not evaluated", fontsize=7, color=SOFT, va="center", transform=axes.get_yaxis_transform()
            )
            continue
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=LINE_COLOURS[0], linewidth=2, solid_capstyle="butt")
        axes.plot([mean], [place], marker="o", markersize=5, color=LINE_COLOURS[0])
    axes.set_yticks(range(len(rows)), [_name(name, 40) for name in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(x_label)
    axes.grid(axis="x", color=FAINT)
    axes.grid(visible=False, axis="y")
    _plain(axes)
    return _drawn(figure, title)


def thinned(points: Sequence[tuple[float, float]], most: int = _MOST_POINTS) -> list[Point]:
    """At most `most` points: means of neighbouring ones where there are more."""
    size = -(-len(points) // most) or 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def _figure(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(_name(title, 60), fontsize=10, loc="left", color=INK, parse_math=False)
    axes.grid(axis="y", color=FAINT)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(SOFT)
    axes.tick_params(labelsize=8, colors=SOFT)
    axes.xaxis.label.set(fontsize=8, color=SOFT)
    axes.yaxis.label.set(fontsize=8, color=SOFT)
    return figure, axes


def _name_ticks(axes: Axes, names: Sequence[str]) -> None:
    longest = max(map(len, names), default=0)
    axes.set_xticks(range(len(names)), [_name(name, _LONGEST_NAME) for name in names])
    if len(names) * longest > 36:
        for label in axes.get_xticklabels():
            label.set(rotation=38, ha="right", rotation_mode="anchor")
    _plain(axes)


def _plain(axes: Axes) -> None:
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)


def _legend(figure: Figure, axes: Axes, names: Sequence[str]) -> None:
    if not names:
        return
    legend = figure.legend(
        axes.get_lines(), [_name(name, _LONGEST_NAME) for name in names], fontsize=7, frameon=False, labelcolor=SOFT,
        loc="outside lower center", ncols=3,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)


def _name(text: str, longest: int) -> str:
    text = visible(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _drawn(figure: Figure, alt: str) -> Plot:
    import matplotlib

    buffer = io.BytesIO()
    settings: dict[Any, Any] = {"svg.hashsalt": "asd", "svg.fonttype": "path", "font.family": "DejaVu Sans"}
    with matplotlib.rc_context(settings):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Plot("data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode(), alt)
