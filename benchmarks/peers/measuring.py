"""One process tree measured from outside: wall time, processor time, peak memory (sum of PSS). Linux alone.

The child is started below a small guardian that adopts every process left behind by daemonising libraries, waits for
all of them and only then reports, so that no processor second is lost and nothing runs on into the next measurement.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TICK_S = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36
SAMPLE_EVERY_S = 0.2
LINGER_S = 20.0
"""So long may processes that outlive their parent go on before they are ended."""


@dataclass
class Tree:
    """What was seen of a process and its descendants."""

    root: int
    peak_bytes: int = 0
    ticks: dict[int, int] = field(default_factory=dict)

    def sample(self) -> None:
        total = 0
        for pid in descendants(self.root):
            total += _pss_bytes(pid)
            self.ticks[pid] = max(self.ticks.get(pid, 0), _own_ticks(pid))
        self.peak_bytes = max(self.peak_bytes, total)

    @property
    def cpu_s(self) -> float:
        return sum(self.ticks.values()) / TICK_S


def descendants(root: int) -> list[int]:
    """Process ids below `root`, without it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and (stat := _stat(int(path.name))):
            children.setdefault(int(stat[1]), []).append(int(path.name))
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the command, which may hold spaces; empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _own_ticks(pid: int) -> int:
    stat = _stat(pid)
    return int(stat[11]) + int(stat[12]) if stat else 0


def _pss_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def measure(
    command: list[str], environment: dict[str, str], folder: Path, log: Path, limit_s: float
) -> dict[str, float]:
    """Run a command to its end. Raises subprocess.CalledProcessError (its output in `log`) or TimeoutExpired.

    Returns wall_s (until the command itself ended), cpu_s (all of its processes), peak_mb (10^6 bytes), and others:
    the part of the machine's processor time that went to anybody else meanwhile, 0 to 1.
    """
    start, busy_before = time.perf_counter(), _busy_s()
    report = log.with_name(f"{log.name}.guardian.json")
    guardian = [sys.executable, __file__, str(report), *command]
    with log.open("wb") as sink:
        child = subprocess.Popen(guardian, stdout=sink, stderr=sink, env=environment, cwd=folder)
    tree, over = Tree(child.pid), threading.Event()
    watcher = threading.Thread(target=_watch, args=(tree, over), daemon=True)
    watcher.start()
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        for pid in [*descendants(child.pid), child.pid]:
            os.kill(pid, signal.SIGKILL)
        child.wait()
        raise
    finally:
        over.set()
        watcher.join()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    found = json.loads(report.read_text("ascii"))
    cpu_s = max(found["cpu_s"], tree.cpu_s)
    others_s = _busy_s() - busy_before - cpu_s
    others = max(0.0, others_s / (time.perf_counter() - start) / (os.cpu_count() or 1))
    return {"wall_s": found["wall_s"], "cpu_s": cpu_s, "peak_mb": tree.peak_bytes / 1e6, "others": round(others, 3)}


def _busy_s() -> float:
    """Processor seconds since the machine started that were neither idle nor waiting for a disk; all cores."""
    user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / TICK_S


def _watch(tree: Tree, over: threading.Event) -> None:
    while not over.wait(SAMPLE_EVERY_S):
        tree.sample()


def guard(report: Path, command: list[str]) -> int:
    """Run a command, wait for all it leaves behind, write what it took; returns the command's exit status."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    start = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    status, wall_s, deadline = None, 0.0, float("inf")
    while True:
        try:
            pid, ended = os.waitpid(-1, 0 if status is None else os.WNOHANG)
        except ChildProcessError:
            break
        if pid == child:
            status, wall_s = ended, time.perf_counter() - start
            deadline = time.monotonic() + LINGER_S
        elif pid == 0:
            _end_late(deadline)
    times = os.times()
    cpu_s = times.children_user + times.children_system
    report.write_text(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s}), "ascii")
    assert status is not None
    return os.waitstatus_to_exitcode(status)


def _end_late(deadline: float) -> None:
    if time.monotonic() > deadline:
        for pid in descendants(os.getpid()):
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(guard(Path(sys.argv[1]), sys.argv[2:]))
