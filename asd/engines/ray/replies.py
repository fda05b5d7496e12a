"""The request cache of a conversion on Ray: the driver's one file, which all pools of requests look into and write to.

SQLite does not work across nodes, so an actor on the driver's node has the file, and the pools ask it. A reply is in
the file before its row hears of it, as on one machine: a worker that dies has lost what was in flight, nothing more,
and what one pool was told no other asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from asd.errors import AsdError
from asd.rewrite.cache import Entry, RequestCache

Item = TypeVar("Item")
Result = TypeVar("Result")


class Known(NamedTuple):
    """What a pool asks for once."""

    path: Path
    facts: dict[str, bool] | None
    """Of the server of the model in question."""
    models: list[str]


class ReplyKeeper:
    """An actor on the driver's node. Its answers are errors where the file is damaged or full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: RequestCache | None = None

    def _cache(self) -> RequestCache:
        if self._opened is None:
            self._opened = RequestCache(self._path)
        return self._opened

    async def known(self, model: str) -> Known | AsdError:
        try:
            cache = self._cache()
            return Known(self._path, cache.facts(model), cache.models())
        except AsdError as exc:
            return exc

    async def find(self, keys: Sequence[str]) -> list[Entry | None] | AsdError:
        try:
            return [self._cache().get(key) for key in keys]
        except AsdError as exc:
            return exc

    async def put(self, entries: Sequence[Entry]) -> list[Entry] | AsdError:
        try:
            return list(await asyncio.gather(*map(self._cache().put, entries)))
        except AsdError as exc:
            return exc

    async def set_facts(self, model: str, facts: dict[str, bool]) -> AsdError | None:
        try:
            self._cache().set_facts(model, facts)
        except AsdError as exc:
            return exc
        return None

    async def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


class RemoteReplies:
    """A `ReplyStore`: the driver's request cache, seen from a worker."""

    def __init__(self, keeper: Any, model: str, known: Known) -> None:
        self._keeper, self._known = keeper, known
        self._facts = {} if known.facts is None else {model: known.facts}
        self._found: _Gathered[str, Entry | None] = _Gathered(keeper.find.remote)
        self._stored: _Gathered[Entry, Entry] = _Gathered(keeper.put.remote)

    @classmethod
    async def open(cls, keeper: Any, model: str) -> RemoteReplies:
        """model: `name@revision`. Raises: CacheError, StorageError."""
        return cls(keeper, model, _raised(await keeper.known.remote(model)))

    @property
    def path(self) -> Path:
        return self._known.path

    def get(self, key: str) -> Entry | None:
        return None

    async def find(self, key: str) -> Entry | None:
        return await self._found.ask(key)

    async def put(self, entry: Entry) -> Entry:
        """Return once it is committed; the entry that came first, itself where that is this one."""
        stored = await self._stored.ask(entry)
        return entry if stored == entry else stored

    def facts(self, model: str) -> dict[str, bool] | None:
        return self._facts.get(model)

    def set_facts(self, model: str, facts: dict[str, bool]) -> None:
        """For replays, so nobody waits for it."""
        self._facts[model] = facts
        self._keeper.set_facts.remote(model, facts)

    def models(self) -> list[str]:
        return self._known.models

    def close(self) -> None:
        """The file is the keeper's."""


class _Gathered(Generic[Item, Result]):
    """One call at a time; what comes meanwhile goes with the next."""

    def __init__(self, call: Callable[[list[Item]], Awaitable[list[Result] | AsdError]]) -> None:
        self._call = call
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._caller: asyncio.Task[None] | None = None

    async def ask(self, item: Item) -> Result:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, done))
        if self._caller is None:
            self._caller = loop.create_task(self._call_on())
        return await done

    async def _call_on(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                results = _raised(await self._call([item for item, _ in batch]))
            except Exception as exc:  # whatever it is: those who wait would hear of nothing else
                for _, done in batch:
                    if not done.done():
                        done.set_exception(exc)
            else:
                for (_, done), result in zip(batch, results, strict=True):
                    if not done.done():
                        done.set_result(result)
        self._caller = None


def _raised(answer: Result | AsdError) -> Result:
    if isinstance(answer, AsdError):
        raise answer
    return answer
