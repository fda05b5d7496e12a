"""What a source hands on: batches of native rows with the rejects beside them, and the identity of the files
read.

No reading happens here, so every reader can import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asd.records import Reject

BATCH_ROWS = 16384
MAX_IMAGE_CHARS = 256 << 20
"""A batch ends when its images are longer: data, in base64. A column of texts cannot hold more than 2 GiB."""


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


def image_chars(tables: Sequence[pa.RecordBatch]) -> int:
    """Length of what stands in the column `images`: large where images are data."""
    return sum(_chars(table["images"].flatten()) for table in tables)


def _chars(texts: pa.StringArray) -> int:
    if not len(texts):
        return 0
    offsets = np.frombuffer(texts.buffers()[1], np.int32)
    return int(offsets[texts.offset + len(texts)]) - int(offsets[texts.offset])
