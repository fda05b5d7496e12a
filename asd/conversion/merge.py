"""Commit a conversion that was handed out in parts: look what they left, do what is missing, publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from pydantic import ValidationError

from asd.conversion.config import ConvertConfig
from asd.conversion.convert import Conversion, convert, copy_to
from asd.conversion.parts_elsewhere import what_is_there, where_parts_are
from asd.conversion.prepare import prepare
from asd.conversion.progress import Progress, SilentProgress
from asd.engines.shared_staging import PartRecord, SharedStaging, words
from asd.errors import ShardError, UnknownNameError, UsageError
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
    def parts_in_words(self) -> str:
        return words([record.index for record in self.records])

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

    Where the version of the parts is committed already, that is what is returned, with nothing done.
    finish: also do the work of parts that never began, instead of an error.
    Raises: UsageError (no parts, several conversions, parts that never began, another source or code now); as `convert`.
    """
    progress, store = progress or SilentProgress(), Store(root)
    all_begun = begun_in(store)
    chosen = [candidate for candidate in all_begun if version is None or _begins(candidate.version, version)]
    if not chosen:
        if (number := _merged(store, version)) is not None:
            return _as_it_is(store, number, progress)
        if all_begun:
            raise UnknownNameError("conversion in parts", str(version), [candidate.version for candidate in all_begun])
        raise UsageError(f"{what_is_there(store)}. {where_parts_are(root)}")
    begun = _only(chosen, root)
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


def begun_in(store: Store) -> list[Begun]:
    """The conversions in parts that are not committed yet. Raises: ShardError."""
    staged = {unfinished.version: SharedStaging(store.staging(unfinished.version)) for unfinished in store.unfinished()}
    return [_read(name, shared) for name, shared in staged.items() if shared.is_begun]


def _only(chosen: list[Begun], root: Path) -> Begun:
    """Raises: UsageError if parts of several conversions are there."""
    if len(chosen) > 1:
        listed = "; ".join(
            f"{conversion.version} ({conversion.parts_in_words} of {conversion.count})" for conversion in chosen
        )
        differing = ", ".join(differences(chosen[0].identity, chosen[1].identity)[:_SHOWN_DIFFERENCES])
        raise UsageError(
            f"{root} holds parts of several conversions: {listed}. They differ in {differing}. If a part was "
            f"run with other settings by mistake, run it again as the others; then name the one to commit, e.g. "
            f"{root}@{chosen[0].version}."
        )
    return chosen[0]


def _merged(store: Store, version: str | None) -> str | None:
    """ "vN" of the committed version that parts made: the one named by number or (the beginning of) its id, or the last."""
    merged = {name: str(ref["version"]) for name, ref in store.refs().items() if "parts" in ref}
    numbers = [name for name, made in merged.items() if version in (None, name) or _begins(made, version)]
    return numbers[-1] if numbers else None


def _begins(version: str, given: str | None) -> bool:
    return given is not None and len(given) >= 4 and version.startswith(given)


def _as_it_is(store: Store, number: str, progress: Progress) -> Conversion:
    """Raises: ShardError if the version is damaged."""
    ref = store.refs()[number]
    version, address = str(ref["version"]), ref["parts"].get("publish")
    if not store.is_whole(version):
        raise ShardError(
            f"{store.root}@{number} (version {version}) is damaged, and its parts are not there any more. "
            f"`asd verify {quote(f'{store.root}@{number}')}` says what is wrong; run the parts and the merge again to "
            "make it anew."
        )
    published = None if address is None else copy_to(address, store, version, progress)
    manifest, making = store.manifest(version), ref.get("rewriter")
    return Conversion(store.root, version, number, False, manifest, notes=(), making=making, published=published)


def _read(version: str, shared: SharedStaging) -> Begun:
    agreed = shared.conversion()
    return Begun(version, int(agreed["count"]), shared.records(), agreed["settings"], agreed["identity"])


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
    """Says in words what differs between two identities: "config.seed (0, 1)"."""
    differing: list[str] = []
    for name in sorted({*left, *right}):
        ours, theirs = left.get(name), right.get(name)
        if ours == theirs:
            continue
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            differing += differences(ours, theirs, f"{prefix}{name}.")
        elif isinstance(ours, (int, float, str)) and isinstance(theirs, (int, float, str)) and name != "code":
            differing.append(f"{prefix}{name} ({ours}, {theirs})")
        else:
            differing.append(f"{prefix}{name}")
    return differing
