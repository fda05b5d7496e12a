"""A prompt of an instruction data set taken apart: question, context, options, instruction, OCR tokens.

One pure function per decision; `take_apart` applies them in order. These functions define the meaning;
`asd.sources.prompt_columns` is a faster form of a part of it and must agree with them on every text.

Only ASCII blanks are trimmed and only ASCII character classes are used, so the columnar form can do the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from asd.lazy_regex import regex
from asd.schemas.image_marks import BLANKS, strip_marks
from asd.schemas.styles import LETTERS
from asd.sources.instructions import MAX_INSTRUCTION_CHARS, is_instruction
from asd.sources.marked_options import Marked, may_be_marked, split_marked
from asd.sources.option_lines import split_options
from asd.sources.option_marks import CAPITALS

_BOX_INSTRUCTION = regex(r"bounding box|bbox|coordinate|region|locat|\bbox\b|find|where", re.ASCII)

_OPTION_MARK = regex(r"(?:\A|\n)[ \t]*\(?[A-Z]{1,2}[.)] \Z")
_OCR_LINE = regex(r"(?:\A|\n)[ \t]*Reference OCR tokens?[ \t]*:[ \t]*([^\n]*)")
_CONTEXT_START = regex(r"Context[ \t]*:[ \t]*")
_QUESTION_START = regex(r"Question[ \t]*:[ \t]*")


class PromptParts(NamedTuple):
    question: str
    context: str = ""
    options: tuple[str, ...] = ()
    rfp: str | None = None
    ocr_tokens: tuple[str, ...] = ()
    placeholders: int = 0
    alphabet: str = CAPITALS
    """Of the options' marks: a name that `option_marks` knows."""


@dataclass(frozen=True)
class PromptRules:
    """What the task says about its prompts."""

    known_rfps: frozenset[str] = frozenset()
    is_grounding: bool = False

    @cached_property
    def suffixes(self) -> tuple[str, ...]:
        """Known instructions, longest first, so that one that ends another one does not cut it in two."""
        return tuple(sorted(self.known_rfps, key=lambda rfp: (-len(rfp), rfp)))


def make_rules(rfps: Iterable[str] = (), *, is_grounding: bool = False) -> PromptRules:
    return PromptRules(frozenset(text for rfp in rfps if (text := rfp.strip(BLANKS))), is_grounding)


_NO_RULES = make_rules()


def split_last_lines(text: str, rules: PromptRules) -> tuple[str, str | None]:
    """(rest, instruction): the closing lines that are instructions. The first line is never one of them."""
    taken: list[str] = []
    while True:
        head, newline, last = text.rpartition("\n")
        last = last.strip(BLANKS)
        head = head.rstrip(BLANKS)
        if not newline or not head or not (last in rules.known_rfps or is_instruction(last)):
            break
        taken.append(last)
        text = head
    return text, "\n".join(reversed(taken)) if taken else None


def split_grounding(text: str, rules: PromptRules) -> tuple[str, str | None]:
    """(expression, instruction) of "<instruction>: <expression>", for tasks that are answered with a box."""
    head, colon, tail = text.partition(":")
    instruction, expression = head.strip(BLANKS), tail.strip(BLANKS)
    if not (rules.is_grounding and colon and expression and is_box_instruction(instruction)):
        return text, None
    return expression, instruction


@lru_cache(maxsize=1 << 14)
def is_box_instruction(text: str) -> bool:
    return len(text) <= MAX_INSTRUCTION_CHARS and _BOX_INSTRUCTION.search(text.lower()) is not None


def split_last_sentence(text: str, rules: PromptRules) -> tuple[str, str | None]:
    """(rest, instruction) where the instruction closes the last line of the question itself."""
    for rfp in rules.suffixes if text.endswith(rules.suffixes) else ():
        if text.endswith(rfp) and text[: -len(rfp)].endswith((" ", "\t")):
            return text[: -len(rfp)].rstrip(BLANKS), rfp
    taken = len(text)
    while True:
        cut = max(text.rfind(mark, 0, taken) for mark in (". ", "? ", "! ")) + 2
        tail = text[cut:taken].strip(BLANKS)
        if cut < 2 or "\n" in tail or not is_instruction(tail) or _is_option_mark(text[:cut]):
            break
        taken = cut - 1
    if taken == len(text):
        return text, None
    return text[:taken].rstrip(BLANKS), text[taken:].strip(BLANKS)


def _is_option_mark(text: str) -> bool:
    """Whether a text ends in the mark of an option whose text would be taken for an instruction ("D. Answer ...")."""
    return has_option_mark(text) and _OPTION_MARK.search(text) is not None


def split_rfp(text: str, rules: PromptRules) -> tuple[str, str | None]:
    """(rest, instruction): last lines, else the part before a colon (grounding), else the last sentence."""
    rest, rfp = split_last_lines(text, rules)
    if rfp is None:
        rest, rfp = split_grounding(text, rules)
    if rfp is None:
        rest, rfp = split_last_sentence(text, rules)
    return rest, rfp


def split_instruction(question: str) -> tuple[str, str | None]:
    """(question, instruction) of a question that stands in a field of its own; a single sentence is the question."""
    if "\n" in question:
        rest, rfp = split_last_lines(question, _NO_RULES)
        if rfp is not None:
            return rest, rfp
    if ". " not in question and "? " not in question and "! " not in question:
        return question, None
    return split_last_sentence(question, _NO_RULES)


def split_ocr_tokens(text: str) -> tuple[str, tuple[str, ...]]:
    """Without the "Reference OCR token: a, b" line, and its tokens."""
    match = _OCR_LINE.search(text)
    if match is None:
        return text, ()
    tokens = tuple(token for part in match.group(1).split(", ") if (token := part.strip(BLANKS)))
    return (text[: match.start()] + text[match.end() :]).strip(BLANKS), tokens


def split_context(text: str) -> tuple[str, str]:
    """(context, question): the question is the last line of a text that starts with "Context:"."""
    match = _CONTEXT_START.match(text)
    if match is None:
        return "", text
    head, newline, question = text[match.end() :].rpartition("\n")
    question = _QUESTION_START.sub("", question.strip(BLANKS), count=1)
    if not newline or not question:
        return "", text
    context = head.strip(BLANKS)
    return "" if context == "N/A" else context, question


def take_apart(text: str, rules: PromptRules, *, with_options: bool = True) -> PromptParts:
    """An instruction that is all there is stays the question. `with_options=False` leaves options in it."""
    text, before, behind, _ = strip_marks(text)
    rest, rfp = split_rfp(text, rules)
    rest, tokens = split_ocr_tokens(rest) if "OCR token" in rest else (rest, ())
    options: tuple[str, ...] = ()
    alphabet = CAPITALS
    if with_options and has_option_mark(rest):
        rest, options, closing, alphabet = _split_any_options(rest)
        rest, stated = split_instruction(rest) if options else (rest, None)
        rfp = "\n".join(filter(None, (stated, closing, rfp))) or None
    context, question = split_context(rest) if rest.startswith("Context") else ("", rest)
    if not question and rfp is not None:
        question, rfp = rfp, None
    return PromptParts(question, context, options, rfp, tokens, before + behind, alphabet)


def kept_prompt(text: str, parts: PromptParts) -> str | None:
    """The prompt as it came, without image marks; None where its parts, a line each, are it, or where it is empty.

    Nothing is added to a prompt that came without an instruction, so such a one is never just its parts.
    """
    bare = strip_marks(text).text
    options = (f"{letter}. {option}" for letter, option in zip(LETTERS, parts.options, strict=False))
    lines = filter(None, (parts.context, parts.question, *options, parts.rfp))
    return None if not bare or (parts.rfp is not None and "\n".join(lines) == bare) else bare


def _split_any_options(text: str) -> Marked:
    """Options on lettered lines, else under any other marks."""
    split = split_options(text)
    marked = None if split.options else split_marked(text)
    return Marked(*split, CAPITALS) if marked is None else marked


def has_option_mark(text: str) -> bool:
    """Cheap test that is true wherever options are found."""
    return "A. " in text or "A) " in text or "A.\t" in text or "A)\t" in text or may_be_marked(text)
