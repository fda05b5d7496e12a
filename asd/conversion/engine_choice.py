"""Which engine the settings of a conversion name. The only place that knows all of them."""

from __future__ import annotations

from asd.conversion.config import ConvertConfig
from asd.engines.base import Engine
from asd.engines.local import LocalEngine


def engine_of(config: ConvertConfig) -> Engine:
    """Not connected yet, so that asking for it needs no cluster."""
    if config.engine == "ray":
        from asd.engines.ray.engine import RayEngine  # Ray is an extra

        return RayEngine(
            config.ray_address, config.workers, config.ray_ship_files, config.ray_rewriters, config.ray_rewriter_gpus
        )
    return LocalEngine(config.workers)
