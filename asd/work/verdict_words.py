"""How a source spells yes and no, so that converted rows of a version spell them as its native ones do."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from asd.styles.wording import VERDICTS

_LOWER = ("yes", "no")


def more_lower(responses: pa.StringArray) -> int:
    """How many more native answers are yes or no in small letters than with a capital one; below 0 for fewer."""
    return _count(responses, _LOWER) - _count(responses, VERDICTS)


def verdict_words(more: int) -> tuple[str, str]:
    """("yes", "no") where most native answers are spelt so, else ("Yes", "No"). more: `more_lower` of all of them."""
    return _LOWER if more > 0 else VERDICTS


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
