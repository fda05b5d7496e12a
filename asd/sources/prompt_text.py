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

from asd.schemas.image_marks import BLANKS, strip_marks
from asd.schemas.styles import LETTERS

MAX_INSTRUCTION_CHARS = 240

_VERBS = (
    "answer|respond|reply|give|provide|use|write|choose|select|pick|output|return|state|keep|limit|make|express|"
    "formulate|summarize|summarise|simplify|produce|say|offer|present|indicate|put|deliver|condense|explain|submit|"
    "enter|type|mark|report|phrase|restrict|ensure|locate|be|do|try|your answer|your response|your reply|"
    "the answer|using|in|with|for"
)
_FORMS = (
    r"(?:single|one|few|short|brief|concise|exact|only the|just the|full) (?:\w+ )?"
    r"(?:words?|phrases?|names?|sentences?)"
    r"|words? or (?:a )?(?:short )?phrases?|two words|brief phrase|short phrase|label only"
    r"|class name|category name"
    r"|(?:short|brief|concise|succinct|detailed|direct|full|minimal|terse) "
    r"(?:answer|response|reply|explanation|form)"
    r"|(?:one|two|three|a few|several|full|complete|short|single)[ -]sentences?|sentences? at most"
    r"|in detail|step by step"
    r"|letters? (?:of|from|only|alone|that|before)|option'?s'? letter|(?:option|choice) letter"
    r"|the letter|by letter"
    r"|(?:given|listed|provided|available|above|following|correct|right|best) (?:choices?|options?|answers?)"
    r"|yes[ ,/]+(?:or )?[\"']?no|true[ ,/]+(?:or )?false|['\"]yes['\"]|['\"]unanswerable['\"]|unanswerable"
    r"|bounding box|coordinates?|x1, ?y1|briefly|concisely|succinctly|as few words"
    r"|no explanation|nothing else"
    r"|do not explain|without explanation|as short as possible|directly"
)
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_OPENING = re.compile(rf"(?:please |kindly |now |then |finally )?(?:{_VERBS})[ ,:'\"]", re.ASCII)
_CONDITIONAL = re.compile(
    r"(?:when|if|where) [^\n]*[ ,](?:respond|reply|answer|say|write|output|return)[ ,:]", re.ASCII
)
_FORM = re.compile(rf"(?<![a-z])(?:{_FORMS})(?![a-z])", re.ASCII)
_FORM_FIRST = re.compile(r"(?:short answer|one word|single word|yes or no|brief answer)[:.]?\Z", re.ASCII)
_BOX_INSTRUCTION = re.compile(r"bounding box|bbox|coordinate|region|locat|\bbox\b|find|where", re.ASCII)

_OPTION_LINE = re.compile(r"[ \t]*(?:\(([A-Z])\)|([A-Z])[.)])[ \t]+([^\n]*)")
_OPTIONS_HEADER = re.compile(r"[ \t]*(?:Options|Choices|Answer choices)[ \t]*:[ \t\r]*", re.IGNORECASE | re.ASCII)
_INLINE_OPTIONS = re.compile(r"(?:(?:Options|Choices)[ \t]*:)?[ \t]*(?=\(A\)[ \t])")
_INLINE_LETTER = re.compile(r"[ \t]*\(([A-Z])\)[ \t]+")
_OCR_LINE = re.compile(r"(?:\A|\n)[ \t]*Reference OCR tokens?[ \t]*:[ \t]*([^\n]*)")
_CONTEXT_START = re.compile(r"Context[ \t]*:[ \t]*")
_QUESTION_START = re.compile(r"Question[ \t]*:[ \t]*")


class PromptParts(NamedTuple):
    question: str
    context: str = ""
    options: tuple[str, ...] = ()
    rfp: str | None = None
    ocr_tokens: tuple[str, ...] = ()
    placeholders: int = 0


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


@lru_cache(maxsize=1 << 14)
def is_instruction(line: str) -> bool:
    """Whether a line says in which form to answer, rather than asking something.

    It opens with an imperative ("Answer ...", "Please give ...", "Using ...") or a condition ("If ..., reply
    ..."), names a form (one word, a letter, a sentence, a box, ...), and is no question.
    """
    if len(line) > MAX_INSTRUCTION_CHARS or line.endswith("?"):
        return False
    low = line.translate(_ASCII_LOWER)
    if _OPENING.match(low) or _CONDITIONAL.match(low):
        return _FORM.search(low) is not None
    return _FORM_FIRST.match(low) is not None


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
    return len(text) <= MAX_INSTRUCTION_CHARS and _BOX_INSTRUCTION.search(text.translate(_ASCII_LOWER)) is not None


def split_last_sentence(text: str, rules: PromptRules) -> tuple[str, str | None]:
    """(rest, instruction) where the instruction closes the last line of the question itself."""
    for rfp in rules.suffixes:
        if text.endswith(rfp) and text[: -len(rfp)].endswith((" ", "\t")):
            return text[: -len(rfp)].rstrip(BLANKS), rfp
    cut = max(text.rfind(". "), text.rfind("? "), text.rfind("! ")) + 2
    if cut < 2:
        return text, None
    tail = text[cut:].strip(BLANKS)
    if "\n" in tail or not is_instruction(tail):
        return text, None
    return text[:cut].rstrip(BLANKS), tail


def split_rfp(text: str, rules: PromptRules) -> tuple[str, str | None]:
    """(rest, instruction): last lines, else the part before a colon (grounding), else the last sentence."""
    rest, rfp = split_last_lines(text, rules)
    if rfp is None:
        rest, rfp = split_grounding(text, rules)
    if rfp is None:
        rest, rfp = split_last_sentence(text, rules)
    return rest, rfp


def split_ocr_tokens(text: str) -> tuple[str, tuple[str, ...]]:
    """Without the "Reference OCR token: a, b" line, and its tokens."""
    match = _OCR_LINE.search(text)
    if match is None:
        return text, ()
    tokens = tuple(token for part in match.group(1).split(", ") if (token := part.strip(BLANKS)))
    return (text[: match.start()] + text[match.end() :]).strip(BLANKS), tokens


def split_options(text: str) -> tuple[str, tuple[str, ...]]:
    """Without the closing option lines ("A. x", "(A) x", "A) x", or all on one line), and their texts.

    The letters run from A without a gap; a line without the next letter belongs to the option before it.
    """
    lines = text.split("\n")
    marks = [_OPTION_LINE.match(line) for line in lines]
    letters = [(match.group(1) or match.group(2)) if match else "" for match in marks]
    starts = [number for number, letter in enumerate(letters) if letter == "A"]
    for start in reversed(starts):
        options = _options_from(lines, marks, letters, start)
        if len(options) >= 2 and all(options):
            end = start - 1 if start and _OPTIONS_HEADER.fullmatch(lines[start - 1]) else start
            return "\n".join(lines[:end]).strip(BLANKS), tuple(options)
    return _split_inline_options(lines, text)


def _options_from(lines: list[str], marks: list[re.Match[str] | None], letters: list[str], start: int) -> list[str]:
    options: list[str] = []
    for number in range(start, len(lines)):
        match = marks[number]
        if match and len(options) < len(LETTERS) and letters[number] == LETTERS[len(options)]:
            options.append(match.group(3).strip(BLANKS))
        else:
            options[-1] = (options[-1] + "\n" + lines[number].strip(BLANKS)).strip(BLANKS)
    return options


def _split_inline_options(lines: list[str], text: str) -> tuple[str, tuple[str, ...]]:
    match = _INLINE_OPTIONS.match(lines[-1])
    if match is None:
        return text, ()
    parts = _INLINE_LETTER.split(lines[-1][match.end() :])
    texts = [part.strip(BLANKS) for part in parts[2::2]]
    if len(texts) < 2 or "".join(parts[1::2]) != LETTERS[: len(texts)] or not all(texts):
        return text, ()
    return "\n".join(lines[:-1]).strip(BLANKS), tuple(texts)


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
    rest, options = split_options(rest) if with_options and has_option_mark(rest) else (rest, ())
    context, question = split_context(rest) if rest.startswith("Context") else ("", rest)
    if not question and rfp is not None:
        question, rfp = rfp, None
    return PromptParts(question, context, options, rfp, tokens, before + behind)


def has_option_mark(text: str) -> bool:
    """Cheap test that is true wherever `split_options` finds something."""
    return "A. " in text or "A) " in text or "A.\t" in text or "A)\t" in text
