"""From a shard row's messages to the text that a model reads, cut into what is asked and what is to be answered.

The text of the question is the same in training and evaluation; the mark that closes an answer, which is learnt with it
and ends it in evaluation, is set here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from jinja2 import TemplateError

from asd_training.errors import ModelError, TaskDataError

IMAGE_MARK = "<image>"
_MARK = re.compile(rf"{re.escape(IMAGE_MARK)}\n?")
_ASKED, _ANSWERED = "question", "answer"
_DAY = datetime(2024, 7, 26)  # in templates that write today's date: a run must not depend on its day
_TODAY = re.compile(r"strftime_now\(\s*(['\"])(.*?)\1\s*\)")
Messages = Sequence[Mapping[str, str]]


class Piece(NamedTuple):
    """A part of a conversation. end: the mark that closes it, "" where it is no answer; `text` ends with it."""

    text: str
    is_answer: bool
    end: str = ""


class _Closing(NamedTuple):
    """What a template writes behind an answer: learnt (with its end mark), and what only leads to the next turn."""

    text: str
    learnt: str
    mark: str

    @property
    def rest(self) -> str:
        return self.text.removeprefix(self.learnt) if self.text.startswith(self.learnt) else ""


class PromptFormat:
    """kind: "chat" (the processor's template), "plain" (`plain_format`), or "auto" (chat where there is a template).

    An answer ends with the special token that the template writes behind it, or, where it writes none (as LLaVA-1.5's),
    with the tokenizer's end token in place of the blanks there. `end` is that token.
    Raises: ModelError if the tokenizer has no end token, or the wanted template is missing.
    """

    def __init__(self, processor: Any, *, kind: str = "auto", plain_format: str = "{prompt}\n") -> None:
        tokenizer = processor.tokenizer
        has_template = bool(getattr(processor, "chat_template", None) or getattr(tokenizer, "chat_template", None))
        if kind == "chat" and not has_template:
            raise ModelError("model.prompt is 'chat', but the processor has no chat template; set it to 'plain'")
        if tokenizer.eos_token is None:
            raise ModelError("the tokenizer has no end token (eos_token), so an answer could not end; set one")
        self.is_chat = has_template if kind == "auto" else kind == "chat"
        self.image_token = str(getattr(processor, "image_token", None) or IMAGE_MARK)
        self._templated = processor if getattr(processor, "chat_template", None) else tokenizer
        self._plain_format = plain_format
        self._special_texts = _special_texts(tokenizer)
        self._special = re.compile("|".join(map(re.escape, self._special_texts)) or "(?!)")
        self._takes_parts = True
        self._given = _same_every_day(self._templated.chat_template) if self.is_chat else {}
        eos = str(tokenizer.eos_token)
        self._closing = self._find_closing(eos) if self.is_chat else _Closing(eos, eos, eos)
        self.end = self._closing.mark
        self.end_id = int(tokenizer.convert_tokens_to_ids(self.end))

    def question(self, messages: Messages, row_id: str) -> str:
        """The text that stands before the (last) answer."""
        return "".join(piece.text for piece in self.asked(messages, row_id))

    def asked(self, messages: Messages, row_id: str) -> list[Piece]:
        """What stands before the (last) answer; earlier answers are closed as in training."""
        asked = messages[:-1] if messages[-1]["role"] == "assistant" else messages
        pieces = self._answered(asked, row_id)
        return [*pieces, self._asking(asked, row_id)]

    def pieces(self, messages: Messages, row_id: str) -> list[Piece]:
        """The whole conversation: what is asked and what is answered by turns. Raises: TaskDataError without an answer."""
        pieces = self._answered(messages, row_id)
        if not pieces:
            raise TaskDataError(f"row {row_id} has no answer to train on (no message of the role 'assistant')")
        return pieces

    @property
    def special_pattern(self) -> str:
        """A pattern of all special tokens that a question cannot hold; the mark of an image may be among them."""
        return "|".join(re.escape(text) for text in self._special_texts if text != IMAGE_MARK) or "(?:$.)"

    def special_in(self, text: str) -> str | None:
        """The first text in it that the tokenizer would read as a special token."""
        match = self._special.search(text)
        return match.group() if match else None

    def _answered(self, messages: Messages, row_id: str) -> list[Piece]:
        """Two pieces for every answer."""
        pieces: list[Piece] = []
        for position, message in enumerate(messages):
            if message["role"] == "assistant":
                asking = self._asking(messages[:position], row_id)
                pieces += [asking, self._answer(messages, position, row_id)]
        return pieces

    def _asking(self, messages: Messages, row_id: str) -> Piece:
        """What stands between the last answer (or the beginning) and the next one."""
        before = self._render(messages, row_id, ask=True)
        last = max((place for place, message in enumerate(messages) if message["role"] == "assistant"), default=None)
        if last is None:
            return Piece(before, False)
        done = self._render(messages[: last + 1], row_id, ask=False)
        done = done[: len(done) - len(self._closing.rest)]
        if not before.startswith(done):  # a template that writes past answers differently, e.g. without thoughts
            raise TaskDataError(
                f"row {row_id}: the chat template rewrites earlier turns, so their answers cannot be marked; "
                "set model.prompt to 'plain'"
            )
        return Piece(before[len(done) :], False)

    def _answer(self, messages: Messages, position: int, row_id: str) -> Piece:
        before = self._render(messages[:position], row_id, ask=True)
        whole = self._render(messages[: position + 1], row_id, ask=False)
        if not whole.startswith(before):
            raise TaskDataError(
                f"row {row_id}: the chat template does not write an answer after its own generation prompt; "
                "set model.prompt to 'plain'"
            )
        if not whole.endswith(self._closing.text):
            raise TaskDataError(
                f"row {row_id}: the chat template closes this answer otherwise than others ({self._closing.text!r}), so its "
                "end cannot be marked; set model.prompt to 'plain'"
            )
        said = whole[len(before) : len(whole) - len(self._closing.text)]
        if not self._closing.rest and self._closing.text != self._closing.learnt:
            said = said.rstrip()  # the end token takes the place of the template's blanks
        return Piece(said + self._closing.learnt, True, self.end)

    def _find_closing(self, eos: str) -> _Closing:
        """By asking the template. Raises: ModelError if it leaves the answer out."""
        said = [{"role": "user", "content": _ASKED}, {"role": "assistant", "content": _ANSWERED}]
        try:
            self._takes_parts = "'type'" not in self._chat(said, ask=False)  # or it writes lists as Python does
        except TaskDataError:
            self._takes_parts = False
        try:
            whole = self._chat(said, ask=False)
        except TaskDataError as exc:
            raise ModelError(f"{exc}; set model.prompt to 'plain'") from exc
        asked, separator, closing = whole.rpartition(_ANSWERED)
        if not separator or _ASKED not in asked:
            raise ModelError(
                "the chat template leaves out what the user asks or what the assistant says: it writes "
                f"{whole!r}; set model.prompt to 'plain'"
            )
        mark = self._special.search(closing)
        if mark is None:
            return _Closing(closing, eos, eos) if not closing.strip() else _Closing(closing, closing + eos, eos)
        return _Closing(closing, closing[: mark.end()], mark.group())

    def _render(self, messages: Messages, row_id: str, *, ask: bool) -> str:
        try:
            text = self._chat(messages, ask=ask) if self.is_chat else self._plain(messages)
        except TaskDataError as exc:
            raise TaskDataError(f"row {row_id}: {exc}; leave the row out, or set model.prompt to 'plain'") from exc
        marks = sum(message["content"].count(IMAGE_MARK) for message in messages)
        if text.count(self.image_token) != marks:
            raise TaskDataError(
                f"row {row_id} has {marks} image(s), but its prompt as the model reads it has "
                f"{text.count(self.image_token)} of {self.image_token!r}; set model.prompt to 'plain'"
            )
        return text

    def _chat(self, messages: Messages, *, ask: bool) -> str:
        turns = [{"role": message["role"], "content": self._content(message["content"])} for message in messages]
        try:
            text: str = self._templated.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=ask, **self._given
            )
        except (TemplateError, TypeError, ValueError) as exc:
            raise TaskDataError(f"the chat template refuses a conversation ({exc})") from exc
        return text

    def _content(self, content: str) -> Any:
        return _parts(content) if self._takes_parts else content.replace(IMAGE_MARK, self.image_token)

    def _plain(self, messages: Messages) -> str:
        said = []
        for message in messages:
            if message["role"] == "assistant":
                said.append(message["content"] + self.end)
            else:
                said.append(
                    self._plain_format.replace("{prompt}", message["content"].replace(IMAGE_MARK, self.image_token))
                )
        return "".join(said)


def _same_every_day(template: Any) -> dict[str, Any]:
    """A template without the date of the day, for `apply_chat_template`; {} where it does not ask for it."""
    if not isinstance(template, str) or "strftime_now" not in template:
        return {}
    return {"chat_template": _TODAY.sub(lambda call: repr(_DAY.strftime(call[2])), template)}


def _special_texts(tokenizer: Any) -> list[str]:
    """The longest first, of the tokens that are no text: they stand for an end, a turn, an image, wherever they are read."""
    added = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return sorted(added | set(tokenizer.all_special_tokens), key=lambda text: (-len(text), text))


def _parts(content: str) -> list[dict[str, str]]:
    """Text and image marks in order; the line break after a mark belongs to it, templates write their own."""
    parts: list[dict[str, str]] = []
    position = 0
    for match in _MARK.finditer(content):
        if match.start() > position:
            parts.append({"type": "text", "text": content[position : match.start()]})
        parts.append({"type": "image"})
        position = match.end()
    if position < len(content) or not parts:
        parts.append({"type": "text", "text": content[position:]})
    return parts
