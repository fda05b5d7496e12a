"""How a source spells yes and no, so that converted rows of a version spell them as its native ones do."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from asd.shards.files import open_staged
from asd.styles.wording import VERDICTS
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


def respelt(batch: pa.RecordBatch, verdicts: tuple[str, str]) -> pa.RecordBatch:
    """Native rows whose response is yes or no, in whatever case, with it spelt as given; rows that the source wants kept
    (`passthrough`) stay as they are."""
    responses = batch["response"]
    spelt = pa.array(verdicts).take(pc.index_in(pc.utf8_lower(responses), pa.array(_LOWER)))
    spelt = pc.if_else(pc.is_valid(batch["passthrough"]), responses, pc.coalesce(spelt, responses))
    position = batch.schema.get_field_index("response")
    return batch.set_column(position, batch.schema.field(position), spelt)


def _count(texts: pa.StringArray, words: tuple[str, str]) -> int:
    return int(pc.sum(pc.is_in(texts, pa.array(words))).as_py() or 0)
