"""Response-format prompts for questions in Chinese; styles whose frame has other words in it are declined there."""

from __future__ import annotations

import re
from functools import lru_cache

RFPS = {
    "multiple_choice": (
        "请只回答正确选项前的字母。",
        "从以上选项中选出一个，只写出它的字母。",
        "哪个选项正确？只给出字母。",
    ),
    "short_answer": ("请用一个词或短语回答。", "请尽量简短地回答，不要写完整的句子。", "只写出答案本身即可。"),
    "brief_explanation": ("请用一句完整的话简要回答。", "请用一个简短的句子说出答案。", "用一句话给出答案即可。"),
    "brief_explanation_reason": ("请用一两句话回答，并说明理由。", "请给出答案，并简要解释原因。"),
    "detailed_explanation": (
        "请用几句完整的话详细说明理由，并给出答案。",
        "请详细解释得出答案的过程，并在最后写明答案。",
    ),
}
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_LATIN_WORDS = re.compile(r"[A-Za-z]+(?:[ ,.]+[A-Za-z]+){2}")
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


def has_english(text: str) -> bool:
    """Whether a text has three Latin words in a row: a sentence that rules put around an answer in Chinese."""
    return _LATIN_WORDS.search(text) is not None
