"""Decoding constrained to a task's native style: which tokens may come next.

What a model answers rightly under the constraint and wrongly without it, it still knows: it has forgotten the style.

    multiple_choice         a letter, one of those of the row's options
    yes_no                  yes or no, in the spelling of the training answers
    closed set of labels    one of the labels that occur in training and test
    bounding_box            [x1,y1,x2,y2]
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.encoding import Encoder
    from training.evaluation.generate import Allowed

_NUMBER = r"\d{1,4}(?:\.\d{1,4})?"
_BOX = re.compile(rf"\[ ?{_NUMBER}(?: ?, ?{_NUMBER}){{3}} ?\]")
_BOX_START = re.compile(r"[\[\]\d., ]*")
MOST_LABELS = 5000
"""More distinct answers than that are no closed set."""


class Trie:
    """Answers as token sequences; what may follow a beginning."""

    def __init__(self, answers: Iterable[Sequence[int]]) -> None:
        self._next: dict[tuple[int, ...], set[int]] = {}
        for answer in answers:
            for position, token in enumerate(answer):
                self._next.setdefault(tuple(answer[:position]), set()).add(token)

    def __call__(self, written: tuple[int, ...]) -> Sequence[int]:
        return sorted(self._next[written])


class BoxGrammar:
    """A box, number by number. What may follow depends on the shape of what is written, so it is looked up once."""

    def __init__(self, pieces: Mapping[int, str], decode: Any, end: int) -> None:
        self._pieces = {token: text for token, text in pieces.items() if text and _BOX_START.fullmatch(text)}
        self._decode, self._end = decode, end
        self._known: dict[str, list[int]] = {}

    def __call__(self, written: tuple[int, ...]) -> Sequence[int]:
        text = self._decode(written)
        shape = re.sub(r"\d", "0", text)
        if shape not in self._known:
            after = [token for token in self._pieces if box_can_start(self._decode((*written, token)))]
            self._known[shape] = after + ([self._end] if _BOX.fullmatch(text.strip()) else [])
        return self._known[shape] or [self._end]


def box_can_start(text: str) -> bool:
    """Whether some ending makes `text` a box."""
    text = text.lstrip()
    if not text:
        return True
    if not text.startswith("["):
        return False
    *whole, last = re.split(r" ?, ?", text[1:].lstrip())
    if len(whole) > 3 or not all(re.fullmatch(_NUMBER, number) for number in whole):
        return False
    if len(whole) == 3 and last.endswith("]"):
        return re.fullmatch(_NUMBER, last[:-1].rstrip()) is not None
    return re.fullmatch(r"(?:\d{1,4}(?:\.\d{0,4})?)? ?", last) is not None and not last.startswith(" ")


class PlainAnswer:
    """One line of at most `longest` tokens (the end token not counted), written with the allowed characters."""

    def __init__(self, pieces: Mapping[int, str], characters: frozenset[str], longest: int, end: int) -> None:
        self._words = sorted(token for token, text in pieces.items() if text and characters.issuperset(text))
        self._longest, self._end = longest, end
        self._later = [*self._words, end]

    def __call__(self, written: tuple[int, ...]) -> Sequence[int]:
        if len(written) >= self._longest:
            return [self._end]
        return self._later if written else self._words


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
        self._end: int = self._tokenizer.eos_token_id
        self._letters: dict[int, Trie] = {}
        self._shared = None if self.style is AnswerStyle.MULTIPLE_CHOICE else self._build()

    def of(self, row: Mapping[str, Any]) -> Allowed:
        if self._shared is not None:
            return self._shared
        count = len(row["options"]) or len(LETTERS)
        if count not in self._letters:
            self._letters[count] = self._trie(LETTERS[:count])
        return self._letters[count]

    def _build(self) -> Allowed:
        if self.style is AnswerStyle.YES_NO:
            spelt = [text for text in self.responses if text.strip(" .").lower() in ("yes", "no")]
            return self._trie(spelt or ["Yes", "No"])
        if self.style is AnswerStyle.BOUNDING_BOX:
            return BoxGrammar(self._pieces(), self._decode, self._end)
        if self.labels is not None:
            return self._trie(self.labels)
        used = "".join(self.responses)
        # Either case: a right "No" where training says "no" is no slip of style that scoring would mind.
        characters = frozenset(used + used.lower() + used.upper()) - {"\n"} | {" "}
        longest = max((len(self._tokens(text)) - 1 for text in self.responses), default=16)
        return PlainAnswer(self._pieces(), characters, longest, self._end)

    def _trie(self, answers: Iterable[str]) -> Trie:
        return Trie([self._tokens(answer) for answer in answers])

    def _tokens(self, answer: str) -> list[int]:
        """As training has them, the end token last."""
        messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": answer}]
        before, after = self.encoder.prompts.pieces(messages, "constraint")
        return self.encoder.continuation(before.text, after.text)

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


def closed_labels(spec: Any, responses: Sequence[str], test_responses: Iterable[str]) -> list[str] | None:
    """The labels of a classification task, or None where answers are open."""
    if spec.family != "classification" or spec.native_style is not AnswerStyle.SHORT_ANSWER:
        return None
    labels = sorted({*responses, *test_responses})
    return labels if len(labels) <= MOST_LABELS else None
