"""The work of one conversion: ingest, plan, draft, assemble. Each step leaves its result in the staging folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import asd
from asd.errors import SourceError
from asd.pipeline.assembled import ShardResult, find_finished
from asd.pipeline.collector import collect_young, collector_paused
from asd.pipeline.config import ConvertConfig
from asd.pipeline.done_mark import remove_damaged
from asd.pipeline.drafts import DraftOrder, Outcomes, draft_file
from asd.pipeline.exchanging import NOTHING_EXCHANGED, ExchangedAnswers, exchange_answers
from asd.pipeline.ingest import ingest
from asd.pipeline.ingested import Ingested
from asd.pipeline.measuring import Reading, read_here
from asd.pipeline.mining_index import MINING_INDEX, build_mining_index
from asd.pipeline.orders import Orders, draft_orders, shard_file, shard_orders
from asd.pipeline.plan import STYLE_BITS, Assignment, Planner, Questions
from asd.pipeline.pool import Pool, WorkPool
from asd.pipeline.prepare import Prepared, stamps_of
from asd.pipeline.progress import Progress
from asd.pipeline.rewriting_record import LEDGER, Ledger, describe_version
from asd.pipeline.shared_staging import SharedStaging
from asd.pipeline.work import ShardOrder, WorkerSetup
from asd.schemas.styles import TARGET_STYLES, Maker
from asd.shards.files import open_staged, sha256_of, storage_errors, sync_folder, write_bytes, write_text
from asd.shards.manifest import (
    MANIFEST_NAME,
    Counts,
    FileEntry,
    Manifest,
)

if TYPE_CHECKING:
    from asd.pipeline.rewriting import ModelStage

INLINE_SAMPLES = 60_000
"""Below so many samples to convert, starting worker processes costs more than it saves."""


class ConversionRun:
    """The work of one conversion that is not there yet, in a staging folder that survives a kill."""

    engine = "local"
    """"ray" where this process is connected to a cluster."""

    def __init__(self, prepared: Prepared, staging: Path, progress: Progress) -> None:
        self.prepared, self.staging, self.progress = prepared, staging, progress
        self.out = staging / "out"
        self.ingest_dir, self.drafts_dir = staging / "ingest", staging / "drafts"
        self.assembled_dir = staging / "assembled"
        self.shared = SharedStaging(staging)
        self.rounds = 0
        self._to_ask = 0
        """Questions to the makers that the plan has put so far: more than samples wanted, since makers decline."""

    def run(self) -> list[str]:
        """Leave a finished version in `out`; returns what the user should know of the reading."""
        self._make_folders()
        ingested, wanted, quotas = self._ingest()
        with self._pool(wanted) as pool:
            assignment = self._plan(ingested, wanted, quotas, pool)
            self.progress.stage("writing", ingested.num_samples)
            results = self._results(self._shard_orders(ingested, assignment, pool), pool)
        counts = self._counts(ingested, assignment, wanted)
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
            assignment = self._plan(ingested, wanted, quotas, pool)
        counts = self._counts(ingested, assignment, wanted)
        _add(counts.by_style, {TARGET_STYLES[style].value: given for style, given in assignment.by_style.items()})
        _add(counts.by_style, {self.prepared.spec.native_style.value: counts.samples - counts.converted})
        return counts, ingested.notes

    def _make_folders(self) -> None:
        with storage_errors(self.staging):
            for folder in (self.out, self.ingest_dir, self.drafts_dir, self.assembled_dir):
                folder.mkdir(parents=True, exist_ok=True)
            self._remove_leftovers()

    def _remove_leftovers(self) -> None:
        """Shards without a name, of processes that died: of an earlier run, or of this one, where Ray began them anew."""
        for leftover in self.out.rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)

    def _ingest(self) -> tuple[Ingested, int, dict[int, int] | None]:
        self.progress.stage("reading", None)
        config = self.prepared.config
        with collector_paused():
            ingested = ingest(
                self.prepared.source, self.prepared.spec, config, self.prepared.styles, self.ingest_dir, self._read_on,
                self._reading(), self._is_mine,
            )  # fmt: skip
        before = self.prepared.stamps
        changed = [path for path, stamp in stamps_of(before).items() if stamp != before[path]]
        if changed:
            raise SourceError(f"{changed[0]} changed while it was read. Run again when nothing writes to it.")
        for note in ingested.notes:
            self.progress.say(f"note: {note}")
        return ingested, *_wanted(config, ingested.num_samples)

    def _is_mine(self, place: int) -> bool:
        """Whether this process is to do the work on the native shard at this place, unless it is done already."""
        return True

    def _reading(self) -> Reading:
        if self.engine == "ray":
            from asd.pipeline.ray_reading import ClusterReading

            config = self.prepared.config
            return ClusterReading(self.prepared.stamps, ship=config.ray_ship_files, say=self.progress.say)
        return read_here

    def _read_on(self, rows: int) -> None:
        self.progress.advance(rows)
        collect_young()

    def _setup(self, wanted: int) -> WorkerSetup:
        prepared = self.prepared
        return WorkerSetup(
            spec=prepared.spec,
            seed=prepared.config.seed,
            styles=tuple(prepared.styles),
            template_dir=prepared.config.template_dir,
            ingest_dir=self.ingest_dir,
            drafts_dir=self.drafts_dir,
            shards_dir=self.out,
            marks_dir=self.assembled_dir,
            mining_index=self._mining_index(wanted),
            image_root=prepared.source.image_root,
            embed_images=prepared.config.embed_images,
            durable_drafts=self.shared.is_begun,
        )

    def _mining_index(self, wanted: int) -> Path | None:
        """Where the index of the task's answers is, for distractors; None if nothing of this run is mined."""
        mined = any(Maker.MINED in self.prepared.spec.styles[style] for style in self.prepared.styles)
        return self.staging / MINING_INDEX if wanted and mined else None

    def _build_mining_index(self, wanted: int) -> None:
        if self._mining_index(wanted) is not None:
            build_mining_index(self.staging, self.ingest_dir, self.prepared.config.seed, self.progress.say)

    def _pool(self, wanted: int) -> WorkPool:
        if self.engine == "ray":
            from asd.pipeline.ray_engine import RayPool

            return RayPool(self._setup(wanted), self.staging, ship=self.prepared.config.ray_ship_files)
        workers = self.prepared.config.workers
        if workers is None:
            workers = usable_cores() if wanted >= INLINE_SAMPLES else 1
        return Pool(self._setup(wanted), workers)

    def _plan(self, ingested: Ingested, wanted: int, quotas: dict[int, int] | None, pool: WorkPool) -> Assignment:
        planner = Planner(
            ingested.keys, ingested.capable, ingested.polarity,
            total=None if quotas is not None else wanted, quotas=quotas, seed=self.prepared.config.seed,
            thrifty=self.prepared.config.rewriter is not None,
        )  # fmt: skip
        self.progress.stage("converting", wanted)
        self._build_mining_index(wanted)
        if self.prepared.config.rewriter is not None:
            from asd.pipeline.rewriting import run_to_end

            run_to_end(lambda: self._answer_all_with_model(planner, ingested, pool))
        else:
            while (questions := planner.advance()) is not None:
                self._answer(questions, planner, ingested, pool)
        return planner.result()

    async def _answer_all_with_model(self, planner: Planner, ingested: Ingested, pool: WorkPool) -> None:
        """All rounds in one task, since the model stays open for all of them."""
        async with self._stage(pool) as stage:
            while (questions := planner.advance()) is not None:
                orders = list(self._orders(questions, ingested))
                for order, outcomes in zip(orders, await stage.draft(orders), strict=True):
                    _feed(planner, order, outcomes)
                self.rounds += 1

    def _stage(self, pool: WorkPool) -> ModelStage:
        config, ledger = self.prepared.config, Ledger(self.staging / LEDGER)
        assert config.rewriter is not None
        if self.engine == "ray":
            from asd.pipeline.ray_rewriting import stage_on_ray

            return stage_on_ray(pool, config, ledger, self.progress)
        from asd.pipeline.rewriting import RewritingStage

        return RewritingStage(pool.worker(), config.rewriter, ledger, self.progress)

    def _answer(self, questions: Questions, planner: Planner, ingested: Ingested, pool: WorkPool) -> None:
        """Put the planner's questions to the makers, shard by shard."""
        orders = self._orders(questions, ingested)
        for order, outcomes in zip(orders, pool.draft(orders), strict=True):
            _feed(planner, order, outcomes)
            self.progress.advance(len(order.chain) + len(order.single))
        self.rounds += 1

    def _orders(self, questions: Questions, ingested: Ingested) -> Orders[DraftOrder]:
        self._to_ask += len(questions)
        self.progress.expect_at_least(self._to_ask)
        mine = (shard for place, shard in enumerate(ingested.shards) if self._is_mine(place))
        left = (path for shard in mine if (path := draft_file(self.drafts_dir, self.rounds, shard)).exists())
        remove_damaged(left, self.progress.say)
        return draft_orders(questions, ingested.shards, self.rounds)

    def _shard_orders(self, ingested: Ingested, assignment: Assignment, pool: WorkPool) -> Orders[ShardOrder]:
        exchanged = self._exchanged(ingested, assignment, pool)
        records = self.prepared.config.rewriter is not None
        return shard_orders(assignment, ingested, self.rounds, exchanged, records=records)

    def _exchanged(self, ingested: Ingested, assignment: Assignment, pool: WorkPool) -> ExchangedAnswers:
        if self._mining_index(assignment.converted) is None:
            return NOTHING_EXCHANGED
        index = pool.worker().context.distractors
        assert index is not None
        folders = self.ingest_dir, self.drafts_dir
        with collector_paused():
            seed = self.prepared.config.seed
            return exchange_answers(ingested, assignment, self.rounds, folders, index, seed)

    def _results(self, orders: Orders[ShardOrder], pool: WorkPool) -> list[ShardResult]:
        """Of all orders; shards that an earlier run finished are taken up."""
        is_trusted = self.shared.are_all_done()
        finished = {
            shard: find_finished(
                self.assembled_dir, self.out, shard_file(shard), self.progress.say, is_trusted=is_trusted
            )
            for shard in orders.shards
        }
        made = pool.assemble(orders.where(lambda shard: finished[shard] is None))
        results = []
        for shard, result in finished.items():
            results.append(result or next(made))
            self.progress.advance(shard.rows)
        return results

    def _declined(self, ingested: Ingested, assignment: Assignment) -> dict[str, int]:
        """Why makers declined, in the answers that the plan used."""
        counts: Counter[str] = Counter()
        for shard in ingested.shards:
            in_turn, alone = assignment.answers_between(shard.first, shard.first + shard.rows)
            for number in range(self.rounds):
                path = draft_file(self.drafts_dir, number, shard)
                if not path.is_file():
                    continue
                table = open_staged(path).read_all().select(["row", "single", "asked", "reasons"])
                rows, single, asked = (table[name].to_numpy() for name in ("row", "single", "asked"))
                used = np.where(single, alone[rows] == asked, in_turn[rows])
                for entry in pc.list_flatten(table["reasons"].filter(pa.array(used))).value_counts().to_pylist():
                    counts[entry["values"]] += entry["counts"]
        return dict(sorted(counts.items()))

    def _counts(self, ingested: Ingested, assignment: Assignment, wanted: int) -> Counts:
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
            converted=assignment.converted,
            wanted=wanted,
            shortfall=assignment.shortfall,
            by_split=by_split,
            by_style_before={self.prepared.spec.native_style.value: ingested.num_samples},
            moved=moved,
            declined=self._declined(ingested, assignment),
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
        with storage_errors(self.out):
            self._remove_leftovers()
            for folder in {path.parent for path in shards}:
                sync_folder(folder)
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
    planner.answer_chain(order.chain[:, 0] + np.int64(first), outcomes.chain, outcomes.chain_options)
    rows, styles = order.single[:, 0] + np.int64(first), order.single[:, 1]
    planner.answer_singles(rows, styles, outcomes.single == styles, outcomes.single_options)


def usable_cores() -> int:
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
