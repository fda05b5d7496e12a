"""Process trees measured from outside, with children that outlive their parent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from peers.measuring import measure

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc")

SPIN = "import time\nwhile time.process_time() < {seconds}: pass\n"
LEAVES_ONE_BEHIND = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {SPIN.format(seconds=0.5)!r}], start_new_session=True)
"""
HOLDS_MEMORY = """
import time
held = bytearray(60_000_000)
held[::4096] = b"x" * len(held[::4096])
time.sleep(1)
"""


def run(code: str, folder: Path, limit_s: float = 60.0) -> dict[str, float]:
    return measure([sys.executable, "-c", code], dict(os.environ), folder, folder / "log", limit_s)


def test_what_a_child_leaves_behind_is_waited_for_and_counted(tmp_path: Path) -> None:
    found = run(LEAVES_ONE_BEHIND, tmp_path)
    assert found["cpu_s"] >= 0.5


def test_peak_memory_is_seen(tmp_path: Path) -> None:
    found = run(HOLDS_MEMORY, tmp_path)
    assert 60 < found["peak_mb"] < 200
    assert found["wall_s"] >= 1
    assert 0 <= found["others"] <= 1.05


def test_a_failing_command_is_told(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError, match="returned non-zero exit status 3"):
        run("import sys; print('why'); sys.exit(3)", tmp_path)
    assert (tmp_path / "log").read_text() == "why\n"


def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with pytest.raises(subprocess.TimeoutExpired):
        run(code, tmp_path, limit_s=1.0)
