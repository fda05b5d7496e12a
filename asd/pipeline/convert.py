"""One conversion from source to committed version: resolve, fingerprint, ingest, plan, assemble, commit.

Every step leaves its result in the version's staging folder before the next begins, so a run that was killed is taken
up where it stopped; nothing is visible to readers before the commit.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import asd
from asd.errors import AsdError, RewriterError, SourceError, StorageError, UsageError
from asd.pipeline.capability import makeable_styles, written_styles
from asd.pipeline.config import ConvertConfig
from asd.pipeline.drafts import DraftOrder, Outcomes
from asd.pipeline.fingerprint import (
    code_fingerprint,
    images_fingerprint,
    images_listing,
    rewriter_fingerprint,
    version_id,
)
from asd.pipeline.ingest import Ingested, ingest
from asd.pipeline.plan import STYLE_BITS, Assignment, Planner, Questions
from asd.pipeline.pool import Pool, WorkerLostError
from asd.pipeline.progress import Progress, SilentProgress
from asd.pipeline.rewriting_record import LEDGER, Ledger, describe_version
from asd.pipeline.work import ShardOrder, ShardResult, Worker, WorkerSetup
from asd.rewrite.settings import RewriterSettings
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.shards.card import dataset_card
from asd.shards.files import open_arrow, sha256_of, storage_errors, sync_folder, write_bytes, write_text
from asd.shards.manifest import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    REWRITTEN_FORMAT,
    Counts,
    FileEntry,
    Manifest,
    read_manifest,
)
from asd.shards.store import Store
from asd.sources.open import Source, open_source
from asd.sources.resolve import ResolvedSource, resolve_source
from asd.templating import TemplateSet

if TYPE_CHECKING:
    from asd.pipeline.rewriting import RewritingStage

INLINE_SAMPLES = 60_000
"""Below so many samples to convert, starting worker processes costs more than it saves."""
_WORTH_KEEPING = (StorageError, WorkerLostError, RewriterError)
"""Failures after which the same command goes on from what is staged."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Conversion:
    """What `convert` did: where the version is, whether it was there already, and its manifest."""

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


@dataclass(frozen=True)
class Prepared:
    """A conversion that has been checked and fingerprinted, before any work."""

    config: ConvertConfig
    spec: TaskSpec
    resolved: ResolvedSource
    source: Source
    styles: list[AnswerStyle]
    templates: dict[str, str]
    store: Store
    version: str
    identity: dict[str, Any]
    notes: tuple[str, ...]
    stamps: dict[Path, tuple[int, int]]
    """Size and time of change of the source's files when they were fingerprinted."""


def prepare(config: ConvertConfig, scratch: Path | None = None) -> Prepared:
    """Everything that can fail early, fails here: names, templates, the source's existence and layout.

    scratch: folder for the embedded sample, where nothing may be written into the dataset directory.
    """
    spec = config.load_spec()
    styles = _styles(config, spec)
    templates = TemplateSet(config.template_dir)
    templates.check(styles, spec.family)
    template_hashes = {found.name: found.sha256 for found in (templates.get(s, spec.family) for s in styles)}
    resolved = resolve_source(spec, config.source)
    store = Store(_out_folder(config, spec, resolved))
    store.require_free()
    if resolved.kind == "embedded":
        resolved = _write_embedded(spec, store, resolved, scratch)
    source = open_source(
        spec,
        resolved.location,
        source_format=config.source_format,
        split=config.split,
        image_root=config.image_root,
    )
    _require_text_names(source)
    if config.embed_images and source.image_root is None:
        raise UsageError("--embed-images needs --image-root, the folder that image paths are relative to.")
    identity = {
        "format": FORMAT_VERSION,
        "code": code_fingerprint(),
        "spec": spec.model_dump(mode="json"),
        "config": config.identity(),
        "templates": template_hashes,
        "source": {
            "layout": source.layout,
            "files": [[file.path, file.size_bytes, file.xxh3_128] for file in source.files],
        },
    }
    if config.embed_images and source.image_root is not None:
        identity["images"] = images_fingerprint(source.image_root, without=store.own_paths())
    if config.rewriter is not None:
        identity["format"] = REWRITTEN_FORMAT
        identity["rewriter"] = _rewriter_identity(config.rewriter, spec, templates, source, store)
    version = version_id(identity)
    if config.name is not None:
        store.check_name(config.name, version)
    return Prepared(
        config=config,
        spec=spec,
        resolved=resolved,
        source=source,
        styles=styles,
        templates=template_hashes,
        store=store,
        version=version,
        identity=identity,
        notes=(resolved.message,) if resolved.message else (),
        stamps=_stamps([Path(source.root) / file.path for file in source.files]),
    )


def _rewriter_identity(
    settings: RewriterSettings, spec: TaskSpec, templates: TemplateSet, source: Source, store: Store
) -> dict[str, Any]:
    """What decides the model's part of the content, but for its replies. Raises: TemplateError."""
    from asd.rewrite.prompts import PromptSet

    prompts, written = PromptSet(templates), sorted(written_styles(spec, settings))
    prompts.check(written, spec.family)
    identity = {
        "settings": settings.identity(),
        "templates": prompts.hashes(written, spec.family),
        "code": rewriter_fingerprint(),
    }
    if settings.images != "never" and source.image_root is not None:
        identity["images"] = images_listing(source.image_root, without=store.own_paths())
    return identity


def _require_text_names(source: Source) -> None:
    for file in source.files:
        try:
            file.path.encode()
        except UnicodeEncodeError:
            raise SourceError(
                f"{source.root}: the file name {file.path!r} is no UTF-8 text. Rename the file."
            ) from None


def _stamps(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Size and time of change of the files that are there."""
    stamps = {}
    for path in paths:
        with suppress(OSError):
            found = path.stat()
            stamps[path] = found.st_size, found.st_mtime_ns
    return stamps


def _styles(config: ConvertConfig, spec: TaskSpec) -> list[AnswerStyle]:
    wanted = config.styles
    if config.ratio_per_style is not None:
        wanted = tuple(style for style, share in config.ratio_per_style.items() if share > 0)
    for style in wanted or ():
        if style == spec.native_style:
            raise UsageError(f"{style.value} is the native style of task {spec.name!r}; choose other target styles.")
        if style not in spec.styles:
            known = ", ".join(style.value for style in spec.styles) or "none"
            raise UsageError(f"task {spec.name!r} cannot take style {style.value}; it can take: {known}.")
    styles = makeable_styles(spec, wanted, config.rewriter)
    missing = [style.value for style in wanted or () if style not in styles]
    if missing:
        writes = ", ".join(sorted(written_styles(spec, config.rewriter))) or "none of the styles"
        why = (
            "can only be made by a rewriter. Give one with --rewriter, or leave the style out of --styles."
            if config.rewriter is None
            else "cannot be made by the rewriter as it is set "
            f"(it writes: {writes}). Leave it out of --styles."
        )
        raise UsageError(f"style {', '.join(missing)} of task {spec.name!r} {why}")
    return styles


def _out_folder(config: ConvertConfig, spec: TaskSpec, resolved: ResolvedSource) -> Path:
    out = config.out if config.out is not None else Path("asd-data") / spec.name
    if resolved.kind == "embedded" and not out.name.endswith("-sample"):
        out = out.with_name(f"{out.name}-sample")
    return out


def _write_embedded(spec: TaskSpec, store: Store, resolved: ResolvedSource, scratch: Path | None) -> ResolvedSource:
    """Draw the embedded sample into the dataset directory, so that its images stay beside its shards.

    What is there already is left alone if it is the same: another process may be reading it.
    """
    from asd.embedded import write_sample

    if scratch is not None:
        return replace(resolved, location=str(write_sample(spec.name, scratch / "source")))
    target, fresh = store.root / "source", store.staging("embedded")
    with store.lock("embedded"), storage_errors(target):
        store.discard(fresh)
        path = write_sample(spec.name, fresh)
        if _file_sizes(fresh) == _file_sizes(target) and path.read_bytes() == (target / path.name).read_bytes():
            store.discard(fresh)
        else:
            store.discard(target)
            fresh.rename(target)
    return replace(resolved, location=str(target / path.name))


def _file_sizes(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def convert(config: ConvertConfig, progress: Progress | None = None) -> Conversion:
    """Convert, or find that it has been done. Raises: AsdError subclasses (see asd.errors)."""
    progress = progress or SilentProgress()
    prepared = prepare(config)
    for note in prepared.notes:
        progress.say(note)
    store, version = prepared.store, prepared.version
    _look_at_model(prepared)
    waiting = f"another process is making version {version} in {store.root}; waiting for it"
    created = [folder for folder in (store.root, *store.root.parents) if not folder.exists()]
    notes: list[str] = []
    try:
        with store.lock(version, on_wait=waiting):
            did_work = not store.is_whole(version)
            if did_work:
                if store.path_of(version).exists():
                    progress.say(f"version {version} is there but damaged; making it again")
                notes = ConversionRun(prepared, store.staging(version), progress).run()
            finished = store.staging(version) / "out"
            manifest = read_manifest(finished if did_work else store.path_of(version))
            origin = _origin(prepared)
            if did_work and config.rewriter is not None:
                origin["rewriter"] = Ledger.total(store.staging(version) / LEDGER, config.rewriter)
            number = store.commit(version, finished, origin, dataset_card(manifest))
            if config.name is not None:
                store.name_version(config.name, version)
            store.discard(store.staging(version))
    except AsdError as exc:
        if not isinstance(exc, _WORTH_KEEPING):  # then nothing of it is of use to another run
            store.forget_staging(version, created)
        raise
    _tell_of_unfinished(store, progress)
    making = store.refs()[number].get("rewriter")
    return Conversion(store.root, version, number, did_work, manifest, (*prepared.notes, *notes), making)


def _look_at_model(prepared: Prepared) -> None:
    """A wrong key or model is found before the source is read and before a folder is made.

    A run that goes on from an earlier one may have no need of the model any more; it looks when it has.
    Raises: RewriterError.
    """
    settings, staged = prepared.config.rewriter, prepared.store.staging(prepared.version)
    if settings is None or staged.exists() or prepared.store.is_whole(prepared.version):
        return
    from asd.pipeline.rewriting import look_at_model

    look_at_model(settings)


def _tell_of_unfinished(store: Store, progress: Progress) -> None:
    idle = [found for found in store.unfinished() if not found.in_use]
    if idle:
        size = sum(found.size_bytes for found in idle)
        progress.say(
            f"note: {store.root} holds {len(idle)} unfinished versions of stopped runs ({size / 1e6:,.1f} MB); "
            f"`asd versions {store.root} --clean` deletes them."
        )


def _origin(prepared: Prepared) -> dict[str, Any]:
    root = prepared.source.image_root
    return {
        "source": str(prepared.resolved.location),
        "image_root": None if root is None else str(Path(root).resolve()),
        "task": prepared.spec.name,
        "source_kind": prepared.resolved.kind,
        "ratio": prepared.identity["config"]["ratio"],
        "seed": prepared.config.seed,
    }


class ConversionRun:
    """The work of one conversion that is not there yet, in a staging folder that survives a kill."""

    def __init__(self, prepared: Prepared, staging: Path, progress: Progress) -> None:
        self.prepared, self.staging, self.progress = prepared, staging, progress
        self.out = staging / "out"
        self.ingest_dir, self.drafts_dir = staging / "ingest", staging / "drafts"
        self.rounds = 0

    def run(self) -> list[str]:
        """Leave a finished version in `out`; returns what the user should know of the reading."""
        self._make_folders()
        ingested, wanted, quotas = self._ingest()
        with self._pool(wanted) as pool:
            planner, assignment = self._plan(ingested, wanted, quotas, pool)
            self.progress.stage("writing", ingested.num_samples)
            results = self._assemble(ingested, planner, assignment, pool)
        counts = self._counts(ingested, planner, assignment, wanted)
        for result in results:
            _add(counts.by_style, result.by_style)
            _add(counts.by_maker, result.by_maker)
        self._finish(counts, [result.entry for result in results])
        return ingested.notes

    def plan_only(self) -> tuple[Counts, list[str]]:
        """The counts and notes that `run` would give, without writing a shard."""
        self._make_folders()
        ingested, wanted, quotas = self._ingest()
        with self._pool(wanted) as pool:
            planner, assignment = self._plan(ingested, wanted, quotas, pool)
        counts = self._counts(ingested, planner, assignment, wanted)
        names = [TARGET_STYLES[style].value for style in assignment.styles.tolist()]
        _add(counts.by_style, Counter(names))
        _add(counts.by_style, {self.prepared.spec.native_style.value: counts.samples - counts.converted})
        return counts, ingested.notes

    def _make_folders(self) -> None:
        with storage_errors(self.staging):
            self._drop_unflushed()
            for folder in (self.out, self.ingest_dir, self.drafts_dir):
                folder.mkdir(parents=True, exist_ok=True)
            for leftover in self.out.rglob(".*.tmp"):
                leftover.unlink()

    def _drop_unflushed(self) -> None:
        """Intermediate files are not flushed to disk, so after a crash of the machine they may be cut off or empty.

        Finished shards are flushed before they get their names; they stay.
        """
        mark = self.staging / "boot-id"
        boot = _BOOT_ID.read_text("ascii") if _BOOT_ID.is_file() else ""
        if boot and mark.is_file() and mark.read_text("utf-8") == boot:
            return
        for path in (
            *self.ingest_dir.glob("*"),
            *self.drafts_dir.glob("*.arrow"),
            *self.staging.glob("mining-index*"),
        ):
            path.unlink()
        write_text(mark, boot)

    def _ingest(self) -> tuple[Ingested, int, dict[int, int] | None]:
        self.progress.stage("reading", None)
        config = self.prepared.config
        ingested = ingest(
            self.prepared.source, self.prepared.spec, config, self.prepared.styles, self.ingest_dir,
            self.progress.advance,
        )  # fmt: skip
        before = self.prepared.stamps
        changed = [path for path, stamp in _stamps(before).items() if stamp != before[path]]
        if changed:
            raise SourceError(f"{changed[0]} changed while it was read. Run again when nothing writes to it.")
        for note in ingested.notes:
            self.progress.say(f"note: {note}")
        return ingested, *_wanted(config, ingested.num_samples)

    def _setup(self, wanted: int) -> WorkerSetup:
        prepared = self.prepared
        return WorkerSetup(
            spec_json=prepared.spec.model_dump_json(),
            seed=prepared.config.seed,
            styles=tuple(prepared.styles),
            template_dir=prepared.config.template_dir,
            ingest_dir=self.ingest_dir,
            drafts_dir=self.drafts_dir,
            shards_dir=self.out,
            mining_index=self._mining_index() if wanted else None,
            image_root=prepared.source.image_root,
            embed_images=prepared.config.embed_images,
        )

    def _mining_index(self) -> Path | None:
        """Index of the task's answers, for distractors; None if no style of this run is mined."""
        spec = self.prepared.spec
        if not any(Maker.MINED in spec.styles[style] for style in self.prepared.styles):
            return None
        from asd.makers.distractors import DistractorIndex

        path = self.staging / "mining-index"
        if not path.exists():
            table = open_arrow(self.ingest_dir / "mining.arrow").read_all()
            rows = zip(*(table[name].to_pylist() for name in ("key", "question", "gold", "answer_type")), strict=True)
            index = DistractorIndex.build(rows, seed=self.prepared.config.seed)
            temporary = self.staging / "mining-index.tmp"
            with storage_errors(path):
                index.save(temporary)
                temporary.replace(path)
        return path

    def _pool(self, wanted: int) -> Pool:
        workers = self.prepared.config.workers
        if workers is None:
            workers = _usable_cores() if wanted >= INLINE_SAMPLES else 1
        return Pool(self._setup(wanted), workers)

    def _plan(
        self, ingested: Ingested, wanted: int, quotas: dict[int, int] | None, pool: Pool
    ) -> tuple[Planner, Assignment]:
        planner = Planner(
            ingested.keys, ingested.capable, ingested.polarity,
            total=None if quotas is not None else wanted, quotas=quotas, seed=self.prepared.config.seed,
            thrifty=self.prepared.config.rewriter is not None,
        )  # fmt: skip
        self.progress.stage("converting", wanted)
        if self.prepared.config.rewriter is not None:
            from asd.pipeline.rewriting import run_to_end

            run_to_end(lambda: self._answer_all_with_model(planner, ingested, pool.worker()))
        else:
            while (questions := planner.advance()) is not None:
                self._answer(questions, planner, ingested, pool)
        return planner, planner.result()

    async def _answer_all_with_model(self, planner: Planner, ingested: Ingested, worker: Worker) -> None:
        """All rounds in one task, since the model stays open for all of them."""
        async with self._stage(worker) as stage:
            while (questions := planner.advance()) is not None:
                orders = self._orders(questions, planner, ingested)
                for order, outcomes in zip(orders, await stage.draft(orders), strict=True):
                    _feed(planner, order, outcomes)
                self.rounds += 1

    def _stage(self, worker: Worker) -> RewritingStage:
        settings = self.prepared.config.rewriter
        assert settings is not None
        from asd.pipeline.rewriting import RewritingStage

        ledger = Ledger(self.staging / LEDGER)
        return RewritingStage(worker, settings, ledger, self.progress)

    def _answer(self, questions: Questions, planner: Planner, ingested: Ingested, pool: Pool) -> None:
        """Put the planner's questions to the makers, shard by shard."""
        orders = self._orders(questions, planner, ingested)
        for order, outcomes in zip(orders, pool.draft(orders), strict=True):
            _feed(planner, order, outcomes)
            self.progress.advance(len(order.chain) + len(order.single))
        self.rounds += 1

    def _orders(self, questions: Questions, planner: Planner, ingested: Ingested) -> list[DraftOrder]:
        starts = [shard.first for shard in ingested.shards]
        chain: dict[int, list[tuple[int, int]]] = defaultdict(list)
        single: dict[int, list[tuple[int, int]]] = defaultdict(list)
        rows = np.asarray(questions.chain_rows, np.int64)
        primary = planner.primary[rows].tolist()
        places = (np.searchsorted(starts, rows, side="right") - 1).tolist()
        for row, style, place in zip(questions.chain_rows, primary, places, strict=True):
            chain[place].append((row - starts[place], style))
        for row, style in questions.single:
            place = int(np.searchsorted(starts, row, side="right")) - 1
            single[place].append((row - starts[place], style))
        return [
            DraftOrder(ingested.shards[place], self.rounds, chain[place], single[place])
            for place in sorted({*chain, *single})
        ]

    def _assemble(self, ingested: Ingested, planner: Planner, assignment: Assignment, pool: Pool) -> list[ShardResult]:
        renamed_rows, records = sorted(ingested.renamed), self.prepared.config.rewriter is not None
        orders = []
        for shard in ingested.shards:
            low, high = np.searchsorted(assignment.rows, [shard.first, shard.first + shard.rows])
            first, last = np.searchsorted(renamed_rows, [shard.first, shard.first + shard.rows])
            orders.append(
                ShardOrder(
                    shard=shard,
                    rows=(assignment.rows[low:high] - shard.first).tolist(),
                    styles=assignment.styles[low:high].tolist(),
                    deals=assignment.deals[low:high].tolist(),
                    renamed={row: ingested.renamed[row] for row in renamed_rows[first:last]},
                    rounds=self.rounds,
                    file=f"data/{shard.split}-{shard.number:05d}.arrow",
                    processed=bytes(planner.processed[shard.first : shard.first + shard.rows]) if records else b"",
                )
            )
        results = []
        for order, result in zip(orders, pool.assemble(orders), strict=True):
            results.append(result)
            self.progress.advance(order.shard.rows)
        return results

    def _declined(self, ingested: Ingested, planner: Planner) -> dict[str, int]:
        """Why makers declined, over the samples whose answer the plan used."""
        counts: Counter[str] = Counter()
        for shard in ingested.shards:
            seen = planner.processed[shard.first : shard.first + shard.rows]
            for number in range(self.rounds):
                path = self.drafts_dir / f"{number:04d}-{shard.file}"
                if not path.is_file():
                    continue
                table = open_arrow(path).read_all().select(["row", "reasons"])
                for row, reasons in zip(table["row"].to_pylist(), table["reasons"].to_pylist(), strict=True):
                    if reasons and seen[row]:
                        counts.update(reasons)
        return dict(sorted(counts.items()))

    def _counts(self, ingested: Ingested, planner: Planner, assignment: Assignment, wanted: int) -> Counts:
        """All counts but those by style and maker."""
        by_split: dict[str, int] = {}
        for shard in ingested.shards:
            _add(by_split, {shard.split: shard.rows})
        moved = {
            f"{TARGET_STYLES[first].value}->{TARGET_STYLES[last].value}": count
            for (first, last), count in sorted(assignment.moved.items())
        }
        return Counts(
            samples=ingested.num_samples,
            converted=len(assignment.rows),
            wanted=wanted,
            shortfall=assignment.shortfall,
            by_split=by_split,
            by_style_before={self.prepared.spec.native_style.value: ingested.num_samples},
            moved=moved,
            declined=self._declined(ingested, planner),
            rejects=ingested.rejects,
            renamed_ids=len(ingested.renamed),
        )

    def _finish(self, counts: Counts, entries: list[FileEntry]) -> None:
        prepared = self.prepared
        rejects = self.out / "rejects.jsonl"
        write_bytes(rejects, (self.ingest_dir / "rejects.jsonl").read_bytes())
        entries.append(
            FileEntry(path=rejects.name, size_bytes=rejects.stat().st_size, sha256=sha256_of(rejects), rows=None)
        )
        rewriter = prepared.identity.get("rewriter")
        shards = [self.out / entry.path for entry in entries if entry.split is not None]
        manifest = Manifest(
            format_version=prepared.identity["format"],
            version=prepared.version,
            task=prepared.spec.name,
            asd_version=asd.__version__,
            config=prepared.identity["config"],
            spec=prepared.identity["spec"],
            source=prepared.identity["source"],
            templates=prepared.templates,
            code=prepared.identity["code"],
            counts=counts,
            files=entries,
            rewriter=describe_version(shards, rewriter) if rewriter is not None else None,
        )
        write_text(self.out / MANIFEST_NAME, manifest.to_json())
        sync_folder(self.out)


def _feed(planner: Planner, order: DraftOrder, outcomes: Outcomes) -> None:
    first = order.shard.first
    planner.answer_chain([first + row for row, _ in order.chain], outcomes.chain, outcomes.chain_options)
    for (row, style), outcome, options in zip(order.single, outcomes.single, outcomes.single_options, strict=True):
        planner.answer_single(first + row, style, outcome == style, options)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wanted(config: ConvertConfig, samples: int) -> tuple[int, dict[int, int] | None]:
    """Number of samples that leave the native style, and the quotas if they were given by style.

    Python's round, which takes .5 to the even number, so that a reader who checks `round(X * N)` finds the same.
    """
    if config.ratio_per_style is None:
        return round(config.ratio * samples), None
    quotas = {STYLE_BITS[style]: round(share * samples) for style, share in config.ratio_per_style.items()}
    return sum(quotas.values()), quotas


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in sorted(more.items()):
        if count:
            total[name] = total.get(name, 0) + count


def dry_run(config: ConvertConfig, progress: Progress | None = None) -> dict[str, Any]:
    """What `convert` would do: reads the source and asks the makers, but writes no dataset."""
    progress = progress or SilentProgress()
    with tempfile.TemporaryDirectory(prefix="asd-dry-run-") as folder:
        prepared = prepare(config, Path(folder))
        for note in prepared.notes:
            progress.say(note)
        counts, notes = _dry_run_of(prepared, Path(folder), progress).plan_only()
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
    }


def _dry_run_of(prepared: Prepared, folder: Path, progress: Progress) -> ConversionRun:
    if prepared.config.rewriter is None:
        return ConversionRun(prepared, folder, progress)
    from asd.pipeline.rewrite_plan import PlanningRun

    return PlanningRun(prepared, folder, progress)


def read_rejects(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
