"""The benchmarks are scripts: their folder is on the path when they run, so it is here."""

from __future__ import annotations

import sys

from tests.conftest import REPO

if str(REPO / "benchmarks") not in sys.path:
    sys.path.append(str(REPO / "benchmarks"))
