"""The patterns by which `asd.scoring.letter_reading` finds the letter that an answer states."""

from __future__ import annotations

import re

from asd.lazy_regex import regex

LETTER = r"(?<![A-Za-z0-9_'+\\])[(\[{<\"'*]{0,3}([A-Za-z])(?![A-Za-z0-9_+#*]|-[A-Za-z0-9]|\.[A-Za-z]\.|'(?!s?[\s\"')\].,;:!]|$))"
ONE_LETTER = regex(LETTER)
"""A letter that stands alone: no part of a word, a contraction, an abbreviation, C++ or T-shirt."""
ALONE = regex(r"[\s\W_]*([A-Za-z])[\s)\]}>\"'*_.:,;!]*")
"""A letter and nothing else but marks."""
ADDED_SIGN = regex(r"[A-Za-z][+#*]|[-+#][A-Za-z]")
"""C++ and the like."""
SKIPPED = (
    r"(?:[^A-Za-z0-9+#]{0,10}\b(?:either|both|option|choice|letter|the|definitely|clearly|probably|likely|most|"
    r"therefore|thus|obviously|just|simply|indeed|answer|is|be)\b){0,3}[^A-Za-z0-9+#]{0,10}"
)
DECLARED = regex(
    r"\b(?:(?:(?:correct|right|best|final|chosen|true|my|fitting)\s+(?:options?|choices?|letter|answers?|one|response|"
    r"pick|selection)|answers?|ans|solution)\b(?:[^.\n]{0,60}?(?:\b(?:is|are|be|was)\b|[:=])|[\s:=.]{1,3})"
    r"|(?:option|choice|letter|selection|prediction|output|response|conclusion)\s*(?:\b(?:is|be|was)\b\s*:?|[:=])"
    r"|(?:i|we|i'd|i'll)\s+(?:\w+\s+)?(?:choose|pick|select|go with|go for|vote for|opt for|say)\b)" + SKIPPED + LETTER,
    re.IGNORECASE,
)
""" "The answer is B", "Answer: B", "the correct option would be B", "I choose B"."""
CONFIRMED = regex(
    LETTER + r"[)\]}\"'*]*(?:\s*\([^()]{0,60}\))?\s*(?:'s|\b(?:is|was|would be|must be|should be|seems|looks|fits))\s+"
    r"(?:(?:definitely|clearly|obviously|thus|therefore|indeed|most likely|probably|the|my|only|most)\s+){0,3}"
    r"(?:correct|right|true|best|answer|final|fitting|one\b|appropriate|choice)",
    re.IGNORECASE,
)
""" "B is correct", "B (dog) must be the answer"."""
OPENING = regex(r"[\W_]*?" + LETTER)
AFTER_OPENING = regex(
    r"[\s\"'*_]*(?:$|[)\]}>.:,;!?/|\u2013\u2014(-]|\n|\b(?:because|since|as|for|due|it|which|given|so|obviously|i)\b)"
)
"""What follows a letter that is the answer: the end, a mark, or a reason."""
JOINED = regex(
    r"[)\]}\"'*.]*\s*(?:,?\s*\b(?:and/or|and|or|as well as|nor)\b|[,/&+|])\s*"
    r"(?:also\s+|maybe\s+|perhaps\s+|option\s+|possibly\s+)?"
    r"[(\[{\"'*]*([A-Za-z])(?![A-Za-z0-9_'+#])"
)
"""A second letter beside the first one: "A or B", "A, B", "A/B"."""
CLAUSE_END = regex(
    r"[.,;:!?\n]+(?=\s|$)|\s[-\u2013\u2014]\s|\b(?:but|while|whereas|although|so|therefore|hence|and)\b", re.IGNORECASE
)
"""A denial reaches to here."""
ALL_BUT = regex(r"\b(?:anything|everything|all|any|none)(?:\s+options?)?\s+but\b", re.IGNORECASE)
DENIED_BEFORE = regex(
    r"\b(?:not|never|neither|nor|cannot|rather than|instead of|except|unlike|excluding|eliminates?|rules? out|than|over)\b|n't\b",
    re.IGNORECASE,
)
"""Anywhere before a letter in its clause."""
DENIED_AT_ONCE = regex(
    r"\b(?:no|(?:wrong|incorrect|false|bad)(?:\s+(?:answer|option|choice|one)s?)?(?:\s+(?:is|are))?)[\s:=(\"'*]*$",
    re.IGNORECASE,
)
"""Right before a letter."""
DENIED_AFTER = regex(
    r"[)\]}\"'*]*\s*(?:\([^()]{0,60}\)\s*)?(?:(?:and|or|,)\s*\(?[A-Z]\)?\s*)*"
    r"(?:\b(?:is|are|was|were|seems?|looks?|does|do|can|could|would|will)\b\s*)(?:\w+\s+){0,2}?(?:(?:not\b|never\b|n't\b)(?!\s+(?:wrong|incorrect|false))|wrong|incorrect|false|"
    r"ruled out|eliminated|excluded|out\b|impossible)|[)\]}\"'*]*\s*(?:is|are|was|does|do|ca|could|would|wo)n't\b|"
    r"[)\]}\"'*]*\s*\bcannot\b|[)\]}\"'*]*\s*(?:[:(]\s*(?:wrong|incorrect)|\?\s*no)\b",
    re.IGNORECASE,
)
""" "B is wrong", "B and C can be ruled out", "B isn't"."""
ENUMERATED = regex(r"[A-Z][.):][ \t]|(?<![^\n])[A-Z]$", re.MULTILINE)
"""What the letter of a list of options is before, on its own line or not."""
ARTICLE_FOLLOWS = regex(
    r"[ \t]+(?![A-Z]\b|(?:is|because|since|as|for|due|given|so|obviously|was|seems|looks|fits|must|would|and|or|it|over|"
    r"instead|rather|not|but|than)\b)[\"'*]?\w"
)
"""What makes a lone "A" the article and a lone "I" the pronoun: a word that gives no reason follows."""
STATES = regex(
    r"(?:.*?\b(?:answer|ans|option|choice)\b[^.\n:]{0,40}?(?:\b(?:is|be|was)\b|[:=])\s*|"
    r"\W*(?:(?:so|thus|therefore|i think|i believe|i guess|i'd say|probably|maybe|clearly),?\s+(?:that\s+)?)?"
    r"(?:it|this|that|they|these|those|he|she)\b(?:'s|'re|\s+(?:is|are|was|were|would be|must be|should be|looks like))\s+|"
    r"\W*(?:the|this)\s+(?:\w+\s+){1,2}(?:is|are|shows|depicts|contains)\s+|"
    r"\W*(?:so|thus|therefore|i think|i believe|i'd say|probably),?\s+)?",
    re.IGNORECASE | re.DOTALL,
)
"""What stands before an option's text that is the answer."""
ARTICLE = regex(r"^(?:the|an?)\s+(?=\S)", re.IGNORECASE)
STATED_END = regex(
    r"[\"')\]*]*(?:$|[.,;:!?\n(]|\s+(?:because|since|as|for|due|which|given|so|-)\b|\s+[-\u2013\u2014]\s|"
    r"\s+is\s+(?:definitely\s+|clearly\s+)?(?:the\s+)?(?:correct|right|best|answer|true)\b)",
    re.IGNORECASE,
)
"""What stands behind it."""
