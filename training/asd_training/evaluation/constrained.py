"""Decoding constrained to a task's native style: which tokens may come next.

What a model answers rightly under the constraint and wrongly without it, it still knows: it has forgotten the style.

    multiple_choice         a letter, one of those of the row's options
    yes_no                  yes or no, in the spelling of the training answers
    closed set of labels    one of the labels that occur in training and test
    bounding_box            [x1,y1,x2,y2], each in 0..1 with as many decimals as in the training answers
    short_answer and the rest   one line, written with the characters (in either case) and at most the tokens of the
                            training answers

The first three are tries over the very tokens that training would have used, so every path is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asd.schemas.styles import LETTERS, AnswerStyle
from asd_training.evaluation.allowed_tokens import BoxGrammar, PlainAnswer, Rule, Trie

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asd_training.encoding import Encoder

MOST_LABELS = 5000
"""More distinct answers than that are no closed set."""


@dataclass
class Constraint:
    """How one task's answers are limited. Built from its training answers in native style, never from test answers
    (but a closed set of labels holds those of the test questions too, as a list of classes does)."""

    style: AnswerStyle
    encoder: Encoder
    responses: Sequence[str]
    labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        self._tokenizer = self.encoder.tokenizer
        self._end: int = self.encoder.prompts.end_id
        self._letters: dict[int, Trie] = {}
        self._shared = None if self.style is AnswerStyle.MULTIPLE_CHOICE else self._build()

    def of(self, row: Mapping[str, Any]) -> Rule:
        if self._shared is not None:
            return self._shared
        count = len(row["options"]) or len(LETTERS)
        if count not in self._letters:
            self._letters[count] = self._trie(LETTERS[:count])
        return self._letters[count]

    def _build(self) -> Rule:
        if self.style is AnswerStyle.YES_NO:
            spelt = [text for text in self.responses if text.strip(" .").lower() in ("yes", "no")]
            return self._trie(spelt or ["Yes", "No"])
        if self.style is AnswerStyle.BOUNDING_BOX:
            return BoxGrammar(self._pieces(), self._decode, self._end, _decimals(self.responses))
        if self.labels is not None:
            return self._trie(self.labels)
        used = "".join(self.responses)
        # Either case: a right "No" where training says "no" is no slip of style that scoring would mind.
        characters = frozenset(used + used.lower() + used.upper()) - {"\n"} | {" "}
        longest = max((len(self._tokens(text)) - 1 for text in self.responses), default=16)
        words = sorted(token for token, text in self._pieces().items() if text and characters.issuperset(text))
        return PlainAnswer(words, longest, self._end)

    def _trie(self, answers: Iterable[str]) -> Trie:
        return Trie([self._tokens(answer) for answer in answers])

    def _tokens(self, answer: str) -> list[int]:
        """As training has them, the end token last."""
        messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": answer}]
        before, after = self.encoder.prompts.pieces(messages, "constraint")
        return self.encoder.piece_tokens(before.text, after)

    def _pieces(self) -> dict[int, str]:
        """Token -> its text inside a sentence; special tokens left out."""
        special = set(self._tokenizer.all_special_ids)
        anchor = self._tokenizer("x", add_special_tokens=False)["input_ids"]
        head = self._tokenizer.decode(anchor)
        pieces = {}
        for token in range(len(self._tokenizer)):
            if token not in special:
                text = self._tokenizer.decode([*anchor, token])
                pieces[token] = text[len(head) :] if text.startswith(head) else ""
        return pieces

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(tokens))
        return text


def _decimals(responses: Iterable[str]) -> int:
    """Of the numbers in the training answers; two, as `asd` writes boxes, where there is none."""
    return max((len(digits) for text in responses for digits in re.findall(r"\.(\d+)", text)), default=2)


def closed_labels(spec: Any, responses: Sequence[str], test_responses: Iterable[str]) -> list[str] | None:
    """The labels of a classification task, or None where answers are open."""
    if spec.family != "classification" or spec.native_style is not AnswerStyle.SHORT_ANSWER:
        return None
    labels = sorted({*responses, *test_responses})
    return labels if len(labels) <= MOST_LABELS else None
