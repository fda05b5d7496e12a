"""How a source spells yes and no, so that converted rows of a version spell them as its native ones do."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from asd.styles.wording import VERDICTS

_LOWER = ("yes", "no")
_NAMES_BOTH = r"\byes\b.*\bno\b|\bno\b.*\byes\b"


def more_lower(responses: pa.StringArray) -> int:
    """How many more native answers are yes or no in small letters than with a capital one; below 0 for fewer."""
    return _count(responses, _LOWER) - _count(responses, VERDICTS)


def verdict_words(more: int) -> tuple[str, str]:
    """("yes", "no") where most native answers are spelt so, else ("Yes", "No"). more: `more_lower` of all of them."""
    return _LOWER if more > 0 else VERDICTS


def respelt(batch: pa.RecordBatch, verdicts: tuple[str, str]) -> pa.RecordBatch:
    """Native rows whose response is yes, no, Yes or No, with it spelt as given. Rows that the source wants kept
    (`passthrough`), or whose own prompt names yes and no, stay as they are, and so do capitals (NO may be Spanish)."""
    responses = batch["response"]
    place = pc.index_in(responses, pa.array(_LOWER + VERDICTS))
    spelt = pc.coalesce(pa.array(verdicts + verdicts).take(place), responses)
    is_kept = pc.is_valid(batch["passthrough"])
    for column in ("question", "rfp", "asked"):
        names_both = pc.match_substring_regex(batch[column], _NAMES_BOTH, ignore_case=True)
        is_kept = pc.or_(is_kept, pc.fill_null(names_both, False))
    spelt = pc.if_else(is_kept, responses, spelt)
    position = batch.schema.get_field_index("response")
    return batch.set_column(position, batch.schema.field(position), spelt)


def _count(texts: pa.StringArray, words: tuple[str, str]) -> int:
    return int(pc.sum(pc.is_in(texts, pa.array(words))).as_py() or 0)
