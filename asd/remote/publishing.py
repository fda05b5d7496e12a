"""A finished version copied to an address: shards, manifest, names, card, and `latest` last.

What is there already is not sent again. Shards are known by name and size, because listing a store tells no more: that
is enough only where the manifest there, or the note that a killed copy left, says that they are the same version's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from asd.errors import StorageError, UsageError
from asd.remote.object_store import BUCKETS, describe_missing, failures, info_of, is_url, opened, protocol_of, shown
from asd.remote.push import shared_refs, version_files
from asd.shards.card import card_beside
from asd.shards.manifest import MANIFEST_NAME
from asd.shards.store import LATEST, NUMBERED, README, REFS, VERSIONS, Store

_SENDING = ".sending.json"
"""Beside the shards while they are sent: the manifest that they will get."""


class Place:
    """A folder at an address; names are relative to it."""

    def __init__(self, url: str) -> None:
        """Raises: UsageError, StorageError."""
        self.url = url
        self._filesystem, root = opened(url)
        self._root = root.rstrip("/")
        self._has_folders = protocol_of(url) not in BUCKETS

    def require_usable(self) -> None:
        """Raises: StorageError if there is no bucket, or something of another owner would be overwritten."""
        if self._is_there(README) and not self._is_there(REFS):
            raise StorageError(
                f"{self.url} is no dataset of this package and has a README.md of its own, which would be overwritten. "
                "Choose another --publish."
            )
        if missing := describe_missing(self._filesystem, self._root, self.url):
            raise StorageError(f"--publish {self.url}: {missing}. Make it, or check the spelling.")

    def _is_there(self, name: str) -> bool:
        return info_of(self._filesystem, f"{self._root}/{name}") is not None

    def sizes(self, folder: str) -> dict[str, int]:
        """Of the files below a folder, as they are now."""
        self._filesystem.invalidate_cache()
        with contextlib.suppress(FileNotFoundError):
            listed = self._filesystem.find(f"{self._root}/{folder}", detail=True)
            start = len(self._root.lstrip("/")) + 1
            return {path.lstrip("/")[start:]: about["size"] for path, about in listed.items()}
        return {}

    def refs(self) -> list[str]:
        """Names of the versions that are there."""
        files = (Path(name) for name in self.sizes(REFS))
        return sorted(path.stem for path in files if path.suffix == ".json")

    def read(self, name: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return bytes(self._filesystem.cat_file(f"{self._root}/{name}"))
        return None

    def delete(self, name: str) -> None:
        self._filesystem.rm_file(f"{self._root}/{name}")

    def send_changed(self, name: str, content: bytes) -> None:
        if self.read(name) != content:
            self.send(name, content)

    def send(self, name: str, content: Path | bytes) -> None:
        """Raises: StorageError if the file there is not as long as it was here."""
        target = f"{self._root}/{name}"
        if self._has_folders:  # where there are none, this would make a bucket
            self._filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
        if isinstance(content, Path):
            self._filesystem.put_file(str(content), target)
        else:
            self._filesystem.pipe_file(target, content)
        if self._has_folders:
            self._filesystem.invalidate_cache()
            _require_length(target, self._filesystem.size(target), content)


def check_target(url: str) -> None:
    """Before any work: can this address be reached, and is it free? Raises: UsageError, StorageError."""
    if not is_url(url):
        raise UsageError(f"--publish {url} is no address, e.g. s3://bucket/folder. For a local folder give --out.")
    with failures(StorageError, f"--publish {shown(url)} cannot be used, nothing was done", url):
        Place(url).require_usable()


def publish(root: Path, version: str, url: str) -> str:
    """Copy a version, its names and its card to `url`; returns its "vN" there.

    `latest` is a small file there, "versions/<id>". Its number is that of the place: versions that were published
    from elsewhere count. Raises: StorageError, UsageError.
    """
    store = Store(root)
    again = "run the same `asd convert` again, without --shard-index"
    with failures(StorageError, f"{url} cannot be written (the version is whole in {root}; {again})", url):
        place = Place(url)
        refs = shared_refs(store, version)
        _require_free_names(place, refs, version)
        _send_version(place, version, version_files(store, version))
        there = place.refs()
        number, is_known = _number_there(place, there, version)
        named = {number if NUMBERED.fullmatch(name) else name: content for name, content in refs.items()}
        for name, content in named.items():
            if name != number:
                place.send_changed(f"{REFS}/{name}.json", content)
            elif not is_known:
                place.send(f"{REFS}/{name}.json", content)
        present = (place.read(README) or b"").decode("utf-8", "replace")
        others = [name for name in there if name not in named]
        place.send_changed(README, card_beside(store, version, named, present, others).encode())
        place.send_changed(LATEST, f"{VERSIONS}/{version}\n".encode())
    return number


def _send_version(place: Place, version: str, files: dict[str, Path]) -> None:
    """Raises: StorageError if the version is there with other content, or a file arrived shorter than it was."""
    folder = f"{VERSIONS}/{version}"
    last, note = f"{folder}/{MANIFEST_NAME}", f"{folder}/{_SENDING}"
    manifest = files.pop(last).read_bytes()
    there = place.sizes(folder)
    if last in there:
        _require_same_files(place, last, manifest)
    elif note not in there or place.read(note) != manifest:
        place.send(note, manifest)
        there = {note: len(manifest)}  # what else is there may be of another conversion that was killed
    missing = [name for name, content in files.items() if there.get(name) != _length(content)]
    for name in missing:
        place.send(name, files[name])
    if missing:
        there = place.sizes(folder)
        for name in missing:
            _require_length(f"{place.url.rstrip('/')}/{name}", there.get(name, 0), files[name])
    if last not in there:
        place.send(last, manifest)
    if note in there:
        with contextlib.suppress(Exception):  # whoever may not delete leaves a note that nobody minds
            place.delete(note)


def _require_same_files(place: Place, name: str, manifest: bytes) -> None:
    """The id stands for settings, source and code; a model's replies or another library can make other bytes of them."""
    there = json.loads(place.read(name) or b"{}")
    if there.get("files") != json.loads(manifest)["files"]:
        folder = name.rpartition("/")[0]
        raise StorageError(
            f"{place.url} has the version {folder.rpartition('/')[2]} already, made elsewhere and with other content "
            f"(other replies of a model, or another release of pyarrow). Choose another --publish, or delete {folder} there."
        )


def _require_free_names(place: Place, names: Iterable[str], version: str) -> None:
    """Raises: UsageError for a name that points to another version there."""
    for name in names:
        path = f"{REFS}/{name}.json"
        if NUMBERED.fullmatch(name) or (content := place.read(path)) is None:
            continue
        if (taken := _version_in(place, path, content)) != version:
            raise UsageError(
                f"the name {name!r} already points to version {taken} at {place.url}; choose another, or delete "
                f"{path} there."
            )


def _number_there(place: Place, names: Iterable[str], version: str) -> tuple[str, bool]:
    """ "vN" of the version at the place, and whether it has it already. names: those that are there."""
    numbers = [0]
    for name in names:
        if numbered := NUMBERED.fullmatch(name):
            numbers.append(int(numbered[1]))
            path = f"{REFS}/{name}.json"
            if _version_in(place, path, place.read(path) or b"") == version:
                return name, True
    return f"v{max(numbers) + 1}", False


def _version_in(place: Place, name: str, content: bytes) -> str:
    try:
        return str(json.loads(content)["version"])
    except (ValueError, KeyError, TypeError):
        raise StorageError(f"{place.url}: {name} there is damaged, it names no version. Delete it there.") from None


def _length(content: Path | bytes) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)


def _require_length(target: str, received: int, content: Path | bytes) -> None:
    if received != (size := _length(content)):
        raise StorageError(
            f"{target} has {received} bytes after it was written, expected {size}. Run the same command again."
        )
