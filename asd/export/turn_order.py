"""Turns as trainers' readers want them: the user first, then user and assistant in turn, an answer last.

Turns of one speaker that follow each other become one; a conversation that cannot be brought into order is left out by
its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from asd.export.conversation import TOOLS, Conversation, Turn, images_of
from asd.schemas.image_marks import MARK

BEGINS = "turns that the assistant begins, which trainers refuse"
UNANSWERED = "a last question without an answer, which trainers refuse"
SYSTEM_AMID = "a system turn amid the others, which trainers refuse"
TOOLS_ASTRAY = "tool calls and results that do not follow each other in turn, which trainers refuse"
IMAGES_ASTRAY = "other numbers of images and of image marks"
MERGED = "turns of one speaker in a row, which were put together"
_ASKING, _ANSWERING = ("user", "observation"), ("assistant", "function_call")
_REPEATED = {
    "assistant": ("function_call",), "function_call": ("function_call",), "observation": ("observation",),
}  # fmt: skip
"""Role -> those that may follow it in the same place."""
_MERGED_ROLES = frozenset({"user", "assistant"})
_BEFORE = frozenset({"system", TOOLS})


def in_turn(conversation: Conversation, *, many_results: bool = False) -> tuple[Conversation, bool, str]:
    """The conversation in order, whether turns were put together, and why it cannot be brought into order, or "".

    many_results: several calls may stand together, also behind what the assistant says, and several results after them.
    """
    head = [turn for turn in conversation.turns if turn.role in _BEFORE]
    turns: list[Turn] = []
    for turn in conversation.turns:
        if turn.role in _BEFORE:
            if turns:
                return conversation, False, SYSTEM_AMID
        elif turns and turn.role == turns[-1].role and turn.role in _MERGED_ROLES:
            turns[-1] = _together(turns[-1], turn)
        else:
            turns.append(turn)
    is_merged = len(head) + len(turns) < len(conversation.turns)
    ordered = replace(conversation, turns=[*head, *turns]) if is_merged else conversation
    disorder = _disorder([*_without_repeats(turns)] if many_results else turns)
    return ordered, is_merged, disorder or _miscount(ordered)


def _together(first: Turn, second: Turn) -> Turn:
    """The images of the second keep their place before its text."""
    marks = f"{MARK}\n" * second.num_images
    texts = [text for text in (first.text, f"{marks}{second.text}") if text]
    return Turn(first.role, "\n".join(texts), first.num_images)


def _without_repeats(turns: list[Turn]) -> Iterator[Turn]:
    """Of neighbouring calls (and what is said with them), and of neighbouring results, one."""
    previous = ""
    for turn in turns:
        if not (previous and turn.role in _REPEATED.get(previous, ())):
            yield turn
        previous = turn.role


def _disorder(turns: list[Turn]) -> str:
    if not turns or turns[0].role in _ANSWERING:
        return BEGINS
    roles = [turn.role for turn in turns]
    if any(role not in (_ANSWERING if number % 2 else _ASKING) for number, role in enumerate(roles)):
        return TOOLS_ASTRAY
    return "" if roles[-1] in _ANSWERING else UNANSWERED


def _miscount(conversation: Conversation) -> str:
    return "" if sum(map(images_of, conversation.turns)) == len(conversation.images) else IMAGES_ASTRAY
