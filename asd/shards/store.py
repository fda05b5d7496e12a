"""A dataset directory: immutable versions, their names, and `latest`. Layout and commit order: see FORMAT.md."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from asd.errors import ShardError, StorageError, UnknownNameError, UsageError
from asd.lazy_regex import regex
from asd.plain_files import require_regular
from asd.shards.files import hidden_name, storage_errors, sync_folder, write_bytes, write_text
from asd.shards.locks import held_together
from asd.shards.manifest import MANIFEST_NAME, Manifest, read_manifest
from asd.shards.untrusted import require_version_id

VERSIONS, STAGING, REFS, LATEST, MARKS, README = "versions", ".staging", "refs", "latest", "marks", "README.md"
_LAST_NUMBER = ".last-number"
"""File among the refs."""
_NAME = regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NUMBERED = regex(r"v(\d+)")
_VERSION = regex(r"[0-9a-f]+")
_TRASH = "trash-"


@dataclass(frozen=True)
class VersionInfo:
    """One committed version as listed: its id, the names that point to it, and where and when it was made."""

    version: str
    names: tuple[str, ...]
    is_latest: bool
    origin: dict[str, Any]
    path: Path


@dataclass(frozen=True)
class Unfinished:
    """A version that was begun and not committed. The same conversion, run again, goes on from it."""

    version: str
    size_bytes: int
    touched: datetime
    in_use: bool


class Store:
    """One dataset directory on a local disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # -- reading ------------------------------------------------------------------------------------------------

    def path_of(self, version: str) -> Path:
        return self.root / VERSIONS / version

    def has(self, version: str) -> bool:
        return (self.path_of(version) / MANIFEST_NAME).is_file()

    def refs(self) -> dict[str, dict[str, Any]]:
        """Name -> {"version", "created", "source", ...}; "v1", "v2", ... in order, then other names."""
        folder = self.root / REFS
        if not folder.is_dir():
            return {}
        refs = {}
        for path in folder.iterdir():
            if path.suffix != ".json":
                continue
            refs[path.stem] = _read_ref(path)
        return {name: refs[name] for name in sorted(refs, key=order_of_name)}

    def latest(self) -> str | None:
        link = self.root / LATEST
        if link.is_symlink():
            return link.readlink().name
        if link.is_file():  # copied from an object store, which has no links
            return Path(link.read_text("utf-8").strip()).name
        return read_manifest(link).version if link.is_dir() else None  # a copy that turned the link into a folder

    def versions(self) -> list[VersionInfo]:
        refs = self.refs()
        latest = self.latest()
        order = list(dict.fromkeys(ref["version"] for ref in refs.values()))
        infos = []
        for version in order:
            names = tuple(name for name, ref in refs.items() if ref["version"] == version)
            infos.append(VersionInfo(version, names, version == latest, refs[names[0]], self.path_of(version)))
        return infos

    def image_root(self, version: str) -> str | None:
        """The folder that the conversion read its images from; None where no ref of the version records one."""
        refs = (ref for ref in self.refs().values() if ref["version"] == version)
        return next((str(ref["image_root"]) for ref in refs if ref.get("image_root")), None)

    def unnamed(self) -> list[str]:
        """Ids of finished versions that no ref names: their refs were deleted."""
        folder, named = self.root / VERSIONS, {ref["version"] for ref in self.refs().values()}
        ids = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [name for name in ids if _VERSION.fullmatch(name) and name not in named and self.has(name)]

    def resolve(self, name: str | None) -> str:
        """Version id of `name`: "latest" (or None), "v2", a given name, or an id of which 4 letters suffice."""
        self.require()
        if name is None or name == LATEST:
            latest = self.latest()
            if latest is None and (names := list(self.refs())):
                raise ShardError(f"{self.root} has lost its `latest`. Name a version, e.g. {self.root}@{names[-1]}.")
            if latest is None:
                raise ShardError(f"{self.root} has no finished version yet. Run `asd convert` first.")
            return latest
        refs = self.refs()
        if name in refs:
            return str(refs[name]["version"])
        unnamed = self.unnamed()
        known = {str(ref["version"]) for ref in refs.values()} | {*unnamed}
        matches = sorted(version for version in known if len(name) >= 4 and version.startswith(name))
        if len(matches) == 1:
            return matches[0]
        if len(matches) > 1:
            raise UsageError(f"version {name!r} of {self.root} is ambiguous: {', '.join(matches)}. Give more letters.")
        lost = f" Versions without a name, as their refs were deleted: {', '.join(unnamed)}." if unnamed else ""
        raise UnknownNameError("version", name, [*refs, *known, LATEST], hint=f"Looked in {self.root}.{lost}")

    def require(self) -> None:
        """Raises: UsageError if this is no dataset directory."""
        if not (self.root / VERSIONS).is_dir():
            if self.root.is_dir() and (inside := [path for path in self.root.iterdir() if (path / VERSIONS).is_dir()]):
                names = ", ".join(sorted(str(path) for path in inside))
                raise UsageError(f"{self.root} holds several datasets, and one is wanted here. Give one of: {names}.")
            if self.root.exists() and not self.root.is_dir():
                raise UsageError(
                    f"{self.root} is a file, and a dataset is a folder with {VERSIONS}/ in it. Give the directory that "
                    "`asd convert` printed; rows become a dataset with `asd convert TASK --source FILE`."
                )
            what = "is not a dataset written by `asd convert`" if self.root.is_dir() else "does not exist"
            raise UsageError(
                f"{self.root} {what} (no {VERSIONS}/ in it). Give the directory that `asd convert` printed."
            )

    def require_free(self) -> None:
        """Raises: StorageError if something else owns this place, e.g. a project with a README.md of its own."""
        if (self.root / STAGING).is_dir() or ((self.root / REFS).is_dir() and (self.root / VERSIONS).is_dir()):
            return
        taken = [name for name in (README, LATEST, REFS, VERSIONS) if (self.root / name).exists()]
        if taken:
            raise StorageError(
                f"{self.root} is no dataset of this package and has a {taken[0]} of its own, which would be "
                "overwritten. Choose another --out."
            )

    def manifest(self, version: str) -> Manifest:
        return read_manifest(self.path_of(version))

    def is_whole(self, version: str) -> bool:
        """Whether the manifest can be read and every file is there in its size; checksums are `verify`'s business."""
        try:
            manifest = self.manifest(version)
            sizes = [(self.path_of(version) / entry.path).stat().st_size for entry in manifest.all_files()]
        except (ShardError, OSError):
            return False
        return sizes == [entry.size_bytes for entry in manifest.all_files()]

    def unfinished(self) -> list[Unfinished]:
        """What killed or failed conversions left in the staging folder, and whether somebody works on it now."""
        folder = self.root / STAGING
        unfinished = []
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_dir() and _VERSION.fullmatch(path.name):
                files = [file.stat() for file in path.rglob("*") if file.is_file()]
                touched = max((file.st_mtime for file in files), default=path.stat().st_mtime)
                unfinished.append(
                    Unfinished(
                        version=path.name,
                        size_bytes=sum(file.st_size for file in files),
                        touched=datetime.fromtimestamp(touched, UTC),
                        in_use=self._is_locked(path.name),
                    )
                )
        return unfinished

    def _is_locked(self, name: str) -> bool:
        path = self.root / STAGING / f"{name}.lock"
        if not path.exists():
            return False
        try:
            with FileLock(path, timeout=0):
                return False
        except (Timeout, OSError):
            return True

    # -- writing ------------------------------------------------------------------------------------------------

    def staging(self, version: str) -> Path:
        return self.root / STAGING / version

    @contextlib.contextmanager
    def lock(self, name: str, *, on_wait: str = "", timeout_s: float = -1) -> Iterator[None]:
        """Held by one process at a time; freed by the system when its holder dies."""
        folder = self.root / STAGING
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / f"{name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if on_wait:
                    print(on_wait, file=sys.stderr, flush=True)
                lock.acquire(timeout=timeout_s)
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def lock_together(self, name: str, *, on_wait: str) -> Iterator[None]:
        """Held by any number of processes that take it in this way, while nobody has it by `lock`."""
        with held_together(self.root / STAGING / f"{name}.lock", lambda: print(on_wait, file=sys.stderr, flush=True)):
            yield

    def commit(self, version: str, finished: Path, origin: dict[str, Any], card: Callable[[], str]) -> str:
        """Make `finished` (all files written and flushed, manifest included) the version; returns its "vN".

        card: writes the text of README.md, once the version has its name, while nobody else commits.

        Order: the version's folder appears by one rename, then its ref, then the card, then `latest`. A process that
        dies in between leaves the previous `latest` in place; the next run of the same conversion goes on from there.
        """
        with self.lock("commit"), storage_errors(self.root):
            self._remove_leftovers()
            target = self.path_of(version)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not self.is_whole(version):
                if target.exists():  # damaged, or left by a broken copy
                    self.discard(target)
                finished.rename(target)
                sync_folder(target.parent)
            number = self._ensure_number(version, origin)
            self._write_card(card)
            self._point_latest(version)
            return number

    def _remove_leftovers(self) -> None:
        """Temporary files of processes that were killed inside a commit; the caller holds the commit lock."""
        for folder, pattern in (
            (self.root, f".{README}.*.tmp"),
            (self.root, f".{LATEST}.*.tmp"),
            (self.root / REFS, ".*.tmp"),
        ):
            for leftover in folder.glob(pattern):
                leftover.unlink(missing_ok=True)
        for trash in (self.root / STAGING).glob(f"{_TRASH}*"):
            shutil.rmtree(trash, ignore_errors=True)

    def discard(self, folder: Path) -> None:
        """Delete a folder. It loses its name first, so that a process killed half-way leaves nothing that looks whole."""
        if folder.exists():
            trash = self.root / STAGING / f"{_TRASH}{os.getpid()}-{folder.name}"
            folder.rename(trash)
            shutil.rmtree(trash, ignore_errors=True)

    def forget_staging(self, version: str, created: list[Path]) -> None:
        """Delete what a failed conversion staged, and those of the folders it created (innermost first) that are empty."""
        with (
            contextlib.suppress(OSError),
            FileLock(self.root / STAGING / f"{version}.lock", timeout=0) as lock,
        ):
            self.discard(self.staging(version))
            if created:
                Path(lock.lock_file).unlink()
        for folder in (self.root / STAGING, *created) if created else ():
            with contextlib.suppress(OSError):
                folder.rmdir()

    def clean(self) -> list[Unfinished]:
        """Delete the unfinished versions that nobody works on; returns them."""
        gone = []
        with storage_errors(self.root):
            for begun in self.unfinished():
                path = self.root / STAGING / f"{begun.version}.lock"
                with contextlib.suppress(Timeout), FileLock(path, timeout=0):
                    self.discard(self.staging(begun.version))
                    path.unlink(missing_ok=True)
                    gone.append(begun)
        return gone

    def _ensure_number(self, version: str, origin: dict[str, Any]) -> str:
        refs = self.refs()
        for name, ref in refs.items():
            if NUMBERED.fullmatch(name) and ref["version"] == version:
                return name
        numbers = [int(match[1]) for name in refs if (match := NUMBERED.fullmatch(name))]
        number = max([self._last_number(), *numbers]) + 1
        name = f"v{number}"
        write_text(self.root / REFS / _LAST_NUMBER, f"{number}\n")
        self._write_ref(name, version, origin)
        return name

    def _last_number(self) -> int:
        """The highest number that was ever given here: that of a deleted ref stands for its version for good."""
        try:
            return int((self.root / REFS / _LAST_NUMBER).read_text("utf-8")[:12])
        except (OSError, ValueError):
            return 0

    def _write_ref(self, name: str, version: str, origin: dict[str, Any]) -> None:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        self._write_ref_content(name, {"version": version, "created": created, **origin})

    def _write_ref_content(self, name: str, content: dict[str, Any]) -> None:
        write_text(self.root / REFS / f"{name}.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def _point_latest(self, version: str) -> None:
        link = self.root / LATEST
        if link.is_dir() and not link.is_symlink():
            raise StorageError(
                f"{link} is a folder, not the link that it should be (a copy?). Delete it and run again."
            )
        temporary = hidden_name(link)
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(Path(VERSIONS) / version)
        temporary.replace(link)
        sync_folder(self.root)

    def name_version(self, name: str, version: str, card: Callable[[], str] | None = None) -> None:
        """Give a version a name of the user's own. card: as for `commit`; None leaves README.md as it is.

        Raises: UsageError for names that are taken or not allowed.
        """
        with self.lock("commit"):
            self.check_name(name, version)
            if name not in self.refs():
                self._write_ref(name, version, {})
            if card is not None:
                self._write_card(card)

    def renew_card(self, card: Callable[[str], str]) -> None:
        """Write README.md anew, from the latest version, if there is one: refs may have been deleted since."""
        with self.lock("commit"):
            latest = self.latest()
            if latest is not None and self.has(latest):
                self._write_card(lambda: card(latest))

    def _write_card(self, card: Callable[[], str]) -> None:
        text = card().encode("utf-8")
        path = self.root / README
        if not path.is_file() or path.read_bytes() != text:
            write_bytes(path, text)

    def record_image_root(self, version: str, image_root: str) -> bool:
        """Note in the version's refs where its images are now; returns whether that is new. The version stays as it is."""
        with self.lock("commit"):
            stale = {
                name: ref
                for name, ref in self.refs().items()
                if ref["version"] == version
                and ref.get("image_root") != image_root
                and (NUMBERED.fullmatch(name) or ref.get("image_root"))
            }
            for name, ref in stale.items():
                self._write_ref_content(name, ref | {"image_root": image_root})
        return bool(stale)

    def check_name(self, name: str, version: str) -> None:
        """Raises: UsageError if `name` cannot be given to `version`."""
        if not _NAME.fullmatch(name) or NUMBERED.fullmatch(name) or name in (LATEST, "default"):
            raise UsageError(
                f"{name!r} cannot name a version: use letters, digits, '.', '_', '-', and none of 'latest', 'default', "
                "'v<number>'."
            )
        ref = self.refs().get(name)
        if ref is not None and ref["version"] != version:
            raise UsageError(f"the name {name!r} already points to version {ref['version']}; choose another.")


def order_of_name(name: str) -> tuple[int, int, str]:
    """Sorts "v1", "v2", ... by their numbers and before other names."""
    number = NUMBERED.fullmatch(name)
    return (0, int(number[1]), name) if number else (1, 0, name)


def _read_ref(path: Path) -> dict[str, Any]:
    try:
        require_regular(path)
        ref = json.loads(path.read_text("utf-8"))
        if not isinstance(ref, dict) or not isinstance(ref.get("version"), str):
            raise ValueError("it names no version")  # noqa: TRY004, TRY301  (the same trouble as any other damage)
        require_version_id(ref["version"])
    except (OSError, ValueError, RecursionError) as exc:
        raise ShardError(f"{path} cannot be read ({exc}). Delete it; the version itself is not harmed.") from exc
    return ref


def split_location(text: str) -> tuple[Path, str | None]:
    """ "DIR@v1" -> (DIR, "v1"), and so DIR/v1, DIR/latest and DIR/versions/ID, which are in DIR; a path that exists as it
    stands is never split at @."""
    path = Path(text)
    if path.exists() or "@" not in text:
        if (path.parent / VERSIONS).is_dir() and (path.name == LATEST or not path.exists()):
            return path.parent, path.name
        if path.parent.name == VERSIONS and (path / MANIFEST_NAME).is_file():
            return path.parent.parent, path.name
        return path, None
    head, _, name = text.rpartition("@")
    return Path(head), name or None
