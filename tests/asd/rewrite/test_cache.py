"""The request cache: nothing lost in a kill, shared by processes, damage noticed, exported and imported."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.errors import CacheError, StorageError
from asd.rewrite.cache import Entry, RequestCache
from asd.rewrite.cache_file import cache_stats, export_cache, import_cache
from tests.servers.server_process import REPO


def entry(number: int, text: str = "a reply", status: str = "reply", model: str = "m@1") -> Entry:
    return Entry(f"{number:064x}", status, text, "stop", 10, number % 7, model)


def fill(path: Path, entries: list[Entry]) -> list[Entry]:
    """What the cache says of each put."""

    async def run() -> list[Entry]:
        cache = RequestCache(path)
        try:
            return list(await asyncio.gather(*map(cache.put, entries)))
        finally:
            cache.close()

    return asyncio.run(run())


def read(path: Path, *numbers: int) -> list[Entry | None]:
    cache = RequestCache(path)
    try:
        return [cache.get(f"{number:064x}") for number in numbers]
    finally:
        cache.close()


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 5), st.text(max_size=20)), max_size=12))
def test_first_reply_to_a_request_stays(puts: list[tuple[int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cache.sqlite"
        first: dict[int, str] = {}
        for number, text in puts:
            (told,) = fill(path, [entry(number, text)])
            assert told.text == first.setdefault(number, text)
        assert [found and found.text for found in read(path, *range(6))] == [first.get(number) for number in range(6)]


def test_passing_refusal_gives_way_to_a_reply(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    fill(path, [entry(1, "too busy", "passing")])
    fill(path, [entry(1, "well then")])
    assert read(path, 1) == [entry(1, "well then")]


WRITER = """
import asyncio, sys
from pathlib import Path
from asd.rewrite.cache import RequestCache
from tests.asd.rewrite.test_cache import entry

async def run():
    cache = RequestCache(Path(sys.argv[1]))
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        await cache.put(entry(number))
        print(number, flush=True)
    cache.close()

asyncio.run(run())
"""


def write_in_process(path: Path, start: int, stop: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(start), str(stop)]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    return subprocess.Popen(command, env=environment, cwd=REPO, stdout=subprocess.PIPE, text=True)


def test_what_was_told_survives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    with write_in_process(path, 0, 1_000_000) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(300)]
        process.send_signal(signal.SIGKILL)
    assert read(path, *told) == [entry(number) for number in told]


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    processes = [write_in_process(path, 200 * part, 200 * part + 300) for part in range(3)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert read(path, *range(700)) == [entry(number) for number in range(700)]


def test_no_text_file_is_taken_for_a_cache(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_text("this is a letter to a friend, and a long one at that\n" * 20)
    with pytest.raises(CacheError, match=r"cache\.sqlite: file is not a database; the file is damaged\. Move it away"):
        RequestCache(path)


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    connection.close()
    with pytest.raises(CacheError, match="is an SQLite file, but no request cache"):
        RequestCache(path)


def test_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    fill(path, [entry(1)])
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(CacheError, match="of format 9, this version reads 1; upgrade asd"):
        RequestCache(path)


def test_changed_row_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    fill(path, [entry(1), entry(2)])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE replies SET text = 'a lie' WHERE id = 1")
    connection.close()
    with pytest.raises(CacheError, match=r"a stored reply is not as it was written; the file is damaged"):
        read(path, 1)
    assert read(path, 2) == [entry(2)]


def test_overwritten_pages_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    fill(path, [entry(number, "x" * 500) for number in range(500)])
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 4 : 3 * len(damaged) // 4] = b"\xff" * (len(damaged) // 2)
    path.write_bytes(damaged)
    with pytest.raises(CacheError, match="the file is damaged"):
        read(path, *range(500))


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot make the folder of the request cache"):
        RequestCache(tmp_path / "file" / "cache.sqlite")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_cache_is_read_as_it_is(tmp_path: Path) -> None:
    cache = tmp_path / "shared" / "cache.sqlite"
    made = fill(cache, [entry(number) for number in range(5)])
    cache.chmod(0o444)
    cache.parent.chmod(0o555)
    try:
        assert read(cache, *range(5)) == made and cache_stats(cache)[0]["replies"] == 5
        assert export_cache(cache, tmp_path / "replies.gz") == 5
        with pytest.raises(StorageError, match="cannot be used: attempt to write a readonly database"):
            fill(cache, [entry(9)])
        assert [path.name for path in cache.parent.iterdir()] == ["cache.sqlite"]
    finally:
        cache.parent.chmod(0o755)


def test_reply_that_cannot_be_stored_stops_the_run(tmp_path: Path) -> None:
    """The disk is full from the writer's point of view: the database may not grow."""

    async def run() -> None:
        cache = RequestCache(tmp_path / "cache.sqlite")
        try:
            await cache.put(entry(0))
            with sqlite3.connect(cache.path, isolation_level=None) as other:
                other.execute("DROP TABLE replies")
            other.close()
            with pytest.raises(StorageError, match="the request cache cannot be used: no such table"):
                await cache.put(entry(1))
        finally:
            cache.close()

    asyncio.run(run())


def test_export_and_import_give_the_same_cache(tmp_path: Path) -> None:
    one, other, file = tmp_path / "one.sqlite", tmp_path / "other.sqlite", tmp_path / "replies.jsonl.gz"
    made = [entry(number, f"antwort \u00e4 {number}") for number in range(50)] + [entry(99, "no", "refusal")]
    fill(one, made[::-1])
    assert export_cache(one, file) == 51
    assert import_cache(file, other) == (51, 0)
    assert read(other, *range(50), 99) == made
    assert import_cache(file, other) == (0, 51)
    assert cache_stats(other) == cache_stats(one)
    assert cache_stats(one) == [
        {
            "model": "m@1",
            "replies": 50,
            "refusals": 1,
            "prompt_tokens": 510,
            "reply_tokens": sum(e.completion_tokens for e in made),
        }
    ]


def test_same_replies_give_the_same_file(tmp_path: Path) -> None:
    for name, order in (("one", 1), ("other", -1)):
        fill(tmp_path / f"{name}.sqlite", [entry(number) for number in range(20)][::order])
        export_cache(tmp_path / f"{name}.sqlite", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_export_beside_a_conversion_that_adds_replies(tmp_path: Path) -> None:
    cache, file = tmp_path / "cache.sqlite", tmp_path / "replies.gz"
    fill(cache, [entry(number) for number in range(5000)])
    is_done = threading.Event()

    def write_on() -> None:
        for number in range(10_000, 90_000):
            if is_done.is_set():
                return
            fill(cache, [entry(number)])

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        count = export_cache(cache, file)
    finally:
        is_done.set()
        writer.join()
    assert import_cache(file, tmp_path / "other.sqlite") == (count, 0)


def test_export_of_one_model(tmp_path: Path) -> None:
    cache, file = tmp_path / "cache.sqlite", tmp_path / "part.gz"
    fill(cache, [entry(1), entry(2, model="n@2")])
    assert export_cache(cache, file, model="n") == 1
    with pytest.raises(CacheError, match=r"holds no replies of q; it holds: m@1, n@2"):
        export_cache(cache, file, model="q")
    with pytest.raises(CacheError, match="there is no request cache"):
        export_cache(tmp_path / "absent.sqlite", file)
    for folder in (Path(), tmp_path, tmp_path / "absent" / "x.gz"):
        with pytest.raises(StorageError, match="cannot write the exported cache"):
            export_cache(cache, folder)


def exported(tmp_path: Path) -> tuple[Path, list[bytes]]:
    fill(tmp_path / "cache.sqlite", [entry(number) for number in range(5)])
    export_cache(tmp_path / "cache.sqlite", tmp_path / "replies.gz")
    return tmp_path / "replies.gz", gzip.decompress((tmp_path / "replies.gz").read_bytes()).splitlines(keepends=True)


def rewrite(file: Path, lines: list[bytes], *, honest: bool) -> None:
    """`honest`: with the right checksum in the header."""
    if honest:
        header = json.loads(lines[0])
        header["sha256"] = hashlib.sha256(b"".join(lines[1:])).hexdigest()
        lines = [json.dumps(header).encode() + b"\n", *lines[1:]]
    file.write_bytes(gzip.compress(b"".join(lines)))


@pytest.mark.parametrize(
    ("spoil", "honest", "message"),
    [
        (
            lambda lines: [*lines[:3], lines[3].replace(b"a reply", b"a wrong"), *lines[4:]],
            False,
            "damaged or was changed",
        ),
        (lambda lines: lines[:-1], False, "damaged or was changed: 4 replies"),
        (lambda lines: lines[1:], False, "is no exported request cache"),
        (lambda lines: [lines[0].replace(b'"version":1', b'"version":7'), *lines[1:]], False, "has format 7"),
        (
            lambda lines: [*lines[:2], lines[2].replace(b'"reply"', b'"fact"'), *lines[3:]],
            True,
            "line 3: this is no entry",
        ),
        (lambda lines: [*lines[:2], lines[2].replace(b"10,", b'"x",'), *lines[3:]], True, "line 3: this is no entry"),
        (lambda lines: [lines[0].replace(b'"m@1":{}', b'"m@1":5'), *lines[1:]], False, "is no exported request cache"),
    ],
)
def test_spoilt_file_is_refused_whole(
    tmp_path: Path, spoil: Callable[[list[bytes]], list[bytes]], honest: bool, message: str
) -> None:
    file, lines = exported(tmp_path)
    rewrite(file, spoil(lines), honest=honest)
    with pytest.raises(CacheError, match=message):
        import_cache(file, tmp_path / "other.sqlite")
    if (tmp_path / "other.sqlite").exists():
        assert read(tmp_path / "other.sqlite", *range(5)) == [None] * 5


def test_cut_file_is_refused(tmp_path: Path) -> None:
    file, _ = exported(tmp_path)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(CacheError, match=r"replies\.gz is damaged"):
        import_cache(file, tmp_path / "other.sqlite")


def test_other_replies_to_the_same_requests_are_not_mixed(tmp_path: Path) -> None:
    file, _ = exported(tmp_path)
    fill(tmp_path / "other.sqlite", [entry(3, "another reply")])
    with pytest.raises(
        CacheError, match=r"another reply to request 000000000000 than .*other\.sqlite.*Nothing was imp"
    ):
        import_cache(file, tmp_path / "other.sqlite")
    assert read(tmp_path / "other.sqlite", 0, 3) == [None, entry(3, "another reply")]


def test_reading_is_quick_and_the_file_small(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    fill(path, [entry(number, "a reply of middling length, as models give them " * 4) for number in range(5000)])
    cache = RequestCache(path)
    start = time.process_time()
    assert all(cache.get(f"{number:064x}") for number in range(5000))
    assert time.process_time() - start < 1.0
    cache.close()
    assert path.stat().st_size < 5000 * 600
