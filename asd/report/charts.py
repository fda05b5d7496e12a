"""Charts as inline SVG. Widths are percentages and text keeps its size, so they read well on a phone too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

_ROW_PX = 46
_BAR_PX = 9


def paired_bars(before: Mapping[str, int], after: Mapping[str, int], *, title: str) -> Markup:
    """Two bars per name, before above after, each as a share of its own total. Names in order of first
    appearance.
    """
    names = list(dict.fromkeys([*before, *after]))
    totals = max(1, sum(before.values())), max(1, sum(after.values()))
    rows = Markup("").join(
        _pair(index * _ROW_PX, name, (before.get(name, 0), after.get(name, 0)), totals)
        for index, name in enumerate(names)
    )
    return _svg(len(names) * _ROW_PX, title, rows)


def _pair(top: int, name: str, counts: tuple[int, int], totals: tuple[int, int]) -> Markup:
    shares = counts[0] / totals[0], counts[1] / totals[1]
    return _two_bars(top, name, shares, (f"{counts[0]:,} ({shares[0]:.1%})", f"{counts[1]:,} ({shares[1]:.1%})"))


def _two_bars(top: int, name: str, shares: tuple[float, float], hints: tuple[str, str]) -> Markup:
    bars = Markup("").join(
        _bar(top + 20 + line * (_BAR_PX + 1), shares[line], kind, f"{name}, {kind}: {hints[line]}")
        for line, kind in enumerate(("before", "after"))
    )
    return _label(top + 13, name, f"{shares[0]:.1%} → {shares[1]:.1%}") + bars


def paired_shares(shares: Mapping[str, tuple[float, float]], *, title: str) -> Markup:
    """Two bars per name, before above after: shares in 0..1."""
    rows = Markup("").join(
        _two_bars(index * _ROW_PX, name, pair, (f"{pair[0]:.1%}", f"{pair[1]:.1%}"))
        for index, (name, pair) in enumerate(shares.items())
    )
    return _svg(len(shares) * _ROW_PX, title, rows)


def bars(counts: Mapping[str, int], *, title: str) -> Markup:
    """One bar per name, as a share of all."""
    total = max(1, sum(counts.values()))
    rows = Markup("").join(
        _label(index * 36 + 13, name, f"{count:,} · {count / total:.1%}")
        + _bar(index * 36 + 19, count / total, "after", f"{name}: {count:,}")
        for index, (name, count) in enumerate(counts.items())
    )
    return _svg(len(counts) * 36, title, rows)


def meter(value: float, marks: Sequence[tuple[str, float]], *, title: str) -> Markup:
    """A value in 0..1 on a scale with named marks ("chance", 0.25)."""
    lines = Markup("").join(
        Markup(
            '<line class="mark" x1="{at}%" x2="{at}%" y1="1" y2="15"><title>{name}: {share:.1%}</title></line>'
        ).format(at=_percent(at), name=name, share=at)
        for name, at in marks
    )
    return _svg(16, title, _bar(4, value, "after", f"{title}: {value:.1%}") + lines)


def _svg(height: int, title: str, content: Markup) -> Markup:
    return Markup(
        '<svg class="chart" width="100%" height="{height}" role="img" aria-label="{title}">{content}</svg>'
    ).format(height=height, title=title, content=content)


def _label(baseline: int, name: str, value: str) -> Markup:
    return Markup(
        '<text x="0" y="{y}">{name}</text><text class="value" x="100%" y="{y}" text-anchor="end">{value}</text>'
    ).format(y=baseline, name=name, value=value)


def _bar(top: int, share: float, kind: str, hint: str) -> Markup:
    return Markup(
        '<rect class="track" x="0" y="{y}" width="100%" height="{height}" rx="2"/>'
        '<rect class="{kind}" x="0" y="{y}" width="{width}%" height="{height}" rx="2">'
        "<title>{hint}</title></rect>"
    ).format(y=top, height=_BAR_PX, width=_percent(share), kind=kind, hint=hint)


def _percent(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.2f}"
