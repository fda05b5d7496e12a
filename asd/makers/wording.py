"""Small questions about English text that several makers and checks ask: words, sentences, "does it say
that?"."""

from __future__ import annotations

from asd.lazy_regex import regex

_END = regex(r"[.!?…][\"')\]]*$")
_SENTENCE_BREAK = regex(r"(?<=[.!?])\s+|\n+")


def collapse(text: str) -> str:
    """One line, single spaces, no surrounding white space; capitals stay."""
    return " ".join(text.split())


def collapse_lines(text: str) -> str:
    """Single spaces within lines, no empty lines; line breaks stay."""
    return "\n".join([" ".join(words) for line in text.splitlines() if (words := line.split())])


def as_sentence(text: str) -> str:
    """First letter capital, a full stop where no end mark stands."""
    text = collapse(text)
    if text[:1].islower():
        text = text[0].upper() + text[1:]
    return text if _END.search(text) else text.rstrip(",;:") + "."


def sentences(text: str) -> list[str]:
    """Split after end marks and at line breaks: rough, so callers must check what they get."""
    return _SENTENCE_BREAK.split(text.strip())


def contains_words(text: str, phrase: str) -> bool:
    """Whether `phrase` stands in `text` word for word, case apart: not inside a longer word or number."""
    return folded_contains(text.casefold(), phrase.casefold().strip())


def folded_contains(text: str, phrase: str) -> bool:
    """`contains_words` for strings that are casefolded already; quick where the phrase is not there at
    all."""
    if not phrase:
        return False
    start = text.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        if _opens_word(text, start, phrase[0]) and _closes_word(text, end, phrase[-1]):
            return True
        start = text.find(phrase, start + 1)
    return False


def _opens_word(text: str, start: int, first: str) -> bool:
    if start == 0 or not first.isalnum():
        return True
    before = text[start - 1]
    if before.isalnum() and not _stands_alone(before, first):
        return False
    return not (first.isdigit() and before in ".,-" and (before == "-" or text[start - 2 : start - 1].isdigit()))


def _closes_word(text: str, end: int, last: str) -> bool:
    if end == len(text) or not last.isalnum():
        return True
    after = text[end]
    if after.isalnum() and not _stands_alone(after, last):
        return False
    return not (last.isdigit() and after in ".," and text[end + 1 : end + 2].isdigit())


def _stands_alone(*letters: str) -> bool:
    """Whether one of the letters is of a script that puts no space between words (Chinese, Japanese)."""
    return any("\u2e80" <= letter <= "\u9fff" for letter in letters)
