"""What belongs to a style. A part that is missing is an error when the package is imported, not in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asd.makers.checks import FRAME, Check
from asd.makers.keyed import Prepared
from asd.makers.maker_context import MakerContext
from asd.records import Draft, Sample
from asd.schemas.answers import MODELS, AnswerModel
from asd.schemas.reply_models import ReplyModel
from asd.schemas.styles import TARGET_STYLES, WRITTEN_STYLES, AnswerStyle, IncompleteStyleError, Maker
from asd.styles.dealt import no_deals
from asd.styles.style_rows import Dealt, StyleRows, StyleTexts

Flags = npt.NDArray[np.bool_]
Recovery = Literal["verdict", "letter", "phrase", "statement", "box"]
"""The readers of `asd.quality.recovery`, which share no code with the parsers."""


class Band(NamedTuple):
    """Length of a written text in words: aimed at, and the bounds."""

    words: int
    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class SpecialRfp:
    """Response-format prompts that some rows of a style have in place of the usual ones."""

    key: str
    """In `asd/tasks/_defaults.yaml`."""
    applies: Callable[[StyleRows, str], list[bool]]
    """From rows and the task's family: whether each row has them."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What it takes to convert samples to a style."""

    draft: Callable[[Sample, MakerContext], Prepared]
    """The maker: from a sample to the conversion's content, or why there is none."""
    checks: tuple[Check, ...]
    """What every row passes before it is written, beside those of `FRAME`; named in the row."""
    may_fail: Callable[[StyleRows, StyleTexts], Iterable[int]]
    """`checks` told of whole columns: the places of rows that they must be run on."""
    deal: Callable[[StyleRows, Sequence[int]], Dealt]
    """From rows and what the plan dealt them to options, candidates, letters and answers."""
    tried_deals: Callable[[Draft], list[int]] = no_deals
    """The deals with which an unusual draft is rendered and checked before it is given out."""
    reads: tuple[str, ...] = ()
    """Columns that the maker reads beside question, answers, options and boxes; rows in which they are empty share drafts."""
    may_take: Callable[[pa.RecordBatch, frozenset[Maker], Flags], Flags] | None = None
    """From native rows, the makers that the task lists, and which rows have yes or no for an answer: whether each row may
    take the style. It never says no where the maker accepts. None: any may."""
    reword: Callable[[StyleRows, Sequence[int], str], StyleRows] | None = None
    """Gives rows a question in place of the sample's, by what is dealt and the task's family."""
    special_rfp: SpecialRfp | None = None
    answers_own_question: bool = False
    """Whether a row's question is another than the sample's, so that `gold` and `accepted` are the draft's, too."""
    has_english_words: bool = False
    """Whether a row has English words beside the sample's own and the response-format prompt: "Proposed answer", "Yes"."""
    compares_accepted: bool = False
    """Whether there are wrong answers, which are compared with every accepted one."""

    @property
    def all_checks(self) -> tuple[Check, ...]:
        return (*self.checks, *FRAME)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What it takes to have a language model write a style."""

    reply: type[ReplyModel]
    """What a reply is parsed into, and the schema that is sent with a request."""
    description: type[ReplyModel] | None = None
    """The same where the style describes an image or a region of it."""
    max_reply_tokens: int
    """Several times what a good reply needs."""
    usual_reply_tokens: int
    """Of a good reply, JSON included: what a plan counts with."""
    num_distractors: int = 0
    """Wrong answers that a reply holds; 0: it holds a text."""
    band: Band | None = None
    max_gold_words: int = 0
    """Longer answers are not explained."""
    prompt_uses: tuple[str, ...] = ()
    """Variables that a prompt template must use."""

    def __post_init__(self) -> None:
        if (self.num_distractors == 0) != (self.band is not None):
            raise IncompleteStyleError("a written style has either num_distractors or a band of words")


@dataclass(frozen=True, kw_only=True)
class Style:
    name: AnswerStyle
    title: str
    """As people read it."""
    colour: str
    """In plots, as CSS writes it."""
    recovery: Recovery
    """How the quality figures read the gold answer back out of a stored row."""
    scoring_rule: str
    """The rule of `asd.scoring` by which answers in this style are judged where the task has none of its own."""
    target: Target | None = None
    """None: the style is only ever native."""
    written: Writing | None = None
    """None: no language model writes it."""

    def __post_init__(self) -> None:
        lacks = [part for part, is_there in self._parts() if not is_there]
        if lacks:
            raise IncompleteStyleError(
                f"style {self.name.value} (asd/styles/{self.name.value}.py) lacks {'; '.join(lacks)}"
            )

    def _parts(self) -> Iterable[tuple[str, object]]:
        is_target = self.name in TARGET_STYLES
        yield "a title", self.title
        yield "a colour", self.colour
        yield f"a recovery out of {', '.join(get_args(Recovery))}", self.recovery in get_args(Recovery)
        yield "its `target` part, for it stands in TARGET_STYLES", self.target or not is_target
        yield (
            "a place in TARGET_STYLES (asd/schemas/styles.py), for it has a `target` part",
            is_target or not self.target,
        )
        yield "checks in its `target` part", self.target is None or self.target.checks
        yield "its `written` part, for it stands in WRITTEN_STYLES", self.written or self.name not in WRITTEN_STYLES
        yield "a place in WRITTEN_STYLES, for it has a `written` part", self.name in WRITTEN_STYLES or not self.written
        yield "its `target` part, for it has a `written` one", self.target or not self.written
        yield "PROBES in its answer model (asd/schemas/answers.py)", not is_target or self.answer.PROBES

    @property
    def answer(self) -> type[AnswerModel]:
        """The model of its answers."""
        return MODELS[self.name]

    @property
    def rfp_keys(self) -> tuple[str, ...]:
        """Keys of its response-format prompts in `asd/tasks/_defaults.yaml`."""
        special = self.target.special_rfp if self.target else None
        return (self.name.value,) if special is None else (self.name.value, special.key)
