"""How many words a text has, in any script."""

from __future__ import annotations

from asd.lazy_regex import regex

_UNSPACED = regex(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Myanmar, Khmer, Japanese, Chinese."""


def count_words(text: str) -> int:
    """Words between white space; in scripts that put none between words, two characters count as one word."""
    if text.isascii():
        return len(text.split())
    unspaced = len(_UNSPACED.findall(text))
    rest = _UNSPACED.sub(" ", text) if unspaced else text
    return sum(any(map(str.isalnum, word)) for word in rest.split()) + (unspaced + 1) // 2
