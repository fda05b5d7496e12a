"""An engine on a Ray cluster: its nodes read the source, ask the makers and the model, and write the shards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asd.engines.base import ModelStage, WorkPool
from asd.engines.ray.cluster import ray_cluster
from asd.engines.ray.pool import RayPool
from asd.engines.ray.reading import ClusterReading
from asd.work.ingested import NativeShard
from asd.work.measuring import Reading
from asd.work.worker import WorkerSetup

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings
    from asd.work.rewriting import Accounts, StageProgress


@dataclass(frozen=True)
class RayEngine:
    """An `Engine` on the cluster at `address` (else $RAY_ADDRESS), or on one made of this machine's cores."""

    address: str | None = None
    workers: int | None = None
    """CPUs of a cluster that is made here."""
    ship: bool = False
    """Send files through Ray even to nodes that see the output folder."""
    rewriters: int | None = None
    """Workers that ask the model; None = as many as fit the cluster."""
    rewriter_gpus: float | None = None
    """GPUs of each; None = what a vLLM of its own needs."""

    def connected(self, say: Callable[[str], None]) -> AbstractContextManager[None]:
        return ray_cluster(self.address, self.workers, say)

    def takes(self, place: int) -> bool:
        return True

    def reading(self, stamps: Mapping[Path, tuple[int, int]], say: Callable[[str], None]) -> Reading:
        return ClusterReading(stamps, ship=self.ship, say=say)

    def pool(self, setup: WorkerSetup, shards: Sequence[NativeShard], wanted: int) -> WorkPool:
        return RayPool(setup, setup.ingest_dir.parent, ship=self.ship)

    def stage(
        self, pool: WorkPool, settings: RewriterSettings, ledger: Accounts, progress: StageProgress
    ) -> ModelStage:
        from asd.engines.ray.rewriting import RayStage

        assert isinstance(pool, RayPool)
        return RayStage(pool, settings, (self.rewriters, self.rewriter_gpus), ledger, progress)
