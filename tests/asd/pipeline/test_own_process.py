"""A process of our own leaves pandas out, and can still be asked for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
from asd.pipeline.own_process import leave_out_pandas
leave_out_pandas()
import numpy as np
import pyarrow as pa
column = pa.array(np.arange(3))
assert "pandas" not in sys.modules
frame = pa.table({"n": column}).to_pandas()
assert frame["n"].tolist() == [0, 1, 2]
assert pa.array(frame["n"]).equals(column)
leave_out_pandas()
assert sys.modules["pandas"].__version__
"""


def test_pandas_is_left_out_until_it_is_asked_for() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed: there is nothing to leave out")
    subprocess.run([sys.executable, "-c", CODE], check=True)
