"""Keeps processes from outliving their owner. A script of its own, which the owner starts:

    python child_guard.py run COMMAND...    run a program
    python child_guard.py watch PID...      keep an eye on processes that the owner has started itself

Standard input is the lifeline: a pipe whose writing end the owner alone holds. When it closes, because the owner closed
it or is gone (killed included), the program is told to end, then its process group: politely first, because what it
keeps in shared memory would outlast a kill, then by force. When the program ends by itself, so does what it left
running. Standard library only: it starts in no time, under any interpreter.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time

GRACE_S = 30.0
"""For the command to end when told to, and then again for the rest of its group."""
STATUS_MARK = "child_guard: "
"""Begins the line, on standard output, that says how the command ended."""
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36


def run_guarded(command: list[str]) -> None:
    """Return when the command and its process group are gone."""
    _prctl(_SET_CHILD_SUBREAPER, 1)  # orphans of the command come to us, not to a process 1 that may leave them lying
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=_end_with_guard)  # noqa: PLW1509  no threads yet
    threading.Thread(target=_end_when_cut, args=(child,), daemon=True).start()
    print(f"\n{STATUS_MARK}{describe_status(child.wait())}", flush=True)  # a line of its own, whatever was written last
    _end_group(child.pid)


def watch(pids: list[int]) -> None:
    """Return when the owner is gone and the processes are too."""
    _wait_for_cut()
    for number in (signal.SIGTERM, signal.SIGKILL):
        pids = [pid for pid in pids if _sent(pid, number)]
        deadline = time.monotonic() + GRACE_S
        while pids and time.monotonic() < deadline:
            time.sleep(0.05)
            pids = [pid for pid in pids if _sent(pid, 0)]


def describe_status(status: int) -> str:
    """ "exit status 1" or "killed by SIGKILL" for a return code of `subprocess`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def _end_with_guard() -> None:
    """In the child before it becomes the command: a killed guard takes it along."""
    _prctl(_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    """Nothing where there is no such call (only Linux has it)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value)


def _end_when_cut(child: subprocess.Popen[bytes]) -> None:
    _wait_for_cut()
    child.terminate()
    time.sleep(GRACE_S)
    child.kill()


def _wait_for_cut() -> None:
    select.select([0], [], [])  # nothing is ever written: readable means closed


def _sent(pid: int, number: int) -> bool:
    """False if there is no such process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _end_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline:
            _bury()
            os.killpg(group, 0)  # raises once nobody is left
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)


def _bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run_guarded(sys.argv[2:])
    else:
        watch([int(pid) for pid in sys.argv[2:]])
