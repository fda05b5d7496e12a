"""What options and questions say about each other: options that only mean something among others, questions
that only mean something beside their options, answers that are no answers."""

from __future__ import annotations

from functools import lru_cache

from asd.lazy_regex import regex
from asd.makers.unfit_questions import MOST_JUDGED, opens_as_verdict, takes_no_verdict
from asd.makers.wording import collapse, folded_contains
from asd.schemas.styles import CHINESE_VERDICTS
from asd.word_count import count_words

# The patterns below start with plain letters: the scan then skips ahead by first letter.
_LETTER_REFERENCE = regex(
    r"\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer)s? (?:is |are )?\(?(?:[A-Eb-e]\)?(?![\w'])|a\)?(?=[.,;:!?)]|$))"
    r"|\([A-E]\)"
)
_POINTS = regex(
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
_POINTS_IN_CONTEXT = regex(
    r"(?:select|choose|pick) (?:the|an?|one|all|which|every|each)\b"
    r"|(?:these|following|given|listed) (?:options|choices|answers|alternatives)\b"
)
_ASKS_WHICH = regex(r"\bwhich\b[^.?!]*\?\s*$")
MIN_PHRASE_WORDS = 6
"""Longer answers are descriptions, which nobody would word in the same way without the options."""
_IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")
NO_READING = "answering does not require reading text in the image"
_POLITE = regex(
    r"\b(?:can|could|would|will) (?:you|u|someone|anyone|anybody|somebody) (?:please )?"
    r"(?:(?:tell|read|describe|identify|explain|say|help)\b(?:\W+\w+){0,3}?|see)\W+"
    r"(?:what|which|how|who|where|when|why)\b"
    r"|\b(?:can|could|would|will) (?:you|u) (?:please )?(?:read|tell|describe)\b.* and \w+"
)
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
        NO_READING,
    }
)
_VERDICTS = {"yes": "yes", "no": "no", "yes.": "yes", "no.": "no", "Yes": "yes", "No": "no"}
_YES_WORDS = (
    r"(?:oh |well |hell |um |ah )?(?:y(?:e+s+|eah+|ep+|up+|eas?|ah?|us+)?|aye|uh[ -]?huh)|sure|indeed|definitely|correct"
    r"|of course|absolutely|certainly|affirmative|i think so"
)
_NO_WORDS = (
    r"(?:oh |well |hell |um |ah )?(?:no+|nope|nah+|naw|nop|nay|n|uh[ -]?uh)|(?:definitely|of course|absolutely|certainly) not"
    r"|negative|incorrect|no way|not really|not at all|i (?:don't|do not) think so"
)
_SAID_AGAIN = (
    r"(?:[ ,.;:!()-]+(?:(?:please|sir|maam|really|maybe|probably|not really|not at all|i think so|i think|thanks|thank you)|"
    r"(?:it|they|he|she|there|this|that|these|those|you|we|i)(?:'s| (?:is|are|was|were|does|do|did|has|have|can|could|will"
    r"|would|should))(?:n'?t| ?not)?|(?:it|they|he|she|that|you|we)'(?:s|re)(?: not)?))?"
)
_SAYS_YES = regex(rf"(?:{_YES_WORDS})(?:[ ,.!]+(?:{_YES_WORDS}))?{_SAID_AGAIN}")
_SAYS_NO = regex(rf"(?:{_NO_WORDS})(?:[ ,.!]+(?:{_NO_WORDS}))?{_SAID_AGAIN}")
CHINESE_QUESTION = regex("吗|是否|是不是")
_LONE_VERDICTS = {"yes": "yes", "no": "no", "y": "yes", "n": "no"}
_MAX_LONE_VERDICT = 6
_AROUND_VERDICT = regex(r"^[\W_]+|[\W_]+$")
_MAX_VERDICT = 28


def as_verdict(gold: str) -> str | None:
    """ "yes" or "no" where that is the whole answer, spelt so."""
    return _VERDICTS.get(gold) or _VERDICTS.get(gold.strip().lower())


def verdict_asked_for(question: str, gold: str) -> str | None:
    """`as_verdict`; of a question for a verdict also "y", "N" and "yes!", or the words in Chinese."""
    verdict = as_verdict(gold)
    if verdict is None and gold in CHINESE_VERDICTS and CHINESE_QUESTION.search(question):
        return "yes" if gold == CHINESE_VERDICTS[0] else "no"
    if verdict is None and len(gold) <= _MAX_LONE_VERDICT and (said := _LONE_VERDICTS.get(gold.strip(" .!").lower())):
        return said if opens_as_verdict(question) else None
    return verdict


@lru_cache(maxsize=1 << 15)
def verdict_of(answer: str) -> str | None:
    """What an answer says in whatever words: "yeah", "(yes)", "nope!", "No, it isn't."; None for what is no verdict."""
    if len(answer) > _MAX_VERDICT:
        return None
    said = _AROUND_VERDICT.sub("", " ".join(answer.casefold().replace("’", "'").split()))
    if not said or said[0] not in "yanisdcouwh":
        return None
    if _SAYS_YES.fullmatch(said):
        return "yes"
    return "no" if _SAYS_NO.fullmatch(said) else None


def is_no_reading_task(gold: str) -> bool:
    """Whether the annotators meant that the question does not fit the data set, which is no answer to it at
    all."""
    return gold.strip().rstrip(".").lower() == NO_READING


def asks_for_more(question: str, family: str = "") -> bool:
    """Questions such as "Can you tell me what this is?" and "Why is it red?", to which a bare yes or no is no answer.
    Of statements none: "What seems to be a dog is on the left."."""
    if family == "statement":
        return False
    low = question[-MOST_JUDGED:].lower()
    if ("can " in low or "ould " in low or "will " in low) and _POLITE.search(low) is not None:
        return True
    return takes_no_verdict(question)


def is_unanswerable(gold: str) -> bool:
    """Whether the annotators said that there is no answer."""
    return gold.strip().rstrip(".").lower() in _UNANSWERABLE


def is_image_file(option: str) -> bool:
    return option.lower().endswith(_IMAGE_ENDINGS)


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
    low = text.casefold()
    if "option" in low or "choice" in low:
        return True
    return any(as_verdict(other) is None and folded_contains(low, other.casefold()) for other in others)


def needs_options(question: str, context: str, gold: str) -> bool:
    """Whether a question means nothing to a reader who does not see its options.

    So it is, too, where "which" asks for a whole phrase ("Which fish is faster?" - "a fish that swam 85
    meters").
    """
    if points_at_options(question, context):
        return True
    return count_words(gold) >= MIN_PHRASE_WORDS and _ASKS_WHICH.search(question.lower()) is not None


@lru_cache(maxsize=1 << 15)  # answers repeat, and the checks ask again what the makers asked
def option_key(option: str) -> str:
    """Two options with one key look the same to a reader."""
    return collapsed_key(collapse(option))


def collapsed_key(option: str) -> str:
    """`option_key` of a text without superfluous white space."""
    return option.rstrip(".").casefold()
