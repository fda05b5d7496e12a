"""Shard rows as conversations, free of any trainer's spelling: turns with bare text, and how many images open each.

Formats differ in where the image mark goes; here it is a number, so that no format has to cut text apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from asd.schemas.image_marks import BLANKS, MARK, make_inert, opens_with_marks, strip_marks

PLAIN_ROLES = frozenset({"system", "user", "assistant"})
TOOLS = "tools"
"""Role under which a record's tool descriptions stand (JSON text), before its turns."""


@dataclass(slots=True)
class Turn:
    """One message. `num_images`: how many of the conversation's images belong before its text. A mark in the text is the
    place of one more."""

    role: str
    text: str
    num_images: int = 0


@dataclass(slots=True)
class Conversation:
    """One record to be written: a shard row, or the rows of one source record together."""

    id: str
    task: str
    turns: list[Turn]
    images: list[dict[str, Any]]
    """{"path", "bytes"} each, in the order of their marks."""
    rows: list[dict[str, Any]]

    @property
    def has_tools(self) -> bool:
        return any(turn.role not in PLAIN_ROLES for turn in self.turns)

    @property
    def styles(self) -> list[str]:
        return [row["style"] for row in self.rows]


def conversations(rows: Iterable[dict[str, Any]], *, group_turns: bool, keep_split: bool) -> Iterator[Conversation]:
    """keep_split: the file holds several splits, so ids keep theirs. Ids lose the task: a file holds one task."""
    if not group_turns:
        for row in rows:
            yield _conversation(_local_id(row, row["id"], keep_split=keep_split), [row])
        return
    for group in _groups(rows):
        name = group[0]["group"]
        yield _conversation(f"{group[0]['split']}/{name}" if keep_split else name, group)


def _local_id(row: dict[str, Any], identity: str, *, keep_split: bool) -> str:
    identity = identity.removeprefix(f"{row['task']}/")
    return identity if keep_split else identity.removeprefix(f"{row['split']}/")


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Neighbouring rows of one group and its images; they stand together in the shards."""
    group: list[dict[str, Any]] = []
    for row in rows:
        if group and _origin(row) != _origin(group[0]):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _origin(row: dict[str, Any]) -> tuple[Any, ...]:
    """What rows of one conversation share: it shows its images once, so they share these, too."""
    return row["split"], row["source_file"], row["group"], row["images"]


def _conversation(identity: str, rows: list[dict[str, Any]]) -> Conversation:
    first = rows[0]
    turns: list[Turn] = []
    for number, row in enumerate(rows):
        turns += _turns_of(row, shows_images=number == 0)
    return Conversation(identity, first["task"], turns, first["images"], rows)


def _turns_of(row: dict[str, Any], *, shows_images: bool) -> list[Turn]:
    messages = row["messages"]
    if not is_kept_dialogue(row):
        asked = row["prompt"].removeprefix(f"{MARK}\n" * len(row["images"]))
        return [Turn("user", asked, len(row["images"]) * shows_images), Turn("assistant", messages[1]["content"])]
    return _kept_turns(messages, len(row["images"]))


def is_kept_dialogue(row: dict[str, Any]) -> bool:
    """Whether a row is a conversation as it came: of other turns than prompt and answer, or with images amid its text."""
    messages, prompt = row["messages"], row["prompt"]
    return len(messages) != 2 or messages[0]["content"] != prompt or not opens_with_marks(prompt, len(row["images"]))


def _kept_turns(messages: list[dict[str, str]], num_images: int) -> list[Turn]:
    """A dialogue kept as it came: marks stand where its author put them; images without one open the first question."""
    asked = [message["content"] or "" for message in messages if message["role"] == "user"]
    has_places = sum(text.count(MARK) for text in asked) <= num_images
    turns = []
    for message in messages:
        text, marks = message["content"] or "", 0
        if message["role"] == "user":
            text, marks = _without_marks(text, has_places=has_places)
        else:
            text = make_inert(text)
        turns.append(Turn(message["role"], text, marks))
    missing = num_images - sum(images_of(turn) for turn in turns)
    first = next((turn for turn in turns if turn.role == "user"), None)
    if first is not None:
        first.num_images += missing
    return turns


def _without_marks(text: str, *, has_places: bool) -> tuple[str, int]:
    """Marks before the text, and on lines of their own behind it, go. has_places: one inside it is an image, and so is
    one behind it then; else it is text."""
    stripped = strip_marks(text)
    if not has_places or not (stripped.inside or (stripped.before and stripped.behind)):
        return make_inert(stripped.text), stripped.before + stripped.behind
    text = text.lstrip(BLANKS)
    for _ in range(stripped.before):
        text = text.removeprefix(MARK).lstrip(BLANKS)
    return text, stripped.before


def images_of(turn: Turn) -> int:
    """Those before its text and those inside."""
    return turn.num_images + turn.text.count(MARK)


def marked(turn: Turn) -> str:
    """The text as LLaVA-type loaders want it: one `<image>` line per image first."""
    return f"{MARK}\n" * turn.num_images + turn.text


def split_images(conversation: Conversation) -> list[tuple[Turn, list[dict[str, Any]]]]:
    """Each turn with its own images."""
    rest = iter(conversation.images)
    return [
        (turn, [image for _, image in zip(range(images_of(turn)), rest, strict=False)]) for turn in conversation.turns
    ]


def spread(turn: Turn, images: list[Any]) -> list[Any]:
    """Its images among the stretches of its text, in order; stretches are texts, and images are as given."""
    rest = iter(images)
    head, *tails = turn.text.split(MARK)
    opening = [next(rest) for _ in range(turn.num_images)]
    if not tails:
        return [*opening, head]
    parts = [*opening, head]
    for tail in tails:
        parts += [next(rest), tail]
    return [part for part in parts if part != ""]
