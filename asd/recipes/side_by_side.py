"""The conversions of a recipe, several at a time in processes of their own; the bytes do not depend on how many."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from asd.conversion.config import ConvertConfig
from asd.conversion.convert import Conversion, convert
from asd.errors import AsdError, StorageError, UsageError
from asd.work.own_process import usable_cores

Outcome = Conversion | AsdError


def convert_side_by_side(configs: Sequence[ConvertConfig], jobs: int) -> Iterator[tuple[ConvertConfig, Outcome]]:
    """Each conversion's outcome, in the order of `configs`; an error ends its own task only.

    The cores are shared out among the jobs unless a config says how many workers it takes.
    Raises: UsageError if a task has a rewriter: its server and its request cache are for one conversion at a time.
    """
    with_model = [config.task for config in configs if getattr(config, "rewriter", None) is not None]
    if with_model:
        raise UsageError(
            f"--jobs: {', '.join(with_model)} uses a rewriter, which serves one task at a time. Leave it out."
        )
    workers = max(1, usable_cores() // jobs)
    shared = [config if config.workers else config.model_copy(update={"workers": workers}) for config in configs]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(configs)), mp_context=context) as pool:
        running = [pool.submit(_convert, config) for config in shared]
        try:
            for config, future in zip(configs, running, strict=True):
                yield config, _outcome(config, future)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _convert(config: ConvertConfig) -> Outcome:
    try:
        return convert(config)
    except AsdError as exc:
        return exc


def _outcome(config: ConvertConfig, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return StorageError(
            f"task {config.task}: its process was killed (out of memory?). Finished parts are kept: run the same "
            "command again, with fewer --jobs."
        )
