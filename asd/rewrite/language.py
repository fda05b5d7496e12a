"""Is a text in the language of a question? By script, and by function words where both use Latin letters.

That is all that can be told of one sentence without a language model of some megabytes, and it errs on the side of
"yes": short questions ("Brand?") name no language. Identification libraries were tried on paper only: the light ones
guess wildly below five words, the good ones weigh a hundred times this package.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

MIN_LETTERS = 4
MIN_SHARE = 0.6
"""Of a text's letters that its script must have."""
MIN_FUNCTION_WORDS = 2
_SAME_SCRIPT = {"CJK": "HAN", "HIRAGANA": "HAN", "KATAKANA": "HAN", "KATAKANA-HIRAGANA": "HAN", "IDEOGRAPHIC": "HAN"}
_FUNCTION_WORDS = {
    "en": "the is are was were what which who how why where does do this that there it of and with for from has have "
    "can because not its they you to on a an in at by as or no his her their while near two some so",
    "de": "der die das ein eine einen einem einer eines ist sind war was welche welcher wie warum wo und mit für von "
    "nicht auf dem den des im am an es sie er zu zum zur auch als hat aus bei vor hinter neben über unter während sich "
    "seine ihre denn weil oder zwei durch",
    "fr": "le la les un une des est sont était que quel quelle qui comment pourquoi où et avec pour dans ce cette il "
    "elle pas sur du de aux au en son sa ses car parce deux près par",
    "es": "el la los las un una unos es son era qué que cuál quién cómo dónde y con para de en este esta no del al hay "
    "se por está están su sus porque dos junto",
    "it": "il lo la gli le un una uno è sono era che quale chi come perché dove e con per di nel nella questo questa "
    "non della del si su da sul due suo sua",
    "pt": "o a os as um uma é são era que qual quem como porque onde e com para de em este esta não do da no na está "
    "ao seu sua dois por pois",
    "nl": "de het een is zijn was wat welke wie hoe waarom waar en met voor van niet op dat deze er in te ook aan naar "
    "bij haar hun twee want omdat die",
}
_LANGUAGES = {name: frozenset(words.split()) for name, words in _FUNCTION_WORDS.items()}
_CODES_OF = {
    word: [code for code, known in _LANGUAGES.items() if word in known]
    for words in _LANGUAGES.values()
    for word in words
}
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=4096)
def _script_of_letter(letter: str) -> str:
    first = unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0]
    return _SAME_SCRIPT.get(first, first)


def script_of(text: str) -> str:
    """'LATIN', 'HAN' (Chinese and Japanese), 'CYRILLIC', ...; "" where no script has most of the letters."""
    if text.isascii():
        return "LATIN" if sum(map(str.isalpha, text)) >= MIN_LETTERS else ""
    counted = Counter(_script_of_letter(char) for char in text if char.isalpha())
    total = sum(counted.values())
    if total < MIN_LETTERS:
        return ""
    script, most = counted.most_common(1)[0]
    return script if most >= MIN_SHARE * total else ""


def _function_words(text: str) -> dict[str, int]:
    counts = dict.fromkeys(_LANGUAGES, 0)
    for word in _WORD.findall(text.casefold()):
        for code in _CODES_OF.get(word, ()):
            counts[code] += 1
    return counts


def latin_language_of(text: str) -> str:
    """Code of the language whose function words stand in `text` at least twice as often as any other's, else ""."""
    ranked = sorted(((count, code) for code, count in _function_words(text).items()), reverse=True)
    (most, code), (second, _) = ranked[:2]
    return code if most >= MIN_FUNCTION_WORDS and most >= 2 * second else ""


def is_other_language(text: str, question: str) -> bool:
    """Whether `text` is certainly in another language, or written in another script, than `question`."""
    scripts = script_of(text), script_of(question)
    if "" in scripts:
        return False
    if scripts[0] != scripts[1]:
        return True
    if scripts[0] != "LATIN":
        return False
    own, asked = latin_language_of(text), latin_language_of(question)
    if "" in (own, asked) or own == asked:
        return False
    counts = _function_words(text)
    return counts[own] > MIN_FUNCTION_WORDS and counts[own] >= 3 * counts[asked]
