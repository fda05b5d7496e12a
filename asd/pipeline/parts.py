"""One conversion handed out in parts that see the same folders, with no more between them than files and locks.

A part takes its share (the native shard's place modulo the number of parts) of the drafting and of the assembling. The
plan is global, exact, and a function of all outcomes, so every part that finds all draft files of a round draws it for
itself and needs to be told nothing. What no part did, the merge does: it is the ordinary conversion, taken up where
the parts left it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from asd.errors import AsdError, ShardError, UsageError
from asd.pipeline.assembled import ShardResult
from asd.pipeline.config import ConvertConfig
from asd.pipeline.convert import WORTH_KEEPING, look_at_prepared_model
from asd.pipeline.drafts import DraftOrder, Outcomes, read_outcomes
from asd.pipeline.ingested import Ingested, NativeShard, find_damage
from asd.pipeline.meeting import Meeting, UnfinishedError
from asd.pipeline.mining_index import MINING_INDEX
from asd.pipeline.pool import WorkPool
from asd.pipeline.prepare import Prepared, prepare
from asd.pipeline.progress import Progress, SilentProgress
from asd.pipeline.rewriting_record import LEDGER, Ledger
from asd.pipeline.run import ConversionRun
from asd.pipeline.shared_staging import DONE, Part, words
from asd.pipeline.work import ShardOrder, Worker
from asd.shards.files import storage_errors, sync_file, sync_folder

if TYPE_CHECKING:
    from asd.pipeline.rewriting import RewritingStage


@dataclass
class PartReport:
    """How far a part has come."""

    part: Part
    path: Path
    """The dataset directory."""
    version: str
    blocks: int = 0
    """Native shards of the whole source."""
    drafts: int = 0
    """Draft files of this part's share, in the rounds that it knows of."""
    drafts_done: int = 0
    shards: int | None = None
    """Of its share; None before the plan is known."""
    shards_done: int = 0
    waiting_for: tuple[int, ...] = ()
    """Parts whose drafts are missing, at least one of which is not at work."""
    is_committed: bool = False
    """The version was there already."""

    @property
    def is_done(self) -> bool:
        return self.is_committed or self.shards == self.shards_done


def run_part(config: ConvertConfig, part: Part, *, wait_s: float = 0.0, progress: Progress | None = None) -> PartReport:
    """Do one part's share of the conversion, as far as it goes without the others; `merge` commits.

    wait_s: how long to wait for parts that are not at work; those that are, are waited for as long as they are.
    Raises: as `convert`; UsageError for a part that is at work already, or one of another number of parts.
    """
    if config.engine != "local":
        raise UsageError(f"--engine {config.engine} hands the work out itself; give --shard-index without it.")
    progress = progress or SilentProgress()
    prepared = prepare(config)
    for note in prepared.notes:
        progress.say(note)
    store, version = prepared.store, prepared.version
    look_at_prepared_model(prepared)
    created = [folder for folder in (store.root, *store.root.parents) if not folder.exists()]
    waiting = f"another process is making version {version} in {store.root} alone; waiting for it"
    run = PartRun(prepared, part, wait_s, progress)
    try:
        with store.lock_together(version, on_wait=waiting):
            if store.is_whole(version):
                return PartReport(part, store.root, version, is_committed=True)
            return run.run_share()
    except AsdError as exc:
        if not isinstance(exc, WORTH_KEEPING) and not run.shared.is_begun:  # else it may be of use to the others
            store.forget_staging(version, created)
        raise


class PartRun(ConversionRun):
    """A part's share of the work, in a staging folder that others work in too."""

    def __init__(self, prepared: Prepared, part: Part, wait_s: float, progress: Progress) -> None:
        super().__init__(prepared, prepared.store.staging(prepared.version), progress)
        self.part = part
        self.report = PartReport(part, prepared.store.root, prepared.version)
        self._meeting = Meeting(self.shared, wait_s, lambda text: progress.say(f"{part}: {text}"))
        self._places: dict[str, int] = {}

    def run_share(self) -> PartReport:
        """Do what can be done; the report's `waiting_for` says what could not."""
        with self.shared.at_work(self.part):
            try:
                self._work()
                self.shared.note(self.part, DONE)
            except UnfinishedError as exc:
                self.report.waiting_for = tuple(exc.parts)
                self.shared.note(self.part, f"waiting for {words(exc.parts)}")
        return self.report

    def _work(self) -> None:
        self.shared.note(self.part, "reading")
        with self._setup_lock():
            ingested, wanted, quotas = self._read_once()
        self._places = {shard.file: place for place, shard in enumerate(ingested.shards)}
        self.report.blocks = len(ingested.shards)
        with self._pool(wanted) as pool:
            assignment = self._plan(ingested, wanted, quotas, pool)
            orders = self._shard_orders(ingested, assignment, pool).where(self._is_my_shard)
            self.report.shards = len(orders)
            self.shared.note(self.part, "writing")
            self.progress.stage("writing", sum(shard.rows for shard in orders.shards))
            self.report.shards_done = len(self._results(orders, pool))

    def _setup_lock(self) -> AbstractContextManager[None]:
        if self.shared.is_in_setup() and not self.shared.is_begun:
            self.progress.say(f"{self.part}: another part is reading the source; waiting for it")
        return self.shared.setup_lock()

    def _read_once(self) -> tuple[Ingested, int, dict[int, int] | None]:
        """Read the source, unless a part has; the files are on the disk before anybody relies on them.

        Raises: UsageError if the others count their parts differently.
        """
        if self.shared.is_begun:
            self._require_same_count()
            self._require_same_end()
            return self._read_again_if_damaged()
        self._make_folders()
        ingested, wanted, quotas = self._ingest()
        self._build_mining_index(wanted)
        self._flush()
        self.shared.begin(self.part.count, portable_settings(self.prepared), self.prepared.identity)
        return ingested, wanted, quotas

    def _read_again_if_damaged(self) -> tuple[Ingested, int, dict[int, int] | None]:
        """Raises: ShardError if something is damaged that other parts may be reading."""
        damage = find_damage(self.ingest_dir, self._is_mine)
        others = [one.index for one in self.shared.records() if one.at_work and one.index != self.part.index]
        if damage and others:
            raise ShardError(
                f"{damage}, and {words(others)}, at work, may be reading beside it. Run this part again when they have "
                "ended: then it reads the source anew."
            )
        found = self._ingest()
        if damage:
            self._flush()
        return found

    def _require_same_count(self) -> None:
        count, root = self.shared.count, self.prepared.store.root
        if count != self.part.count:
            raise UsageError(
                f"--num-shards {self.part.count}: version {self.prepared.version} in {root} is being made in {count} "
                f"parts. Give --num-shards {count}; or, to begin anew when none of them is at work, first "
                f"`asd versions {root} --clean`."
            )

    def _require_same_end(self) -> None:
        """What the merge does after the commit is no part of the version, so that the first part's settings decide."""
        agreed = self.shared.conversion()["settings"]
        for option in ("name", "publish"):
            given = getattr(self.prepared.config, option)
            if given is not None and given != agreed.get(option):
                raise UsageError(
                    f"--{option} {given}: the parts of version {self.prepared.version} in {self.prepared.store.root} "
                    f"began with {agreed.get(option) or f'no --{option}'}. Run this part with the same as they; after "
                    f"the merge, `asd convert` without --shard-index and with --{option} {given} does that alone."
                )

    def _flush(self) -> None:
        folders = [folder for folder in (self.ingest_dir, self.drafts_dir, self.assembled_dir) if folder.is_dir()]
        with storage_errors(self.staging):
            for path in (
                *(path for folder in folders for path in folder.iterdir()),
                *self.staging.glob(f"{MINING_INDEX}*"),
            ):
                sync_file(path)
            for folder in (*folders, self.staging):
                sync_folder(folder)

    def _pool(self, wanted: int) -> WorkPool:
        return _PartPool(self, super()._pool(wanted))

    def _stage(self, pool: WorkPool) -> RewritingStage:
        from asd.pipeline.part_rewriting import PartStage

        return PartStage(
            self, pool.worker(), self.prepared.config.rewriter, Ledger(self.staging / LEDGER), self.progress
        )

    def _owner(self, shard: NativeShard) -> int:
        return self._places[shard.file] % self.part.count

    def _is_mine(self, place: int) -> bool:
        return place % self.part.count == self.part.index

    def _is_my_shard(self, shard: NativeShard) -> bool:
        return self._is_mine(self._places[shard.file])

    def begin_round(self, orders: Sequence[DraftOrder]) -> list[DraftOrder]:
        """This part's share of a round's orders."""
        mine = [order for order in orders if self._is_my_shard(order.shard)]
        self.report.drafts += len(mine)
        self.shared.note(self.part, "drafting")
        return mine

    def wait_for_others(self, orders: Sequence[DraftOrder]) -> None:
        """Raises: UnfinishedError."""
        self.shared.note(self.part, "waiting for the others' drafts")
        self._meeting.wait({order.path(self.drafts_dir): self._owner(order.shard) for order in orders})


class _PartPool:
    """Drafts this part's share; the outcomes of the others are read from their files."""

    def __init__(self, run: PartRun, inner: WorkPool) -> None:
        self._run, self._inner = run, inner

    def __enter__(self) -> _PartPool:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def draft(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        run = self._run
        for _ in self._inner.draft(run.begin_round(orders)):
            run.report.drafts_done += 1
        run.wait_for_others(orders)
        return (read_outcomes(order.path(run.drafts_dir), order) for order in orders)

    def assemble(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        return self._inner.assemble(orders)

    def worker(self) -> Worker:
        return self._inner.worker()


def portable_settings(prepared: Prepared) -> dict[str, Any]:
    """The settings of a conversion as another process can use them, wherever it is started; JSON-ready."""
    config, resolved = prepared.config, prepared.resolved
    settings = config.model_dump(mode="json", exclude={"workers", "source"}, exclude_defaults=True)
    settings["out"] = str(prepared.store.root.resolve())
    if resolved.kind != "embedded":
        settings["source"] = _absolute(resolved.location)
    for name in ("template_dir", "image_root"):
        if name in settings:
            settings[name] = str(Path(settings[name]).resolve())
    if config.task.endswith((".yaml", ".yml")):
        settings["task"] = str(Path(config.task).resolve())
    return settings


def _absolute(location: str) -> str:
    """A path as an absolute one; a data set's name as it is."""
    return str(Path(location).resolve()) if Path(location).exists() else location
