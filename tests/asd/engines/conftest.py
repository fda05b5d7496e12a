"""One Ray cluster, and one connection to it, for all tests that need one: both take long to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.asd.engines.ray_nodes import HAS_RAY, environment, two_nodes


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a cluster of two nodes."""
    if not HAS_RAY:
        pytest.skip("needs Ray: pip install -e '.[ray]'")
    patch = pytest.MonkeyPatch()
    for name, value in environment(tmp_path_factory.mktemp("nodes")).items():
        patch.setenv(name, value)
    running = two_nodes()
    patch.undo()
    yield running.address
    running.shutdown()


@pytest.fixture(scope="session")
def connected(cluster: str) -> Iterator[None]:
    import ray

    ray.init(address=cluster, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()
