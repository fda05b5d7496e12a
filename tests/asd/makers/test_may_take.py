"""No row is kept from a style that its maker could make."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from maker_samples import make_context, make_sample, make_spec

from asd.makers.drafting import draft
from asd.makers.english.alternatives import stated_alternatives
from asd.records import Draft
from asd.schemas.styles import Maker
from asd.styles.may_take import has_own_wrong_answers

ASKED = [
    ("Is it a cat or a dog?", "cat"),
    ("On which side is the lamp?", "left"),
    ("What GENDER is the child?", "boy"),
]


def test_a_row_whose_question_offers_answers_may_take_styles_that_need_wrong_ones() -> None:
    questions = [question for question, _ in ASKED] + ["What is it?"]
    none = pa.array([[]] * len(questions), pa.list_(pa.string()))
    batch = pa.record_batch({"question": questions, "options": none, "other_boxes": none})
    may = has_own_wrong_answers(batch, frozenset({Maker.FIELD}), np.zeros(len(questions), bool))
    assert may.tolist() == [True] * len(ASKED) + [False]
    spec = make_spec(styles={"yes_no": ["field"], "multiple_choice": ["field"]})
    for question, gold in ASKED:
        assert stated_alternatives(question, gold)
        for style in spec.styles:
            assert isinstance(draft(make_sample(question, gold), style, make_context(spec)), Draft)
