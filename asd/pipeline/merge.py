"""Commit a conversion that was handed out in parts: look what they left, do what is missing, publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from asd.errors import ShardError, UnknownNameError, UsageError
from asd.pipeline.config import ConvertConfig
from asd.pipeline.convert import Conversion, convert
from asd.pipeline.prepare import prepare
from asd.pipeline.progress import Progress, SilentProgress
from asd.pipeline.shared_staging import PartRecord, SharedStaging, words
from asd.shards.store import Store

_SHOWN_DIFFERENCES = 3


@dataclass(frozen=True)
class Begun:
    """A conversion whose parts have begun."""

    version: str
    count: int
    records: list[PartRecord]
    settings: dict[str, Any]
    identity: dict[str, Any]

    @property
    def absent(self) -> list[int]:
        """Parts that never began."""
        return sorted(set(range(self.count)) - {record.index for record in self.records})

    @property
    def at_work(self) -> list[int]:
        return [record.index for record in self.records if record.at_work]


def merge(
    root: Path,
    version: str | None = None,
    *,
    finish: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Conversion:
    """Do what the parts left undone, and commit. Waits for parts that are at work.

    finish: also do the work of parts that never began, instead of an error.
    Raises: UsageError (no parts, several conversions, parts that never began, another source or code now); as `convert`.
    """
    progress = progress or SilentProgress()
    begun = find_begun(Store(root), version)
    if begun.absent and not finish:
        raise UsageError(
            f"{words(begun.absent)} of {begun.count} never began (version {begun.version} in {root}). Run "
            f"{'them' if len(begun.absent) > 1 else 'it'} with --num-shards {begun.count}, or let this process do "
            "the work: --finish."
        )
    config = _config(root, begun, workers)
    _require_same_version(prepare(config).identity, begun, root)
    if begun.at_work:
        progress.say(f"waiting for {words(begun.at_work)}, at work")
    return convert(config, progress)


def find_begun(store: Store, version: str | None) -> Begun:
    """The one conversion in parts, or the one named by (the beginning of) its id. Raises: UsageError."""
    found = {one.version: SharedStaging(store.staging(one.version)) for one in store.unfinished()}
    begun = [_read(name, shared) for name, shared in found.items() if shared.is_begun]
    chosen = [one for one in begun if version is None or (len(version) >= 4 and one.version.startswith(version))]
    if not begun:
        latest = store.latest() if store.root.is_dir() else None
        state = f"its latest version is {latest}; if that is theirs, all is done" if latest else "it has no version yet"
        raise UsageError(
            f"{store.root} holds no conversion in parts ({state}). Run the parts first: `asd convert ... "
            "--shard-index I --num-shards N`."
        )
    if not chosen:
        raise UnknownNameError("conversion in parts", str(version), [one.version for one in begun])
    if len(chosen) > 1:
        listed = "; ".join(f"{one.version} ({words([r.index for r in one.records])} of {one.count})" for one in chosen)
        differing = ", ".join(differences(chosen[0].identity, chosen[1].identity)[:_SHOWN_DIFFERENCES])
        raise UsageError(
            f"{store.root} holds parts of several conversions: {listed}. They differ in {differing}. If a part was "
            f"run with other settings by mistake, run it again as the others; then name the one to commit, e.g. "
            f"{store.root}@{chosen[0].version}."
        )
    return chosen[0]


def _read(version: str, shared: SharedStaging) -> Begun:
    told = shared.conversion()
    return Begun(version, int(told["count"]), shared.records(), told["settings"], told["identity"])


def _config(root: Path, begun: Begun, workers: int | None) -> ConvertConfig:
    try:
        return ConvertConfig(**{**begun.settings, "out": root, "workers": workers})
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ShardError(
            f"{root}: the parts' settings cannot be used ({'.'.join(map(str, first['loc']))}: {first['msg']}). Run "
            "`asd convert` with them instead: it goes on from what the parts left."
        ) from exc


def _require_same_version(now: Mapping[str, Any], begun: Begun, root: Path) -> None:
    if differing := differences(begun.identity, now):
        raise UsageError(
            f"version {begun.version} in {root} cannot be merged here: since its parts ran, something has changed: "
            f"{', '.join(differing[:_SHOWN_DIFFERENCES])}. Merge with the package and the source that the parts had, "
            "or run them again."
        )


def differences(left: Mapping[str, Any], right: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What differs between two identities, in words: "config.seed (0, 1)"."""
    found: list[str] = []
    for name in sorted({*left, *right}):
        one, other = left.get(name), right.get(name)
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += differences(one, other, f"{prefix}{name}.")
        elif isinstance(one, (int, float, str)) and isinstance(other, (int, float, str)) and name != "code":
            found.append(f"{prefix}{name} ({one}, {other})")
        else:
            found.append(f"{prefix}{name}")
    return found
