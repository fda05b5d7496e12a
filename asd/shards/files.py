"""Files that are either whole or not there: temporary name, flush to disk, rename. Checksums. Disk errors in words."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote

import pyarrow as pa

from asd.errors import StorageError
from asd.plain_files import require_replaceable

_NEARLY_NOTHING_BYTES = 1 << 20


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into one message that says what to do."""
    try:
        yield
    except OSError as exc:
        raise StorageError(_refusal(path, exc)) from exc


def _refusal(path: Path, exc: OSError) -> str:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT) or _is_full(path, exc):
        return (
            f"no space left while writing {path}. Finished parts are kept: free some space and run the same "
            "command again, it goes on where it stopped."
        )
    if exc.errno == errno.EFBIG:
        return (
            f"{path} grows larger than a file may be here (see `ulimit -f`). Finished parts are kept: raise the "
            "limit and run the same command again, it goes on where it stopped."
        )
    if exc.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return f"cannot write {path}: {_in_the_way(path)}. Move it away, or choose another place."
    return f"cannot write {path}: {exc.strerror or exc}. Choose another place, or mend that."


def _is_full(path: Path, exc: OSError) -> bool:
    """NumPy reports a short write without the system's error number."""
    if exc.errno is not None:
        return False
    near = next((folder for folder in (path, *path.parents) if folder.exists()), None)
    return near is not None and shutil.disk_usage(near).free < _NEARLY_NOTHING_BYTES


def _in_the_way(path: Path) -> str:
    for place in (*reversed(path.parents), path):
        if place.is_file():
            return f"{place} is a file"
    return f"{path} is a folder" if path.is_dir() else "something else is in its place"


def hidden_name(path: Path) -> Path:
    """Where a process writes a file before the file gets its name; whoever finds one of a dead process may delete it."""
    named = path if path.name else path.resolve()  # "." has no name
    return named.with_name(f".{named.name}.{os.getpid()}.tmp")


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make the content of `path` survive a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def whole_file(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Gives a hidden name beside `path`, which becomes `path` when the block ends well: readers see the old file or the
    new one. durable: on the disk before that, its name too."""
    require_replaceable(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = hidden_name(path)
        try:
            yield hidden
            if durable:
                sync_file(hidden)
            hidden.replace(path)
        finally:
            hidden.unlink(missing_ok=True)
        if durable:
            sync_folder(path.parent)


def write_bytes(path: Path, data: bytes | memoryview, *, durable: bool = True) -> None:
    """Atomic, as `whole_file`."""
    with whole_file(path, durable=durable) as hidden:
        hidden.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_arrow(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, durable: bool = True) -> int:
    """Write an Arrow IPC file atomically; returns the number of rows. `durable=False` for intermediate files."""
    hidden, rows = write_hidden(path, schema, batches)
    give_name(hidden, path, durable=durable)
    return rows


def write_hidden(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> tuple[Path, int]:
    """Write an Arrow IPC file beside `path`; returns it, for `give_name`, and the number of rows."""
    rows = 0
    require_replaceable(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = hidden_name(path)
        try:
            with pa.OSFile(str(hidden), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    rows += batch.num_rows
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
    return hidden, rows


def give_name(hidden: Path, path: Path, *, durable: bool = True) -> None:
    """Put a file of `write_hidden` where readers see it. durable: on the disk before that."""
    with storage_errors(path):
        try:
            if durable:
                sync_file(hidden)
            hidden.replace(path)
        finally:
            hidden.unlink(missing_ok=True)


def open_arrow(path: Path) -> pa.ipc.RecordBatchFileReader:
    """Memory-mapped: columns are pages of the file, read when touched."""
    return pa.ipc.open_file(pa.memory_map(str(path), "r"))


def open_staged(path: Path) -> pa.ipc.RecordBatchFileReader:
    """`open_arrow` for files of a staging folder. Raises: StorageError if it is gone or cut off."""
    try:
        return open_arrow(path)
    except (OSError, pa.ArrowException) as exc:
        raise lost_file(path, str(exc)) from exc


def lost_file(path: Path, why: str) -> StorageError:
    """A file of a staging folder is not as it was when it got its name."""
    folder = next((above.parent for above in path.parents if above.name == ".staging"), "DIR")
    return StorageError(
        f"{path} cannot be read any more ({why}); it was whole when it got its name. See whether the disk is sound; "
        f"then begin anew: `asd versions {quote(str(folder))} --clean`, and the same command."
    )


def sha256_of(path: Path, *, is_last_use: bool = False) -> str:
    """is_last_use: nothing here will read the file again, so the system may forget its pages (those that are on the disk)
    at once; a long conversion would fill the memory with them."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if is_last_use and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return digest
