"""How a source spells yes and no, so that converted rows of a version spell them as its native ones do."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from asd.shards.files import open_staged
from asd.styles.style_rows import VERDICTS
from asd.work.ingested import Ingested

_LOWER = ("yes", "no")


def verdict_words(ingested: Ingested, ingest_dir: Path) -> tuple[str, str]:
    """("yes", "no") where more native answers are spelt so than with a capital letter; else ("Yes", "No")."""
    lower = capital = 0
    for shard in ingested.shards:
        reader = open_staged(ingest_dir / shard.file)
        for number in range(reader.num_record_batches):
            responses = reader.get_batch(number)["response"]
            lower += _count(responses, _LOWER)
            capital += _count(responses, VERDICTS)
    return _LOWER if lower > capital else VERDICTS


def _count(texts: pa.StringArray, words: tuple[str, str]) -> int:
    return int(pc.sum(pc.is_in(texts, pa.array(words))).as_py() or 0)
