"""What a script of one's own would be: aiohttp in a loop, no cache, no retries, no budgets. Prints its figures."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

import aiohttp

from benchmarks.rewrite_clients.questions import SCHEMA, SYSTEM, user_text


async def main(base_url: str, rows: int, at_once: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        cpu, start = time.process_time(), time.perf_counter()
        numbers = iter(range(rows))
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work(session, f"{base_url}/chat/completions", numbers))
        figures = {"cpu_s": time.process_time() - cpu, "seconds": time.perf_counter() - start}
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


async def work(session: aiohttp.ClientSession, url: str, numbers: object) -> None:
    schema = {"name": "yes_no", "schema": SCHEMA, "strict": True}
    for number in numbers:  # type: ignore[attr-defined]
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user_text(number)}]
        body = {"model": "fixed", "messages": messages, "temperature": 0.0, "max_tokens": 96}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
        async with session.post(url, json=body) as response:
            reply = await response.json()
        assert json.loads(reply["choices"][0]["message"]["content"])["wrong"]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
