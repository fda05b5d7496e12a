"""Does an explanation that a model wrote explain the gold answer, and only that? Pure; see CHECKS.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from asd.makers.answer_kinds import answer_kind
from asd.makers.normalise import normalise_answer
from asd.makers.option_text import as_verdict, collapsed_key, names_letters
from asd.makers.wording import contains_words, sentences
from asd.rewrite.language import is_other_language
from asd.rewrite.meaning_checks import Check, find_markup
from asd.rewrite.self_talk import find_region_talk, find_self_talk
from asd.schemas.styles import WRITTEN_STYLES, AnswerStyle
from asd.styles.table import writing_of
from asd.word_count import count_words

BANDS = {style: band for style in WRITTEN_STYLES if (band := writing_of(style).band)}
MAX_SAID_WORDS = 4
MIN_COPIED_WORDS = 5
MIN_SHARED = 3
"""A description holds one in so many of the content words of what a human wrote of the same thing, ..."""
MIN_SHARED_WORDS = 2
"""... or this many words of what several people wrote."""
_ENDS = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|none|unlike|instead|rather|than|without|cannot|but|while|whereas|although|though|"
    r"however|other|different|wrong|incorrect|false)\b|n't\b"
)
_STATED = re.compile(
    r"\b(?:answer|option|choice)(?: (?:here|then|thus|therefore|must|would|should|has to|to (?:this|the) question))*"
    r"(?:,? (?:is|are|was|be)\b(?! (?:not|n't)\b)|(?<=answer):)\s*(?:that |the |an? )?(?P<said>(?:[^.!?;,]|(?<=\d)[.,](?=\d))+)"
)
_PLAIN_SAID = frozenset(
    "clear obvious correct right simple easy visible given found based seen apparent evident plain true false sure "
    "determined derived supported confirmed known this that it which in on from what because as shown there".split()
)
_AFFIRMED = (
    r"\b(?:is|are|was|were|must be|would be) (?:therefore |thus |clearly |indeed )?(?:the )?(?:correct|right|best)\b"
)
_DENIAL = re.compile(r"\b(?:not|never|rather than|instead of)\b|n't\b")
_DENIED = re.compile(rf"(?:{_DENIAL.pattern}) (?:(?:actually|really|in fact|a|an|the|any|in|on|at) )*$")
_WORD = re.compile(r"[^\W\d_]{2,}")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_PLAIN_WORDS = """
the and are was were that this there here its their his her their they them with from for not has have had been being
is it in on of to an at as by be he she or so very image picture photo shown seen see because since kind type sort what
which who where how does did do many appears looks appear look answer question therefore thus can
located visible clearly clear indeed stated states mentioned called named depicted correct indicated text
object objects item items thing things another typical typically common commonly observed placed positioned sits
"""
_PLAIN = frozenset(_PLAIN_WORDS.split())
MIN_STEM = 4
"""Letters of a word whose ending may be taken off."""
_SPOKEN_NUMBERS = {"once": "1", "single": "1", "twice": "2", "pair": "2"}


@dataclass(frozen=True, slots=True)
class ExplanationCase:
    """`others`: the sample's options beside the gold one. `is_description`: of an image or a region, whose content
    `gold` (or one of `accepted`) tells in a human's words."""

    text: str
    gold: str
    question: str
    style: AnswerStyle
    accepted: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    context: str = ""
    is_description: bool = False


def _find_markup(case: ExplanationCase) -> str:
    markup = find_markup(case.text, f"{case.gold}\n{case.question}\n{case.context}")
    return f"The text holds {markup!r}; write plain running text on one line." if markup else ""


def _find_unfinished(case: ExplanationCase) -> str:
    if _ENDS.search(case.text) or case.text.rstrip(".").endswith(case.gold.rstrip(".")):
        return ""
    return "The text breaks off; write shorter, whole sentences and end the last one with a full stop."


def _find_babble(case: ExplanationCase) -> str:
    words = [word.casefold() for word in case.text.split()]
    threes = list(zip(words, words[1:], words[2:], strict=False))
    is_stuck = any(len(set(words[at : at + 4])) == 1 for at in range(len(words) - 3))
    if is_stuck or (threes and 2 * len(set(threes)) < len(threes)):
        return "The text repeats itself."
    return ""


def _find_too_short(case: ExplanationCase) -> str:
    band, words = BANDS[case.style], count_words(case.text)
    return f"The text has {words} words; write at least {band.least}, about {band.words}." if words < band.least else ""


def _find_too_long(case: ExplanationCase) -> str:
    band = BANDS[case.style]
    words, most = count_words(case.text), band.most + count_words(case.gold)
    return f"The text has {words} words; write at most {band.most}, about {band.words}." if words > most else ""


def _find_gold_missing(case: ExplanationCase) -> str:
    if case.is_description or contains_words(case.text, case.gold.rstrip(".")):
        return ""
    return f"The text does not state the answer word for word; it must hold {case.gold!r} exactly like this."


def _find_wrong_verdict(case: ExplanationCase) -> str:
    verdict = as_verdict(case.gold)
    if verdict is None:
        return ""
    folded = case.text.casefold()
    first = next(iter(_WORD.findall(folded)), "")
    if first != verdict and not _opens_with(folded, verdict):
        return f"The text must start with {verdict.capitalize()!r}, which is the answer, and argue for it."
    other = "no" if verdict == "yes" else "yes"
    for stated in _STATED.finditer(folded):
        if contains_words(stated["said"], other) and not contains_words(stated["said"], verdict):
            return f"The text says that the answer is {other!r}, and the answer is {verdict!r}."
    return ""


def _opens_with(folded: str, verdict: str) -> bool:
    """ "The answer is yes, because ...": said in another way than asked for, but said at once."""
    stated = _STATED.match(folded.removeprefix("the "))
    return stated is not None and stated["said"].split()[:1] == [verdict]


def _find_other_answer(case: ExplanationCase) -> str:
    """Another answer stated as the right one: one of the options, or a short phrase after "the answer is"."""
    if case.is_description or as_verdict(case.gold) is not None:
        return ""
    folded = case.text.casefold()
    for stated in _STATED.finditer(folded):
        said = stated["said"].strip(" '\"")
        if _is_other_answer(said, case):
            return f"The text says that the answer is {said!r}, and the answer is {case.gold!r}."
    named = _affirmed_option(folded, case)
    if named:
        return f"The text presents {named!r} as right, and the answer is {case.gold!r}."
    return f"The text denies the answer {case.gold!r}; argue for it." if _is_denied(folded, case) else ""


def _is_denied(folded: str, case: ExplanationCase) -> bool:
    """Whether the gold answer stands in the text only to be ruled out ("not red", "rather than red")."""
    gold = case.gold.casefold().rstrip(".")
    if _DENIAL.search(f"{gold} {case.question.casefold()} "):
        return False
    before_it = [folded[: at.start()] for at in re.finditer(rf"(?<!\w){re.escape(gold)}(?!\w)", folded)]
    return bool(before_it) and all(_DENIED.search(before) for before in before_it)


def _is_other_answer(said: str, case: ExplanationCase) -> bool:
    right = [answer.casefold().rstrip(".") for answer in (case.gold, *case.accepted)]
    if any(contains_words(said, answer) or contains_words(answer, said) for answer in right):
        return False
    if any(contains_words(said, other) for other in _real_others(case)):
        return True
    words = said.split()
    if case.others or not words or len(words) > MAX_SAID_WORDS or not _PLAIN_SAID.isdisjoint(words):
        return False
    own, gold = _kind(said), _kind(case.gold)
    return own == gold and normalise_answer(said) not in map(normalise_answer, right)


def _kind(text: str) -> str:
    return answer_kind(text)[1].split("/", 1)[0]


def _real_others(case: ExplanationCase) -> list[str]:
    """Options that can be told from the gold answer in a text: neither stands in the other."""
    gold = case.gold.casefold()
    folded = (other.casefold().rstrip(".") for other in case.others)
    return [other for other in folded if not contains_words(gold, other) and not contains_words(other, gold)]


def _affirmed_option(folded: str, case: ExplanationCase) -> str:
    parts = sentences(folded)
    for other in _real_others(case):
        if re.search(rf"(?<!\w){re.escape(other)}(?!\w)(?: (?:option|answer|choice))? ?{_AFFIRMED}", folded):
            return other
        last = parts[-1]
        concludes = contains_words(last, other) and not contains_words(last, case.gold.rstrip("."))
        if concludes and re.match(r"(?:so|therefore|thus|hence|consequently)\b", last) and not _NEGATION.search(last):
            return other
    return ""


def _find_letters(case: ExplanationCase) -> str:
    if names_letters(case.text) and not names_letters(case.gold):
        return "The text speaks of options by letter; name the answer itself."
    return ""


def _find_self_talk(case: ExplanationCase) -> str:
    talk = find_self_talk(case.text)
    if talk and not contains_words(f"{case.question} {case.context} {case.gold}", talk):
        return f"The text talks about the task, the data or its writer ({talk!r}); talk about the matter alone."
    return ""


def _find_region_talk(case: ExplanationCase) -> str:
    talk = find_region_talk(case.text) if case.is_description else ""
    if talk and talk not in case.question.casefold():
        return f"The description speaks of boxes or numbers ({talk!r}); describe what can be seen there."
    return ""


def _find_copied_question(case: ExplanationCase) -> str:
    question = collapsed_key(case.question.strip().rstrip("?.! "))
    if case.is_description or count_words(question) < MIN_COPIED_WORDS or as_verdict(case.gold) is not None:
        return ""
    folded = collapsed_key(case.text)
    if folded.startswith(question) or f"{question}?" in folded:
        return "The text repeats the question; write an explanation in words of its own."
    return ""


def _find_nothing_new(case: ExplanationCase) -> str:
    if case.is_description and case.style is AnswerStyle.BRIEF_EXPLANATION:
        return ""
    known = set(map(_stem, content_words(f"{case.question} {case.gold}")))
    if any(_stem(word) not in known for word in content_words(case.text)):
        return ""
    return "The text says no more than question and answer; say why, or what can be seen."


def _stem(word: str) -> str:
    """Without the endings of English verbs and nouns: "makes" and "making" say the same."""
    return re.sub(r"(?:ing|ed|es|e|s)$", "", word) if len(word) > MIN_STEM else word


def _find_object_missing(case: ExplanationCase) -> str:
    """A description shares words with what people wrote about the same thing."""
    if not case.is_description:
        return ""
    said, known = content_words(case.text), [content_words(text) for text in (case.gold, *case.accepted)]
    if any(MIN_SHARED * len(words & said) >= len(words) for words in known):
        return ""
    if len(known) > 1 and len(frozenset().union(*known) & said) >= MIN_SHARED_WORDS:
        return ""
    return f"The description does not name what it is about: {case.gold!r}."


def _find_other_language(case: ExplanationCase) -> str:
    if is_other_language(case.text, case.question):
        return "The text is in another language than the question; write it in the language of the question."
    return ""


@lru_cache(maxsize=1 << 14)
def content_words(text: str) -> frozenset[str]:
    """Words and numbers that carry meaning, each in its normalised form."""
    folded = text.casefold()
    words = [word for word in _WORD.findall(folded) if word not in _PLAIN]
    forms = [_SPOKEN_NUMBERS.get(word) or normalise_answer(word) for word in words]
    return frozenset((*forms, *map(normalise_answer, _NUMBER.findall(folded))))


EXPLANATION_CHECKS: tuple[Check[ExplanationCase], ...] = (
    Check("markup", _find_markup),
    Check("too_short", _find_too_short),
    Check("too_long", _find_too_long),
    Check("unfinished", _find_unfinished),
    Check("babble", _find_babble),
    Check("gold_missing", _find_gold_missing),
    Check("wrong_verdict", _find_wrong_verdict),
    Check("other_answer", _find_other_answer),
    Check("option_letters", _find_letters),
    Check("self_talk", _find_self_talk),
    Check("region_talk", _find_region_talk),
    Check("copies_question", _find_copied_question),
    Check("nothing_new", _find_nothing_new),
    Check("object_missing", _find_object_missing),
    Check("other_language", _find_other_language),
)
