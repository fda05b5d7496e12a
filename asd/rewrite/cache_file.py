"""A request cache as one file to share: gzip-compressed JSON Lines, a header and then a reply per line, by key.

Whoever imports it makes the same versions without the model. The file holds replies and hashes of requests, no
prompts, images or keys. It comes from elsewhere: every line is checked before anything enters the cache, and the
replies go through the checks on meaning like any other.
"""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from asd.errors import CacheError, StorageError
from asd.plain_files import require_replaceable
from asd.rewrite.cache import Entry, entries, explain, insert, open_database

FORMAT_NAME, FORMAT = "asd-rewrite-cache", 1
_FIELDS = ("key", "status", "text", "finish_reason", "prompt_tokens", "completion_tokens", "model")
_STATUSES = ("reply", "refusal", "passing")
_MAX_LINE = 1 << 24


def export_cache(cache: Path, file: Path, *, model: str | None = None) -> int:
    """Write the cache, or its part of one model (NAME or NAME@REVISION); the number of replies.

    The same replies give the same lines. Raises: CacheError if there is no cache or nothing of that model in it.
    """
    if not file.name or file.is_dir():
        raise StorageError(f"{file}: cannot write the exported cache: name a file, not a folder")
    require_replaceable(file)
    part = file.with_name(file.name + ".part")
    with closing(_open_existing(cache)) as connection:
        connection.execute("BEGIN")  # one state for both readings, while a conversion may be adding to it
        models = _models(connection, cache, model)
        digest, count = _digest(connection, cache, models)
        header = {"format": FORMAT_NAME, "version": FORMAT, "entries": count, "sha256": digest, "models": models}
        try:
            with part.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as out:
                out.write(orjson.dumps(header) + b"\n")
                for line in _lines(connection, cache, models):
                    out.write(line)
            part.replace(file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(f"{file}: cannot write the exported cache: {error.strerror}") from None
    return count


def import_cache(file: Path, cache: Path) -> tuple[int, int]:
    """Add what the file holds to the cache: (added, there already). All of it or nothing.

    Raises: CacheError if the file is none, is damaged, or holds another reply to a request than the cache.
    """
    header = _check(file)
    added = 0
    with explain(cache), closing(open_database(cache)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for entry in _read(file):
                added += _add(connection, entry, file, cache)
            for model, facts in header["models"].items():
                connection.execute("INSERT OR IGNORE INTO servers VALUES (?, ?)", (model, orjson.dumps(facts).decode()))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    return added, header["entries"] - added


def cache_stats(cache: Path) -> list[dict[str, Any]]:
    """Per model: `replies`, `refusals`, `prompt_tokens`, `reply_tokens`. Raises: CacheError if there is no cache."""
    query = """SELECT model, sum(status = 'reply'), sum(status != 'reply'), sum(prompt_tokens), sum(completion_tokens)
      FROM replies GROUP BY model ORDER BY model"""
    names = ("model", "replies", "refusals", "prompt_tokens", "reply_tokens")
    with explain(cache), closing(_open_existing(cache)) as connection:
        return [dict(zip(names, row, strict=True)) for row in connection.execute(query)]


def _open_existing(cache: Path) -> sqlite3.Connection:
    if not cache.is_file():
        raise CacheError(f"{cache}: there is no request cache; nothing was asked yet, or it is elsewhere")
    return open_database(cache)


def _models(connection: sqlite3.Connection, cache: Path, wanted: str | None) -> dict[str, Any]:
    """Model -> what was known of its server."""
    with explain(cache):
        held = [row[0] for row in connection.execute("SELECT DISTINCT model FROM replies ORDER BY model")]
        facts = dict(connection.execute("SELECT model, facts FROM servers").fetchall())
    models = [model for model in held if wanted in (None, model, model.rsplit("@", 1)[0])]
    if not models:
        of = "" if wanted is None else f" of {wanted}"
        raise CacheError(f"{cache} holds no replies{of}; it holds: {', '.join(held) or 'none'}")
    return {model: orjson.loads(facts.get(model, "{}")) for model in models}


def _digest(connection: sqlite3.Connection, cache: Path, models: dict[str, Any]) -> tuple[str, int]:
    digest, count = hashlib.sha256(), 0
    for line in _lines(connection, cache, models):
        digest.update(line)
        count += 1
    return digest.hexdigest(), count


def _lines(connection: sqlite3.Connection, cache: Path, models: dict[str, Any]) -> Iterator[bytes]:
    for entry in entries(connection, cache):
        if entry.model in models:
            yield orjson.dumps({name: getattr(entry, name) for name in _FIELDS}) + b"\n"


def _check(file: Path) -> dict[str, Any]:
    """Read the file to its end before anything is believed; the header."""
    digest, count = hashlib.sha256(), 0
    with _open(file) as lines:
        header = _header(file, lines)
        for line in _each_line(file, lines):
            digest.update(line)
            count += 1
    if digest.hexdigest() != header.get("sha256") or count != header.get("entries"):
        raise CacheError(
            f"{file} is damaged or was changed: {count:,} replies with checksum {digest.hexdigest()[:12]}, expected "
            f"{header.get('entries')} with {str(header.get('sha256'))[:12]}. Fetch it again"
        )
    return header


def _header(file: Path, lines: gzip.GzipFile) -> dict[str, Any]:
    try:
        header = orjson.loads(lines.readline(_MAX_LINE))
    except (OSError, EOFError, zlib.error, ValueError):
        header = None
    if (
        not isinstance(header, dict)
        or header.get("format") != FORMAT_NAME
        or not isinstance(header.get("models"), dict)
        or not all(isinstance(facts, dict) for facts in header["models"].values())
    ):
        raise CacheError(f"{file} is no exported request cache (`asd rewrite cache export` writes them)")
    if header.get("version") != FORMAT:
        raise CacheError(f"{file} has format {header.get('version')}, this version reads {FORMAT}; upgrade asd")
    return header


def _read(file: Path) -> Iterator[Entry]:
    with _open(file) as lines:
        _header(file, lines)
        for number, line in enumerate(_each_line(file, lines), start=2):
            yield _entry(file, number, line)


def _each_line(file: Path, lines: gzip.GzipFile) -> Iterator[bytes]:
    try:
        while line := lines.readline(_MAX_LINE):
            yield line
    except (OSError, EOFError, zlib.error) as error:
        raise CacheError(f"{file} is damaged ({error}). Fetch it again") from None


def _entry(file: Path, number: int, line: bytes) -> Entry:
    try:
        fields = orjson.loads(line)
        entry = Entry(**{name: fields[name] for name in _FIELDS})
        entry.row()
        is_sound = len(entry.key) == 64 and entry.status in _STATUSES and _has_right_types(entry)
    except (ValueError, KeyError, TypeError):
        is_sound = False
    if not is_sound:
        raise CacheError(f"{file}, line {number}: this is no entry of a request cache. Nothing was imported")
    return entry


def _has_right_types(entry: Entry) -> bool:
    texts = (entry.status, entry.text, entry.finish_reason, entry.model)
    tokens = (entry.prompt_tokens, entry.completion_tokens)
    return all(isinstance(text, str) for text in texts) and all(
        type(number) is int and number >= 0 for number in tokens
    )


def _add(connection: sqlite3.Connection, entry: Entry, file: Path, cache: Path) -> bool:
    """False if the cache has the same reply already."""
    row = connection.execute("SELECT status, text FROM replies WHERE key = ?", (bytes.fromhex(entry.key),)).fetchone()
    if row is None or row[0] == "passing":
        insert(connection, [entry])
        return row is None
    if entry.status != "passing" and row != (entry.status, entry.text):
        raise CacheError(
            f"{file} holds another reply to request {entry.key[:12]} than {cache}: versions made with one cannot be "
            "made with the other. Import into a file of its own (--rewrite-cache). Nothing was imported"
        )
    return False


def _open(file: Path) -> gzip.GzipFile:
    try:
        return gzip.GzipFile(file, "rb")
    except OSError as error:
        raise CacheError(f"{file}: cannot read the exported cache: {error.strerror}") from None
