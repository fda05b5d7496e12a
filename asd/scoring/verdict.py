"""The yes or no that an answer states, first word or not, and the one that a gold answer means.

Read are: a yes or no that opens the answer; one that it declares ("The answer is no", "I would say yes"); and, where
there is neither, a statement that affirms or denies what was asked ("There is no dog."). An answer that says both, or
that it does not know, states neither.
"""

from __future__ import annotations

import re
from functools import lru_cache

from asd.lazy_regex import regex
from asd.scoring.written import unwrapped

_GOLD = {
    "yes": "yes", "y": "yes", "true": "yes", "t": "yes", "1": "yes", "1.0": "yes", "correct": "yes", "entailment": "yes",
    "no": "no", "n": "no", "false": "no", "f": "no", "0": "no", "0.0": "no", "incorrect": "no", "contradiction": "no",
}  # fmt: skip
_WORDS = {
    "yes": "yes", "yeah": "yes", "yep": "yes", "yup": "yes", "yea": "yes", "true": "yes", "correct": "yes",
    "y": "yes", "n": "no", "no": "no", "nope": "no", "nah": "no", "false": "no", "incorrect": "no",
}  # fmt: skip
_STANDS_ALONE = frozenset({"true", "correct", "false", "incorrect", "y", "n"})
"""Adjectives and initials, which are a verdict only where a mark or the end follows ("a true dog" is none)."""
_WORD = "|".join(_WORDS)
_OPENING = regex(
    rf"[\W_]*(?:(?:well|oh|sure|so|okay|ok|definitely|hence|thus|therefore|actually|honestly|probably|maybe)\b[\W_]*)?"
    rf"({_WORD})\b(?!-\w)(?!\s*(?:/|or\b|and\b)\s*(?:{_WORD}|not)\b)",
    re.IGNORECASE,
)
_NO_VERDICT = regex(
    r"[\W_]*no\s+(?:doubt|problem|question|worries|idea|clue|answer|comment|information|way\s+(?:to|of)|one\s+(?:can|knows)|"
    r"(?:clear|definite|certain)\b)",
    re.IGNORECASE,
)
_DECLARED = regex(
    rf"(?:\b(?:answer|ans|verdict|conclusion|response)\b[^.\n]{{0,60}}?(?:\b(?:is|be|was)\b|[:=])|"
    rf"\b(?:i\s+(?:would\s+|'d\s+|will\s+)?(?:say|think|believe|answer|guess)|i'd\s+say|it\s+is|it's|that\s+is|that's|"
    rf"so|thus|therefore|hence|is))[\W_]*(?:(?:that|a|definitely|clearly|simply)\b[\W_]*)?({_WORD})\b"
    rf"(?!-\w)(?!\s*(?:/|or\b|and\b)\s*(?:{_WORD}|not)\b)(?=[\W_]*(?:$|[.,;:!?\n]|because\b|since\b|as\b|there\b))",
    re.IGNORECASE,
)
_FINAL = regex(rf"(?:^|[.,;:!?\n\"'])[\s\"'(]*({_WORD})[\s\"')]*[.!]*\s*$", re.IGNORECASE)
_UNSURE = regex(
    r"\b(?:sure|certain|know|tell|determine|unclear|clear|possible|enough|unable|cannot answer|can't answer|might|"
    r"may|maybe|perhaps|whether|if|depends|guess|unknown|unanswerable|determined|said|inferred|concluded|told|verified|"
    r"judged|not\s+only)\b",
    re.IGNORECASE,
)
_DENIES = regex(
    r"\b(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should)\s+(?:not|no)\b|\b(?:is|are|was|were|"
    r"do|does|did|has|have|had|ca|could|wo|would|should)n't\b|\bcannot\b|\b(?:there|it|that|this)\s+(?:\w+\s+)?not\b|"
    r"\b(?:i|we)\s+see\s+no\b|^\W*(?:(?:definitely|certainly|absolutely|probably|clearly|of\s+course)\W+)?(?:not|never)\b|(?:'s|'re)\s+(?:not|no)\b|(?:^\W*|\bis\s+|\bare\s+)none\b(?!\s+of)|\b(?:shows?|contains?|depicts?)\s+no\b|\bnone\s+of\b|\bneither\b|\bwithout\s+any\b",
    re.IGNORECASE,
)
_AFFIRMS = regex(
    r"(?:there\s+(?:is|are|was|were)\s+(?:(?:indeed|clearly|also)\s+)?(?:an?|one|two|three|some|several|many|the|\d+|"
    r"indeed)\b|it\s+(?:is|does|has)\.?$|(?:i|we)\s+(?:can\s+)?see\s+(?:an?|one|some|the|several)\b)",
    re.IGNORECASE,
)
_HAS_VERB = regex(
    r"\b(?:is|are|was|were|has|have|shows?|depicts?|contains?|includes?|can|features?|sees?|see|appears?|there's)\b",
    re.IGNORECASE,
)
_CONTENT = regex(r"[^\W_]{3,}")
_FUNCTION_WORDS = frozenset(
    """
    the this that these those there here and are was were has have had does did can could you see any some its image images
    picture photo photograph scene statement caption true correct shown visible present with for from which what please answer
    yes not
    """.split()
)
_SENTENCE_END = regex(r"[.!?\n]+(?:\s|$)|\n")
_CONTRADICTS = {"yes": regex(r"[\s.,;:!?]+(?:no|nope)\b(?=\s*(?:[.,;:!]|$))", re.IGNORECASE),
                "no": regex(r"[\s.,;:!?]+(?:yes|yeah)\b", re.IGNORECASE)}  # fmt: skip


def gold_verdict(gold: str) -> str | None:
    """ "yes" or "no" of a gold answer as data sets write it (True, 0, "Yes.", entailment); None for anything else."""
    return _GOLD.get(gold.strip().strip(".!").lower())


def is_verdict_word(gold: str) -> bool:
    """Whether a gold answer of a task that has others, too, is a plain yes or no."""
    return gold.strip(" .").lower() in ("yes", "no")


@lru_cache(maxsize=1 << 16)
def stated_verdict(text: str, question: str = "") -> str | None:
    """The yes or no that an answer states; None where it states neither, or both.

    question: where known, a statement affirms it only if it speaks of the same things.
    """
    said = unwrapped(text)
    if (opening := _opening_verdict(said)) is not None:
        return opening or None
    declared = {_WORDS[word.lower()] for word in _DECLARED.findall(said)}
    if declared:
        return declared.pop() if len(declared) == 1 else None
    if final := _FINAL.search(said):
        return _WORDS[final[1].lower()]
    return _of_statement(said, question)


def _opening_verdict(said: str) -> str | None:
    """The verdict that opens an answer, "" where it is taken back at once, None where none opens it."""
    match = _OPENING.match(said)
    if match is None or _NO_VERDICT.match(said):
        return None
    word, rest = match[1].lower(), said[match.end() :]
    if word in _STANDS_ALONE and not re.match(r"[\W_]*(?:$|[.,;:!?\n(])", rest):
        return None
    verdict = _WORDS[word]
    return "" if _CONTRADICTS[verdict].match(rest) else verdict


def _of_statement(said: str, question: str) -> str | None:
    """What a statement says that answers without yes or no: its first sentence affirms or denies."""
    first = _SENTENCE_END.split(said, maxsplit=1)[0].strip()
    if not first or _UNSURE.search(first) or said[len(first) : len(first) + 1] == "?":
        return None
    if _DENIES.search(first):
        return "no"
    asked = _things(question)
    if asked:
        return "yes" if asked <= _things(first) and _HAS_VERB.search(first) else None
    return "yes" if _AFFIRMS.match(first) else None


def _things(text: str) -> frozenset[str]:
    """The words of a question's first sentence that say what it is about, without their plural s."""
    first = re.split(r"[?\n]", text.replace("<image>", "").strip(), maxsplit=1)[0]
    return frozenset(word.removesuffix("s") for word in _CONTENT.findall(first.lower()) if word not in _FUNCTION_WORDS)
