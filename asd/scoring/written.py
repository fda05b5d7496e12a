"""What an answer says once the wrapping is off: special tokens, thinking aloud, tags, markdown, LaTeX, a lead-in.

Models write `**B**</s>` or `<answer>red</answer>` where they mean `B` and `red`. None of that is part of the answer.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from asd.lazy_regex import regex

_CACHE_SIZE = 1 << 16
_THINKING = regex(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_IN_TAG = regex(r"<(answer|ans|final_answer|response)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_IN_BOX = regex(r"\\f?boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_TOKEN = regex(
    r"</?s>|<\|[^|<>\n]{1,40}\|>|</?(?:answer|ans|final_answer|response|pad|eos|bos|unk|end_of_turn)>|\[/?INST\]",
    re.IGNORECASE,
)
_LATEX = regex(r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|mbox)\s*\{([^{}]*)\}")
_LATEX_MARKS = regex(r"\\[()\[\]]")
_IN_DOLLARS = regex(r"\${1,2}([^$]+)\${1,2}\.?")
_PAIRED = regex(r"(?<![\w*])(\*{1,3})(?=\S)(.+?)(?<=\S)\1(?![\w*])|(?<!\w)(__)(?=\S)(.+?)(?<=\S)__(?!\w)", re.DOTALL)
_LINE_START = regex(r"^[ \t]*(?:#{1,6}|[->*•])[ \t]+(?=[^\d\s])", re.MULTILINE)
_INVISIBLE = regex("[\u200b-\u200f\u2060\ufeff\ufffd\ud800-\udfff]")
_SAME_SIGNS = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {"\u3000": " ", "\xa0": " ", "\u2009": " ", "\u202f": " ", "。": ".", "、": ","}
    | dict.fromkeys("\u2212\u2010\u2011﹣", "-")
    | {"’": "'", "‘": "'", "“": '"', "”": '"'}
)  # fmt: skip
_LEAD_IN = regex(
    r"\s*(?:(?:so|thus|therefore|hence|sure|okay|ok),?\s+)?(?:(?:the|my|a|final|correct|short|best|right)\s+)*"
    r"(?:answer|ans|response)\b\s*(?:\.\s|(?:is|was|would be|should be|must be)\b\s*[:=]?|[:=])\s*|\s*assistant\s*:\s*",
    re.IGNORECASE,
)
_NOTHING_SAID = regex(r"(?:[\W_]|\b(?:a|an|the)\b)*", re.IGNORECASE)


@lru_cache(maxsize=_CACHE_SIZE)
def unwrapped(text: str) -> str:
    """The text without tokens, tags, emphasis and LaTeX; of an answer that is boxed or tagged, what stands in there.

    Full-width signs become plain ones, U+2212 a minus, curly quotes straight ones; case and blanks stay.
    """
    said = _INVISIBLE.sub("", text).translate(_SAME_SIGNS)
    said = _THINKING.sub("", said)
    for inside in (_IN_TAG, _IN_BOX):
        if marked := inside.findall(said):
            last = marked[-1]
            said = last[-1] if isinstance(last, tuple) else last
    said = _LATEX_MARKS.sub("", _LATEX.sub(r"\1", _TOKEN.sub("", said)))
    said = _LINE_START.sub("", said.replace("`", ""))
    for _ in range(2):
        said = _PAIRED.sub(lambda match: match[2] or match[4], said)
    match = _IN_DOLLARS.fullmatch(said.strip())
    return (match[1] if match else said).strip()


@lru_cache(maxsize=_CACHE_SIZE)
def said_phrase(text: str) -> str:
    """`unwrapped` without a lead-in ("The answer is: ...") and outer quotes, which a short answer may have."""
    said = unwrapped(text)
    match = _LEAD_IN.match(said)
    if match and not says_nothing(said[match.end() :]):
        said = said[match.end() :]
    return said.strip().strip("\"'").strip()


def says_nothing(text: str) -> bool:
    """Whether a text is empty, or articles and marks alone ("", "the", "?"): no answer to anything."""
    return _NOTHING_SAID.fullmatch(text) is not None


def plain_letters(text: str) -> str:
    """Letters and signs in their plain form: mathematical, circled and full-width ones are written, too."""
    return unicodedata.normalize("NFKC", text.translate(_SAME_SIGNS))
