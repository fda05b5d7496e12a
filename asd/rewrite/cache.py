"""The request cache: every reply ever received, in one SQLite file, so that nothing is asked twice.

A reply is in the file before the run hears of it, so a killed run has lost only what was still being asked. Several
processes may share the file (not on NFS: SQLite's shared memory does not work there). It holds replies as text and
request keys as hashes: no prompts, no images, no API keys. Every row carries a checksum; damage is an error, never a
silent miss.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import xxhash

from asd.errors import CacheError, StorageError

APPLICATION_ID = 0x41534452  # "ASDR", in the file's header
FORMAT = 1
_COLUMNS = "key, status, text, finish_reason, prompt_tokens, completion_tokens, model, checksum"
_SCHEMA = f"""
CREATE TABLE replies (
  id INTEGER PRIMARY KEY, key BLOB NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL, finish_reason TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, model TEXT NOT NULL, checksum BLOB NOT NULL);
CREATE UNIQUE INDEX reply_keys ON replies (key);
CREATE TABLE servers (model TEXT PRIMARY KEY, facts TEXT NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
"""
_PLACES = "(?, ?, ?, ?, ?, ?, ?, ?)"
_FIRST_WINS = """ ON CONFLICT (key) DO UPDATE SET status = excluded.status, text = excluded.text,
  finish_reason = excluded.finish_reason, prompt_tokens = excluded.prompt_tokens,
  completion_tokens = excluded.completion_tokens, model = excluded.model, checksum = excluded.checksum
  WHERE replies.status = 'passing'"""
_MAX_BATCH = 256
_GATHER_S, _RETRY_S = 0.004, 0.02
_COLLECT_EVERY = 5000
_BUSY_S = 60.0


@dataclass(slots=True, frozen=True)
class Entry:
    """A row of the cache. `status`: `reply`; `refusal`, one that stands; `passing`, one of this server at that time,
    asked again where a server is at hand. Of a refusal `text` is the detail and `finish_reason` the reason."""

    key: str
    status: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    model: str
    """`name@revision`, for statistics and export; the key holds both anyway."""

    def row(self) -> tuple[object, ...]:
        head = (bytes.fromhex(self.key), self.status, self.text, self.finish_reason)
        return (*head, self.prompt_tokens, self.completion_tokens, self.model, self._checksum())

    def _checksum(self) -> bytes:
        parts = [self.key, self.status, self.text, self.finish_reason, self.prompt_tokens, self.completion_tokens]
        return xxhash.xxh3_64_digest(orjson.dumps([*parts, self.model]))

    @classmethod
    def from_row(cls, row: tuple[bytes, str, str, str, int, int, str, bytes], path: Path) -> Entry:
        """Raises: CacheError if the row is not what was written."""
        try:
            entry = cls(row[0].hex(), *row[1:7])
            intact = entry._checksum() == row[7]
        except (TypeError, AttributeError, ValueError, orjson.JSONEncodeError):
            intact = False
        if not intact:
            raise CacheError(f"{path}: a stored reply is not as it was written; {_AFTER_DAMAGE.format(path=path)}")
        return entry


_AFTER_DAMAGE = (
    "the file is damaged. Move it away ({path}, with its -wal and -shm files): the requests are then asked again, "
    "or import an exported cache"
)


class RequestCache:
    """Replies by request key. Writes are gathered for some milliseconds and committed together.

    All in the caller's thread: SQLite writes a batch in a fraction of a millisecond, and a writer of its own cost more
    than that in handing over the interpreter lock, many times more on a busy machine. What can take long, moving the
    write-ahead log into the file, is done in a thread now and then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_database(path)
        self._connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._pending: list[_Write] = []
        self._timer: asyncio.TimerHandle | None = None
        self._uncollected = 0
        self._collecting: asyncio.Task[None] | None = None

    def get(self, key: str) -> Entry | None:
        """Raises: CacheError if the file is damaged."""
        with explain(self.path):
            row = self._connection.execute(
                f"SELECT {_COLUMNS} FROM replies WHERE key = ?", (bytes.fromhex(key),)
            ).fetchone()
        return None if row is None else Entry.from_row(row, self.path)

    async def find(self, key: str) -> Entry | None:
        """Nothing: `get` sees the whole file."""
        return None

    async def put(self, entry: Entry) -> Entry:
        """Return once it is committed. If another process was first, the entry that it stored comes back."""
        loop = asyncio.get_running_loop()
        write = _Write(entry, loop.create_future(), loop.time() + _BUSY_S)
        self._pending.append(write)
        if self._timer is None:
            self._timer = loop.call_later(_GATHER_S, self._commit)
        won: bool = await write.done
        return entry if won else (self.get(entry.key) or entry)

    def facts(self, model: str) -> dict[str, bool] | None:
        """What was found out about the server of `name@revision` when the replies were made."""
        with explain(self.path):
            row = self._connection.execute("SELECT facts FROM servers WHERE model = ?", (model,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def set_facts(self, model: str, facts: dict[str, bool]) -> None:
        with explain(self.path):
            self._connection.execute(
                "INSERT OR REPLACE INTO servers VALUES (?, ?)", (model, orjson.dumps(facts).decode())
            )

    def models(self) -> list[str]:
        with explain(self.path):
            return [row[0] for row in self._connection.execute("SELECT model FROM servers ORDER BY model")]

    def close(self) -> None:
        """Commit what is pending and close."""
        if self._timer is not None:
            self._timer.cancel()
        while self._pending:
            self._commit(may_wait=True)
        self._connection.close()

    def _commit(self, may_wait: bool = False) -> None:
        """One batch. Another process may be writing: then later, without holding up the event loop."""
        batch = self._pending[:_MAX_BATCH]
        try:
            with explain(self.path), self._patience(may_wait):
                won = insert(self._connection, [write.entry for write in batch])
        except _BusyError as error:
            if batch[0].deadline > asyncio.get_running_loop().time() and not may_wait:
                self._timer = asyncio.get_running_loop().call_later(_RETRY_S, self._commit)
                return
            _settle(batch, error)
        except Exception as error:  # whatever it is: nobody else would hear of it, and the replies would be waited for
            _settle(batch, error)
        else:
            _settle(batch, won)
        del self._pending[: len(batch)]
        if not may_wait:
            self._go_on(len(batch))

    @contextmanager
    def _patience(self, may_wait: bool) -> Iterator[None]:
        if not may_wait:
            self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_S * 1000:.0f}")

    def _go_on(self, committed: int) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(0, self._commit) if self._pending else None
        self._uncollected += committed
        if self._uncollected >= _COLLECT_EVERY and (self._collecting is None or self._collecting.done()):
            self._uncollected = 0
            self._collecting = loop.create_task(asyncio.to_thread(_collect, self.path))


@dataclass(slots=True, frozen=True)
class _Write:
    """`deadline`: of the event loop's clock, after which a locked file is an error."""

    entry: Entry
    done: asyncio.Future[bool]
    deadline: float


class _BusyError(StorageError):
    """Another process writes to the file at this moment."""


def _settle(batch: list[_Write], result: list[bool] | Exception) -> None:
    for index, write in enumerate(batch):
        if write.done.done():
            continue
        if isinstance(result, Exception):
            write.done.set_exception(result)
        else:
            write.done.set_result(result[index])


def _collect(path: Path) -> None:
    """Move the write-ahead log into the file, as far as nobody reads it; the log would else grow all the run long."""
    with explain(path), closing(sqlite3.connect(path, timeout=_BUSY_S)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def insert(connection: sqlite3.Connection, batch: Sequence[Entry]) -> list[bool]:
    """True where the entry is now the stored one (a stored reply is never replaced).

    One statement is one transaction.
    """
    rows = [entry.row() for entry in batch]
    places = ", ".join([_PLACES] * len(rows))
    cursor = connection.execute(
        f"INSERT INTO replies ({_COLUMNS}) VALUES {places}{_FIRST_WINS}", [value for row in rows for value in row]
    )
    if cursor.rowcount == len(rows):
        return [True] * len(rows)
    query = f"SELECT {_COLUMNS} FROM replies WHERE key = ?"
    return [connection.execute(query, row[:1]).fetchone() == row for row in rows]


def entries(connection: sqlite3.Connection, path: Path) -> Iterator[Entry]:
    """All, in the order of their keys."""
    with explain(path):
        for row in connection.execute(f"SELECT {_COLUMNS} FROM replies ORDER BY key"):
            yield Entry.from_row(row, path)


def open_database(path: Path) -> sqlite3.Connection:
    """Open, or make, a cache file.

    Raises: CacheError for a file that is no request cache, is damaged or of a newer format; StorageError if it cannot
    be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path.parent}: cannot make the folder of the request cache: {error.strerror}") from None
    is_writable = not path.is_file() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
    with explain(path):
        connection = _connect(path) if is_writable else _connect_read_only(path)
        try:
            _prepare(connection, path, is_writable=is_writable)
        except BaseException:
            connection.close()
            raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """A cache on a read-only medium: there is no place for locks, and nobody writes to it."""
    log = path.with_name(path.name + "-wal")
    if log.is_file() and log.stat().st_size:
        raise StorageError(
            f"{path}: the request cache is read-only, but {log.name} holds replies that are not in it yet; open it once "
            "where it can be written (`asd rewrite cache stats`)"
        )
    uri = f"{path.resolve().as_uri()}?immutable=1"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection, path: Path, *, is_writable: bool) -> None:
    connection.execute("PRAGMA page_size = 16384")
    (stored,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if stored != APPLICATION_ID and tables:
        raise CacheError(f"{path} is an SQLite file, but no request cache; name another with `cache` in the settings")
    if is_writable:
        connection.execute("PRAGMA journal_mode = WAL")
        # Survives the death of the process at any moment; a power cut may cost the last replies, never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            _create(connection)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        raise CacheError(f"{path} is a request cache of format {version}, this version reads {FORMAT}; upgrade asd")


def _create(connection: sqlite3.Connection) -> None:
    """Another process may do the same at this moment: look again under the lock."""
    connection.execute("BEGIN IMMEDIATE")
    with closing(connection.execute("SELECT count(*) FROM sqlite_master")) as cursor:
        if not cursor.fetchone()[0]:
            for statement in _SCHEMA.strip().split(";\n"):
                connection.execute(statement)
    connection.execute("COMMIT")


@contextmanager
def explain(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise _BusyError(f"{path}: another process has held the request cache for {_BUSY_S:g} s") from None
        raise StorageError(f"{path}: the request cache cannot be used: {error}") from None
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise CacheError(f"{path}: {error}; {_AFTER_DAMAGE.format(path=path)}") from None
