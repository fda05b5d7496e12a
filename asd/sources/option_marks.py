"""Marks of options in all the ways that people letter them: "(a)", "[B]", "3)", "②", "Ｃ．", "丁、", "Б)", "Option D:".

A mark is a label of some alphabet (Latin letters, numbers, Roman numbers, Heavenly Stems, ...) with something around
or behind it. A label may belong to several alphabets ("i", "v", a Cyrillic "В"); which one is meant, the run of marks
from the first label on decides (`asd.sources.marked_options`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from asd.lazy_regex import regex

CAPITALS = "capitals"
"""Alphabet of lists that are lettered with capital letters, whose answers are read as they always were."""
NUMBERS = frozenset({"numbers", "numbers from 0"})
_SERIES = {
    "letters": "abcdefghijklmnopqrstuvwxyz",
    "stems": "甲乙丙丁戊己庚辛壬癸",
    "han": "一二三四五六七八九十",
    "russian": "абвгдежзиклмнопр",
    "greek": "αβγδεζηθικλμ",
    "hangul": "가나다라마바사아자차",
    "jamo": "ㄱㄴㄷㄹㅁㅂㅅㅇ",
    "katakana": "アイウエオカキクケコ",
    "iroha": "イロハニホヘト",
    "hiragana": "あいうえおかきくけこ",
    "arabic": "أبجدهوزحط",
    "plain arabic": "ابجدهوزحط",
    "hebrew": "אבגדהוזחטי",
    "devanagari": "कखगघङचछज",
    "hindi vowels": "अआइईउऊ",
    "thai": "กขคงจฉ",
    "bengali": "কখগঘঙ",
}
_NORMAL_SERIES = {name: unicodedata.normalize("NFKC", series) for name, series in _SERIES.items()}
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_LOOK_ALIKE = str.maketrans("авсеокрх", "abceokpx")
"""Cyrillic letters that stand in lists of Latin ones."""
_MAX_NUMBER = 99

_ENCLOSED = "[①-⓿❶-➓㈀-㉃㊀-㊰🄰-🅉]|[0-9]\ufe0f?\u20e3"
"""Characters that are a mark by themselves; all but the keycap are single ones."""
_NAMED = (
    r"(?:(?:options?|choices?|answers?|alternatives?|opción|opcion|opção|opzione|réponse|antwort|вариант|선택지|보기"
    r"|选项|選項|选择|選択肢|答案)[ \t]*)?"
)
_LABEL = r"[0-9]{1,2}|[０-９]{1,2}|[IVXivx]{2,4}|[^\W\d_]{1,2}"
_BEHIND_LABEL = r"[.)\]:=、．。：）】]|[-–—](?=[ \t])|[ \t]+[-–—=]+(?=[ \t])|[ \xa0]:(?=[ \t])|[*_]{1,3}[.):：]?"
MARK = regex(
    rf"(?P<bullet>[ \t]*(?:[-•·‣▪*+>][ \t]+)?)(?P<bold>[*_]{{0,3}})(?P<named>{_NAMED})"
    rf"(?:(?P<single>{_ENCLOSED})[.:、．：]?|(?P<open>[(\[（［【{{<《])[ \t]*(?P<inner>{_LABEL})[ \t]*[)\]）］】}}>》]"
    rf"(?:[.:：、]|[ \t]*[-–—](?=[ \t]))?|(?P<label>{_LABEL})(?P<tail>{_BEHIND_LABEL}))(?P<unbold>[*_]{{0,3}})"
    r"(?P<blank>[ \t]*)",
    re.IGNORECASE,
)
_ANSWER = regex(
    rf"(?:(?:the |la |le |el |die |a )?(?:correct |right |final |best )?(?:options?|choices?|answers?|letter|number|选项|选择|选"
    r"|選項|答案|答え|選択肢|정답|답|antwort|réponse|respuesta|resposta|risposta|opción|opção|opzione|ответ|вариант)"
    r"(?: is| ist| est| es| é)?[ \t]*(?:[:：]|是|为|は)?[ \t]*)?"
    rf"[*_]{{0,3}}[(\[（［【{{<《]?[ \t]*(?P<label>{_LABEL}|{_ENCLOSED})[ \t]*[)\]）］】}}>》.:。、．：]*[*_]{{0,3}}",
    re.IGNORECASE,
)
_AND_TEXT = regex(
    rf"[*_]{{0,3}}(?:[(\[（［【{{<《]?(?P<label>{_LABEL})[)\]）］】}}>》.:、．：]+|(?P<single>{_ENCLOSED})"
    rf"|(?P<bare>{_LABEL})[ \t]+(?:[-–—][ \t]*)?)"
    r"[*_]{0,3}[ \t]*(?P<text>\S.*)",
    re.DOTALL,
)
_BOXED = regex(r"\A\$?\\boxed\{(?:\\text\{)?([^{}]*)\}?\}\$?\Z")
"""How models write an answer in LaTeX."""
_SEVERAL = regex(
    r"[A-J]{2,8}|(?=..)a?b?c?d?e?f?|[A-Ja-j1-9①-⑳](?:[\s,;/&+、，和与]+(?:(?:and|und|et|y|e|и)\s+)?[A-Ja-j1-9①-⑳]){1,7}[.]?"
)


@lru_cache(maxsize=1 << 12)
def places(label: str) -> dict[str, int]:
    """Alphabet -> place of this label in it, from 0; empty where it is a word."""
    if len(label) == 1 and unicodedata.category(label) in ("No", "So") and (number := unicodedata.numeric(label, 0)):
        return {"numbers": int(number) - 1}
    plain = re.sub(r"[^\w]", "", unicodedata.normalize("NFKC", label)).casefold()
    numbers: dict[str, int] = {}
    if plain.isascii() and plain.isdigit():
        number = int(plain)
        return {name: number - base for name, base in (("numbers", 1), ("numbers from 0", 0)) if number >= base}
    if len(plain) == 2 and plain.isascii() and plain.isalpha():  # behind "z"
        first, second = (_SERIES["letters"].index(letter) for letter in plain)
        numbers["letters"] = 26 * (first + 1) + second
        if first == second:
            numbers["doubled letters"] = 26 + first
    for name, series in _NORMAL_SERIES.items():
        if len(plain) == 1 and plain in series:
            numbers[name] = series.index(plain)
    if len(plain) == 1 and (latin := plain.translate(_LOOK_ALIKE)) != plain:
        numbers["letters"] = _SERIES["letters"].index(latin)
    if len(plain) == 1 and "letters" in numbers:
        numbers["doubled letters"] = numbers["letters"]
    if plain in _ROMAN:
        numbers["roman"] = _ROMAN.index(plain)
    return numbers


def place_in(label: str, alphabet: str) -> int | None:
    return places(label).get("letters" if alphabet == CAPITALS else alphabet)


def read_mark_answer(answer: str, alphabet: str) -> int | None:
    """The place that an answer names which is but a mark ("B", "(b)", "②", "option 3", "选乙"); None for others."""
    match = _ANSWER.fullmatch(_BOXED.sub(r"\1", answer.strip()))
    return None if match is None else place_in(match["label"], alphabet)


def read_mark_and_text(answer: str, alphabet: str) -> tuple[int, str] | None:
    """(place, text) of "B. a dog", "② dog"; None for others."""
    match = _AND_TEXT.fullmatch(answer.strip())
    if match is None:
        return None
    place = place_in(match["label"] or match["single"] or match["bare"], alphabet)
    return None if place is None else (place, match["text"].strip())


def names_several(answer: str) -> bool:
    """Whether an answer is nothing but marks: "AC", "A, C", "1 and 3"."""
    return len(answer) <= 32 and _SEVERAL.fullmatch(answer) is not None
