"""Does a version hold what its manifest says? Every checksum, every schema, every count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from asd.errors import ShardError
from asd.shards.croissant import CROISSANT_NAME
from asd.shards.files import open_arrow, sha256_of
from asd.shards.manifest import FileEntry, Manifest
from asd.shards.store import REFS, Store
from asd.shards.untrusted import is_inside, stray_images


@dataclass
class Verification:
    """What was looked at and what is wrong; `problems` empty = all is well."""

    version: str
    folder: str
    files: int = 0
    """Those with data: shards and rejects."""
    rows: int = 0
    size_bytes: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is no damage to the version, and should be known."""


def verify(root: Path, version: str | None = None, advance: Callable[[int], None] | None = None) -> Verification:
    """Check one version (default: latest). Raises: ShardError only if there is no readable manifest."""
    store = Store(root)
    resolved = store.resolve(version)
    folder = store.path_of(resolved)
    manifest = store.manifest(resolved)
    report = Verification(resolved, str(folder), notes=_lost_names(store, resolved))
    if manifest.version != resolved:
        report.problems.append(f"{folder}/manifest.json says version {manifest.version}, its folder says {resolved}")
    tally = _Tally()
    for entry in manifest.all_files():
        _check_file(folder, entry, manifest.row_schema, report, tally)
        if advance is not None:
            advance(entry.rows or 0)
    _check_extra_files(folder, manifest, report)
    if not report.problems:  # else the counts would only say the same once more
        _check_counts(manifest, tally, report)
    return report


def _lost_names(store: Store, version: str) -> list[str]:
    """What a deleted ref means: for this version, and for others."""
    numbers = [int(name[1:]) for name in store.refs() if re.fullmatch(r"v\d+", name)]
    gaps = [f"v{number}" for number in range(1, max(numbers, default=0)) if number not in numbers]
    unnamed = store.unnamed()
    notes = []
    if version in unnamed:
        notes.append(
            f"no ref in {store.root / REFS} names version {version}: its ref was deleted. Its rows are whole and can be read "
            "by its id; lost are its number, and when and from where it was made (source, image root), so that "
            "`asd export` needs --image-root. The same conversion, run again, gives it a number."
        )
    if others := [other for other in unnamed if other != version]:
        notes.append(f"versions that no ref names any more, readable by their ids: {', '.join(others)}")
    if gaps:
        notes.append(f"numbers whose refs were deleted: {', '.join(gaps[:20])}{' ...' if len(gaps) > 20 else ''}")
    return notes


@dataclass
class _Tally:
    styles: Counter[str] = field(default_factory=Counter)
    makers: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    ids: list[pa.Array] = field(default_factory=list)


def _check_file(folder: Path, entry: FileEntry, schema: pa.Schema, report: Verification, tally: _Tally) -> None:
    path = folder / entry.path
    if not is_inside(path, folder):
        report.problems.append(f"{path} is a link that leads out of its version's folder (to {path.resolve()})")
        return
    if not path.is_file():
        report.problems.append(f"{path} is missing")
        return
    report.files += entry.path != CROISSANT_NAME
    report.size_bytes += path.stat().st_size
    if path.stat().st_size != entry.size_bytes:
        report.problems.append(f"{path} has {path.stat().st_size} bytes, expected {entry.size_bytes}")
        return
    if (digest := sha256_of(path)) != entry.sha256:
        report.problems.append(f"{path} has sha256 {digest}, expected {entry.sha256}")
        return
    if entry.split is None:
        return
    try:
        reader = open_arrow(path)
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except (OSError, pa.ArrowException) as exc:
        report.problems.append(f"{path} is no readable Arrow file ({exc})")
        return
    if not reader.schema.equals(schema):
        report.problems.append(f"{path}: columns differ from format {schema.names}")
        return
    rows = sum(batch.num_rows for batch in batches)
    report.rows += rows
    if rows != entry.rows:
        report.problems.append(f"{path} has {rows} rows, expected {entry.rows}")
    for batch in batches:
        try:
            batch.validate(full=True)
        except pa.ArrowException as exc:
            report.problems.append(f"{path}: damaged column data ({exc})")
            return
        if stray := stray_images(batch):
            report.problems.append(f"{path}: {len(stray)} image paths leave the image root, e.g. {stray[0]!r}")
            return
        for name, counter in (("style", tally.styles), ("maker", tally.makers), ("split", tally.splits)):
            for item in batch[name].value_counts().to_pylist():
                counter[item["values"]] += item["counts"]
        tally.ids.append(batch["id"])


def _check_extra_files(folder: Path, manifest: Manifest, report: Verification) -> None:
    known = {entry.path for entry in manifest.all_files()} | {"manifest.json"}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in known:
            report.problems.append(f"{path} is not in the manifest")


def _check_counts(manifest: Manifest, tally: _Tally, report: Verification) -> None:
    counts = manifest.counts
    pairs = (("style", tally.styles, counts.by_style), ("maker", tally.makers, counts.by_maker),
             ("split", tally.splits, counts.by_split))  # fmt: skip
    for name, seen, expected in pairs:
        if dict(seen) != expected:
            report.problems.append(f"rows by {name}: found {dict(sorted(seen.items()))}, manifest says {expected}")
    if report.rows != counts.samples:
        report.problems.append(f"{report.rows} rows in all, manifest says {counts.samples}")
    if tally.ids:
        ids = pa.chunked_array(tally.ids)
        if (distinct := len(ids.unique())) != len(ids):
            report.problems.append(f"ids are not unique: {len(ids) - distinct} repeat")


def require_sound(report: Verification) -> None:
    """Raises: ShardError with every problem."""
    if report.problems:
        listed = "\n".join(f"  - {problem}" for problem in report.problems)
        raise ShardError(
            f"version {report.version} is damaged:\n{listed}\nDelete {report.folder} and convert again: "
            "the same settings write the same bytes."
        )
