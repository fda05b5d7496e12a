"""`asd inspect`."""

from __future__ import annotations

from pathlib import Path

from asd.errors import UsageError
from asd.schemas.styles import parse_style
from asd.shards.examples import first_of_each_style
from asd.shards.files import write_text
from asd.shards.locations import datasets_below
from asd.shards.reader import read_batches
from asd.shards.store import Store, split_location


def run(directory: str, *, style: str | None, number: int, html: str | None) -> None:
    if style is not None:
        style = parse_style(style).value
    datasets = datasets_below(directory)
    for location in datasets:
        root, version = split_location(location)
        page = Path(html) if html is not None else None
        if page is not None and len(datasets) > 1:
            page = page.with_stem(f"{page.stem}-{root.name}")
        if page is None and len(datasets) > 1:
            print(f"{location}:")
        _show(root, version, style, number, page)


def _show(root: Path, version: str | None, style: str | None, number: int, page: Path | None) -> None:
    store = Store(root)
    resolved = store.resolve(version)
    if page is not None:
        _write_page(store, resolved, page, style, number)
        return
    from asd.report.terminal import print_samples
    from asd.shown_text import open_console

    wanted = {name for name in store.manifest(resolved).counts.by_style if style in (None, name)}
    batches = read_batches(root, resolved, style=style, check_sums=False)
    rows = first_of_each_style(batches, wanted, number)
    if not rows:
        raise UsageError(f"version {resolved} of {root} has no samples of style {style}.")
    print_samples(rows, open_console(highlight=False))


def _write_page(store: Store, version: str, target: Path, style: str | None, number: int) -> None:
    from asd.quality.figures import figures_of_version
    from asd.report.html import render_report

    manifest = store.manifest(version).model_dump(mode="json")
    image_root = store.image_root(version)
    figures = figures_of_version(store.root, version)
    page = render_report(
        manifest,
        read_batches(store.root, version),
        figures,
        None if image_root is None else Path(image_root),
        samples_per_style=max(number, 1),
        style=style,
    )
    write_text(target, page)
    print(f"wrote {target}")
