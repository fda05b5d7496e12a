"""An engine on a Ray cluster: its nodes read the source, ask the makers and the model, and write the shards.

All nodes see the same folders: that of the output, and those of images and own templates. A source that they do not see
is read by the process that was started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asd.engines.base import WorkPool
from asd.engines.ray.cluster import ray_cluster, require_seen
from asd.engines.ray.pool import RayPool
from asd.engines.ray.reading import read_on_cluster
from asd.plain_files import Stamp
from asd.work.ingested import NativeShard
from asd.work.measuring import Measured, Measuring
from asd.work.worker import WorkerSetup

if TYPE_CHECKING:
    from asd.sources.open import Source


@dataclass(frozen=True)
class RayEngine:
    """An `Engine` on the cluster at `address` (else $RAY_ADDRESS), or on one made of this machine's cores."""

    address: str | None = None
    workers: int | None = None
    """CPUs of a cluster that is made here."""
    rewriters: int | None = None
    """Workers that ask the model; None = as many as fit the cluster."""
    rewriter_gpus: float | None = None
    """GPUs of each; None = what a vLLM of its own needs."""

    def connected(self, say: Callable[[str], None]) -> AbstractContextManager[None]:
        return ray_cluster(self.address, self.workers, say)

    def require_seen(self, staging: Path, others: Iterable[Path]) -> None:
        require_seen(staging, others)

    def takes(self, place: int) -> bool:
        return True

    def read(
        self, source: Source, measure: Measuring, stamps: Mapping[Path, Stamp], say: Callable[[str], None]
    ) -> Measured:
        return read_on_cluster(source, measure, stamps, say)

    def pool(self, setup: WorkerSetup, shards: Sequence[NativeShard], wanted: int) -> WorkPool:
        return RayPool(setup, (self.rewriters, self.rewriter_gpus))
