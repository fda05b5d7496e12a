"""Which language a question is in, as far as its script tells; prompts for it stand in `asd/tasks/_defaults.yaml`."""

from __future__ import annotations

from functools import lru_cache

from asd.lazy_regex import regex

_HAN = regex(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA_OR_HANGUL = regex(r"[\u3040-\u30ff\uac00-\ud7af]")
_LATIN_WORDS = regex(r"[A-Za-z]+(?:[ ,.]+[A-Za-z]+){2}")
_MIN_SHARE = 0.3


@lru_cache(maxsize=1 << 14)
def script_language(question: str) -> str:
    """ "zh" for Chinese, "other" for another script than the Latin one, "" for Latin letters or none; by shares of letters."""
    if question.isascii():
        return ""
    letters = [char for char in question if char.isalpha()]
    latin = sum("a" <= char.lower() <= "z" or "\u00c0" <= char <= "\u024f" for char in letters)
    if not letters or latin >= (1 - _MIN_SHARE) * len(letters):
        return ""
    han = len(_HAN.findall(question))
    return "zh" if han >= _MIN_SHARE * len(letters) and not _KANA_OR_HANGUL.search(question) else "other"


def asked_in_chinese(question: str, candidate: str) -> str:
    """A question and a proposed answer as one question for yes or no."""
    return f"{question.rstrip()}\n“{candidate}”是正确答案吗？"


def has_english(text: str) -> bool:
    """Whether a text has three Latin words in a row: a sentence that rules put around an answer in Chinese."""
    return _LATIN_WORDS.search(text) is not None
