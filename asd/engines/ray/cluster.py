"""Reaching a Ray cluster, with a bounded wait and one message for whatever is wrong with it."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import platform
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from asd.engines.base import WorkerLostError
from asd.errors import UsageError
from asd.fingerprint import code_fingerprint
from asd.shards.files import write_bytes
from asd.work.own_process import usable_cores

_CONNECT_S, _ANSWER_S, _PROBE_S = 10.0, 60.0, 180.0


Result = TypeVar("Result")
_own_address: str | None = None
"""As it was given for the connection that was made here."""


class ClusterError(WorkerLostError):
    """A cluster that cannot be reached or used; what was finished is kept."""


def require_ray() -> None:
    """Raises: UsageError if Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray, which is not installed. Run: pip install 'asd-mcit[ray]'.")


@contextlib.contextmanager
def ray_cluster(address: str | None, workers: int | None, say: Callable[[str], None]) -> Iterator[None]:
    """Connected to the cluster at `address` (else $RAY_ADDRESS), or to one made of this machine's cores.

    A program that is connected already stays so. Raises: ClusterError, UsageError.
    """
    global _own_address  # noqa: PLW0603  (Ray's connection is the process's own too)
    require_ray()
    import ray

    own = not ray.is_initialized()
    if not own and address not in (None, "auto", _own_address, ray.get_runtime_context().gcs_address):
        raise UsageError(f"--ray-address {address}: this program is connected to Ray already; leave it out.")
    if own:
        _connect(address or os.environ.get("RAY_ADDRESS") or "local", workers)
        _own_address = address
    try:
        _require_same_code(say)
        yield
    finally:
        if own:
            ray.shutdown()


def _connect(address: str, workers: int | None) -> None:
    import ray

    if address.startswith("ray://"):
        raise UsageError(
            f"--ray-address {address}: Ray's client protocol is not used here. Start `asd` on a node of the cluster "
            "with --ray-address auto, or as a job: ray job submit -- asd convert --engine ray ..."
        )
    given: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        given |= {"include_dashboard": False, "num_cpus": workers or usable_cores()}
    else:
        _require_answer(address)
    try:
        ray.init(**given)
    except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
        raise ClusterError(f"--ray-address {address}: {_first_line(exc)}") from exc


def _require_answer(address: str) -> None:
    """A port that takes connections and never answers would hold Ray's own connecting for ever. Raises: ClusterError."""
    host, _, port = address.rpartition(":")
    way_on = "Start it with `ray start --head`, and give the address it prints."
    if address != "auto":
        if not port.isdigit():
            raise UsageError(f"--ray-address {address} is neither HOST:PORT nor auto.")
        try:
            socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
        except OSError as exc:
            raise ClusterError(f"no Ray cluster at {address} ({exc.strerror or exc}). {way_on}") from exc
    command = [sys.executable, "-m", "ray.scripts.scripts", "status", *(["--address", address] if host else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_S, check=False)
    except subprocess.TimeoutExpired as exc:
        raise ClusterError(f"{address} gave no answer for {_ANSWER_S:.0f} s; is it a Ray cluster? {way_on}") from exc
    if done.returncode:
        output = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise ClusterError(f"no Ray cluster at {address} ({output[-1][:200]}). {way_on}")


def _require_same_code(say: Callable[[str], None]) -> None:
    """Every node that can work has this package, with this code. Raises: ClusterError."""
    import ray

    def code_here() -> str:  # sent as it stands, since a node may lack the package
        try:
            from asd.fingerprint import code_fingerprint as here
        except ImportError as exc:
            return f"{exc}"
        return here()

    for node, fingerprint in ask_nodes(code_here):
        if fingerprint != code_fingerprint():
            why = "another version of this package" if len(fingerprint) == len(code_fingerprint()) else fingerprint
            raise ClusterError(
                f"node {node} of the Ray cluster has {why}, so its bytes could differ. Install the same version on all nodes."
            )
    nodes = working_nodes()
    cores = sum(int(node["Resources"]["CPU"]) for node in nodes)
    say(
        f"working on {len(nodes)} Ray nodes with {cores} CPUs (Python {platform.python_version()}, Ray {ray.__version__})"
    )


def ask_nodes(question: Callable[..., Result], *given: Any) -> list[tuple[str, Result]]:
    """Name of each node that can work, and what `question` gives there. Raises: ClusterError."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = working_nodes()
    if not nodes:
        raise ClusterError("the Ray cluster has no node with a CPU to work on. Add one: `ray start --address ...`.")
    there = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
    task = ray.remote(question)
    try:
        answers = ray.get(
            [task.options(num_cpus=0, scheduling_strategy=node).remote(*given) for node in there], timeout=_PROBE_S
        )
    except ray.exceptions.RayError as exc:
        raise ClusterError(f"the nodes of the Ray cluster do not work ({_first_line(exc)}).") from exc
    return list(zip((str(node["NodeManagerHostname"]) for node in nodes), answers, strict=True))


def require_seen(staging: Path, others: Iterable[Path]) -> None:
    """Raises: UsageError for a folder that some node does not see; `staging` has to be the very same one."""
    mark = staging.absolute() / f"seen-{secrets.token_hex(8)}"
    write_bytes(mark, b"", durable=False)
    try:
        for node, missing in ask_nodes(_missing, [mark, *(path.absolute() for path in others)]):
            if missing:
                what = f"the output folder {staging}" if missing[0] == mark else f"{missing[0]}"
                raise UsageError(
                    f"node {node} of the Ray cluster does not see {what}. Put it on a file system that all nodes share, at "
                    "the same path, or convert without --engine ray."
                )
    finally:
        mark.unlink(missing_ok=True)


def _missing(paths: list[Path]) -> list[Path]:
    return [path for path in paths if not path.exists()]


def working_nodes() -> list[dict[str, Any]]:
    """Ray's descriptions of the nodes that are alive and have a CPU."""
    import ray

    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]


def on_this_node() -> dict[str, Any]:
    """Options of an actor that has to be where this process is."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)}


def most_memory() -> int:
    """Bytes of the node that has most to give to work items."""
    return max((int(node["Resources"].get("memory", 0)) for node in working_nodes()), default=0)


def require_memory(num_bytes: int) -> None:
    """Raises: ClusterError if no node has a CPU and so much memory for one work item."""
    most = most_memory()
    if most < num_bytes:
        raise ClusterError(
            f"no node of the Ray cluster has the memory for a block: about {num_bytes / 1e6:,.0f} MB are needed, the "
            f"largest has {most / 1e6:,.0f} MB. Give Ray more (`ray start --memory BYTES`), or make smaller blocks "
            "(`shard_rows` in a recipe; that is another version)."
        )


def _first_line(exc: BaseException) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return (lines[0] if lines else type(exc).__name__)[:300]


def describe_failure(exc: BaseException) -> str:
    """What Ray said, in a line."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return f"{type(exc).__name__}: {(lines[-1] if lines else '')[:300]}"
