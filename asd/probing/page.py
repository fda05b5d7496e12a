"""The comparison as one HTML page that holds everything itself and needs no network and no script."""

from __future__ import annotations

from pathlib import Path

from asd.probing.comparing import Comparison
from asd.report import charts
from asd.report.page_parts import stylesheet, templates_in
from asd.report.visible_text import visible
from asd.shards.files import write_text

_FOLDER = Path(__file__).parent
_MARKS = {
    "lost": ("bad", "✕ lost"),
    "kept": ("good", "✓ kept"),
    "gained": ("good", "✓ gained"),
    "unclear": ("look", "▲ unclear"),
}
_MEASURES = (
    ("follows", "Answered in the style asked for"),
    ("right", "Right as written"),
    ("right_leniently", "Right if read leniently"),
)


def write_page(path: Path, comparison: Comparison, before: str, after: str) -> None:
    """Write `render_page`'s page, whole or not at all. Raises: StorageError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, render_page(comparison, before, after))


def render_page(comparison: Comparison, before: str, after: str) -> str:
    """before, after: what the two models are called on the page."""
    return (
        templates_in(_FOLDER)
        .get_template("page.html.jinja")
        .render(
            css=stylesheet("card.css", "report.css"),
            before=visible(before),
            after=visible(after),
            questions=comparison.questions,
            unmatched=comparison.unmatched,
            max_drop=comparison.max_drop,
            fallen=[style.value.replace("_", " ") for style in comparison.fallen],
            measures=[
                (
                    title,
                    charts.paired_shares(
                        {
                            change.style.value.replace("_", " "): (
                                getattr(change, name).before,
                                getattr(change, name).after,
                            )
                            for change in comparison.styles
                        },
                        title=title,
                    ),
                )
                for name, title in _MEASURES
            ],
            styles=[
                (
                    change,
                    change.style.value.replace("_", " "),
                    _MARKS[change.verdict],
                    [(title, getattr(change, name)) for name, title in _MEASURES],
                    [
                        (
                            *map(visible, (example.item.prompt, example.item.response, example.before, example.after)),
                            example.still_right,
                        )
                        for example in change.examples
                    ],
                )
                for change in comparison.styles
            ],
        )
    )
