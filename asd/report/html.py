"""The report of a data set: one HTML page that holds everything itself and needs no network and no script.

What it shows depends on the rows, the manifest and the figures only, so that the same data set gives the same
page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from markupsafe import Markup

from asd.quality.keyed_sample import KeyedSample
from asd.report import charts
from asd.report.cards import Box, Card, Row, make_card
from asd.report.page_parts import stylesheet, templates_in
from asd.report.rewriting import rewriter_facts
from asd.report.thumbnails import Thumbnail, make_thumbnail
from asd.report.verdicts import Verdict, verdicts_on
from asd.report.visible_text import visible
from asd.schemas.styles import AnswerStyle, parse_style

_FOLDER = Path(__file__).parent
_MARKS = {"good": "✓ good", "look": "▲ look", "bad": "✕ bad", "none": "– no data"}
MAX_PICTURES = 4


@dataclass(slots=True, frozen=True)
class PlacedBox:
    """A box in percent of the square that it is drawn on."""

    kind: str
    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(slots=True, frozen=True)
class Picture:
    thumbnail: Thumbnail
    boxes: list[PlacedBox]


def render_report(
    manifest: Mapping[str, Any],
    batches: Iterable[pa.RecordBatch],
    figures: Mapping[str, Any],
    image_root: Path | None,
    samples_per_style: int = 6,
    style: str | None = None,
) -> str:
    """The page as text. Keys that the manifest or the figures lack are left out or shown as not defined.

    style: show samples of this style only. Samples are those of smallest keyed hash, converted ones first.
    Raises: UnknownNameError if `style` is no answer style.
    """
    only = parse_style(style).value if style is not None else None
    sections = [
        (name, [(card, pictures_of(card, image_root)) for card in map(make_card, rows)])
        for name, rows in pick_samples(batches, samples_per_style, only).items()
    ]
    spec = _dict(manifest, "spec")
    title = f"{spec.get('title') or manifest.get('task') or 'Data set'}: answer style diversification"
    return (
        templates_in(_FOLDER)
        .get_template("report.html.jinja")
        .render(
            title=visible(title),
            lead=visible(spec.get("description") or f"Task {manifest.get('task', 'unknown')}"),
            css=stylesheet("card.css", "report.css"),
            sections=sections,
            no_samples=f"No samples of style {only}." if only else "No samples.",
            **overview_of(manifest, figures),
        )
    )


def overview_of(manifest: Mapping[str, Any], figures: Mapping[str, Any], no_figures: str = "") -> dict[str, Any]:
    """The variables of the template that shows a version as a whole: counts, charts, figures, origin.

    no_figures: what to say where no figure applies.
    """
    spec, counts, rewriter = _dict(manifest, "spec"), _dict(manifest, "counts"), _dict(manifest, "rewriter")
    return {
        "tiles": _tiles(manifest, counts, figures),
        "style_chart": _style_chart(counts, figures),
        "maker_chart": _maker_chart(counts, figures),
        "verdicts": [(verdict, _scale(verdict)) for verdict in verdicts_on(figures)],
        "no_figures": no_figures or "No figure applies to these rows.",
        "marks": _MARKS,
        "provenance": _provenance(manifest, spec),
        "files": _files(_dict(manifest, "source").get("files")),
        "templates": _templates(manifest),
        "rewriter": rewriter_facts(rewriter),
        "refused": _ranked(rewriter, "declined"),
        "judged": _ranked(rewriter, "judged"),
        "declined": _ranked(counts, "declined"),
        "moved": [(name.replace("->", " → "), count) for name, count in _ranked(counts, "moved")],
        "rejects": _ranked(counts, "rejects"),
    }


def render_overview(manifest: Mapping[str, Any], figures: Mapping[str, Any], no_figures: str) -> str:
    """A version as a whole, as a fragment of a page that has the style sheets."""
    template = templates_in(_FOLDER).get_template("overview.html.jinja")
    return template.render(**overview_of(manifest, figures, no_figures))


def pick_samples(batches: Iterable[pa.RecordBatch], num: int, only: str | None = None) -> dict[str, list[Row]]:
    """Up to `num` rows per style, by `AnswerStyle`'s order; native ones only where converted ones run out."""
    kept: dict[tuple[str, bool], KeyedSample[Row]] = {}
    for batch in batches:
        styles, makers = batch.column("style").to_pylist(), batch.column("maker").to_pylist()
        groups: dict[tuple[str, bool], list[int]] = {}
        for index, (style, maker) in enumerate(zip(styles, makers, strict=True)):
            if only is None or style == only:
                groups.setdefault((style, maker == "native"), []).append(index)
        ids = batch.column("id").to_pylist()
        for group, indices in groups.items():
            sample = kept.setdefault(group, KeyedSample(num, "report"))
            for index in indices:
                sample.offer(ids[index], partial(_row_at, batch, index))
    return {
        style: [row for is_native in (False, True) for row in _rows_of(kept, style, is_native)][:num]
        for style in sorted({style for style, _ in kept}, key=style_order)
    }


def _row_at(batch: pa.RecordBatch, index: int) -> Row:
    row: Row = batch.slice(index, 1).to_pylist()[0]
    return row


def _rows_of(kept: Mapping[tuple[str, bool], KeyedSample[Row]], style: str, is_native: bool) -> list[Row]:
    return kept[style, is_native].rows() if (style, is_native) in kept else []


def style_order(style: str) -> tuple[int, str]:
    """Sorts by `AnswerStyle`'s order, unknown ones last."""
    known = [known.value for known in AnswerStyle]
    return (known.index(style) if style in known else len(known), style)


def pictures_of(card: Card, image_root: Path | None) -> list[Picture]:
    """Thumbnails of the card's images."""
    return place_boxes(card, [make_thumbnail(path, data, image_root) for path, data in card.images[:MAX_PICTURES]])


def place_boxes(card: Card, thumbnails: Sequence[Thumbnail]) -> list[Picture]:
    """Boxes are drawn on the only image, as it is not said which of several is meant."""
    boxes = card.boxes if len(thumbnails) == 1 else []
    return [
        Picture(thumbnail, [placed for box in boxes if (placed := _place(box, thumbnail.size))])
        for thumbnail in thumbnails
    ]


def card_fragment(card: Card, pictures: Sequence[Picture]) -> Markup:
    """One card, for a page that has the style sheet."""
    return Markup(templates_in(_FOLDER).get_template("card.html.jinja").module.show_card(card, pictures))  # type: ignore[attr-defined]


def render_card(card: Card, pictures: Sequence[Picture]) -> str:
    """One card as an HTML fragment with its own style sheet."""
    return f"<style>{stylesheet('card.css')}</style>{card_fragment(card, pictures)}"


def _place(box: Box, size: tuple[int, int] | None) -> PlacedBox | None:
    """On the image centred in a square, which is what 0..1 boxes refer to. Pixel boxes need the image's
    size.
    """
    x1, y1, x2, y2 = box.corners
    if max(box.corners) > 1.0:
        if size is None:
            return None
        side = max(size)
        left, top = (side - size[0]) / 2, (side - size[1]) / 2
        x1, y1, x2, y2 = (x1 + left) / side, (y1 + top) / side, (x2 + left) / side, (y2 + top) / side
    x1, y1, x2, y2 = (round(100 * min(1.0, max(0.0, value)), 2) for value in (x1, y1, x2, y2))
    if x2 <= x1 or y2 <= y1:
        return None
    return PlacedBox(box.kind, box.label, x1, y1, round(x2 - x1, 2), round(y2 - y1, 2))


def _dict(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}


def _counts(holder: Mapping[str, Any], key: str) -> dict[str, int]:
    return {visible(name): int(count) for name, count in _dict(holder, key).items()}


def _ranked(counts: Mapping[str, Any], key: str) -> list[tuple[str, int]]:
    """Most frequent first, ties by name."""
    return sorted(_counts(counts, key).items(), key=lambda entry: (-entry[1], entry[0]))


def _tiles(manifest: Mapping[str, Any], counts: Mapping[str, Any], figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    samples = _first(manifest.get("num_samples"), counts.get("samples"), figures.get("samples"))
    converted = _first(counts.get("converted"), figures.get("converted"))
    tiles = [("samples", f"{samples:,}")] if samples is not None else []
    if converted is not None:
        tiles.append(("converted", f"{converted:,}"))
        if samples:
            tiles.append(("of all samples", f"{converted / samples:.1%}"))
    tiles.append(("answer styles", str(len(_counts(counts, "by_style") or _counts(figures, "by_style")))))
    return tiles


def _style_chart(counts: Mapping[str, Any], figures: Mapping[str, Any]) -> Markup:
    after = _counts(counts, "by_style") or _counts(figures, "by_style")
    before = _counts(counts, "by_style_before")
    return charts.paired_bars(before, after, title="Samples by answer style, before and after")


def _maker_chart(counts: Mapping[str, Any], figures: Mapping[str, Any]) -> Markup:
    makers = _counts(counts, "by_maker") or _counts(figures, "by_maker")
    return charts.bars(makers, title="Samples by maker")


def _scale(verdict: Verdict) -> Markup | None:
    return charts.meter(*verdict.scale, title=verdict.title) if verdict.scale else None


def _provenance(manifest: Mapping[str, Any], spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    config, source = _dict(manifest, "config"), _dict(manifest, "source")
    ratio = _first(manifest.get("ratio"), config.get("ratio"))
    entries = [
        ("Task", manifest.get("task")),
        ("Version", manifest.get("version")),
        ("ASD ratio", f"{ratio:.1%}" if isinstance(ratio, int | float) else ratio),
        ("Seed", _first(manifest.get("seed"), config.get("seed"))),
        ("Native style", spec.get("native_style")),
        ("Source", source.get("location")),
        ("Layout", source.get("layout")),
        ("Benchmarks", ", ".join(map(str, spec.get("benchmarks") or [])) or None),
        ("Licence", spec.get("licence")),
        ("Citation", spec.get("citation")),
        ("Homepage", spec.get("homepage") or None),
        ("Written by asd", manifest.get("asd_version")),
    ]
    return [(name, visible(value)) for name, value in entries if value is not None]


def _files(files: object) -> list[dict[str, str]]:
    entries = [file for file in files if isinstance(file, Mapping)] if isinstance(files, list) else []
    return [
        {
            "path": visible(file.get("path")),
            "xxh3_128": visible(file.get("xxh3_128")),
            "size": f"{file['size_bytes']:,}" if isinstance(file.get("size_bytes"), int) else "",
        }
        for file in entries
    ]


def _templates(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((visible(name), visible(digest)) for name, digest in _dict(manifest, "templates").items())


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
