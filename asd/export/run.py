"""An export from datasets to files: what is asked is checked first, then every part is written, then what lies beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asd.errors import UnknownNameError, UsageError
from asd.export.format import CHUNK_ROWS, ExportedSplit, Format, Written
from asd.export.images import ImageMode, ImagePlace, MissingImages
from asd.export.table import find_format
from asd.export.writing import remove_leftovers
from asd.plain_files import require_replaceable
from asd.schemas.styles import parse_style
from asd.shards.manifest import Manifest
from asd.shards.reader import read_batches
from asd.shards.store import Store, split_location

NATIVE = "native"
"""Stands for a task's native style in `styles`."""


@dataclass(frozen=True)
class ExportOptions:
    """What an export is told."""

    format: str
    out: Path
    """Folder of the files; or, for one part in one file, the file's name (with the format's suffix)."""
    split: str | None = None
    styles: tuple[str, ...] | None = None
    group_turns: bool = False
    images: str | None = None
    """"paths", "copy" or "embed"; None takes the format's default."""
    image_root: str | None = None
    """Folder or address of the images, where it is not the one that the conversion read."""
    missing_images: str | None = None
    """"error", "skip" or "keep" samples whose images are not there or cannot be shown; None leaves them out unless there are
    no others, and looks only where images are copied or embedded."""
    follow_links: bool = False
    """Read images, too, that links below that folder point to elsewhere."""


@dataclass(frozen=True)
class Exported:
    """The files that an export wrote."""

    data: tuple[Written, ...]
    beside: tuple[Path, ...]
    format: Format


def export(datasets: Sequence[str | Path], options: ExportOptions) -> Exported:
    """Write "DIR" or "DIR@version" datasets, in the order given, which is the order of the tasks.

    Raises: UsageError, UnknownNameError (asked for what is not there), ShardError, SourceError (images), StorageError.
    """
    form = find_format(options.format)
    mode = _mode(form, options.images)
    missing = _missing(options.missing_images)
    parts = [part for name in datasets for part in _parts(str(name), form, options, mode, missing)]
    targets = [_target(form, part, options, single=len(parts) == 1) for part in parts]
    _require_distinct(targets)
    for target in targets:
        require_replaceable(target)
    remove_leftovers(options.out)
    numbers: dict[str, int] = {}
    written = []
    for part, target in zip(parts, targets, strict=True):
        part.numbers = numbers
        written.append(Written(part, target, form.write(part, target)))
    beside = [] if _is_file(form, options) else form.sides(written, options.out)
    return Exported(tuple(written), tuple(beside), form)


def _mode(form: Format, asked: str | None) -> ImageMode:
    if asked is None:
        return form.images[0]
    known = [mode.value for mode in form.images]
    if asked not in known:
        raise UnknownNameError(f"way of {form.name} to give images", asked, known)
    return ImageMode(asked)


def _missing(asked: str | None) -> MissingImages | None:
    known = [policy.value for policy in MissingImages]
    if asked is not None and asked not in known:
        raise UnknownNameError("way to treat missing images", asked, known)
    return None if asked is None else MissingImages(asked)


def _are_only_here(root: Path, version: str, image_root: str | None) -> bool:
    """Whether the shards hold images that are no files below the image root, by a look at the first ones."""
    batch = next(iter(read_batches(root, version)), None)
    rows = [] if batch is None else batch["images"].slice(0, CHUNK_ROWS).to_pylist()
    held = next((image for images in rows for image in images if image["bytes"] is not None), None)
    if held is None:
        return False
    return image_root is None or "://" in image_root or not (Path(image_root) / str(held["path"])).is_file()


def _parts(
    dataset: str, form: Format, options: ExportOptions, mode: ImageMode, missing: MissingImages | None
) -> list[ExportedSplit]:
    root, name = split_location(dataset)
    store = Store(root)
    version = store.resolve(name)
    manifest = store.manifest(version)
    splits = sorted({entry.split for entry in manifest.files if entry.split is not None})
    if options.split is not None and options.split not in splits:
        raise UnknownNameError("split", options.split, splits, hint=f"Looked in {root}.")
    place = options.out.parent if _is_file(form, options) else options.out
    given = options.image_root
    if given is not None and "://" not in given and not Path(given).is_dir():
        what = "is no folder" if Path(given).exists() else "does not exist"
        raise UsageError(f"--image-root {given} {what}; give the folder that image paths are relative to.")
    image_root = options.image_root if options.image_root is not None else store.image_root(version)
    if options.images is None and mode is ImageMode.PATHS and _are_only_here(root, version, image_root):
        mode = ImageMode.COPY
    wanted: list[str | None] = [*splits] if options.split is None else [options.split]
    if _is_file(form, options) and len(wanted) > 1:
        wanted = [None]
    styles = _styles(options.styles, manifest, root)
    parts = [
        ExportedSplit(root, version, manifest, split, styles, options.group_turns,
             ImagePlace(image_root, mode, place, manifest.task, options.follow_links, missing, options.images is not None))
        for split in wanted
    ]  # fmt: skip
    if form.needs_root and mode is ImageMode.PATHS:
        _ = parts[0].places.folder  # fails here rather than after the work
    return parts


def _styles(asked: tuple[str, ...] | None, manifest: Manifest, root: Path) -> tuple[str, ...] | None:
    if asked is None:
        return None
    native: Any = manifest.spec["native_style"]
    styles = tuple(dict.fromkeys(native if name == NATIVE else parse_style(name).value for name in asked))
    missing = [style for style in styles if not manifest.counts.by_style.get(style)]
    if missing or not styles:
        held = ", ".join(style for style, count in manifest.counts.by_style.items() if count)
        raise UsageError(f"{root} has no samples of style {', '.join(missing) or '(none named)'}; it has: {held}.")
    return styles


def _is_file(form: Format, options: ExportOptions) -> bool:
    """`--out x.json` names the file itself; a folder may be called anything else."""
    return options.out.suffix in (".json", ".jsonl", ".parquet") and not options.out.is_dir()


def _target(form: Format, part: ExportedSplit, options: ExportOptions, *, single: bool) -> Path:
    if not _is_file(form, options):
        return options.out / form.file(part)
    suffix = Path(form.file(part)).suffix
    if options.out.suffix != suffix:
        raise UsageError(f"--out {options.out}: format {form.name} writes {suffix} files; name one, or give a folder.")
    if not single:
        raise UsageError(f"--out {options.out} is one file, and several datasets are to be written. Give a folder.")
    return options.out


def _require_distinct(targets: list[Path]) -> None:
    """Two datasets of one task would write over each other."""
    for target in targets:
        if targets.count(target) > 1:
            raise UsageError(
                f"two of the datasets would both be written to {target}. Export them to different folders."
            )
