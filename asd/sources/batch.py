"""What a source hands on: batches of native rows with the rejects beside them, and the identity of the files
read.

No reading happens here, so every reader can import it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asd.records import Reject

BATCH_ROWS = 16384


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that a source was read from."""

    path: str
    """Relative to the source's root, with forward slashes."""
    size_bytes: int
    xxh3_128: str
    """Hash of the bytes as stored (compressed where the file is compressed)."""


@dataclass(slots=True)
class NativeBatch:
    """Rows of NATIVE_SCHEMA, and the source rows that could not become one."""

    table: pa.RecordBatch
    rejects: list[Reject] = field(default_factory=list)
    ends: npt.NDArray[np.int32] | None = None
    """Rows and rejects up to the end of each record, shape (records, 2), where the next part's rows may join these in
    one batch (`asd.sources.parts`); None: this batch stays as it is."""
