"""The letter that an answer to a multiple-choice question states, whatever stands around it.

Looked for in this order, and the first place that has one decides: a box or tag; the letter, or an option's text, and
nothing else; a declaration ("the answer is B", "B is correct"); a letter that opens the answer; the one letter or option
that is named. A letter that is denied ("not B", "B is wrong") is not stated, two of them ("A or B") are none, and a
letter with another option's text beside it contradicts itself. The article "a" and the pronoun "I" are no letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from asd.schemas.styles import LETTERS
from asd.scoring.answer_text import plain_form
from asd.scoring.letter_patterns import (
    ADDED_SIGN,
    AFTER_OPENING,
    ALL_BUT,
    ALONE,
    ARTICLE,
    ARTICLE_FOLLOWS,
    CLAUSE_END,
    CONFIRMED,
    DECLARED,
    DENIED_AFTER,
    DENIED_AT_ONCE,
    DENIED_BEFORE,
    ENUMERATED,
    JOINED,
    ONE_LETTER,
    OPENING,
    STATED_END,
    STATES,
)
from asd.scoring.written import plain_letters, unwrapped


class _Mention(NamedTuple):
    letter: str
    start: int
    end: int


def stated_letter(text: str, options: Sequence[str] = ()) -> str | None:
    """The capital letter that an answer states, one of the first `len(options)` where options are known; else None."""
    place = place_of(text, options) if len(text.strip()) > 1 else None
    if place is not None:
        return letter_at(place)
    said, options = ALL_BUT.sub("except", plain_letters(unwrapped(text))), [plain_letters(o) for o in options]
    known = LETTERS[: len(options) or None]
    alone = ALONE.fullmatch(said)
    if alone and alone[1].upper() in known:
        return None if ADDED_SIGN.search(said) else alone[1].upper()
    place = place_of(said, options)
    return _stated_inside(said, options, known) if place is None else letter_at(place)


def letter_at(place: int) -> str | None:
    """The letter of the option at a place; None beyond the last letter."""
    return LETTERS[place] if place < len(LETTERS) else None


def place_of(text: str, options: Sequence[str]) -> int | None:
    """The one option equal to a text as it stands, else but for outer blanks, else but for case and full stop."""
    for same in (str, str.strip, plain_form):
        places = [place for place, option in enumerate(options) if same(option) == same(text)]
        if places:
            return places[0] if len(places) == 1 else None
    return None


def _stated_inside(said: str, options: Sequence[str], known: str) -> str | None:
    option = _stated_option(said, options)
    if option is not None and any(_mentions(options[LETTERS.index(option)], known)):
        return option  # "both A and B"
    mentions = [mention for mention in _mentions(said, known) if not _is_denied(said, mention)]
    declared = _with_joined(said, [*_declared(said, known)], known)
    opening = _opening(said, known, options)
    stated = {mention.letter for mention in declared} | ({opening.letter} if opening else set())
    if opening and not declared:
        stated |= {mention.letter for mention in _with_joined(said, [opening], known)}
        if len({mention.letter for mention in mentions if ENUMERATED.match(said, mention.start)} | stated) > 1:
            return None
    if not declared and opening is None:
        if option is not None:
            return option if all(mention.letter == option for mention in mentions if mention.letter != "A") else None
        stated = {mention.letter for mention in mentions} or {
            mention.letter for mention in _small_mentions(said, known)
        }
    if len(stated) != 1:
        return None
    letter = stated.pop()
    shown = declared or ([opening] if opening else mentions)
    return (
        None if any(_names_another(said, mention, options) for mention in shown if mention.letter == letter) else letter
    )


def _mentions(said: str, known: str) -> Iterator[_Mention]:
    """Capital letters that stand alone, but for the article and the pronoun."""
    for match in ONE_LETTER.finditer(said):
        mention = _Mention(match[1], match.start(1), match.end(1))
        if mention.letter in known and not _is_word(said, mention):
            yield mention


def _small_mentions(said: str, known: str) -> Iterator[_Mention]:
    """Small letters that stand alone; read only where no capital one does."""
    for match in ONE_LETTER.finditer(said):
        mention = _Mention(match[1].upper(), match.start(1), match.end(1))
        if (
            match[1].islower()
            and mention.letter in known
            and not _is_word(said, mention)
            and not _is_denied(said, mention)
        ):
            yield mention


def _is_word(said: str, mention: _Mention) -> bool:
    """Whether a lone "a" or "I" is a word of the language rather than a letter."""
    if mention.letter not in "AI":
        return False
    in_brackets = said[mention.start - 1 : mention.start] in ("(", "[", '"', "'") if mention.start else False
    return not in_brackets and ARTICLE_FOLLOWS.match(said, mention.end) is not None


def _is_denied(said: str, mention: _Mention) -> bool:
    before = said[: mention.start]
    is_denied_before = DENIED_BEFORE.search(CLAUSE_END.split(before)[-1]) or DENIED_AT_ONCE.search(before)
    return bool(is_denied_before or DENIED_AFTER.match(said, mention.end))


def _declared(said: str, known: str) -> Iterator[_Mention]:
    for pattern in (DECLARED, CONFIRMED):
        for match in pattern.finditer(said):
            mention = _Mention(match[1].upper(), match.start(1), match.end(1))
            if mention.letter in known and not _is_word(said, mention) and not _is_denied(said, mention):
                yield mention


def _opening(said: str, known: str, options: Sequence[str]) -> _Mention | None:
    """The letter that an answer opens with: before a mark, a line's end, a reason, or its option's text."""
    match = OPENING.match(said)
    if match is None:
        return None
    mention = _Mention(match[1].upper(), match.start(1), match.end(1))
    if mention.letter not in known or _is_denied(said, mention):
        return None
    rest = said[mention.end :]
    own = options[LETTERS.index(mention.letter)] if options else ""
    if own and _starts_with(rest.lstrip(" \t\"'*_)]}.:-\u2013\u2014"), own):
        return mention
    if _is_word(said, mention) or (match[1].islower() and match[1] in "ai" and not re.match(r"[)\].:]", rest)):
        return None
    return mention if AFTER_OPENING.match(rest) else None


def _with_joined(said: str, mentions: list[_Mention], known: str) -> list[_Mention]:
    """The letters with those that "and", "or" or a mark joins to them, if they are not denied."""
    result = list(mentions)
    for mention in mentions:
        at = mention.end
        while match := JOINED.match(said, at):
            other = _Mention(match[1].upper(), match.start(1), match.end(1))
            if other.letter in known and not _is_word(said, other) and not _is_denied(said, other):
                result.append(other)
            at = match.end()
    return result


def _starts_with(text: str, option: str) -> bool:
    head = text[: len(option)]
    return head.casefold() == option.casefold() and not text[len(option) :][:1].isalnum()


def _names_another(said: str, mention: _Mention, options: Sequence[str]) -> bool:
    """Whether the text beside a letter is that of another option: "B. cat" where A is the cat."""
    rest = said[mention.end :].lstrip(" \t\"'*_)]}>.,:;=|\u2013\u2014(-/").partition("\n")[0]
    if not options or not rest:
        return False
    own = LETTERS.index(mention.letter)
    if _starts_with(rest, options[own]):
        return False
    named = [place for place, option in enumerate(options) if len(option) > 1 and _starts_with(rest, option)]
    ended = [place for place in named if STATED_END.match(rest, len(options[place]))]
    return bool(ended)


def _stated_option(said: str, options: Sequence[str]) -> str | None:
    """The letter of the option whose text an answer states: alone, declared, or before a reason. The longest one counts."""
    match = STATES.match(said)
    heads = {ARTICLE.sub("", said[start:], count=1) for start in (0, match.end() if match else 0)}
    lengths: dict[int, int] = {}
    for place, option in enumerate(options):
        text = _bare_option(option)
        if text and any(_starts_with(head, text) and STATED_END.match(head, len(text)) for head in heads):
            lengths[place] = len(text)
    longest = [place for place, size in lengths.items() if size == max(lengths.values())]
    if len(longest) != 1 or _joins_another(said, options, longest[0]):
        return None
    return letter_at(longest[0])


def _bare_option(option: str) -> str:
    """An option's text without article and full stop; "" for one that is a letter, which is read as a letter."""
    text = ARTICLE.sub("", option.strip(), count=1).rstrip(".")
    return "" if ALONE.fullmatch(text) else text


def _joins_another(said: str, options: Sequence[str], own: int) -> bool:
    """Whether an answer names another option beside the one that it starts with: "dog or cat"."""
    others = [_bare_option(option) for place, option in enumerate(options) if place != own]
    return any(
        re.search(rf"(?:\bor|\band|,|/)\s*(?:an?\s+|the\s+)?{re.escape(other)}(?!\w)", said, re.IGNORECASE)
        for other in others
        if other
    )
