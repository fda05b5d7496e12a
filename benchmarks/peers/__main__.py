"""This package beside other pipelines: the same rows, each contender a process tree of its own.

    python -m benchmarks.peers                                            # 10^5 rows, ratio 0.2, two repeats
    python -m benchmarks.peers --rows 1000000 --repeats 3 --out benchmarks/results/peers.json
    python -m benchmarks.peers --only asd floor datasets duckdb
    python -m benchmarks.peers --shape unique --only asd datasets datasets_makers datatrove datatrove_makers

Makes one virtual environment for each (pinned, about 6 GB in all, below build/peers), checks every output, shuffles
the order anew in every repeat, prints one table. Linux. docs/speed.md tells what the contenders are given to do.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

if __package__ == "benchmarks.peers":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from .contenders import CONTENDERS, FLOOR, OURS, Contender
from .environments import HERE, REPOSITORY, NotInstallableError, commit, packages, prepare, version
from .machine import machine
from .measuring import measure
from .table import render, summary

PARTS = 8
MADE = "made"
"""The rows of `convert.make_source`; other shapes are those of `benchmarks/world.py`."""
QUIET = {
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "true",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_OFFLINE": "1",
    "NEMO_TELEMETRY_ENABLED": "false",
    "PIP_NO_INDEX": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "SCARF_NO_ANALYTICS": "true",
    "UV_OFFLINE": "1",
}
"""Nobody reports home, waits for a hub that is not there, or installs packages while it is measured."""


class Bench:
    """Environments, source and settings of one benchmark."""

    def __init__(self, folder: Path, environments: Path, rows: int, limit_s: float, shape: str) -> None:
        self.folder, self.environments, self.rows, self.limit_s, self.shape = folder, environments, rows, limit_s, shape
        self.source = folder / "source"
        self.pythons: dict[str, Path] = {}

    def make_source(self) -> None:
        from convert import make_source
        from world import write_conversations

        (self.source / "parts").mkdir(parents=True)
        whole = self.source / "rows.jsonl"
        if self.shape == MADE:
            make_source(whole, self.rows)
        else:
            write_conversations(whole, self.shape, self.rows)
        with whole.open("rb") as lines:
            for part in range(PARTS):
                count = self.rows * (part + 1) // PARTS - self.rows * part // PARTS
                with (self.source / "parts" / f"rows-{part}.jsonl").open("wb") as file:
                    file.writelines(next(lines) for _ in range(count))

    def environment(self, home: Path) -> dict[str, str]:
        """Compiled modules are kept, as for an installed package; home and caches are the run's own."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        compiled = str(self.environments / "pycache")
        return kept | QUIET | {"PYTHONPATH": str(HERE.parent), "PYTHONPYCACHEPREFIX": compiled, "HOME": str(home)}

    def run(self, contender: Contender, ratio: float, out: Path) -> dict[str, float]:
        """One measured run. Raises subprocess.SubprocessError; what the contender printed is in `out`.log."""
        home, report = _beside(out, "home"), _beside(out, "json")
        for folder in (out, home):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        os.sync()
        command = [str(self.pythons[contender.name]), "-m", "peers.drive", contender.driver]
        command += ["--source", str(self.source), "--out", str(out), "--ratio", str(ratio), "--report", str(report)]
        found = measure(command, self.environment(home), home, _beside(out, "log"), self.limit_s)
        return found | json.loads(report.read_text("ascii"))

    def agree(self, *arguments: str) -> dict[str, Any]:
        """Run a check in our own environment. Raises subprocess.CalledProcessError."""
        command = [str(self.pythons[OURS]), "-m", "peers.agreement", *arguments]
        done = subprocess.run(
            command, env=self.environment(self.folder), cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, stderr=done.stderr[-500:])
        return json.loads(done.stdout.splitlines()[-1])


def install(bench: Bench, chosen: list[Contender], revision: str | None) -> tuple[list[Contender], dict[str, Any]]:
    """The contenders that could be installed, and what is installed of each."""
    able, about = [], {}
    for contender in chosen:
        try:
            python = prepare(contender, bench.environments, revision)
        except NotInstallableError as error:
            print(f"{contender.title}: left out, does not install: {error}", flush=True)
            about[contender.name] = {"not_installed": str(error)}
            continue
        bench.pythons[contender.name] = python
        about[contender.name] = {"version": version(contender, python), "packages": packages(python)}
        print(f"{contender.title}: {contender.package} {about[contender.name]['version']}", flush=True)
        able.append(contender)
    about[OURS]["commit"] = commit(revision)
    return able, about


def check(bench: Bench, contender: Contender, ratio: float, out: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """What the output is. Raises subprocess.CalledProcessError or ValueError if it is not what it must be."""
    if contender.name == OURS:
        return bench.agree("ours", str(bench.source), str(out), str(ratio))
    if contender.name == FLOOR:
        return {}
    if contender.uses_ours:
        return bench.agree("makers", str(bench.source), str(out), contender.output)
    found = bench.agree("peer", str(out), contender.output)
    if found != expected:
        raise ValueError(f"{found} is not the expected {expected}")
    return found


def write_floor(bench: Bench, ours: Contender, ratio: float) -> None:
    """The shards that the I/O floor copies: a run of ours that is not counted. Raises: SystemExit if it fails."""
    whole = bench.source / f"converted-{ratio}"
    try:
        bench.run(ours, ratio, whole)
    except subprocess.SubprocessError as error:
        raise SystemExit(f"{ours.title} failed: {_fault(error, _beside(whole, 'log'))}") from None


def compare(bench: Bench, contenders: list[Contender], ratio: float, repeats: int) -> dict[str, Any]:
    expected = bench.agree("expected", str(bench.source), str(ratio))
    ours = next(contender for contender in contenders if contender.name == OURS)
    if any(contender.name == FLOOR for contender in contenders):
        write_floor(bench, ours, ratio)
    runs: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in contenders}
    outputs: dict[str, Any] = {}
    faults: dict[str, str] = {}
    shuffle = random.Random(0)
    for repeat in range(repeats):
        for contender in shuffle.sample(contenders, len(contenders)):
            out = bench.folder / contender.name
            if contender.name in faults or (contender.most_rows or bench.rows) < bench.rows:
                continue
            try:
                found = bench.run(contender, ratio, out)
                outputs[contender.name] = check(bench, contender, ratio, out, expected)
                runs[contender.name].append(found)
                told = f"{found['work_s']:8.2f} s of work, {found['cpu_s']:8.2f} s of processors, {found['peak_mb']:6.0f} MB"
                print(f"{time.strftime('%H:%M:%S')} {repeat + 1}/{repeats} {contender.title:<20}{told}", flush=True)
            except (subprocess.SubprocessError, ValueError) as error:
                faults[contender.name] = _fault(error, _beside(out, "log"))
                print(f"{contender.title} failed: {faults[contender.name]}", flush=True)
            shutil.rmtree(out, ignore_errors=True)
    return {"ratio": ratio, "expected": expected, "runs": runs, "outputs": outputs, "faults": faults}


def _beside(out: Path, what: str) -> Path:
    return out.with_name(f"{out.name}.{what}")


def _fault(error: Exception, log: Path) -> str:
    said = getattr(error, "stderr", None) or (log.read_text("utf-8", "replace")[-500:] if log.is_file() else "")
    return f"{type(error).__name__}: {error} {said}"[-900:]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--shape", default=MADE, help=f"{MADE}, or one of benchmarks/world.py: vqav2, textvqa, unique, ..."
    )
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.2])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=" ".join(names))
    parser.add_argument("--revision", help="install ours from this git revision; default: the working tree")
    parser.add_argument("--environments", type=Path, default=REPOSITORY / "build" / "peers")
    parser.add_argument("--work", type=Path, default=None, help="where data is written; default: the temporary folder")
    parser.add_argument("--limit", type=float, default=1200, help="seconds that one run may take")
    parser.add_argument("--out", type=Path, help="JSON file for the result")
    arguments = parser.parse_args()
    chosen = [contender for contender in CONTENDERS if contender.name in {*arguments.only, OURS}]
    chosen = [contender for contender in chosen if arguments.shape == MADE or not contender.by_hand]
    with tempfile.TemporaryDirectory(prefix="asd-peers-", dir=arguments.work) as name:
        bench = Bench(Path(name), arguments.environments.resolve(), arguments.rows, arguments.limit, arguments.shape)
        able, about = install(bench, chosen, arguments.revision)
        bench.make_source()
        found = [compare(bench, able, ratio, arguments.repeats) for ratio in arguments.ratios]
    result = {
        "machine": machine(),
        "rows": arguments.rows,
        "shape": arguments.shape,
        "installed": about,
        "results": found,
    }
    result["summary"] = [summary(part, arguments.rows) for part in found]
    print(render(result))
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 1 if any(part["faults"] for part in found) else 0


if __name__ == "__main__":
    sys.exit(main())
