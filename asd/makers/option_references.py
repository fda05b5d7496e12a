"""Options that name others ("both A and B", "all the above", "I and II only"): they say nothing without them.

Two shapes: marks of options joined by words (`_MARKS`), and words that point at the others (`_POINTS`). Both are known
in English and, as far as their usual wordings go, in German, French, Spanish, Portuguese, Italian, Russian, Chinese,
Japanese and Korean.
"""

from __future__ import annotations

import re
from functools import lru_cache

from asd.lazy_regex import regex

_MARK = r"[(\[（]?(?:[a-j]|[ivx]{1,4}|[а-д])[)\]）]?[.:]?"
_NUMBER = r"[(\[（]?[1-9][)\]）]?"
_BETWEEN = (
    r"(?:\s*(?:[,;/&+、，]|\b(?:and|or|nor|but not|as well as|und|oder|noch|als auch|como|et|ou|ni|y|o|e|и|или|ни)\b"
    r"|[和与或及兼]|と|や|または|및|와|과)\s*)+"
)
_NOUN = r"(?:(?:options?|choices?|answers?|statements?|parts?|letters?|items?|antworten|réponses|opciones|选项)\s+)?"
_BEFORE = (
    r"(?:(?:both|neither|either|only|just|all of|none of|not|all (?:except|but)|sowohl|weder|nur|à la fois|soit|ni"
    r"|seulement|tanto|solo|sólo|ambas|ambos|apenas|sia|как|только|ни)\s+|只有|仅)?"
)
_AFTER = (
    r"(?:[\s,]*(?:only|alone|both|together|equally|nur|seulement|solamente|solo|apenas|только|都[是对]?|皆是|的みとも"
    r"|are|is)*[\s,]*(?:both\s+)?(?:correct|true|right|wrong|false|incorrect|possible|正确|对)?)"
)
_MARKS = regex(rf"{_BEFORE}{_NOUN}{_MARK}(?:{_BETWEEN}{_NOUN}{_MARK})+{_AFTER}[.!。]?")
_NUMBERS = regex(
    rf"(?:(?:both|neither|either|only|just)\s+{_NOUN}{_NUMBER}{_BETWEEN}{_NUMBER}"
    rf"|(?:(?:both|neither|either|only|just)\s+)?(?:options?|choices?|answers?|statements?)\s+{_NUMBER})"
    rf"(?:{_BETWEEN}{_NUMBER})*(?:\s+(?:only|are|is)(?:\s+(?:correct|true|right))?)?[.!]?"
    rf"|{_NUMBER}(?:{_BETWEEN}{_NUMBER})+\s+(?:only|are (?:correct|true|right))[.!]?"
    rf"|[(]\d[)](?:{_BETWEEN}[(]\d[)])+"
)
_ONE_MARK = regex(
    rf"(?:(?:only|just|not|all (?:except|but)|same as|nur|только)\s+{_NOUN}{_MARK}|{_NOUN}{_MARK}\s+(?:only|alone)"
    rf"|(?:option|choice|answer|statement)\s+{_MARK})[.!]?"
)
_MAX_MARKS = 60

_OTHERS = (
    r"(?:above|below|following|preceding|previous|foregoing|aforementioned|others?|options|choices|answers"
    r"|alternatives|statements|possibilities)"
)
_GIVEN = r"(?:(?:given|listed|mentioned|available|other|above|answer|correct)\s+)*"
_POINTS = regex(
    rf"\b(?:all|none|neither|both|any|either|each|some|most|one|two|three|four|more than one|a combination) of (?:the )?{_GIVEN}"
    rf"{_OTHERS}\b"
    r"|\b(?:all|none|neither|both|any|either|each|some|most) of (?:these|those|them)\b"
    rf"|\b(?:all|none|any|either|both|neither)(?: the)? {_GIVEN}{_OTHERS}\b(?! (?:and|or) (?:above|below))"
    r"|\b(?:all|both|none|neither|either) (?:these|those|them)(?:[.!]|$)"
    r"|\bno (?:correct |right )?(?:option|choice|answer)s?(?= (?:is|are|above|given|listed|here|applies|fits)\b|[.!]?$)"
    r"|\b(?:options?|choices?|answers?) [(]?(?:[a-j]|[1-9])[)]?(?!\w)"
    r"|\b(?:first|second|third|last|other|previous) (?:option|choice|answer)s?\b"
    # German, French, Spanish, Portuguese, Italian, Russian
    r"|\b(?:alle|keine[rs]?|beides?|nichts) (?:der|von den|davon|die)? ?(?:oben|obigen|genannten|vorstehenden|davon)\b"
    r"|\bkeine[rs]? davon\b|\b(?:toutes?|tous|aucune?|les deux)\b.{0,24}\b(?:ci-dessus|ces réponses|précédent)"
    r"|\b(?:todas?|todos?|ningun[oa]|ambas|ambos|nenhuma?)\b.{0,16}\b(?:anteriores?|opciones|respuestas|opções|respostas|acima)\b"
    r"|\b(?:tutte|tutti|nessuna?|entrambe)\b.{0,16}\b(?:precedenti|risposte|opzioni)\b"
    r"|\b(?:вс[её]|ничего|ни один|ни одно|оба)\b.{0,12}\b(?:вышеперечисленн|перечисленн|вариант|ответ)"
    # Chinese, Japanese, Korean
    r"|(?:以上|上述|前述|上面).{0,6}(?:都|皆|均|全|没有|不是|不对|任何|两者|所有)|(?:以上|上述)(?:选项|答案)|都(?:不是|不对|正确|对)$|^(?:以上|上述)$"
    r"|(?:上記|以上|いずれ).{0,6}(?:すべて|全て|どれ|でもない|も)|위의? ?(?:모두|어느|것)|(?:모두|전부) (?:정답|맞)|해당 ?없음"
)
_VERDICTS = regex(
    r"(?:(?:they|these|the) )?(?:both|all|neither|none|either|any|two|each)(?: (?:options|choices|answers|statements|ones))?"
    r"(?: (?:is|are|apply|applies|were|was))?(?: (?:equally|both|all))?"
    r"(?: (?:correct|true|right|wrong|false|incorrect|possible|apply|applies|listed|mentioned|given|stated))[.!]?"
    r"|(?:all|none|neither|both|either) (?:apply|applies)[.!]?|not (?:listed|given|mentioned)(?: here| above)?[.!]?"
    r"|(?:both )?(?:the )?(?:first|former)(?: and| or| &) (?:the )?(?:second|third|last|latter)(?: (?:one|only))?s?[.!]?"
    r"|the (?:first|last|other) (?:two|three|ones?)[.!]?|the (?:former|latter)[.!]?"
)
_INCLUDES_ALL = frozenset(
    {"both", "all", "either", "everything", "any", "全部", "都是", "beide", "alle", "ambos", "ambas", "оба"}
)
_PARTS = regex(r"\s*(?:,|;|/|&|\+|\band\b|\bas well as\b|\bplus\b|、|和)\s*")


@lru_cache(maxsize=1 << 14)
def refers_to_options(option: str) -> bool:
    """Options such as "all of the above" or "both A and B": they say nothing without the others, in their order."""
    low = " ".join(option.split()).lower()
    if _POINTS.search(low) or _VERDICTS.fullmatch(low):
        return True
    if len(low) > _MAX_MARKS:
        return False
    return any(pattern.fullmatch(low) is not None for pattern in (_MARKS, _NUMBERS, _ONE_MARK))


def includes(gold: str, option: str) -> bool:
    """Whether an answer takes in another option: "both", or "red and white" beside "red"."""
    low, other = gold.lower().rstrip(".!"), option.lower().rstrip(".!")
    if low in _INCLUDES_ALL:
        return True
    if len(other) >= len(low) or other not in low:
        return False
    parts = [part for part in _PARTS.split(low.removeprefix("both ")) if part]
    return len(parts) > 1 and _bare(other) in {_bare(part) for part in parts}


def _bare(phrase: str) -> str:
    return re.sub(r"^(?:an?|the) ", "", phrase)
