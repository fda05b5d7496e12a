"""The process in which vLLM answers: started, spoken to, and ended with everything that it started itself.

A process of its own, so that its memory comes back when it ends, and because vLLM may live in another environment:
$ASD_VLLM_PYTHON names its interpreter. Should this process be killed, the other one notices and ends.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

from asd.rewrite.process_log import tail_of
from asd.rewrite.vllm_server import HAS_VLLM, vllm_python
from asd_training.errors import EngineError, MemoryLimitError, SettingError

_CHILD = Path(__file__).with_name("vllm_child.py")
_QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "false"}
_SET = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1"}
"""The engine runs in the process that we started: one process to end, and rules for answers reach it. All that it loads
lies in a folder."""
_LAUNCHER = re.compile(r"(?:LOCAL_|GROUP_|ROLE_)?(?:RANK|WORLD_SIZE)|ROLE_NAME|MASTER_(?:ADDR|PORT)|TORCHELASTIC_\w*")
"""Variables by which a launcher tells processes of each other; vLLM's is none of them."""
_NO_MEMORY = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|no available memory|free memory on device"
    r"|available memory on node|larger than the available kv cache",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(r"maximum context length|longer than the maximum model length", re.IGNORECASE)
_END_S = 30.0
KEPT = "What is finished is kept: the same command goes on from there"


def require_vllm() -> None:
    """Raises: SettingError if that interpreter cannot be run or has no vLLM."""
    python = vllm_python()
    advice = "set ASD_VLLM_PYTHON to the python of an environment that has it, or eval.engine to transformers"
    try:
        search = subprocess.run([python, "-c", HAS_VLLM], check=False, capture_output=True, stdin=subprocess.DEVNULL)
    except OSError as exc:
        raise SettingError(
            f"eval.engine is vllm, but its interpreter {python} cannot be run ({exc}); {advice}"
        ) from exc
    if search.returncode:
        raise SettingError(
            f"eval.engine is vllm, but vLLM is not installed for {python}: `{python} -m pip install vllm`, or {advice}"
        )


class VllmProcess:
    """log: file that gets whatever vLLM prints; devices: CUDA_VISIBLE_DEVICES, None = as it is."""

    def __init__(self, log: Path, devices: str | None = None) -> None:
        self.log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [vllm_python(), str(_CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=_environment(devices),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, doing: str, **message: Any) -> dict[str, Any]:
        self.send(doing, **message)
        return self.receive(doing)

    def send(self, doing: str, **message: Any) -> None:
        """May be called again before the reply is there: the process takes one message after the other."""
        packed = pickle.dumps(message, protocol=4)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(len(packed).to_bytes(8, "big") + packed)
            self._process.stdin.flush()
        except OSError:
            raise self._ended(doing) from None

    def receive(self, doing: str) -> dict[str, Any]:
        """The reply to the oldest message that has none. Raises: EngineError, MemoryLimitError."""
        assert self._process.stdout is not None
        head = self._process.stdout.read(8)
        size = int.from_bytes(head, "big")
        packed = self._process.stdout.read(size)
        if len(head) < 8 or len(packed) < size:
            raise self._ended(doing)
        reply: dict[str, Any] = pickle.loads(packed)
        if "error" in reply:
            raise self._failed(doing, reply["error"][0], reply["text"])
        return reply

    def _ended(self, doing: str) -> EngineError:
        try:
            status = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return EngineError(f"vLLM's process closed its pipe while {doing}; its log is {self.log}. {KEPT}")
        if status == -signal.SIGKILL:
            why = "was killed (SIGKILL), as the system does when memory runs out; give it more, or lower eval.vllm settings"
        else:
            why = f"ended (exit status {status})"
        return EngineError(
            f"vLLM's process {why}, while {doing}. {KEPT}. Its log, {self.log}, ends with:\n{tail_of(self.log)}"
        )

    def _failed(self, doing: str, kind: str, text: str) -> EngineError | MemoryLimitError:
        message = " ".join(text.split())[:500]
        if kind in ("OutOfMemoryError", "MemoryError") or _NO_MEMORY.search(text):
            return MemoryLimitError(
                f"out of memory while {doing} with vLLM ({message}); lower eval.vllm.max_num_seqs or "
                f"eval.vllm.max_model_len, change eval.vllm.gpu_memory_utilization, or set "
                f"eval.vllm.tensor_parallel_size. {KEPT}"
            )
        if _TOO_LONG.search(text):
            return EngineError(
                f"{doing}: {kind}: {message}; raise eval.vllm.max_model_len, or train.max_length. {KEPT}"
            )
        return EngineError(f"vLLM failed while {doing}: {kind}: {message}. Its log is {self.log}. {KEPT}")

    def close(self) -> None:
        """Ends the process and its group. Safe to call at any time, also twice."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()


def _environment(devices: str | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _LAUNCHER.fullmatch(name)}
    given = {**_QUIET, **kept, **_SET}
    return given if devices is None else {**given, "CUDA_VISIBLE_DEVICES": devices}
