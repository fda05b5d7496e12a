"""Which nodes of a Ray cluster ask the model: how many pools of requests, where, and with how many GPUs each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asd.engines.ray.cluster import ClusterError, working_nodes
from asd.rewrite.settings import RewriterSettings

_OWN_MODEL = ("vllm", "vllm-offline")
_PARALLEL = ("tensor_parallel_size", "pipeline_parallel_size")


@dataclass(frozen=True)
class Placement:
    """`count` workers with a CPU and `gpus` GPUs each."""

    count: int
    gpus: float
    node_ids: tuple[str, ...]
    """One for each of them, the nodes in turn; empty: wherever the GPUs are."""

    def options(self, turn: int) -> dict[str, Any]:
        """Of the actor that is number `turn`, from 0 on."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        if not self.node_ids:
            return {"num_cpus": 1, "num_gpus": self.gpus, "scheduling_strategy": "SPREAD"}
        here = NodeAffinitySchedulingStrategy(self.node_ids[turn], soft=True)  # elsewhere once the node is gone
        return {"num_cpus": 1, "scheduling_strategy": here}

    @property
    def needs(self) -> str:
        return describe_needs(self.gpus)


def describe_needs(gpus: float) -> str:
    return f"1 CPU and {gpus:g} GPU{'s' if gpus > 1 else ''}" if gpus else "1 CPU"


def place_rewriters(count: int | None, gpus: float | None, settings: RewriterSettings) -> Placement:
    """count: None = one per node, or as many as the GPUs allow; gpus: None = what a vLLM of one's own needs, else none.

    Raises: ClusterError where the cluster has not so much room, all told.
    """
    if gpus is None:
        gpus = float(_parallel(settings)) if settings.kind in _OWN_MODEL else 0.0
    rooms = {node["NodeID"]: _room(node["Resources"], gpus) for node in working_nodes()}
    room = sum(rooms.values())
    if not room:
        raise ClusterError(
            f"no node of the Ray cluster has {describe_needs(gpus)}, as a rewriter needs there. Add one, start the model "
            "server yourself and name it (--rewriter openai --base-url ...), or say what it needs (--ray-rewriter-gpus)."
        )
    if count is not None and count > room:
        raise ClusterError(
            f"--ray-rewriters {count}: the Ray cluster has room for {room} with {describe_needs(gpus)} each. Ask for "
            "fewer, or add nodes."
        )
    if gpus:
        return Placement(count or room, gpus, ())
    count = count or len(rooms)
    return Placement(count, 0.0, tuple(_in_turn(rooms))[:count])


def _in_turn(rooms: Mapping[str, int]) -> Iterator[str]:
    """Each node once, then each that has room for a second one, and so on."""
    for taken in range(max(rooms.values())):
        yield from (node for node, room in rooms.items() if room > taken)


def _parallel(settings: RewriterSettings) -> int:
    """GPUs that one vLLM takes by its arguments."""
    sizes = [settings.server_args.get(name, 1) for name in _PARALLEL]
    return math.prod(size for size in sizes if isinstance(size, int))


def _room(resources: dict[str, float], gpus: float) -> int:
    room = resources.get("CPU", 0.0)
    return int(min(room, resources.get("GPU", 0.0) // gpus) if gpus else room)
