"""Sources from, and finished versions to, any address that fsspec opens: s3://, gs://, hf://, https://, memory://.

The work itself is done on files: a source is copied to a local spool first, and a version is copied out once it is
committed here. What is there already in the same size is not copied again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from asd.errors import AsdError, SourceError, StorageError, UsageError
from asd.pipeline.fingerprint import IMAGE_SUFFIXES
from asd.pipeline.push import files_of
from asd.shards.files import write_text
from asd.shards.manifest import MANIFEST_NAME
from asd.shards.store import LATEST, REFS, VERSIONS, Store

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NUMBERED = re.compile(r"v(\d+)\.json")
_STAMPS = ".spooled.json"


def is_url(location: str) -> bool:
    return _URL.match(location) is not None


def spool_folder() -> Path:
    """$ASD_SPOOL, else asd/spool in the user's cache folder."""
    named = os.environ.get("ASD_SPOOL")
    return Path(named) if named else Path(user_cache_dir("asd")) / "spool"


def spool(url: str) -> Path:
    """A local copy of the file or folder at `url`, under its own name; images are left out.

    A file is copied again when its size, time or checksum there has changed.
    Raises: SourceError (nothing there, no access), UsageError (no package for the protocol), StorageError.
    """
    filesystem, root = _open(url)
    name = root.rstrip("/").rpartition("/")[2] or "data"
    folder = spool_folder() / hashlib.sha256(url.encode()).hexdigest()[:16]
    with _failures(SourceError, f"{url} cannot be read"):
        if not filesystem.exists(root):
            raise SourceError(f"{url}: there is no such file or folder.")
        if filesystem.isdir(root):
            found = filesystem.find(root)
            files = {path: f"{name}/{path[len(root.rstrip('/')) + 1 :]}" for path in found if not _is_image(path)}
        else:
            files = {root: name}
        _copy_changed(filesystem, files, folder)
    return folder / name


def _copy_changed(filesystem: Any, files: dict[str, str], folder: Path) -> None:
    stamps = folder / _STAMPS
    known: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):  # else all files are copied again
        known = json.loads(stamps.read_text("utf-8"))
    now = {local: filesystem.ukey(remote) for remote, local in files.items()}
    for remote, local in files.items():
        path = folder / local
        if not path.is_file() or known.get(local) != now[local]:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            try:
                filesystem.get_file(remote, str(temporary))
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
    for path in (path for path in folder.rglob("*") if path.is_file()):  # files that are there no more
        if path.relative_to(folder).as_posix() not in {*now, _STAMPS} and not path.name.endswith(".tmp"):
            path.unlink()
    write_text(stamps, json.dumps(now))


def publish(root: Path, version: str, url: str) -> str:
    """Copy a version, its names and its card to `url`, `latest` last; returns its "vN" there.

    `latest` is a small file there, "versions/<id>". Its number is that of the place: versions that were published
    from elsewhere count. Raises: StorageError, UsageError.
    """
    filesystem, there = _open(url)
    there = there.rstrip("/")
    store = Store(root)
    again = "run the same `asd convert` again, without --shard-index"
    with _failures(StorageError, f"{url} cannot be written (the version is whole in {root}; {again})"):
        uploads = dict(files_of(store, version, store.manifest(version)))
        names = {name: content for name, content in uploads.items() if name.startswith(f"{REFS}/")}
        last = f"{VERSIONS}/{version}/{MANIFEST_NAME}"
        _require_free(filesystem, there, names, version, url)
        for name, content in uploads.items():
            if name.startswith(f"{VERSIONS}/") and name != last:
                _send(filesystem, f"{there}/{name}", content)
        _send(filesystem, f"{there}/{last}", uploads[last])
        number, taken = _number_there(filesystem, there, version)
        for name, content in names.items():
            numbered = _NUMBERED.fullmatch(name.removeprefix(f"{REFS}/"))
            target = f"{REFS}/{number}.json" if numbered else name
            if not (numbered and taken):
                _send(filesystem, f"{there}/{target}", content)
        _send(filesystem, f"{there}/README.md", uploads["README.md"])
        _send(filesystem, f"{there}/{LATEST}", f"{VERSIONS}/{version}\n".encode())
    return number


def _require_free(filesystem: Any, there: str, names: dict[str, Path | bytes], version: str, url: str) -> None:
    """Raises: StorageError if something of another owner would be overwritten, UsageError for a name that is taken."""
    filesystem.invalidate_cache()
    if filesystem.exists(f"{there}/README.md") and not filesystem.exists(f"{there}/{REFS}"):
        raise StorageError(
            f"{url} is no dataset of this package and has a README.md of its own, which would be overwritten. "
            "Choose another --publish."
        )
    for name in names:
        path = f"{there}/{name}"
        if _NUMBERED.fullmatch(name.removeprefix(f"{REFS}/")) or not filesystem.exists(path):
            continue
        if (taken := json.loads(filesystem.cat_file(path))["version"]) != version:
            raise UsageError(
                f"the name {Path(name).stem!r} already points to version {taken} at {url}; choose another, or delete "
                f"{name} there."
            )


def _number_there(filesystem: Any, there: str, version: str) -> tuple[str, bool]:
    """ "vN" of the version at the place, and whether it has it already."""
    filesystem.invalidate_cache()
    numbers = [0]
    for path in filesystem.ls(f"{there}/{REFS}", detail=False) if filesystem.exists(f"{there}/{REFS}") else []:
        if found := _NUMBERED.fullmatch(path.rpartition("/")[2]):
            numbers.append(int(found[1]))
            if json.loads(filesystem.cat_file(path))["version"] == version:
                return f"v{found[1]}", True
    return f"v{max(numbers) + 1}", False


def _send(filesystem: Any, target: str, content: Path | bytes) -> None:
    """Raises: StorageError if the file there is not as long as it was here."""
    is_shard = isinstance(content, Path) and content.suffix == ".arrow"
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    if is_shard and filesystem.exists(target) and filesystem.size(target) == size:
        return  # shards never change under their name
    filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
    if isinstance(content, Path):
        filesystem.put_file(str(content), target)
    else:
        filesystem.pipe_file(target, content)
    filesystem.invalidate_cache()
    if (found := filesystem.size(target)) != size:
        raise StorageError(f"{target} has {found} bytes after it was written, expected {size}. Run the same command again.")


def check_target(url: str) -> None:
    """Before any work: is this an address whose protocol can be opened here? Raises: UsageError, StorageError."""
    if not is_url(url):
        raise UsageError(f"--publish {url} is no address, e.g. s3://bucket/folder. For a local folder give --out.")
    _open(url)


def _open(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        filesystem, path = fsspec.url_to_fs(url)
    except (ImportError, ValueError) as exc:
        raise UsageError(f"{url}: {exc}.") from exc
    except Exception as exc:  # each protocol's library has errors of its own
        raise StorageError(f"{url}: cannot be opened ({exc}).") from exc
    return filesystem, str(path)


@contextlib.contextmanager
def _failures(kind: type[AsdError], what: str) -> Iterator[None]:
    try:
        yield
    except AsdError:
        raise
    except Exception as exc:  # each protocol's library has errors of its own
        raise kind(f"{what}: {type(exc).__name__}: {exc}") from exc


def _is_image(path: str) -> bool:
    return Path(path).suffix.lower() in IMAGE_SUFFIXES
