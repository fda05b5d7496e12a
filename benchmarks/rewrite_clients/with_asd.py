"""The package's own client: cache, retries, budgets, checks of form, everything on. Prints its figures as JSON."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from asd.rewrite.completions import Completions, open_completions
from asd.rewrite.request import Completion, CompletionRequest, Sampling
from asd.rewrite.settings import RewriterSettings
from benchmarks.rewrite_clients.questions import SCHEMA, SYSTEM, user_text


async def main(base_url: str, rows: int, at_once: int, folder: str) -> None:
    settings = RewriterSettings(
        kind="openai",
        model="fixed",
        base_urls=(base_url,),
        images="never",
        cache=Path(folder) / "cache.sqlite",
        max_in_flight=at_once,
    )
    async with open_completions(settings) as complete:
        cpu, start = time.process_time(), time.perf_counter()
        await ask_all(complete, rows, at_once)
        figures = {"cpu_s": time.process_time() - cpu, "seconds": time.perf_counter() - start}
        figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures["in_flight_high"] = complete.stats.in_flight_high
    print(json.dumps(figures))


async def ask_all(complete: Completions, rows: int, at_once: int) -> None:
    """A quarter more workers than requests may be in flight, as the pipeline has: while replies are stored, others
    are asked for. Memory is bounded by them."""
    numbers = iter(range(rows))

    async def work() -> None:
        for number in numbers:
            request = CompletionRequest(
                SYSTEM, user_text(number), (), SCHEMA, "yes_no", "rewrite/yes_no/vqa@0", Sampling(max_tokens=96)
            )
            reply = await complete(request)
            assert isinstance(reply, Completion) and json.loads(reply.text)["wrong"]

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once + at_once // 4 + 8):
            group.create_task(work())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
