"""The spellings of a conversation: LLaVA and ShareGPT turns, chat messages with text or with parts, pairs, flat questions.

Every spelling becomes the same thing: messages with a role and a text in which `<image>` stands for a picture, and the
pictures that the messages themselves bring.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from asd.lazy_regex import regex
from asd.records import brief
from asd.schemas.image_marks import BLANKS, MARK, make_inert
from asd.sources.annotators import vote
from asd.sources.bad_record import BadRecordError

Message = tuple[str, str]
"""Role (user, assistant, system, or the source's own word for any other) and text."""

ROLES = {
    **dict.fromkeys(("human", "user", "prompter"), "user"),
    **dict.fromkeys(("gpt", "assistant", "model", "bot", "ai", "chatgpt"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("function_call", "tool_call"), "function_call"),
    **dict.fromkeys(("observation", "tool", "tool_response", "function"), "observation"),
}
TURN_KEYS = ("conversations", "messages", "conversation", "texts")
"""Where a list of turns stands; the first that is there counts."""
FLAT_KEYS = frozenset({"id", "question_id", "image", "images", "text", "category"})
_PROMPT_AND_ANSWER = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("query", "response"),
    ("instruction", "output"),
)
_ASKED_AND_ANSWERED = (("user", "assistant"), ("human", "gpt"), ("human", "assistant"), ("question", "answer"))
_ROLE_KEYS, _TEXT_KEYS = ("from", "role"), ("value", "content", "text")
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_IMAGE_PARTS = frozenset({"image", "image_url", "input_image", "image_path", "image_file"})
_IMAGE_KEYS = ("image", "image_url", "url", "path", "image_path", "base64", "bytes", "source")
_PICTURE_TAG = regex(r"(?:Picture \d+: ?)?<img>([^<\n]+)</img>")


@dataclass
class _Pictures:
    """The pictures of one record, in the order in which its messages show them."""

    listed: list[Any]
    """Those of the record's own list, which parts without a picture of their own stand for."""
    shown: list[Any] = field(default_factory=list)
    has_parts: bool = False
    taken: int = 0

    def next_listed(self, index: Any) -> Any:
        """That of this number, else the next one; None if there is none left."""
        if not isinstance(index, int) or isinstance(index, bool):
            index, self.taken = self.taken, self.taken + 1
        return self.listed[index] if 0 <= index < len(self.listed) else None


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a record is a conversation in any spelling, or CoIN's flat test form (its answer may be missing)."""
    if (turns := _turns(record)) is not None:
        return isinstance(turns, list) and bool(turns) and _is_turn(turns[0])
    if any(_is_said(record.get(asked)) and _is_said(record.get(answer)) for asked, answer in _PROMPT_AND_ANSWER):
        return True
    if not isinstance(record.get("text"), str) or not record.keys() & {"question_id", "id"}:
        return False
    return bool(record.keys() & {"answer", "answer_bbox"}) or record.keys() <= FLAT_KEYS


def unread_form(record: Any) -> str:
    """What a record is that looks like a conversation and is none, or like no record at all; "" for any other object."""
    if isinstance(record, str):
        return _unread_text(record.strip())
    if isinstance(record, list):
        return "lists where records are expected (lists one after the other, or in each other): put all into one list"
    if not isinstance(record, dict):
        return ""
    if {"chosen", "rejected"} <= record.keys():
        return "pairs of a chosen and a rejected answer (preference data), which are no questions with one answer"
    if (turns := _turns(record)) is not None:
        return f"turns in a form that is not known: {brief(turns, 80)!r}"
    if (where := _place_below(record)) is not None:
        return (
            f"conversations under {where!r} of the first object. Save them as a file of their own (jq '.{where}'), or name the "
            "place in a layout (records)"
        )
    return ""


def _place_below(record: Mapping[str, Any], depth: int = 3) -> str | None:
    """Under which keys of an object ("result.data") the first conversation stands, alone or in a list."""
    for key, value in record.items():
        first = value[0] if isinstance(value, list) and value else value
        if not isinstance(first, dict):
            continue
        if looks_like(first):
            return str(key)
        if depth > 1 and (below := _place_below(first, depth - 1)) is not None:
            return f"{key}{'[]' if isinstance(value, list) else ''}.{below}"
    return None


def _unread_text(text: str) -> str:
    if text.lstrip('"')[:1] in ("{", "[") and text.rstrip('"')[-1:] in ("}", "]"):
        return "texts that hold JSON: it was written as JSON twice"
    if text[:1] == "<":
        return f"a web page or XML, and no data: {text[:40]!r}"
    if text.startswith("version https://git-lfs"):
        return "a pointer of Git LFS in place of the file: fetch it with `git lfs pull`"
    return ""


def read_messages(record: Mapping[str, Any]) -> tuple[list[Message], list[Any] | None]:
    """Messages, and the record's pictures in the order of their marks where messages say which; None: as listed.

    Raises: BadRecordError.
    """
    turns = _turns(record)
    if turns is None:
        turns = _asked_and_answered(record)
    if turns is None:
        return _flat_messages(record), None
    if not isinstance(turns, list) or not turns:
        raise BadRecordError("no_turns", "conversations must be a list with at least one turn")
    pictures = _Pictures(listed_images(record))
    messages = [message for number, turn in enumerate(turns) for message in _read_turn(turn, number, pictures)]
    system = record.get("system")
    if isinstance(system, str) and system.strip(BLANKS):
        messages.insert(0, ("system", system))
    if not pictures.has_parts:
        return messages, None
    return messages, [*pictures.shown, *(rest for rest in pictures.listed if rest not in pictures.shown)]


def shown_images(record: Any) -> list[Any]:
    """The pictures of whatever was read as a record, as they stand there; none where it is no conversation."""
    if not isinstance(record, dict):
        return []
    try:
        shown = read_messages(record)[1]
    except BadRecordError:
        shown = None
    return listed_images(record) if shown is None else shown


OTHER_IMAGE_KEYS = ("image_path", "img_path", "image_file", "image_url", "img")
"""Where images stand that are under none of the usual keys."""


def listed_images(record: Mapping[str, Any]) -> list[Any]:
    """What stands under `image` and `images`, else under a key of `OTHER_IMAGE_KEYS`; nothing left out but nulls and empty
    texts."""
    keys: Sequence[str] = ("image", "images")
    if record.keys().isdisjoint(keys):
        keys = [key for key in OTHER_IMAGE_KEYS if record.get(key)][:1]
    values = (record.get(key) for key in keys)
    listed = (value if isinstance(value, list) else [value] for value in values)
    return [item for items in listed for item in items if item is not None and item != ""]


def _turns(record: Mapping[str, Any]) -> Any:
    """The list of turns, or None; a text that holds one in JSON counts."""
    turns = next((record[key] for key in TURN_KEYS if record.get(key) is not None), None)
    if isinstance(turns, str) and turns.lstrip().startswith("["):
        try:
            return orjson.loads(turns)
        except orjson.JSONDecodeError:
            return turns
    return turns


def _is_turn(turn: Any) -> bool:
    if isinstance(turn, list):
        return len(turn) == 2 and all(isinstance(text, str) for text in turn)
    if not isinstance(turn, dict):
        return False
    has_role = any(isinstance(turn.get(key), str) for key in _ROLE_KEYS)
    return (has_role and bool(turn.keys() & {*_TEXT_KEYS, "tool_calls"})) or _pair_keys(turn) is not None


def _pair_keys(turn: Mapping[str, Any]) -> tuple[str, str] | None:
    return next((keys for keys in _ASKED_AND_ANSWERED if all(isinstance(turn.get(key), str) for key in keys)), None)


def _is_said(value: Any) -> bool:
    """A text, or a list of messages."""
    return isinstance(value, str) or (isinstance(value, list) and bool(value) and all(map(_is_turn, value)))


def _asked_and_answered(record: Mapping[str, Any]) -> list[Any] | None:
    """The turns of a prompt and its answer under keys of their own, with what was said before."""
    for asked, answer in _PROMPT_AND_ANSWER:
        prompt, response = record.get(asked), record.get(answer)
        if not (_is_said(prompt) and _is_said(response)):
            continue
        more = record.get("input")
        if isinstance(prompt, str) and asked == "instruction" and isinstance(more, str) and more.strip(BLANKS):
            prompt = f"{prompt}\n{more}"
        before = record.get("history")
        turns = list(before) if isinstance(before, list) else []
        turns += prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
        return turns + (response if isinstance(response, list) else [{"role": "assistant", "content": response}])
    return None


def _read_turn(turn: Any, number: int, pictures: _Pictures) -> Iterator[Message]:
    """The messages of one entry of the list: one, or a question and its answer."""
    if isinstance(turn, list) and _is_turn(turn):
        yield from zip(("user", "assistant"), (_tagged(text, pictures) for text in turn), strict=True)
        return
    if isinstance(turn, dict):
        role = next((turn[key] for key in _ROLE_KEYS if turn.get(key) is not None), None)
        if role is None and (keys := _pair_keys(turn)):
            yield from zip(("user", "assistant"), (_tagged(turn[key], pictures) for key in keys), strict=True)
            return
        text = next((turn[key] for key in _TEXT_KEYS if turn.get(key) is not None), None)
        if isinstance(role, str) and (text is None or isinstance(text, str | list)):
            named = ROLES.get(role.strip().lower(), role)
            if calls := turn.get("tool_calls"):
                if text:
                    yield named, _content(text, number, pictures)
                yield "function_call", as_json(calls, "tool calls")
                return
            yield named, _content(text, number, pictures)
            return
    raise BadRecordError("bad_turn", f"turn {number} (counted from 0) needs from/value or role/content, both text")


def as_json(value: Any, what: str) -> str:
    """what: name of the value in an error. Raises: BadRecordError for integers beyond 64 bits, and for what nests too deeply."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as exc:
        raise BadRecordError("bad_tools", f"the {what} cannot be kept as JSON ({exc})") from exc


def _content(content: str | list[Any] | None, number: int, pictures: _Pictures) -> str:
    if isinstance(content, list):
        return _joined_parts(content, number, pictures)
    return _tagged(content or "", pictures)


def _tagged(text: str, pictures: _Pictures) -> str:
    """The text, with `<img>path</img>` (Qwen-VL) as a picture."""
    if "<img>" not in text:
        return text

    def mark(tag: re.Match[str]) -> str:
        pictures.has_parts = True
        pictures.shown.append(tag[1].strip())
        return MARK

    return _PICTURE_TAG.sub(mark, text)


def _joined_parts(parts: Sequence[Any], number: int, pictures: _Pictures) -> str:
    """The parts' texts with a mark on a line of its own for each picture. A mark inside a text is text, where there are
    parts for pictures."""
    kinds = [_kind(part, number) for part in parts]
    if "image" in kinds:
        pictures.has_parts = True
    lines = []
    for part, kind in zip(parts, kinds, strict=True):
        if kind == "image":
            pictures.shown.append(_picture_of(part, number, pictures))
            lines.append(MARK)
        else:
            text = part if isinstance(part, str) else str(part.get("text") or "")
            lines.append(_without_marks(text) if pictures.has_parts else text)
    return "\n".join(lines)


def _without_marks(text: str) -> str:
    """Marks that open the text repeat what the parts say; others are written so that nobody takes them for pictures."""
    while text.lstrip(BLANKS).startswith(MARK):
        text = text.lstrip(BLANKS)[len(MARK) :].lstrip(BLANKS)
    return make_inert(text)


def _kind(part: Any, number: int) -> str:
    """text or image. Raises: BadRecordError for any other part, by its name."""
    if isinstance(part, str):
        return "text"
    if isinstance(part, dict):
        named = part.get("type")
        if named in _TEXT_PARTS or (named is None and isinstance(part.get("text"), str)):
            if part.get("text") is None or isinstance(part["text"], str):
                return "text"
        elif named in _IMAGE_PARTS or (named is None and part.keys() & {"image", "image_url"}):
            return "image"
        raise BadRecordError(
            "bad_part", f"turn {number} (counted from 0) has a part of type {named!r}: text and image are read"
        )
    raise BadRecordError("bad_part", f"turn {number} (counted from 0) has a part that is neither text nor an object")


def _picture_of(part: Mapping[str, Any], number: int, pictures: _Pictures) -> Any:
    """The picture that a part holds, else the record's next one."""
    value = next((part[key] for key in _IMAGE_KEYS if part.get(key) not in (None, "")), None)
    if isinstance(value, dict) and "url" in value:
        value = value["url"]
    if value is None:
        value = pictures.next_listed(part.get("index"))
    if value is None:
        raise BadRecordError("image_count", f"turn {number} (counted from 0) shows more images than the record has")
    return value


def _flat_messages(record: Mapping[str, Any]) -> list[Message]:
    text = record.get("text")
    if not isinstance(text, str):
        raise BadRecordError("no_turns", "expected a list `conversations`, or `text` with an answer; found neither")
    messages = [("user", text)]
    for key in ("answer_bbox", "answer"):
        answer = record.get(key)
        if isinstance(answer, str | int) and not isinstance(answer, bool):
            return [*messages, ("assistant", str(answer))]
        if answer is not None:
            raise BadRecordError("bad_answer", f"{key} must be text, found {brief(answer, 40)!r}")
    answers = record.get("answers")
    voted = vote(answers).gold if are_answers(answers) else ""
    return [*messages, ("assistant", voted)] if voted else messages


def are_answers(answers: Any) -> bool:
    """Whether a list holds annotators' answers: texts, or objects."""
    return (
        isinstance(answers, list)
        and bool(answers)
        and (all(isinstance(answer, str) for answer in answers) or all(isinstance(answer, dict) for answer in answers))
    )
