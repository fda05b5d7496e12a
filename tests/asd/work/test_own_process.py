"""A process of our own leaves pandas out, and can still be asked for it; Arrow's memory is the system's."""

from __future__ import annotations

import os
import subprocess
import sys

import pyarrow as pa
import pytest

CODE = """
import sys
from asd.work.own_process import leave_out_pandas
leave_out_pandas()
import numpy as np
import pyarrow as pa
column = pa.array(np.arange(3))
assert pa.array([0, None, 2], pa.int64()).null_count == pa.array(["a", None]).null_count == 1
assert "pandas" not in sys.modules
frame = pa.table({"n": column}).to_pandas()
assert frame["n"].tolist() == [0, 1, 2]
assert pa.array(frame["n"]).equals(column)
leave_out_pandas()
assert sys.modules["pandas"].__version__
"""


def test_no_module_makes_an_array_as_it_is_imported_since_pandas_would_come_along() -> None:
    code = "import sys, asd.cli.convert, asd.work.worker; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_pandas_is_left_out_until_it_is_asked_for() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed: there is nothing to leave out")
    subprocess.run([sys.executable, "-c", CODE], check=True)


MEMORY = """
from asd.work.own_process import use_system_memory
import pyarrow as pa
use_system_memory()
print(pa.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize(
    ("told", "used"), [(None, "system"), *((name, name) for name in pa.supported_memory_backends())]
)
def test_arrow_takes_the_systems_memory_unless_the_environment_says_otherwise(told: str | None, used: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    if told is not None:
        environment["ARROW_DEFAULT_MEMORY_POOL"] = told
    run = subprocess.run([sys.executable, "-c", MEMORY], check=True, env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == used
