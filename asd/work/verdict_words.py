"""How a source spells yes and no, so that converted rows of a version spell them as its native ones do."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from asd.makers.unfit_questions import OPENS_AS_VERDICT
from asd.schemas.styles import SPELLINGS
from asd.styles.wording import VERDICTS

_WORDS = tuple(word for pair in SPELLINGS for word in pair)
_LETTERS = tuple(word for word in _WORDS if len(word) == 1)
_RESPELT = SPELLINGS[0] + SPELLINGS[1]
_NAMES_BOTH = r"\byes\b.*\bno\b|\bno\b.*\byes\b"


def spellings(rows: pa.RecordBatch, *, is_yes_no: bool) -> dict[str, int]:
    """How many responses are each of the words for yes and no. A letter is one where the task's native style is yes/no, or
    the question asks for a verdict."""
    said = rows.select(["question", "response"]).filter(pc.is_in(rows["response"], pa.array(_WORDS)))
    if not is_yes_no and said.num_rows:
        asks = pc.match_substring_regex(said["question"], OPENS_AS_VERDICT)
        said = said.filter(pc.or_(asks, pc.invert(pc.is_in(said["response"], pa.array(_LETTERS)))))
    counts = said["response"].value_counts().to_pylist()
    return {entry["values"]: entry["counts"] for entry in counts}


def verdict_words(counts: Mapping[str, int]) -> tuple[str, str]:
    """The spelling of most native answers, the first of `SPELLINGS` among equals; capitals and letters only where a source
    has both words (NO may be Spanish). counts: `spellings` of all of them."""

    def rows(pair: tuple[str, str]) -> int:
        is_sure = pair in SPELLINGS[:2] or all(counts.get(word) for word in pair)
        return sum(counts.get(word, 0) for word in pair) if is_sure else 0

    most = max(SPELLINGS, key=rows)
    return most if rows(most) else VERDICTS


def respelt(batch: pa.RecordBatch, verdicts: tuple[str, str]) -> pa.RecordBatch:
    """Native rows whose response is yes, no, Yes or No, with it spelt as given. Rows that the source wants kept
    (`passthrough`), or whose own prompt names yes and no, stay as they are, and so do capitals (NO may be Spanish)."""
    responses = batch["response"]
    place = pc.index_in(responses, pa.array(_RESPELT))
    spelt = pc.coalesce(pa.array(verdicts + verdicts).take(place), responses)
    is_kept = pc.is_valid(batch["passthrough"])
    for column in ("question", "rfp", "asked"):
        names_both = pc.match_substring_regex(batch[column], _NAMES_BOTH, ignore_case=True)
        is_kept = pc.or_(is_kept, pc.fill_null(names_both, False))
    spelt = pc.if_else(is_kept, responses, spelt)
    position = batch.schema.get_field_index("response")
    return batch.set_column(position, batch.schema.field(position), spelt)
