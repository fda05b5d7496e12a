"""Sums a conversion up once all shards are written: its counts and its manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import asd
from asd.columns import shard_schema
from asd.conversion.prepare import Prepared
from asd.plan.results import Assignment
from asd.schemas.styles import TARGET_STYLES, AnswerStyle
from asd.shards.description import write_description
from asd.shards.files import open_staged, sha256_of, storage_errors, sync_folder, write_bytes
from asd.shards.manifest import Counts, FileEntry, ImageCounts, Manifest
from asd.work.draft_files import draft_file
from asd.work.finished_shards import ShardResult
from asd.work.ingested import Ingested
from asd.work.rewriting_record import describe_version


@dataclass(frozen=True)
class StagingFolders:
    """The folders in which work items leave their files."""

    ingest: Path
    drafts: Path
    out: Path
    marks: Path
    """Done-marks of finished shards."""

    @classmethod
    def of(cls, staging: Path) -> StagingFolders:
        return cls(staging / "ingest", staging / "drafts", staging / "out", staging / "assembled")

    def make(self) -> None:
        for folder in (self.ingest, self.drafts, self.out, self.marks):
            folder.mkdir(parents=True, exist_ok=True)


def remove_hidden(out: Path) -> None:
    """Delete shards without a name, of processes that died: of an earlier run, or of this one, where Ray began anew."""
    for leftover in out.rglob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def count_declined(ingested: Ingested, assignment: Assignment, drafts_dir: Path, rounds: int) -> dict[str, int]:
    """Why makers declined, in the answers that the plan used."""
    counts: Counter[str] = Counter()
    for shard in ingested.shards:
        in_turn, alone = assignment.answers_between(shard.first, shard.first + shard.rows)
        for number in range(rounds):
            path = draft_file(drafts_dir, number, shard)
            if not path.is_file():
                continue
            table = open_staged(path).read_all().select(["row", "single", "asked", "reasons"])
            rows, single, asked = (table[name].to_numpy() for name in ("row", "single", "asked"))
            used = np.where(single, alone[rows] == asked, in_turn[rows])
            for entry in pc.list_flatten(table["reasons"].filter(pa.array(used))).value_counts().to_pylist():
                counts[entry["values"]] += entry["counts"]
    return dict(sorted(counts.items()))


def count_samples(
    native_style: AnswerStyle, ingested: Ingested, assignment: Assignment, wanted: int, declined: dict[str, int]
) -> Counts:
    """Count everything but the rows by style and by maker."""
    by_split: dict[str, int] = {}
    for shard in ingested.shards:
        add_counts(by_split, {shard.split: shard.rows})
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
        by_style_before={native_style.value: ingested.num_samples},
        moved=moved,
        declined=declined,
        rejects=ingested.rejects,
        renamed_ids=len(ingested.renamed),
    )


def write_manifest(prepared: Prepared, folders: StagingFolders, counts: Counts, results: Sequence[ShardResult]) -> None:
    """The last file of a version, after all others are on the disk."""
    out = folders.out
    entries, images = [result.entry for result in results], ImageCounts()
    for result in results:
        images += result.images
    rejects = out / "rejects.jsonl"
    write_bytes(rejects, (folders.ingest / "rejects.jsonl").read_bytes())
    entries.append(
        FileEntry(path=rejects.name, size_bytes=rejects.stat().st_size, sha256=sha256_of(rejects), rows=None)
    )
    rewriter = prepared.identity.get("rewriter")
    shards = [out / entry.path for entry in entries if entry.split is not None]
    with storage_errors(out):
        remove_hidden(out)
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
        columns=shard_schema(is_rewritten=rewriter is not None).names,
        images=images,
        rewriter=describe_version(shards, rewriter) if rewriter is not None else None,
    )
    write_description(out, manifest)


def add_counts(total: dict[str, int], more: Mapping[str, int]) -> None:
    """Leaves out what is 0."""
    for name, count in sorted(more.items()):
        if count:
            total[name] = total.get(name, 0) + count
