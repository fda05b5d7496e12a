"""The steps of one conversion, in their order: read, plan (and draft what the plan asks), write, sum up.

Each step leaves its result in the staging folder, so a run that is killed is taken up where it stopped. Where the work
is done is the business of the engine that is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asd.conversion.config import ConvertConfig
from asd.conversion.prepare import Prepared
from asd.conversion.progress import Progress
from asd.conversion.result import (
    StagingFolders,
    add_counts,
    count_declined,
    count_samples,
    remove_hidden,
    write_manifest,
)
from asd.engines.base import Engine, WorkPool
from asd.engines.shared_staging import SharedStaging
from asd.errors import SourceError
from asd.plain_files import stamps_of
from asd.plan.planner import STYLE_BITS, Assignment, Planner, Questions
from asd.schemas.styles import TARGET_STYLES, Maker
from asd.shards.examples import first_of_each_style
from asd.shards.files import storage_errors
from asd.shards.manifest import Counts
from asd.shards.reader import read_shard
from asd.work.collector import collect_young, collector_paused
from asd.work.done_mark import remove_damaged
from asd.work.draft_files import DraftOrder, Outcomes, draft_file
from asd.work.exchanging import NOTHING_EXCHANGED, ExchangedAnswers, exchange_answers
from asd.work.finished_shards import ShardResult, find_finished
from asd.work.ingest import ingest
from asd.work.ingested import Ingested
from asd.work.mining_index import MINING_INDEX, build_mining_index
from asd.work.orders import Orders, draft_orders, shard_file, shard_orders
from asd.work.rewriting_record import LEDGER, Ledger
from asd.work.verdict_words import verdict_words
from asd.work.worker import ShardOrder, WorkerSetup


@dataclass(frozen=True)
class FirstPass:
    """The result of the first pass, and the number of samples that are therefore to be converted."""

    ingested: Ingested
    wanted: int
    """Samples that leave the native style."""
    quotas: dict[int, int] | None
    """By the style's number, where they were given."""


class ConversionRun:
    """The work of one conversion that is not there yet, in a staging folder that survives a kill."""

    def __init__(self, prepared: Prepared, staging: Path, engine: Engine, progress: Progress) -> None:
        self.prepared, self.staging, self.engine, self.progress = prepared, staging, engine, progress
        self.folders = StagingFolders.of(staging)
        self.shared = SharedStaging(staging)
        self.rounds = 0
        self._to_ask = 0
        """Questions to the makers that the plan has put so far: more than samples wanted, since makers decline."""

    def run(self) -> list[str]:
        """Leave a finished version in `out`; returns what the user should know of the reading."""
        self.make_folders()
        read = self.read()
        with self.pool(read) as pool:
            assignment = self.plan(read, pool)
            results = self.write(read, assignment, pool)
        counts = self._counts(read, assignment)
        for result in results:
            add_counts(counts.by_style, result.by_style)
            add_counts(counts.by_maker, result.by_maker)
        write_manifest(self.prepared, self.folders, counts, results)
        return self._all_notes(read)

    def plan_only(self, *, examples: int = 0) -> tuple[Counts, list[str], list[dict[str, Any]]]:
        """The counts and notes that `run` would give, and `examples` rows of each style: of the first shard, the only
        one that is written."""
        self.make_folders()
        read = self.read()
        with self.pool(read) as pool:
            assignment = self.plan(read, pool)
            shown = self._examples(read, assignment, pool, examples) if examples else []
        counts = self._counts(read, assignment)
        add_counts(counts.by_style, {TARGET_STYLES[style].value: n for style, n in assignment.by_style.items()})
        add_counts(counts.by_style, {self.prepared.spec.native_style.value: counts.samples - counts.converted})
        return counts, self._all_notes(read), shown

    def _examples(self, read: FirstPass, assignment: Assignment, pool: WorkPool, number: int) -> list[dict[str, Any]]:
        first = self._shard_orders(read.ingested, assignment, pool).where(
            lambda shard: shard is read.ingested.shards[0]
        )
        (result,) = pool.write(first)
        return first_of_each_style(read_shard(self.folders.out / result.entry.path), result.by_style, number)

    def _all_notes(self, read: FirstPass) -> list[str]:
        """Those of the images are said now: they are about the result, and come last."""
        for note in read.ingested.image_notes:
            self.progress.say(f"note: {note}")
        return [*read.ingested.notes, *read.ingested.image_notes]

    # -- the steps, in their order --------------------------------------------------------------------------------

    def make_folders(self) -> None:
        with storage_errors(self.staging):
            self.folders.make()
            remove_hidden(self.folders.out)
        config, source = self.prepared.config, self.prepared.source
        shows_images = config.rewriter is not None and config.rewriter.images != "never"
        needed = (config.template_dir, source.image_root if config.embed_images or shows_images else None)
        self.engine.require_seen(self.staging, [path for path in needed if path is not None and path.exists()])

    def read(self) -> FirstPass:
        """Go through the source, unless an earlier run did. Raises: SourceError if it changes meanwhile."""
        self.progress.stage("reading", None)
        config = self.prepared.config
        before = self.prepared.stamps
        with collector_paused():
            ingested = ingest(
                self.prepared.source, self.prepared.spec, config, self.prepared.styles, self.folders.ingest,
                self._read_on,
                lambda source, measure: self.engine.read(source, measure, before, self.progress.say),
            )  # fmt: skip
        changed = [path for path, stamp in stamps_of(before).items() if stamp != before[path]]
        if changed:
            raise SourceError(f"{changed[0]} changed while it was read. Run again when nothing writes to it.")
        for note in ingested.notes:
            self.progress.say(f"note: {note}")
        return FirstPass(ingested, *_wanted(config, ingested.num_samples))

    def _read_on(self, rows: int) -> None:
        self.progress.advance(rows)
        collect_young()

    def pool(self, read: FirstPass) -> WorkPool:
        """The engine's pool, which drafts and writes."""
        prepared, folders = self.prepared, self.folders
        setup = WorkerSetup(
            spec=prepared.spec,
            seed=prepared.config.seed,
            styles=tuple(prepared.styles),
            template_dir=prepared.config.template_dir,
            ingest_dir=folders.ingest,
            drafts_dir=folders.drafts,
            shards_dir=folders.out,
            marks_dir=folders.marks,
            mining_index=self._mining_index(read.wanted),
            image_root=prepared.source.image_root,
            embed_images=prepared.config.embed_images,
            durable_drafts=self.shared.is_begun,
        )
        return self.engine.pool(setup, read.ingested.shards, read.wanted)

    def _mining_index(self, wanted: int) -> Path | None:
        """The path of the index of the task's answers, for distractors; None if nothing of this run is mined."""
        mined = any(Maker.MINED in self.prepared.spec.styles[style] for style in self.prepared.styles)
        return self.staging / MINING_INDEX if wanted and mined else None

    def build_mining_index(self, wanted: int) -> None:
        if self._mining_index(wanted) is not None:
            build_mining_index(
                self.staging, self.folders.ingest, self.prepared.spec, self.prepared.config.seed, self.progress.say
            )

    def plan(self, read: FirstPass, pool: WorkPool) -> Assignment:
        """Decide which sample takes which style. All that the plan asks of the makers is drafted then."""
        ingested, wanted, quotas = read.ingested, read.wanted, read.quotas
        planner = Planner(
            ingested.keys, ingested.capable, ingested.polarity,
            total=None if quotas is not None else wanted, quotas=quotas, seed=self.prepared.config.seed,
            thrifty=self.prepared.config.rewriter is not None,
        )  # fmt: skip
        self.progress.stage("converting", wanted)
        self.build_mining_index(wanted)
        if self.prepared.config.rewriter is not None:
            from asd.rewrite.open_model import run_to_end  # asyncio is not for those who need no model

            run_to_end(lambda: self._answer_all_with_model(planner, ingested, pool))
        else:
            while (questions := planner.advance()) is not None:
                self._answer(questions, planner, ingested, pool)
        return planner.result()

    async def _answer_all_with_model(self, planner: Planner, ingested: Ingested, pool: WorkPool) -> None:
        """Answer all rounds in one task, since the model stays open for all of them."""
        settings = self.prepared.config.rewriter
        assert settings is not None
        async with pool.stage(settings, Ledger(self.staging / LEDGER), self.progress) as stage:
            while (questions := planner.advance()) is not None:
                orders = list(self._orders(questions, ingested))
                for order, outcomes in zip(orders, await stage.draft(orders), strict=True):
                    _feed(planner, order, outcomes)
                self.rounds += 1

    def _answer(self, questions: Questions, planner: Planner, ingested: Ingested, pool: WorkPool) -> None:
        """Put the planner's questions to the makers, shard by shard."""
        orders = self._orders(questions, ingested)
        for order, outcomes in zip(orders, pool.draft(orders), strict=True):
            _feed(planner, order, outcomes)
            self.progress.advance(len(order))
        self.rounds += 1

    def _orders(self, questions: Questions, ingested: Ingested) -> Orders[DraftOrder]:
        self._to_ask += len(questions)
        self.progress.expect_at_least(self._to_ask)
        mine = (shard for place, shard in enumerate(ingested.shards) if self.engine.takes(place))
        left = (path for shard in mine if (path := draft_file(self.folders.drafts, self.rounds, shard)).exists())
        remove_damaged(left, self.progress.say)
        return draft_orders(questions, ingested.shards, self.rounds)

    def _shard_orders(self, ingested: Ingested, assignment: Assignment, pool: WorkPool) -> Orders[ShardOrder]:
        exchanged = self._exchanged(ingested, assignment, pool)
        records = self.prepared.config.rewriter is not None
        verdicts = verdict_words(ingested.spellings)
        return shard_orders(assignment, ingested, self.rounds, exchanged, verdicts, records=records)

    def _exchanged(self, ingested: Ingested, assignment: Assignment, pool: WorkPool) -> ExchangedAnswers:
        if self._mining_index(assignment.converted) is None:
            return NOTHING_EXCHANGED
        index = pool.worker().context.distractors
        assert index is not None
        folders = self.folders.ingest, self.folders.drafts
        with collector_paused():
            seed = self.prepared.config.seed
            are_captions = self.prepared.spec.family == "caption"
            return exchange_answers(ingested, assignment, self.rounds, folders, index, seed, are_captions=are_captions)

    def write(self, read: FirstPass, assignment: Assignment, pool: WorkPool) -> list[ShardResult]:
        """Write all shards that the engine takes, and take up those that an earlier run finished."""
        places = {shard.file: place for place, shard in enumerate(read.ingested.shards)}
        mine = self._shard_orders(read.ingested, assignment, pool).where(
            lambda shard: self.engine.takes(places[shard.file])
        )
        self.progress.stage("writing", sum(shard.rows for shard in mine.shards))
        is_trusted, say, folders = self.shared.are_all_done(), self.progress.say, self.folders
        finished = {
            shard: find_finished(folders.marks, folders.out, shard_file(shard), say, is_trusted=is_trusted)
            for shard in mine.shards
        }
        made = pool.write(mine.where(lambda shard: finished[shard] is None))
        results = []
        for shard, result in finished.items():
            results.append(result or next(made))
            self.progress.advance(shard.rows)
        return results

    def _counts(self, read: FirstPass, assignment: Assignment) -> Counts:
        """Count everything but the rows by style and by maker."""
        declined = count_declined(read.ingested, assignment, self.folders.drafts, self.rounds)
        return count_samples(self.prepared.spec.native_style, read.ingested, assignment, read.wanted, declined)


def _feed(planner: Planner, order: DraftOrder, outcomes: Outcomes) -> None:
    first = order.shard.first
    planner.answer_chain(order.chain[:, 0] + np.int64(first), outcomes.chain, outcomes.chain_options)
    rows, styles = order.single[:, 0] + np.int64(first), order.single[:, 1]
    planner.answer_singles(rows, styles, outcomes.single == styles, outcomes.single_options)


def _wanted(config: ConvertConfig, samples: int) -> tuple[int, dict[int, int] | None]:
    """Number of samples that leave the native style, and the quotas if they were given by style.

    Python's round, which takes .5 to the even number, so that a reader who checks `round(X * N)` finds the same.
    """
    if config.ratio_per_style is None:
        return round(config.ratio * samples), None
    quotas = {STYLE_BITS[style]: round(share * samples) for style, share in config.ratio_per_style.items()}
    return sum(quotas.values()), quotas
