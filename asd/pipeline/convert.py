"""One conversion from source to committed version: resolve, fingerprint, ingest, plan, assemble, commit.

Every step leaves its result in the version's staging folder before the next begins, so a run that was killed is taken
up where it stopped; nothing is visible to readers before the commit.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import asd
from asd.errors import DataError, UsageError
from asd.pipeline.capability import makeable_styles
from asd.pipeline.config import ConvertConfig, round_half_up
from asd.pipeline.fingerprint import code_fingerprint, images_fingerprint, version_id
from asd.pipeline.ingest import Ingested, ingest
from asd.pipeline.plan import STYLE_BITS, Assignment, Planner, Questions
from asd.pipeline.progress import Progress, SilentProgress
from asd.pipeline.work import (
    DraftOrder,
    Outcomes,
    ShardOrder,
    ShardResult,
    Worker,
    WorkerSetup,
    assemble_in_worker,
    draft_in_worker,
    start_worker,
)
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.shards.card import dataset_card
from asd.shards.files import open_arrow, sha256_of, storage_errors, sync_folder, write_bytes, write_text
from asd.shards.manifest import FORMAT_VERSION, MANIFEST_NAME, Counts, FileEntry, Manifest, read_manifest
from asd.shards.store import Store
from asd.sources.open import Source, open_source
from asd.sources.resolve import ResolvedSource, resolve_source
from asd.tasks.registry import load_task
from asd.templating import TemplateSet

INLINE_SAMPLES = 20_000
"""Below so many samples to convert, starting worker processes costs more than it saves."""
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Conversion:
    """What `convert` did: where the version is, whether it was there already, and its manifest."""

    path: Path
    """The dataset directory."""
    version: str
    number: str
    """"v1", "v2", ..."""
    did_work: bool
    manifest: Manifest
    notes: tuple[str, ...]


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


def prepare(config: ConvertConfig) -> Prepared:
    """Everything that can fail early, fails here: names, templates, the source's existence and layout."""
    spec = load_task(config.task)
    styles = _styles(config, spec)
    templates = TemplateSet(config.template_dir)
    templates.check(styles, spec.family)
    template_hashes = {found.name: found.sha256 for found in (templates.get(s, spec.family) for s in styles)}
    resolved = resolve_source(spec, config.source)
    store = Store(_out_folder(config, spec, resolved))
    if resolved.kind == "embedded":
        resolved = _write_embedded(spec, store, resolved)
    source = open_source(
        spec,
        resolved.location,
        source_format=config.source_format,
        split=config.split,
        image_root=config.image_root,
    )
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
        identity["images"] = images_fingerprint(source.image_root)
    notes = [resolved.message] if resolved.message else []
    return Prepared(
        config=config,
        spec=spec,
        resolved=resolved,
        source=source,
        styles=styles,
        templates=template_hashes,
        store=store,
        version=version_id(identity),
        identity=identity,
        notes=tuple(notes),
    )


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
    styles = makeable_styles(spec, wanted)
    missing = [style.value for style in wanted or () if style not in styles]
    if missing:
        raise UsageError(
            f"style {', '.join(missing)} of task {spec.name!r} can only be made by a rewriter, which this build does "
            "not have. Leave it out of --styles."
        )
    return styles


def _out_folder(config: ConvertConfig, spec: TaskSpec, resolved: ResolvedSource) -> Path:
    out = config.out if config.out is not None else Path("asd-data") / spec.name
    if resolved.kind == "embedded" and not out.name.endswith("-sample"):
        out = out.with_name(f"{out.name}-sample")
    return out


def _write_embedded(spec: TaskSpec, store: Store, resolved: ResolvedSource) -> ResolvedSource:
    """Draw the embedded sample into the dataset directory, so that its images stay beside its shards."""
    from asd.embedded import write_sample

    with store.lock("embedded"):
        path = write_sample(spec.name, store.root / "source")
    return replace(resolved, location=str(path))


def convert(config: ConvertConfig, progress: Progress | None = None) -> Conversion:
    """Convert, or find that it has been done. Raises: AsdError subclasses (see asd.errors)."""
    progress = progress or SilentProgress()
    prepared = prepare(config)
    for note in prepared.notes:
        progress.say(note)
    store, version = prepared.store, prepared.version
    waiting = f"another process is making version {version} in {store.root}; waiting for it"
    with store.lock(version, on_wait=waiting):
        did_work = not store.has(version)
        if did_work:
            _Run(prepared, store.staging(version), progress).run()
        finished = store.staging(version) / "out"
        manifest = read_manifest(finished if did_work else store.path_of(version))
        number = store.commit(version, finished, _origin(prepared), dataset_card(manifest))
        if config.name is not None:
            store.name_version(config.name, version)
        shutil.rmtree(store.staging(version), ignore_errors=True)
    return Conversion(store.root, version, number, did_work, manifest, prepared.notes)


def _origin(prepared: Prepared) -> dict[str, Any]:
    root = prepared.source.image_root
    return {
        "source": str(prepared.resolved.location),
        "image_root": None if root is None else str(Path(root).resolve()),
        "task": prepared.spec.name,
        "ratio": prepared.config.ratio,
        "seed": prepared.config.seed,
    }


class _Run:
    """The work of one conversion that is not there yet, in a staging folder that survives a kill."""

    def __init__(self, prepared: Prepared, staging: Path, progress: Progress) -> None:
        self.prepared, self.staging, self.progress = prepared, staging, progress
        self.out = staging / "out"
        self.ingest_dir, self.drafts_dir = staging / "ingest", staging / "drafts"
        self.rounds = 0

    def run(self) -> None:
        """Leave a finished version in `out`."""
        self._make_folders()
        ingested, wanted, quotas = self._ingest()
        with self._pool(self._setup(wanted), wanted) as pool:
            planner, assignment = self._plan(ingested, wanted, quotas, pool)
            self.progress.stage("writing", ingested.num_samples)
            results = self._assemble(ingested, assignment, pool)
        counts = self._counts(ingested, planner, assignment, wanted)
        for result in results:
            _add(counts.by_style, result.by_style)
            _add(counts.by_maker, result.by_maker)
        self._finish(counts, [result.entry for result in results])

    def plan_only(self) -> Counts:
        """The counts that `run` would report, without writing a shard."""
        self._make_folders()
        ingested, wanted, quotas = self._ingest()
        with self._pool(self._setup(wanted), wanted) as pool:
            planner, assignment = self._plan(ingested, wanted, quotas, pool)
        counts = self._counts(ingested, planner, assignment, wanted)
        names = [TARGET_STYLES[style].value for style in assignment.styles.tolist()]
        _add(counts.by_style, Counter(names))
        _add(counts.by_style, {self.prepared.spec.native_style.value: counts.samples - counts.converted})
        return counts

    def _make_folders(self) -> None:
        with storage_errors(self.staging):
            for folder in (self.out, self.ingest_dir, self.drafts_dir):
                folder.mkdir(parents=True, exist_ok=True)
            for leftover in self.out.rglob(".*.tmp"):
                leftover.unlink()

    def _ingest(self) -> tuple[Ingested, int, dict[int, int] | None]:
        self.progress.stage("reading", None)
        config = self.prepared.config
        ingested = ingest(
            self.prepared.source, self.prepared.spec, config, self.prepared.styles, self.ingest_dir,
            self.progress.advance,
        )  # fmt: skip
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
            index.save(temporary)
            temporary.replace(path)
        return path

    @contextmanager
    def _pool(self, setup: WorkerSetup, wanted: int) -> Iterator[_Pool]:
        workers = self.prepared.config.workers
        if workers is None:
            workers = len(os.sched_getaffinity(0)) if wanted >= INLINE_SAMPLES else 1
        pool = _Pool(setup, workers)
        try:
            yield pool
        finally:
            pool.close()

    def _plan(
        self, ingested: Ingested, wanted: int, quotas: dict[int, int] | None, pool: _Pool
    ) -> tuple[Planner, Assignment]:
        planner = Planner(
            ingested.keys, ingested.capable, ingested.polarity,
            total=None if quotas is not None else wanted, quotas=quotas, seed=self.prepared.config.seed,
        )  # fmt: skip
        self.progress.stage("converting", None)
        while (questions := planner.advance()) is not None:
            self._answer(questions, planner, ingested, pool)
            self.rounds += 1
        return planner, planner.result()

    def _answer(self, questions: Questions, planner: Planner, ingested: Ingested, pool: _Pool) -> None:
        """Put the planner's questions to the makers, shard by shard."""
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
        orders = [
            DraftOrder(ingested.shards[place], self.rounds, chain[place], single[place])
            for place in sorted({*chain, *single})
        ]
        for order, outcomes in zip(orders, pool.draft(orders), strict=True):
            first = order.shard.first
            planner.answer_chain([first + row for row, _ in order.chain], outcomes.chain, outcomes.chain_options)
            for (row, style), outcome, options in zip(
                order.single, outcomes.single, outcomes.single_options, strict=True
            ):
                planner.answer_single(first + row, style, outcome == style, options)
            self.progress.advance(len(order.chain) + len(order.single))

    def _assemble(self, ingested: Ingested, assignment: Assignment, pool: _Pool) -> list[ShardResult]:
        renamed_rows = sorted(ingested.renamed)
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
        manifest = Manifest(
            version=prepared.version,
            task=prepared.spec.name,
            asd_version=asd.__version__,
            config=prepared.identity["config"],
            spec=prepared.identity["spec"],
            source=prepared.identity["source"] | {"kind": prepared.resolved.kind},
            templates=prepared.templates,
            code=prepared.identity["code"],
            counts=counts,
            files=entries,
        )
        write_text(self.out / MANIFEST_NAME, manifest.to_json())
        sync_folder(self.out)


def _wanted(config: ConvertConfig, samples: int) -> tuple[int, dict[int, int] | None]:
    """Number of samples that leave the native style, and the quotas if they were given by style."""
    if config.ratio_per_style is None:
        return round_half_up(config.ratio * samples), None
    quotas = {STYLE_BITS[style]: round_half_up(share * samples) for style, share in config.ratio_per_style.items()}
    return sum(quotas.values()), quotas


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in sorted(more.items()):
        if count:
            total[name] = total.get(name, 0) + count


class _Pool:
    """Runs work items in order, in this process or in several; results come back in the order of the items."""

    def __init__(self, setup: WorkerSetup, workers: int) -> None:
        self._setup, self._workers = setup, workers
        self._inline: Worker | None = None
        self._processes: ProcessPoolExecutor | None = None

    def draft(self, orders: list[DraftOrder]) -> Iterator[Outcomes]:
        if self._workers == 1:
            return (self._worker().draft_rows(order) for order in orders)
        return self._map(draft_in_worker, orders)

    def assemble(self, orders: list[ShardOrder]) -> Iterator[ShardResult]:
        if self._workers == 1:
            return (self._worker().assemble(order) for order in orders)
        return self._map(assemble_in_worker, orders)

    def _worker(self) -> Worker:
        if self._inline is None:
            self._inline = Worker(self._setup)
        return self._inline

    def _map(self, function: Any, orders: list[Any]) -> Iterator[Any]:
        if self._processes is None:
            self._processes = ProcessPoolExecutor(
                self._workers, mp_context=get_context("spawn"), initializer=start_worker, initargs=(self._setup,)
            )
        try:
            yield from self._processes.map(function, orders)
        except BrokenProcessPool as exc:
            raise DataError(
                "a worker process died (killed, or out of memory). Finished parts are kept: run the same command "
                "again to go on, with fewer --workers if memory was short."
            ) from exc

    def close(self) -> None:
        if self._processes is not None:
            self._processes.shutdown(wait=True, cancel_futures=True)


def dry_run(config: ConvertConfig, progress: Progress | None = None) -> dict[str, Any]:
    """What `convert` would do: reads the source and asks the makers, but writes no dataset."""
    prepared = prepare(config)
    with tempfile.TemporaryDirectory(prefix="asd-dry-run-") as folder:
        counts = _Run(prepared, Path(folder), progress or SilentProgress()).plan_only()
    return {
        "task": prepared.spec.name,
        "native_style": prepared.spec.native_style.value,
        "source": str(prepared.resolved.location),
        "source_kind": prepared.resolved.kind,
        "layout": prepared.source.layout,
        "files": [{"path": file.path, "size_bytes": file.size_bytes} for file in prepared.source.files],
        "styles": [style.value for style in prepared.styles],
        "ratio": prepared.config.ratio,
        "seed": prepared.config.seed,
        "templates": prepared.templates,
        "out": str(prepared.store.root),
        "version": prepared.version,
        "exists": prepared.store.has(prepared.version),
        "counts": counts.model_dump(mode="json"),
        "notes": list(prepared.notes),
    }


def read_rejects(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
