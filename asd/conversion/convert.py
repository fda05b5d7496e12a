"""One conversion from source to committed version: resolve, fingerprint, ingest, plan, assemble, commit.

Every step leaves its result in the version's staging folder before the next begins, so a run that was killed is taken
up where it stopped; nothing is visible to readers before the commit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from asd.conversion.config import ConvertConfig
from asd.conversion.engine_choice import engine_of
from asd.conversion.prepare import Prepared, prepare
from asd.conversion.progress import Progress, SilentProgress
from asd.conversion.run import ConversionRun
from asd.engines.base import Engine, WorkerLostError
from asd.engines.local import LocalEngine
from asd.engines.shared_staging import SharedStaging
from asd.errors import AsdError, RewriterError, StorageError
from asd.remote.object_store import shown
from asd.remote.publishing import publish
from asd.shards.card import dataset_card
from asd.shards.manifest import Manifest, read_manifest
from asd.shards.store import Store
from asd.work.rewriting_record import LEDGER, Ledger

DRY_EXAMPLES = 1
"""Samples of each style that a dry run makes, to be looked at."""
WORTH_KEEPING = (StorageError, WorkerLostError, RewriterError)
"""Failures after which the same command goes on from what is staged."""


@dataclass(frozen=True)
class Conversion:
    """The result of `convert`: where the version is, whether it was there already, and its manifest."""

    path: Path
    """The dataset directory."""
    version: str
    number: str
    """"v1", "v2", ..."""
    did_work: bool
    manifest: Manifest = field(repr=False)
    """Pages long; a session that shows the conversion shows `counts` of it at most."""
    notes: tuple[str, ...]
    making: Mapping[str, Any] | None = field(default=None, repr=False)
    """With a rewriter: requests, retries, tokens and cost of all runs that made the version."""
    published: str | None = None
    """Address and number of the copy that was asked for."""
    former_image_root: str | None = None
    """Of a version that was there, the image root that its ref named until now; "" where it named none. None where it stays."""


def convert(config: ConvertConfig, progress: Progress | None = None, engine: Engine | None = None) -> Conversion:
    """Convert, or find that it has been done. Raises: AsdError subclasses (see asd.errors).

    engine: what does the work, instead of the one that the settings name.
    """
    progress, engine = progress or SilentProgress(), engine or engine_of(config)
    prepared = prepare(config)
    for note in prepared.notes:
        progress.say(note)
    store, version = prepared.store, prepared.version
    look_at_prepared_model(prepared)
    waiting = f"another process is making version {version} in {store.root}; waiting for it"
    created = [folder for folder in (store.root, *store.root.parents) if not folder.exists()]
    notes: list[str] = []
    reached = nullcontext() if store.is_whole(version) else engine.connected(progress.say)
    try:
        with reached, store.lock(version, on_wait=waiting):
            did_work = not store.is_whole(version)
            if did_work:
                if store.path_of(version).exists():
                    progress.say(f"version {version} is there but damaged; making it again")
                notes = ConversionRun(prepared, store.staging(version), engine, progress).run()
            finished = store.staging(version) / "out"
            manifest = read_manifest(finished if did_work else store.path_of(version))
            origin = _origin(prepared)
            if (ledger := store.staging(version) / LEDGER).is_dir():  # also where a commit was cut short
                origin["rewriter"] = Ledger.total(ledger, config.rewriter)
            origin |= SharedStaging(store.staging(version)).summary()
            card = partial(dataset_card, store, version)
            number = store.commit(version, finished, origin, card)
            former = None if did_work else _repair_image_root(store, version, prepared)
            if config.name is not None:
                store.name_version(config.name, version, card)
            store.discard(store.staging(version))
    except AsdError as exc:
        if not isinstance(exc, WORTH_KEEPING):  # then nothing of it is of use to another run
            store.forget_staging(version, created)
        raise
    _tell_of_unfinished(store, progress)
    making = store.refs()[number].get("rewriter")
    published = None if config.publish is None else copy_to(config.publish, store, version, progress)
    all_notes = (*prepared.notes, *notes)
    return Conversion(store.root, version, number, did_work, manifest, all_notes, making, published, former)


def _repair_image_root(store: Store, version: str, prepared: Prepared) -> str | None:
    """Only a root that was given is taken for better than the recorded one. Returns that one where it was replaced."""
    if prepared.config.image_root is None:
        return None
    before = store.image_root(version)
    return (before or "") if store.record_image_root(version, _origin(prepared)["image_root"]) else None


def copy_to(address: str, store: Store, version: str, progress: Progress) -> str:
    """Publish a committed version; what is there already is not sent again. Returns the copy's address and number."""
    progress.say(f"copying to {address}")
    return f"{address}@{publish(store.root, version, address)}"


def look_at_prepared_model(prepared: Prepared) -> None:
    """A wrong key or model is found before the source is read and before a folder is made.

    A run that goes on from an earlier one may have no need of the model any more; it looks when it has.
    Raises: RewriterError.
    """
    settings, staged = prepared.config.rewriter, prepared.store.staging(prepared.version)
    if settings is None or staged.exists() or prepared.store.is_whole(prepared.version):
        return
    from asd.rewrite.open_model import look_at_model

    look_at_model(settings)


def _tell_of_unfinished(store: Store, progress: Progress) -> None:
    idle = [unfinished for unfinished in store.unfinished() if not unfinished.in_use]
    if idle:
        size = sum(unfinished.size_bytes for unfinished in idle)
        progress.say(
            f"note: {store.root} holds {len(idle)} unfinished versions of stopped runs ({size / 1e6:,.1f} MB); "
            f"`asd versions {quote(str(store.root))} --clean` deletes them."
        )


def _origin(prepared: Prepared) -> dict[str, Any]:
    root = prepared.source.image_root
    return {
        "source": shown(str(prepared.resolved.location)),
        "image_root": None if root is None else str(Path(root).resolve()),
        "task": prepared.spec.name,
        "source_kind": prepared.resolved.kind,
        "ratio": prepared.identity["config"]["ratio"],
        "seed": prepared.config.seed,
    }


def dry_run(config: ConvertConfig, progress: Progress | None = None) -> dict[str, Any]:
    """Describe what `convert` would do: read the source and ask the makers, but write no dataset."""
    progress = progress or SilentProgress()
    with tempfile.TemporaryDirectory(prefix="asd-dry-run-") as folder:
        prepared = prepare(config, Path(folder))
        for note in prepared.notes:
            progress.say(note)
        run = ConversionRun(prepared, Path(folder), _dry_engine(config), progress)
        examples = DRY_EXAMPLES if config.rewriter is None else 0  # a model's are not known before it is asked
        counts, notes, rows = run.plan_only(examples=examples)
    return {
        "task": prepared.spec.name,
        "native_style": prepared.spec.native_style.value,
        "source": "the embedded sample" if prepared.resolved.kind == "embedded" else prepared.resolved.location,
        "source_kind": prepared.resolved.kind,
        "layout": prepared.source.layout,
        "files": [{"path": file.path, "size_bytes": file.size_bytes} for file in prepared.source.files],
        "styles": [style.value for style in prepared.styles],
        "ratio": prepared.identity["config"]["ratio"],
        "seed": prepared.config.seed,
        "templates": prepared.templates,
        "out": str(prepared.store.root),
        "version": prepared.version,
        "exists": prepared.store.has(prepared.version),
        "counts": counts.model_dump(mode="json"),
        "notes": [*prepared.notes, *notes],
        "samples": [_without_bytes(row) for row in rows],
    }


def _without_bytes(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "images": [{**image, "bytes": None} for image in row["images"]]}


def _dry_engine(config: ConvertConfig) -> Engine:
    """One that asks no model, on this machine."""
    if config.rewriter is None:
        return LocalEngine(config.workers)
    from asd.conversion.rewrite_plan import counting_engine

    return counting_engine(config.workers)[0]
