"""What options and questions say about each other: options that only mean something among others, questions
that only mean something beside their options, answers that are no answers."""

from __future__ import annotations

import re

from asd.makers.wording import collapse

# The patterns below run on lower-cased text and start with plain letters: the scan then skips ahead by
# first letter.
_REFERS = re.compile(
    r"(?:all|none|neither|both|any|either|each|some) of "
    r"(?:the (?:above|below|options|choices|answers|others?)|these|those|them)\b"
    r"|(?:all|none|any|either) (?:above|below)\b"
    r"|(?:option|choice|answer)s? \(?[a-e1-5]\)?(?!\w)"
    r"|(?:first|second|third|last|other|previous) (?:option|choice|answer)s?\b"
)
_LETTER_PAIR = re.compile(
    r"^(?:both |neither |either |only )?\(?[A-E]\)?(?:,? ?(?:and|or|nor|&|,) ?\(?[A-E]\)?)+[.!]?$"
)
_MAX_LETTER_PAIR = 24
_LETTER_REFERENCE = re.compile(
    r"\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer)s? (?:is |are )?\(?(?:[A-Eb-e]\)?(?![\w'])|a\)?(?=[.,;:!?)]|$))"
    r"|\([A-E]\)"
)
_POINTS = re.compile(
    r"which(?: \w+)? of (?:these|those|the (?:following|options|choices|below|two|three|four|five)\b)"
    r"|what(?: \w+)? of (?:these|the following)\b"
    r"|one of (?:these|the following|the options)\b"
    r"|(?:these|following|given|listed) (?:options|choices|answers|alternatives)\b"
    r"|which (?:one|ones|option|choice|answer|sentence|statement|text|passage|phrase|word|words|pair|example"
    r"|closing|greeting|item|hypothesis|question|announcement|correctly|best|better)\b"
    r"|which (?:is|are|was|were) (?:an?|not|the (?:best|better|correct|right|most))\b"
    r"|which (?:[\w']+ ){1,4}(?:best|better|also|matches|shows)\b"
    r"|(?:select|choose|pick|identify) (?:the|an?|one|all|which|every|each)\b"
    r"|(?:best|better) (?:answer|option|choice|estimate)\b"
    r"|what information supports\b"
)
_POINTS_IN_CONTEXT = re.compile(
    r"(?:select|choose|pick) (?:the|an?|one|all|which|every|each)\b"
    r"|(?:these|following|given|listed) (?:options|choices|answers|alternatives)\b"
)
_IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")
_UNANSWERABLE = frozenset(
    {
        "unanswerable",
        "unsuitable",
        "unsuitable image",
        "unknown",
        "not answerable",
        "cannot be answered",
        "can't tell",
        "cannot tell",
        "i don't know",
        "not sure",
        "n/a",
        "none given",
        "answering does not require reading text in the image",
    }
)
_VERDICTS = {"yes": "yes", "no": "no", "yes.": "yes", "no.": "no", "Yes": "yes", "No": "no"}


def as_verdict(gold: str) -> str | None:
    """ "yes" or "no" where that is the whole answer."""
    return _VERDICTS.get(gold) or _VERDICTS.get(gold.strip().lower())


def is_unanswerable(gold: str) -> bool:
    """Whether the annotators said that there is no answer."""
    return gold.strip().rstrip(".").lower() in _UNANSWERABLE


def is_image_file(option: str) -> bool:
    return option.lower().endswith(_IMAGE_ENDINGS)


def refers_to_options(option: str) -> bool:
    """Options such as "all of the above" or "both A and B": they say nothing without the others, in their
    order."""
    low = option.lower()
    if (" of th" in low or "above" in low or "below" in low or _names_options(low)) and _REFERS.search(low):
        return True
    return len(option) <= _MAX_LETTER_PAIR and _LETTER_PAIR.match(option) is not None


def names_letters(text: str) -> bool:
    """Text that speaks of options by their letters ("answer a", "(B)"), which other styles do not show."""
    return ("(" in text or _names_options(text)) and _LETTER_REFERENCE.search(text) is not None


def _names_options(text: str) -> bool:
    """Cheap test before the patterns: "option", "choice" or "answer", first letter in either case."""
    return "ption" in text or "hoice" in text or "nswer" in text


def points_at_options(question: str, context: str = "") -> bool:
    """Questions such as "Which of these is a solid?" that cannot be answered without seeing the options."""
    if _POINTS.search(question.lower()):
        return True
    return bool(context) and _POINTS_IN_CONTEXT.search(context.lower()) is not None


def mentions_options(text: str, others: list[str]) -> bool:
    """Whether a text speaks of options, or of the wrong ones by name, so that a reader must know them."""
    low = text.lower()
    return "option" in low or "choice" in low or any(other.lower() in low for other in others)


def option_key(option: str) -> str:
    """Two options with one key look the same to a reader."""
    return collapsed_key(collapse(option))


def collapsed_key(option: str) -> str:
    """`option_key` of a text without superfluous white space."""
    return option.rstrip(".").casefold()
