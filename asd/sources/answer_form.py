"""Holds answers against the models of their style, so that what is written has the form that its style promises."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asd.schemas.answers import is_any_text, problem_of
from asd.schemas.styles import AnswerStyle

REASON = "malformed_answer"


def malformed(style: AnswerStyle, responses: pa.StringArray, options: pa.ListArray) -> dict[int, str]:
    """Place -> what is wrong with the response there. Each different answer is looked at once."""
    if is_any_text(style):  # most texts are different from all others, and only an empty one is wrong
        places = np.flatnonzero(pc.equal(pc.utf8_trim_whitespace(responses), "").to_numpy(zero_copy_only=False))
        return {place: problem_of(style, responses[place].as_py()) or "" for place in places.tolist()}
    texts = responses.dictionary_encode()
    counts = pc.list_value_length(options).to_numpy(zero_copy_only=False).astype(np.int64)
    kinds = texts.indices.to_numpy(zero_copy_only=False).astype(np.int64) * (counts.max(initial=0) + 1) + counts
    _, firsts, of_row = np.unique(kinds, return_index=True, return_inverse=True)
    problems = [problem_of(style, responses[first].as_py(), options[first].as_py()) for first in firsts.tolist()]
    if not any(problems):
        return {}
    return {place: why for place, kind in enumerate(of_row.tolist()) if (why := problems[kind]) is not None}


def malformed_rows(style: AnswerStyle, rows: pa.RecordBatch) -> dict[int, tuple[str, str]]:
    """Place -> reason and detail, for the native rows that are rejects. Rows kept as they came have no answer to look at."""
    malformed_places = malformed(style, rows["response"], rows["options"])
    return {
        place: (REASON, f"the answer {rows['response'][place].as_py()[:60]!r} is no {style.value}: {why}")
        for place, why in malformed_places.items()
        if not rows["passthrough"][place].is_valid
    }
