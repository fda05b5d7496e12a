"""Makes the engine that the settings of a conversion name. No other module knows all engines."""

from __future__ import annotations

from asd.conversion.config import ConvertConfig
from asd.engines.base import Engine
from asd.engines.local import LocalEngine


def engine_of(config: ConvertConfig) -> Engine:
    """Not connected yet, so that asking for it needs no cluster."""
    if config.engine == "ray":
        from asd.engines.ray.engine import RayEngine  # Ray is an extra

        return RayEngine(config.ray_address, config.workers, config.ray_rewriters, config.ray_rewriter_gpus)
    return LocalEngine(config.workers)
