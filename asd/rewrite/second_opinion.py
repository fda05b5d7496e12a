"""A second opinion: the model answers the new question itself, or says whether an explanation supports its answer.

It sees the sample without the gold answer (of a question with options) and in an order of its own, so that agreement
means that the question can be answered as the data set does.
"""

from __future__ import annotations

from typing import Any

import xxhash
from pydantic import BaseModel

from asd.makers.wording import collapse
from asd.records import Draft, Sample
from asd.rewrite.prompts import JUDGE_CHOICE, JUDGE_EXPLANATION
from asd.rewrite.reply_text import Unparsed, parse_reply
from asd.rewrite.rewritten import JudgeView
from asd.rewrite.sample_data import describe_sample
from asd.schemas.reply_models import SupportVerdict, letter_reply
from asd.schemas.styles import LETTERS, AnswerStyle
from asd.styles.table import writing_of

MAX_TOKENS = 32


class Question:
    """What the judge is asked about one draft: prompt, data and reply model, and how its reply is read."""

    def __init__(self, sample: Sample, draft: Draft, family: str, seed: int, size: tuple[int, int] | None) -> None:
        self.is_choice = writing_of(draft.style).num_distractors > 0
        self.template = JUDGE_CHOICE if self.is_choice else JUDGE_EXPLANATION
        described = describe_sample(sample, AnswerStyle.YES_NO, family, size)
        if not self.is_choice:
            self.data: dict[str, Any] = {**described, "explanation": draft.text}
            self.model: type[BaseModel] = SupportVerdict
            self.right = "yes"
            return
        options = _shuffled(_options(draft), f"{seed}:{sample.source_id}:{draft.style}:judge")
        lettered = dict(zip(LETTERS, options, strict=False))
        hidden = ("answer", "also_accepted", "options")
        self.data = {name: value for name, value in described.items() if name not in hidden} | {"options": lettered}
        self.model = letter_reply("".join(lettered))
        self.right = LETTERS[options.index(draft.gold)]

    def read(self, text: str) -> JudgeView:
        reply = parse_reply(text, self.model)
        if isinstance(reply, Unparsed):
            return "unclear"
        (said,) = reply.model_dump().values()
        return "agrees" if said == self.right else "disagrees"

    def problem(self) -> str:
        """What to tell the writer where its reply is rejected."""
        if self.is_choice:
            return "A careful reader picked one of the wrong answers as right; write ones that are clearly wrong."
        return "A careful reader found that the text does not support the answer, or is wrong; write a better one."


def _options(draft: Draft) -> list[str]:
    return list(draft.options) or [collapse(draft.gold), draft.wrong]


def _shuffled(options: list[str], key: str) -> list[str]:
    """An order that the key alone decides."""
    return sorted(options, key=lambda option: xxhash.xxh3_64_intdigest(f"{key}:{option}".encode()))
