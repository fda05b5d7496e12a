"""What a version's rows give to each other as wrong answers."""

from __future__ import annotations

import pyarrow as pa

from asd.makers.distractors import AnswerRules, DistractorIndex
from asd.work.exchanging import _spare_captions


def test_answers_that_are_right_beside_the_gold_one_are_no_captions_of_the_row() -> None:
    index = DistractorIndex.build([], 0, AnswerRules(overlapping=[["a dog", "a puppy", "a pet"]]))
    row = {"key": 1, "source_id": "s", "question": "What is it?", "gold": "a dog", "accepted": ["a dog", "a hound"]}
    (spare,) = _spare_captions(pa.Table.from_pylist([row]), index)
    assert spare.gold == "a hound" and spare.accepted == ("a dog", "a hound", "a puppy", "a pet")
