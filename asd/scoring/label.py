"""Class names (ImageNet)."""

from __future__ import annotations

import re
from functools import lru_cache

from asd.lazy_regex import regex
from asd.scoring.rule import Reference
from asd.scoring.written import said_phrase

_SENSE_NUMBER = regex(r"(?<=[^\W\d_])\d$")
_ARTICLE = regex(r"^(?:an?|the)\s+(?=\S)")
_SENTENCE_END = regex(r"[.!?](?:\s|$)|\n")
_LEAD_IN = regex(
    r"\W*(?:(?:an?\s+|the\s+)?(?:image|picture|photo|photograph|close-up)\s+of|(?:i|we)\s+(?:can\s+)?(?:see|think\s+it\s+is|believe\s+it\s+is)|(?:it|this|that|there|these|they|here)"
    r"(?:\s+(?:is|are|looks\s+like|appears\s+to\s+be|seems\s+to\s+be|must\s+be)|'s)|"
    r"(?:the|this)\s+(?:\w+\s+){0,2}?(?:object|thing|item|animal|image|picture|photo|class|category|label)\b(?:\s+\w+){0,4}?\s+"
    r"(?:is|are|shows|depicts|contains|features))\s+(?:of\s+)?",
    re.IGNORECASE,
)
_PLAIN_ADJECTIVES = regex(
    r"^\W*(?:(?:an?|the|one|white|black|red|blue|green|yellow|brown|gr[ae]y|orange|golden|silver|large|small|big|little|old|new|"
    r"young|single|two|three|some|several)\s+)+(?=\S)",
    re.IGNORECASE,
)
_AFTER_THING = regex(
    r"\s*[,;:()/]|\s+-\s|\s+(?:on|in|with|at|of|near|under|behind|beside|next|that|which|who|from|by|against|"
    r"inside|outside|over|and|or|because|is|are|was|swimming|flying|running|walking|eating|holding|wearing|looking|sitting|standing|lying|resting|hanging|placed|shown|visible)\b",
    re.IGNORECASE,
)
_ALTERNATIVE = regex(r"\s*(?:/|,?\s*(?:or|and)\b)|[,\s]*(?:is|are|was)\s+(?:not|n't|wrong|absent)", re.IGNORECASE)
_NOT_WORD = regex(r"[\W_]+")


def legacy(prediction: str, reference: Reference) -> float:
    """CoIN: one contains the other, letter by letter, case counts.

    So nothing at all is right, "dog" is right for "Bernese mountain dog" and wrong for "Whippet", and "teapot" is wrong
    for "Teapot".
    """
    return float(reference.gold in prediction or prediction in reference.gold)


def fixed(prediction: str, reference: Reference) -> float:
    """The answer is the label, or a sentence or phrase that names it as the thing shown ("It is a teapot on a table").

    Case, blanks, hyphens, articles and closing marks do not count; a denied label, one of two ("a teapot or a vase"), a
    broader name and a longer one ("dog house" for "dog") are wrong.
    """
    rights = {label_form(right) for right in reference.right_answers} - {""}
    said = said_phrase(prediction)
    return float(not rights.isdisjoint((label_form(prediction), label_form(said))) or _names(said, rights))


def _names(said: str, rights: set[str]) -> bool:
    """Whether the first sentence names one of the labels, and nothing else, as what is shown."""
    first = _SENTENCE_END.split(said, maxsplit=1)[0]
    lead = _LEAD_IN.match(first)
    rest = first[lead.end() :] if lead else first
    thing, *more = _AFTER_THING.split(rest, maxsplit=1)
    if more and _ALTERNATIVE.match(rest[len(thing) :]):
        return False
    return any(_is_label(form, rights) for form in (label_form(thing), label_form(_PLAIN_ADJECTIVES.sub("", thing))))


def _is_label(form: str, rights: set[str]) -> bool:
    """Whether a form is a label or its plural ("teapots"; "sunglasses" is not "sunglass")."""
    return form in rights or (form.endswith("s") and not form.endswith(("ses", "ss")) and form[:-1] in rights)


@lru_cache(maxsize=1 << 16)
def label_form(text: str) -> str:
    """ "a door mat." -> "doormat"; the number that tells apart classes of one name ("Crane2") is dropped."""
    folded = _ARTICLE.sub("", text.casefold().strip(" .\"'"), count=1)
    return _NOT_WORD.sub("", _SENSE_NUMBER.sub("", folded.strip()))
