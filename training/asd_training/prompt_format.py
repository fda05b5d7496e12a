"""From a shard row's messages to the text that a model reads, cut into what is asked and what is to be answered.

The text of the question is the same in training and evaluation; the end token that closes an answer is set here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from asd_training.errors import ModelError, TaskDataError

IMAGE_MARK = "<image>"
_MARK = re.compile(rf"{re.escape(IMAGE_MARK)}\n?")


class Piece(NamedTuple):
    text: str
    is_answer: bool


class PromptFormat:
    """kind: "chat" (the processor's template), "plain" (`plain_format`), or "auto" (chat where there is a template).

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
        self.end = str(tokenizer.eos_token)
        self.image_token = str(getattr(processor, "image_token", None) or IMAGE_MARK)
        self._processor = processor
        self._templated = processor if getattr(processor, "chat_template", None) else tokenizer
        self._plain_format = plain_format

    def question(self, messages: Sequence[Mapping[str, str]], row_id: str) -> str:
        """What stands before the (last) answer."""
        asked = messages[:-1] if messages[-1]["role"] == "assistant" else messages
        return self._render(asked, row_id, ask=True)

    def pieces(self, messages: Sequence[Mapping[str, str]], row_id: str) -> list[Piece]:
        """The whole conversation; each answer is closed by the end token. Raises: TaskDataError without an answer."""
        pieces: list[Piece] = []
        for position, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self._render(messages[:position], row_id, ask=True)
            done = "".join(piece.text for piece in pieces)
            if not before.startswith(done):  # a template that writes past answers differently, e.g. without thoughts
                raise TaskDataError(
                    f"row {row_id}: the chat template rewrites earlier turns, so their answers cannot be marked; "
                    "set model.prompt to 'plain'"
                )
            pieces += [Piece(before[len(done) :], False), Piece(self._answer(messages, position, before, row_id), True)]
        if not pieces:
            raise TaskDataError(f"row {row_id} has no answer to train on (no message of the role 'assistant')")
        return pieces

    def _answer(self, messages: Sequence[Mapping[str, str]], position: int, before: str, row_id: str) -> str:
        if not self.is_chat:
            return messages[position]["content"] + self.end
        whole = self._render(messages[: position + 1], row_id, ask=False)
        if not whole.startswith(before):
            raise TaskDataError(
                f"row {row_id}: the chat template does not write an answer after its own generation prompt; "
                "set model.prompt to 'plain'"
            )
        answer = whole[len(before) :]
        head, end, _ = answer.rpartition(self.end)
        return head + end if end else answer.rstrip() + self.end

    def _render(self, messages: Sequence[Mapping[str, str]], row_id: str, *, ask: bool) -> str:
        text = self._chat(messages, ask) if self.is_chat else self._plain(messages)
        marks = sum(message["content"].count(IMAGE_MARK) for message in messages)
        if text.count(self.image_token) != marks:
            raise TaskDataError(
                f"row {row_id} has {marks} image(s), but its prompt as the model reads it has "
                f"{text.count(self.image_token)} of {self.image_token!r}; set model.prompt to 'plain'"
            )
        return text

    def _chat(self, messages: Sequence[Mapping[str, str]], ask: bool) -> str:
        turns = [{"role": message["role"], "content": _parts(message["content"])} for message in messages]
        text: str = self._templated.apply_chat_template(turns, tokenize=False, add_generation_prompt=ask)
        return text

    def _plain(self, messages: Sequence[Mapping[str, str]]) -> str:
        said = []
        for message in messages:
            if message["role"] == "assistant":
                said.append(message["content"] + self.end)
            else:
                said.append(
                    self._plain_format.replace("{prompt}", message["content"].replace(IMAGE_MARK, self.image_token))
                )
        return "".join(said)


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
