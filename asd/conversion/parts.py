"""One conversion handed out in parts that see the same folders, with no more between them than files and locks.

A part takes its share (the native shard's place modulo the number of parts) of the drafting and of the assembling. The
plan is global, exact, and a function of all outcomes, so every part that finds all draft files of a round draws it for
itself and needs to be told nothing. What no part did, the merge does: it is the ordinary conversion, taken up where
the parts left it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from shlex import quote
from typing import Any

from asd.conversion.config import ConvertConfig
from asd.conversion.convert import WORTH_KEEPING, look_at_prepared_model
from asd.conversion.engine_choice import engine_of
from asd.conversion.prepare import Prepared, prepare
from asd.conversion.progress import Progress, SilentProgress
from asd.conversion.run import ConversionRun, FirstPass
from asd.engines.part import PartEngine, PartReport
from asd.engines.shared_staging import DONE, Part, SharedStaging, words
from asd.engines.waiting import UnfinishedError
from asd.errors import AsdError, ShardError, UsageError
from asd.shards.files import storage_errors, sync_file, sync_folder
from asd.work.ingested import find_damage
from asd.work.mining_index import MINING_INDEX


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
    shared, report = SharedStaging(store.staging(version)), PartReport(part, store.root, version)
    engine = PartEngine(engine_of(config), shared, report, wait_s, progress.say)
    try:
        with store.lock_together(version, on_wait=waiting):
            if store.is_whole(version):
                report.is_committed = True
            else:
                _PartConversion(prepared, shared, engine, progress).run()
    except AsdError as exc:
        if not isinstance(exc, WORTH_KEEPING) and not shared.is_begun:  # else it may be of use to the others
            store.forget_staging(version, created)
        raise
    return report


class _PartConversion:
    """A part's share of a conversion, in a staging folder that others work in too."""

    def __init__(self, prepared: Prepared, shared: SharedStaging, engine: PartEngine, progress: Progress) -> None:
        self.prepared, self.shared, self.engine, self.progress = prepared, shared, engine, progress
        self.staging = prepared.store.staging(prepared.version)
        self.part, self.steps = engine.report.part, ConversionRun(prepared, self.staging, engine, progress)

    def run(self) -> None:
        """Do what can be done; the report's `waiting_for` says what could not."""
        with self.shared.at_work(self.part):
            try:
                self._work()
                self.engine.note(DONE)
            except UnfinishedError as exc:
                self.engine.report.waiting_for = tuple(exc.parts)
                self.engine.note(f"waiting for {words(exc.parts)}")

    def _work(self) -> None:
        steps, report = self.steps, self.engine.report
        self.engine.note("reading")
        with self._setup_lock():
            read = self._read_once()
        report.blocks = len(read.ingested.shards)
        with steps.pool(read) as pool:
            assignment = steps.plan(read, pool)
            report.shards = sum(map(self.engine.takes, range(report.blocks)))
            self.engine.note("writing")
            report.shards_done = len(steps.write(read, assignment, pool))

    def _setup_lock(self) -> AbstractContextManager[None]:
        if self.shared.is_in_setup() and not self.shared.is_begun:
            self.progress.say(f"{self.part}: another part is reading the source; waiting for it")
        return self.shared.setup_lock()

    def _read_once(self) -> FirstPass:
        """Read the source, unless a part has; the files are on the disk before anybody relies on them.

        Raises: UsageError if the others count their parts differently.
        """
        if self.shared.is_begun:
            self._require_same_count()
            self._require_same_end()
            return self._read_again_if_damaged()
        self.steps.make_folders()
        read = self.steps.read()
        self.steps.build_mining_index(read.wanted)
        self._flush()
        self.shared.begin(self.part.count, portable_settings(self.prepared), self.prepared.identity)
        return read

    def _read_again_if_damaged(self) -> FirstPass:
        """Raises: ShardError if something is damaged that other parts may be reading."""
        damage = find_damage(self.steps.folders.ingest)
        others = [
            record.index for record in self.shared.records() if record.at_work and record.index != self.part.index
        ]
        if damage and others:
            raise ShardError(
                f"{damage}, and {words(others)}, at work, may be reading beside it. Run this part again when they have "
                "ended: then it reads the source anew."
            )
        read = self.steps.read()
        if damage:
            self._flush()
        return read

    def _require_same_count(self) -> None:
        count, root = self.shared.count, self.prepared.store.root
        if count != self.part.count:
            raise UsageError(
                f"--num-shards {self.part.count}: version {self.prepared.version} in {root} is being made in {count} "
                f"parts. Give --num-shards {count}; or, to begin anew when none of them is at work, first "
                f"`asd versions {quote(str(root))} --clean`."
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
        staged = self.steps.folders
        folders = [folder for folder in (staged.ingest, staged.drafts, staged.marks) if folder.is_dir()]
        with storage_errors(self.staging):
            for path in (
                *(path for folder in folders for path in folder.iterdir()),
                *self.staging.glob(f"{MINING_INDEX}*"),
            ):
                sync_file(path)
            for folder in (*folders, self.staging):
                sync_folder(folder)


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
