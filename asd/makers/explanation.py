"""Any style -> brief or detailed explanation, from what people wrote about the sample; never from thin air.

Brief: a full answer or a rationale of the source, else the question and answer put into one sentence.
Detailed: the source's worked solution, or several rationales; where it has neither, only a language model
could write one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import xxhash

from asd.lazy_regex import regex
from asd.makers.english import lexicon as lex
from asd.makers.english.declarative import declarative
from asd.makers.english.phrases import answer_noun_phrase
from asd.makers.english.what_noun import class_noun
from asd.makers.grounding import draft_region_description
from asd.makers.keyed import Keyed, Prepared
from asd.makers.maker_context import MakerContext
from asd.makers.normalise import normalise_answer
from asd.makers.noun_taxonomy import wordnet_nouns
from asd.makers.option_references import refers_to_options
from asd.makers.option_text import (
    MIN_PHRASE_WORDS,
    as_verdict,
    asks_for_more,
    collapsed_key,
    is_no_reading_task,
    is_unanswerable,
    mentions_options,
    names_letters,
    needs_options,
)
from asd.makers.wording import (
    as_sentence,
    collapse,
    collapse_lines,
    contains_words,
    folded_contains,
    sentences,
)
from asd.makers.wrong_answers import has_image_options
from asd.records import Decline, Draft, Sample
from asd.schemas.styles import AnswerStyle, Maker
from asd.word_count import count_words

MIN_RATIONALE_WORDS, MAX_RATIONALE_WORDS = 5, 40
MIN_CONCLUSION_WORDS = 4
MIN_DETAILED_WORDS = 20
UNANSWERABLE_TURNS = 5
"""One unanswerable question of so many is told in a sentence: two fifths of the brief explanations of VizWiz, as of its
questions."""
MIN_RATIONALES = 2
MIN_RATIONALES_WORDS = 25
_BRIEF = AnswerStyle.BRIEF_EXPLANATION
_DETAILED = AnswerStyle.DETAILED_EXPLANATION
_COMMON_START_WORDS = """
the a an there this that these those at in on one two three four five six all both each every no some it
they exactly only several most more none neither left right
"""
_COMMON_STARTS = frozenset(_COMMON_START_WORDS.split())
_CLOSINGS = (
    "So the answer is {}.",
    "This makes the answer {}.",
    "The answer, then, is {}.",
    "Hence the answer: {}.",
)
_LONG_CLOSINGS = (
    "Hence the answer: {}",
    "The answer follows: {}",
    "So the right answer is this: {}",
)
_UNANSWERABLE_SENTENCES = (
    "The question cannot be answered from what is shown, so it is {}.",
    "It is {}, because the image does not give the answer.",
    "Nothing in the image settles this, which makes the question {}.",
    "This is {}: what is asked for cannot be made out in the image.",
)
_NO_ANSWER_WORDS = frozenset({"unanswerable", "not answerable", "unknown"})
_CONNECTIVE = regex(
    r"^(?:Use the \w+: "
    r"|(?:So|Therefore|Thus|Hence|As a result|This means that|In conclusion|Finally),? (?=\w))"
)
_DANGLING = regex(
    r"(?:This|That|It|These|Those|They|He|She) "
    r"(?:is|are|was|were|has|have|means?|makes?|gives?|leads?|shows?|can|will)\b"
    r"|(?:Comparing|Using|Based on|From|By|Looking at|Adding|Given) (?:this|that|these|those|the|it)\b"
)
"""Openings that lean on a sentence before, which a brief explanation does not show."""
_SPEAKS_OF_OPTIONS = regex(
    r"\b(?:correct|right|only|best|other|given|listed|wrong|possible|logical|likely) "
    r"(?:answers?|options?|choices?)\b"
    r"|\b(?:options?|choices?)\b|\b(?:this|the) answer\b|\bon the list\b|\blisted\b"
    r"|\b(?:doing|choose|chose|pick|picked|option|letter|choice) (?:[b-d]\b|a(?=[,.;]))|\banswer [a-d]\b",
    re.IGNORECASE,
)
"""Rationales about the choosing, not about the picture."""
_SENTENCE_START = regex(r"(?<=[.!?] )[a-z]")
_NUMBER = regex(r"-?\d[\d,]*(?:\.\d+)?")
_NOT_PROSE = regex(r"[\\=<>|{}*×÷]|\b(?:not|nor|neither|never|no|but|options?|choices?)\b|n't\b")
_HYPOTHETICAL = regex(
    r"\b(?:if|suppose|imagine|unless|whether|might|may|for (?:example|instance)|such as|like when)\b",
    re.IGNORECASE,
)
"""Sentences about another case than the one that is asked for."""
_LINKING = regex(r"\b(?:is|are|was|were|will|be|called|named|has|have|becomes?|makes?|uses?|shows?)\b", re.IGNORECASE)
_LONG_WORD = regex(r"[^\W\d_]{4,}")
_TAIL = 160  # characters; a solution states its answer where it ends


def draft_brief_explanation(sample: Sample, ctx: MakerContext) -> Prepared:
    if ctx.spec.family == "grounding":
        return draft_region_description(sample, _BRIEF)
    gold = collapse(sample.gold)
    if has_image_options(sample.options):
        return Decline("image_options")
    if sample.options and refers_to_options(gold):  # the prompt may show the options, but not their letters
        return Decline("refers_to_options", gold)
    if is_no_reading_task(gold):
        return Decline("no_reading_task", gold)
    if is_unanswerable(gold):
        return _Unanswerable(gold, ctx.seed)
    if as_verdict(gold) and asks_for_more(sample.question, ctx.spec.family):
        return Decline("no_verdict_question", collapse(sample.question))
    if ctx.spec.family == "caption":
        return Draft(_BRIEF, Maker.FIELD, gold, text=as_sentence(gold))
    if ctx.allows(_BRIEF, Maker.FIELD):
        text = _from_full_answer(sample, gold) or _from_rationale(sample, gold) or _from_conclusion(sample, gold)
        if text:
            return Draft(_BRIEF, Maker.FIELD, gold, options=options_shown(sample, gold, text), text=text)
    if not ctx.allows(_BRIEF, Maker.RULE):
        return Decline("no_rationale")
    stated = _state(sample, gold, ctx)
    if stated is None:
        return Decline("unparsed_question", collapse(sample.question))
    return Draft(_BRIEF, Maker.RULE, gold, options=options_shown(sample, gold, ""), text=stated)


def draft_detailed_explanation(sample: Sample, ctx: MakerContext) -> Draft | Decline:
    gold = collapse(sample.gold)
    if ctx.spec.family in (
        "grounding",
        "caption",
    ):  # several captions say one thing in turn: that is no detail
        return Decline("needs_rewriter")
    if has_image_options(sample.options):
        return Decline("image_options")
    if sample.options and refers_to_options(gold):  # the prompt may show the options, but not their letters
        return Decline("refers_to_options", gold)
    made = _from_solution(sample, gold, ctx) if sample.solution else _from_rationales(sample, gold, ctx)
    if isinstance(made, Decline):
        return made
    return Draft(_DETAILED, Maker.FIELD, gold, options=options_shown(sample, gold, made), text=made)


def options_shown(sample: Sample, gold: str, text: str) -> list[str]:
    """The options, where the question or the explanation means nothing to a reader who does not see them."""
    if not sample.options:
        return []
    options = [collapse(option) for option in sample.options]
    others = [option for option in options if option != gold]
    shown = needs_options(sample.question, sample.context, gold) or mentions_options(text, others)
    return options if shown else []


@dataclass(slots=True)
class _Unanswerable(Keyed):
    """An answer that says that there is none, told in a sentence for a share of the samples."""

    gold: str
    seed: int

    def settle(self, source_id: str) -> Draft | Decline:
        if not _has_its_turn(source_id, self.seed):
            return Decline("unanswerable_share", self.gold)
        return Draft(_BRIEF, Maker.RULE, self.gold, text=_say_unanswerable(self.gold, source_id, self.seed))


def _say_unanswerable(gold: str, source_id: str, seed: int) -> str:
    """An answer that says why there is none keeps the source's word for it, which the task's scorer knows."""
    key = gold.strip().rstrip(".").lower()
    if key.startswith("unsuitable"):
        return f"The image gives no answer to this question: it is {gold.rstrip('.')}."
    if key not in _NO_ANSWER_WORDS:
        return as_sentence(gold)
    return _worded(_UNANSWERABLE_SENTENCES, gold, source_id, seed)


def _has_its_turn(source_id: str, seed: int) -> bool:
    """A keyed share of the unanswerable questions: no other style takes them, so all of them would end up
    here,
    and "brief" would come to mean "unanswerable".
    """
    key = xxhash.xxh3_64_intdigest(f"{seed}:{source_id}:unanswerable".encode())
    return key % UNANSWERABLE_TURNS == 0


def _worded(wordings: tuple[str, ...], gold: str, source_id: str, seed: int) -> str:
    key = xxhash.xxh3_64_intdigest(f"{seed}:{source_id}:closing".encode())
    return wordings[key % len(wordings)].format(gold.rstrip("."))


def _from_full_answer(sample: Sample, gold: str) -> str | None:
    if not sample.full_answer:
        return None
    text = as_sentence(sample.full_answer)
    return text if contains_words(text, gold) and not names_letters(text) and not _is_odd(text, gold) else None


_WEARS = regex(r" (?:is|are) wearing\b", re.IGNORECASE)


def _is_odd(text: str, gold: str) -> bool:
    """Full answers that a generator put together wrongly: "The watercraft is sailboats.", "The jeans are wearing a shirt."."""
    last = gold.casefold().rpartition(" ")[2]
    is_plural = lex.noun_number(last) == "plural"
    if is_plural and re.search(rf"\bis {re.escape(gold)}\.$", text, re.IGNORECASE) and last not in lex.PAIRED:
        return True
    if not _WEARS.search(text) or not re.match(rf"the {re.escape(gold)}{_WEARS.pattern}", text, re.IGNORECASE):
        return False
    nouns = wordnet_nouns()
    wears = lex.is_animate(last) or any(nouns.is_narrower(last, label) for label in ("person", "animal", "toy"))
    return not wears or (is_plural and re.search(r"\bwearing an? ", text) is not None)


def _from_rationale(sample: Sample, gold: str) -> str | None:
    fitting = _fitting_rationales(sample, gold)
    if not fitting:
        return None
    lead = _lead(sample, gold)
    return f"{lead} {fitting[0]}" if lead else None


def _from_conclusion(sample: Sample, gold: str) -> str | None:
    """The sentence in which a worked solution states the answer: its last one, else its first (numbers stand in
    every one, so there the last alone)."""
    if not sample.solution:
        return None
    parts = sentences(sample.solution)
    for part in parts[-1:] if _NUMBER.fullmatch(gold) else (parts[-1], parts[0]):
        text = _CONNECTIVE.sub("", collapse(part))
        if not MIN_CONCLUSION_WORDS <= count_words(text) <= MAX_RATIONALE_WORDS or not contains_words(text, gold):
            continue
        beside = text.replace(gold, "")
        if _DANGLING.match(text):
            continue
        if (
            text[-1] != "."
            or _NOT_PROSE.search(beside)
            or names_letters(text)
            or not _states(text, gold, sample.question)
        ):
            continue
        others = _other_options(sample, gold)
        if any(contains_words(beside, other) for other in others) or not _share_a_word(beside, sample.question):
            continue
        if part != parts[-1] and not _answers(beside, gold, sample.question):
            continue
        return as_sentence(_without_second_unit(text, gold))
    return None


def _states(text: str, gold: str, question: str) -> bool:
    """Whether a sentence that holds the answer says that it is so: not what might be, nor "a glass vase" of a vase of
    glass."""
    if _HYPOTHETICAL.search(text.replace(gold, "")):
        return False
    asked = set(_LONG_WORD.findall(question.casefold()))
    if re.search(
        rf"\bor {re.escape(gold.casefold())}(?!\w)|(?<!\w){re.escape(gold.casefold())},? or\b", text.casefold()
    ):
        return False  # one of several, as in a definition
    for match in re.finditer(rf"(?<!\w){re.escape(gold.casefold())}(?!\w)(?: ([^\W\d_]+))?", text.casefold()):
        if not match[1] or match[1] not in asked or _LINKING.search(text, 0, match.start()):
            return True
    return False


def _answers(beside: str, gold: str, question: str) -> bool:
    """Whether a sentence that stands before the reasoning speaks of more than the noun that is asked for: "The ocean reaches
    from ..." does not say which ocean is highlighted."""
    asked = _ASKED_NOUN.sub("", question.casefold())
    return not _long_words(beside).isdisjoint(_long_words(asked) - _long_words(gold))


_ASKED_NOUN = regex(r"\b(?:which|what)(?: (?:kind|type|sort)s? of)? \w+")


def _without_second_unit(text: str, gold: str) -> str:
    """ "The smallest number of cookies is 39 cookies." without the second "cookies"."""
    match = re.search(
        rf"\bnumber of ([^.,]+?)(?: \w+ed| done| sold)? (?:is|was|were|are) {re.escape(gold)} \1\.$", text
    )
    return f"{text[: match.end() - len(match[1]) - 2]}." if match and _NUMBER.fullmatch(gold) else text


def _share_a_word(text: str, question: str) -> bool:
    """Whether a sentence speaks of what the question asks about."""
    return not _long_words(text).isdisjoint(_long_words(question))


def _long_words(text: str) -> set[str]:
    return set(_LONG_WORD.findall(text.casefold()))


def _other_options(sample: Sample, gold: str) -> list[str]:
    gold_key = collapsed_key(gold)
    return [option for option in map(collapse, sample.options) if collapsed_key(option) != gold_key]


def _fitting_rationales(sample: Sample, gold: str) -> list[str]:
    """Distinct rationales of a usable length, as sentences, that say more than the answer, speak of no
    options and
    argue for no other one; those that name the answer first."""
    folded_gold = gold.casefold()
    others = [other.casefold() for other in _other_options(sample, gold)]
    others = [other for other in others if not folded_contains(folded_gold, other)]
    known = _content_words(f"{sample.question} {gold}")
    fitting: list[tuple[set[str], str]] = []
    for rationale in sample.rationales:
        text = _SENTENCE_START.sub(lambda match: match[0].upper(), as_sentence(rationale))
        if not MIN_RATIONALE_WORDS <= count_words(text) <= MAX_RATIONALE_WORDS or names_letters(text):
            continue
        folded, content = text.casefold(), _content_words(text)
        if _SPEAKS_OF_OPTIONS.search(text) or content <= known:
            continue
        if any(folded_contains(folded, other) for other in others):
            continue
        if not any(content <= said for said, _ in fitting):
            fitting = [(said, kept) for said, kept in fitting if not said <= content]
            fitting.append((content, text))
    texts = [text for _, text in fitting]
    return sorted(texts, key=lambda text: not contains_words(text, gold))


_PLAIN_WORDS = """
the and are was were this that there here its their his her they them with from for not has have had been
being
is it in on of to an at as by be he she or so very picture image photo shown seen because since kind type
sort what
which who where how does did many appears looks appear look
"""
_PLAIN = frozenset(_PLAIN_WORDS.split())
_WORDS = regex(r"[^\W_]{2,}")


def _content_words(text: str) -> set[str]:
    """Words that carry meaning, plural and singular as one."""
    return {word.rstrip("s") for word in _WORDS.findall(text.casefold()) if word not in _PLAIN}


def _lead(sample: Sample, gold: str) -> str | None:
    """A sentence that states the answer, in the question's own words where that works; None where no frame fits it."""
    stated = declarative(sample.question, gold, sample.answer_type)
    if stated and contains_words(stated, gold):
        return as_sentence(stated)
    verdict = as_verdict(gold)
    if verdict:
        return f"{verdict.capitalize()}."
    answer = None if _ASKS_NO_THING.match(sample.question) else _as_noun(gold)
    return f"The answer is {answer}." if answer else None


_ASKS_NO_THING = regex(
    r"(?:where|why|(?:what|which) (?:size|colou?r|shape))\b|.*\b(?:to do|doing|made (?:out )?of)\W*$", re.IGNORECASE
)
""""The answer is a kitchen" is none to where, nor "a queen" to what size, "a watch tv" to what it is used to do, "an acrylic"
to what it is made of."""


def _as_noun(gold: str) -> str | None:
    """An answer as it can stand in "The answer is ...": "a suitcase"; None for what is no noun, number or name, as "flying"."""
    plain = gold.rstrip(".")
    if plain != plain.lower() or plain in lex.NUMBER_WORDS:
        return plain
    words = plain.split()
    first, last = lex.word_class(words[0]), words[-1]
    noun = answer_noun_phrase(plain)
    if noun is not None and (first != "G" or len(words) == 1):
        is_thing = noun.text == plain or wordnet_nouns().is_mainly(last, "physical entity") or last in _EVENTS
        return noun.text if is_thing and last not in _UNIQUE else None
    if first in "GEPRTXCW" or lex.noun_number(last) == "singular" or lex.is_adjective(last):
        return None
    return None if "VERB" in lex.lexicon_entry(last) and "NOUN" not in lex.lexicon_entry(last) else plain


_UNIQUE = lex.word_table("sun moon sky world earth internet ground past future")
"""Nouns that take "the"."""
_EVENTS = lex.word_table(
    "wedding party parade show race game match concert festival birthday graduation holiday meeting ceremony competition weekend"
    " picnic contest conference storm accident fair class lesson trip tour vacation"
)


def _state(sample: Sample, gold: str, ctx: MakerContext) -> str | None:
    verdict = as_verdict(gold)
    if ctx.spec.family == "statement":
        judged = _judge_statement(collapse(sample.question), verdict) if verdict else ""
        return judged if 0 < count_words(judged) <= MAX_RATIONALE_WORDS else None
    stated = declarative(sample.question, gold, sample.answer_type)
    if not stated:
        return f"The picture shows {class_noun(gold)}." if _is_class(ctx) else None
    if contains_words(stated, gold):
        return as_sentence(stated)
    return f"{verdict.capitalize()}. {as_sentence(stated)}" if verdict else None


def _is_class(ctx: MakerContext) -> bool:
    """Names of classes are of all kinds ("Shih Tzu", "space bar"); that an image belongs to one can always
    be said."""
    return ctx.spec.family == "classification"


def _judge_statement(statement: str, verdict: str) -> str:
    quoted = statement.rstrip(".")
    if verdict == "yes":
        return f"Yes, it is true that {_lower_first(quoted)}."
    return f"No, it is not true that {_lower_first(quoted)}."


def _lower_first(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text[0].lower() + text[1:] if first.lower() in _COMMON_STARTS else text


def _from_solution(sample: Sample, gold: str, ctx: MakerContext) -> str | Decline:
    text = collapse_lines(sample.solution or "")
    if count_words(text) < MIN_DETAILED_WORDS:
        return Decline("short_solution", f"{count_words(text)} words")
    if sample.options and names_letters(text):
        return Decline("letters_in_solution")
    if not contains_words(text, gold) and (
        _concludes_other(text, _other_options(sample, gold)) or _ends_in_other_number(text, gold)
    ):
        return Decline("solution_disagrees", sentences(text)[-1])
    if contains_words(sentences(text)[-1], gold) or (count_words(gold) >= MIN_PHRASE_WORDS and _is_in_tail(text, gold)):
        return text if text[-1] in ".!?" else text + "."
    return f"{_closed(text)} {_closing(sample, gold, ctx)}"


def _is_in_tail(text: str, gold: str) -> bool:
    """A long answer may be several sentences itself."""
    return contains_words(text[-(_TAIL + len(gold)) :], gold)


def _ends_in_other_number(text: str, gold: str) -> bool:
    """Whether the last line counts and comes to something else than a numeric gold answer ("... = 18", gold
    14)."""
    if not _NUMBER.fullmatch(gold):
        return False
    numbers = _NUMBER.findall(text.splitlines()[-1])
    return bool(numbers) and normalise_answer(gold) not in map(normalise_answer, numbers)


def _concludes_other(text: str, others: list[str]) -> bool:
    end = sentences(text)[-1]
    return any(contains_words(end, other) for other in others)


def _from_rationales(sample: Sample, gold: str, ctx: MakerContext) -> str | Decline:
    fitting = _fitting_rationales(sample, gold)
    if len(fitting) < MIN_RATIONALES:
        return Decline("needs_rewriter")
    text = " ".join((*fitting, _conclusion(sample, gold, ctx)))
    if count_words(text) < MIN_RATIONALES_WORDS:
        return Decline("short_solution", f"{count_words(text)} words")
    return text


def _conclusion(sample: Sample, gold: str, ctx: MakerContext) -> str:
    """The reasons lead to the answer, so it stands last; in the question's own words where that works."""
    stated = declarative(sample.question, gold, sample.answer_type)
    if stated and contains_words(stated, gold):
        return as_sentence(stated)
    return _closing(sample, gold, ctx)


def _closed(text: str) -> str:
    return text if text[-1] in ".!?" else text + "."


def _closing(sample: Sample, gold: str, ctx: MakerContext) -> str:
    if count_words(gold) < MIN_PHRASE_WORDS and gold[-1] not in ".!?":
        return _worded(_CLOSINGS, _as_noun(gold) or gold, sample.source_id, ctx.seed)
    wording = _worded(_LONG_CLOSINGS, gold, sample.source_id, ctx.seed)
    return wording if wording[-1] in "!?" else f"{wording}."
