"""What the rewriter's client costs, against a server of fixed latency: time over the ideal, CPU per request, memory.

    python benchmarks/rewrite.py                                          # the package's client and bare aiohttp
    python benchmarks/rewrite.py --distilabel VENV/bin/python --memory --out benchmarks/results/rewrite.json

The ideal time is rows * latency / slots. All clients may have the same number of requests in flight; more than slots
keep a server busy while the client is not looking. The time is taken by the server, from the first request to the last reply,
so that nobody's start-up counts; the server is a process of its own and takes about 0.1 ms of CPU per request. CPU per
request is the difference of a long and a short run of the whole process tree, start-up taken out. `overhead` is the
time beyond the ideal. Clients run in turn, several times; medians are given, with the extremes. On a machine with
neighbours put `chrt -r 5` before the command: server and clients then come before them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
CLIENTS = ("asd", "bespoke", "distilabel")
SHORT = 256


@dataclass(frozen=True)
class Case:
    slots: int
    in_flight: int
    rows: int
    latency_s: float

    @property
    def ideal_s(self) -> float:
        return self.rows * self.latency_s / self.slots


def main() -> None:
    arguments = parse_arguments()
    started = os.getloadavg()[0]
    results: dict[str, Any] = {"machine": machine(), "load_before": round(started, 2), "cases": []}
    for slots, in_flight, rows in zip(arguments.slots, arguments.in_flight, arguments.rows, strict=True):
        case = Case(slots, in_flight, rows, arguments.latency_s)
        measured = measure_case(case, arguments)
        results["cases"].append(measured)
        print_case(measured)
    if arguments.memory:
        results["memory"] = measure_memory(arguments)
        print(json.dumps(results["memory"]))
    results["load_after"] = round(os.getloadavg()[0], 2)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, nargs="+", default=[64, 256], help="requests that the server works on")
    parser.add_argument(
        "--in-flight", type=int, nargs="+", default=[64, 384], help="requests that clients may have out"
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[4000, 16000], help="requests, one number per --slots")
    parser.add_argument("--latency-s", type=float, default=0.2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--distilabel", help="interpreter of an environment with distilabel, requests and openai")
    parser.add_argument("--distilabel-rows", type=int, default=1024, help="it is slow")
    parser.add_argument("--memory", action="store_true", help="also 10^4 and 10^5 requests by themselves")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def measure_case(case: Case, arguments: argparse.Namespace) -> dict[str, Any]:
    runs: dict[str, list[dict[str, float]]] = {}
    for _ in range(arguments.repeats):
        for client in CLIENTS:
            if client == "distilabel" and not arguments.distilabel:
                continue
            rows = arguments.distilabel_rows if client == "distilabel" else case.rows
            runs.setdefault(client, []).append(run_twice(client, replace(case, rows=rows), arguments))
    figures = {client: summarise(measured) for client, measured in runs.items()}
    return {**asdict(case), "clients": figures}


def run_twice(client: str, case: Case, arguments: argparse.Namespace) -> dict[str, float]:
    """The long run, with the CPU of the short one taken off."""
    short = run_once(client, replace(case, rows=SHORT), arguments)
    long = run_once(client, case, arguments)
    rows = case.rows - SHORT
    return {
        "rows": case.rows,
        "seconds": long["seconds"],
        "over_ideal": long["seconds"] / case.ideal_s,
        "overhead_ms_per_row": (long["seconds"] - case.ideal_s) / case.rows * 1e3,
        "client_cpu_ms": (long["cpu_s"] - short["cpu_s"]) / rows * 1e3,
        "peak_mb": long["peak_mb"],
        "peak_in_flight": long["peak"],
    }


def run_once(client: str, case: Case, arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds as the server saw them, CPU of the client's process tree, its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(case)
        try:
            port = int(server.stdout.readline())  # type: ignore[union-attr]
            url = f"http://127.0.0.1:{port}/v1"
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            printed = run_client(client, url, case, folder, arguments)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/told", timeout=10) as response:
                told = json.load(response)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()  # type: ignore[union-attr]
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**told, "cpu_s": cpu_s, "peak_mb": printed["peak_mb"]}


def start_server(case: Case) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.servers.fixed_latency_server", "--slots", str(case.slots)]
    command += ["--latency-s", str(case.latency_s)]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    return subprocess.Popen(command, cwd=REPO, env=environment, stdout=subprocess.PIPE, text=True)


def run_client(client: str, url: str, case: Case, folder: str, arguments: argparse.Namespace) -> dict[str, float]:
    sized = [url, str(case.rows), str(case.in_flight)]
    commands = {
        "asd": [sys.executable, "-m", "benchmarks.rewrite_clients.with_asd", *sized, folder],
        "bespoke": [sys.executable, "-m", "benchmarks.rewrite_clients.bespoke", *sized],
        "distilabel": [arguments.distilabel, "benchmarks/rewrite_clients/with_distilabel.py", *sized],
    }
    environment = {**os.environ, "PYTHONPATH": str(REPO), "HOME": folder, "HF_HOME": folder, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        commands[client], cwd=REPO, env=environment, capture_output=True, text=True, check=False, timeout=3600
    )
    if done.returncode != 0:
        raise SystemExit(f"{client} failed:\n{done.stderr[-3000:]}")
    printed: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return printed


def summarise(runs: list[dict[str, float]]) -> dict[str, Any]:
    """Median, and the extremes of what is quoted."""
    median = {name: round(statistics.median(run[name] for run in runs), 4) for name in runs[0]}
    spread = {
        name: [round(min(run[name] for run in runs), 4), round(max(run[name] for run in runs), 4)]
        for name in ("over_ideal", "client_cpu_ms")
    }
    return {**median, "spread": spread, "repeats": len(runs)}


def measure_memory(arguments: argparse.Namespace) -> list[dict[str, float]]:
    """Ten times as many requests need no more memory."""
    found = []
    for rows in (10_000, 100_000):
        start = time.monotonic()
        run = run_once("asd", Case(256, 384, rows, 0.02), arguments)
        took = time.monotonic() - start
        found.append({"rows": rows, "peak_mb": round(run["peak_mb"], 1), "seconds": round(took, 1)})
    return found


def print_case(measured: dict[str, Any]) -> None:
    print(
        f"{measured['slots']} slots, {measured['in_flight']} in flight, {measured['latency_s']} s, {measured['rows']} rows"
    )
    for client, found in measured["clients"].items():
        print(
            f"  {client:10} {found['over_ideal']:.3f} of the ideal time, {found['overhead_ms_per_row']:.3f} ms over it "
            f"per row, {found['client_cpu_ms']:.3f} ms CPU per request, {found['peak_mb']:.0f} MB"
        )


def machine() -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    scheduling = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else 0
    return {
        "cores": os.cpu_count(),
        "cpu": next(names, platform.processor()),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in ("openai", "aiohttp", "orjson")},
        "real_time_priority": scheduling != 0,
    }


if __name__ == "__main__":
    main()
