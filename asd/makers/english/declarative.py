"""A question and its short answer as one declarative sentence, by rule; None where no rule is sure.

`declarative("What is the man holding?", "umbrella")` is "The man is holding an umbrella.". A wrong
sentence would teach a model nonsense, so each pattern accepts only the wordings it can read and declines
the rest. No randomness, no I/O.

How it works: the question becomes a list of words; its first word picks the pattern functions, tried in
order; each returns the words of a sentence or None. Patterns live in `clauses` (yes/no, choice),
`counts`, `what_is`, `what_noun` and `who_where_how`. `phrases`
says where subject and predicate meet, `gaps` where the answer goes, `lexicon` knows
words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

from asd.lazy_regex import regex
from asd.makers.english import lexicon as lex
from asd.makers.english.clauses import choice_question, yes_no_question
from asd.makers.english.counts import how_many_question
from asd.makers.english.phrases import noun_phrase_end
from asd.makers.english.query import Query
from asd.makers.english.what_is import what_does_question, what_is_question
from asd.makers.english.what_noun import what_noun_question
from asd.makers.english.who_where_how import (
    how_question,
    statement_question,
    where_question,
    which_side_question,
    who_question,
)
from asd.makers.wording import collapse

MAX_QUESTION_WORDS = 24
MAX_ANSWER_WORDS = 12

_NO_ANSWER = frozenset(
    {
        "",
        "unanswerable",
        "unsuitable",
        "unsuitable image",
        "unknown",
        "not sure",
        "unsure",
        "don't know",
        "dont know",
        "i don't know",
        "idk",
        "can't tell",
        "cant tell",
        "cannot tell",
        "can't see",
        "not visible",
        "n/a",
        "na",
        "none",
        "not possible",
        "it's not",
        "not there",
        "maybe",
        "?",
        "no idea",
        "unclear",
        "unreadable",
        "not clear",
        "blurry",
        "too blurry",
        "can't read",
        "illegible",
        "answering does not require reading text in the image",
        "nobody",
        "not applicable",
        "undetermined",
        "impossible",
        "other",
        "yes and no",
        "no answer",
        "lot",
        "lots",
        "noone",
        "both",
        "neither",
        "either",
        "it isn't",
        "nowhere",
        "all",
        "something",
        "anything",
        "cant see",
        "null",
        "unk",
    }
)

_CONTRACTIONS = {
    "what's": "what is",
    "whats": "what is",
    "who's": "who is",
    "whos": "who is",
    "where's": "where is",
    "how's": "how is",
    "when's": "when is",
    "there's": "there is",
    "that's": "that is",
    "isn't": "is not",
    "aren't": "are not",
    "it's": "it is",
    "wheres": "where is",
}

_ODD_CHARACTERS = regex(r"[()\[\]{}<>|\\_=*#@:;\"“”`~^]|[.!?](?=\s)|,|--|\s-\s|\bhttps?\b")
_WORDLESS = regex(r"[^\x20-\x7eÀ-ɏ]")


@lru_cache(maxsize=1 << 14)  # the same question and answer stand under many images
def declarative(question: str, answer: str, answer_type: str | None = None) -> str | None:
    """One sentence that says what question and answer say together and contains the answer; None where
    unsure.

    answer_type: the source's own label ("yes/no", "number", "other", "unanswerable"), used only to
    decline.
    """
    if answer_type == "unanswerable":
        return None
    query = _read(question, answer)
    if query is None:
        return None
    for pattern in _PATTERNS.get(query.words[0], _ANY_FIRST_WORD):
        sentence = pattern(query)
        if sentence is not None:
            return _checked(sentence, query)
    return None


def _read(question: str, answer: str) -> Query | None:
    text = collapse(question.replace("’", "'").replace("´", "'")).rstrip("?./ ")
    answer = collapse(answer)
    answer = answer[:-1] if answer.endswith(".") and answer.count(".") == 1 else answer
    low = answer.lower()
    if low in _NO_ANSWER or not _is_plain(text) or not _is_european(answer):
        return None
    if '"' in answer or "?" in answer or answer.endswith((",", ";", ":", "-", "\\")):
        return None
    if _is_row_of_colors(low):
        return None
    shown = _expand(text.split(" "))
    if not 2 <= len(shown) <= MAX_QUESTION_WORDS or len(low.split(" ")) > MAX_ANSWER_WORDS:
        return None
    words = tuple([word.lower() for word in shown])
    return Query(words, tuple(shown), answer, low) if _is_readable(words) and not _lost_unit(words, low) else None


def _is_row_of_colors(low: str) -> bool:
    """Whether an answer names colors one after the other, without what stood between them: "blue white"."""
    words = low.split()
    return len(words) > 1 and all(map(lex.is_color, words)) and not _SHADES.issuperset(words[:-1])


_SHADES = lex.word_table(
    "light dark bright pale deep off navy lime neon mint olive rust aqua charcoal amber stainless multi golden reddish"
    " bluish brownish greenish yellowish orange peach silver rose wood cream clear"
)
"""What may stand right before a color that it makes lighter or darker."""


def _is_plain(text: str) -> bool:
    """Whether a question, without superfluous white space, is of letters and marks that a sentence can keep."""
    if text.isascii() and text.replace(" ", "").isalnum():  # most are: that is quicker than a pattern
        return "http" not in text or _ODD_CHARACTERS.search(text) is None
    return _ODD_CHARACTERS.search(text) is None and _is_european(text)


def _is_european(text: str) -> bool:
    return (text.isascii() and text.isprintable()) or _WORDLESS.search(text) is None


def _expand(shown: list[str]) -> list[str]:
    first = _CONTRACTIONS.get(shown[0].lower())
    return [*first.split(" "), *shown[1:]] if first else shown


def _is_readable(words: Sequence[str]) -> bool:
    """False for doubled words, negations and words that a sentence about the picture cannot keep."""
    if words[-1].endswith("'s") or "" in words or not _UNUSABLE.isdisjoint(words):
        return False
    if len(set(words)) < len(words) and any(a == b for a, b in pairwise(words)):
        return False
    return not _number_clash(words) and not _says_twice(words)


def _says_twice(words: Sequence[str]) -> bool:
    """True for "the snow on the snow on the ground"."""
    return any(
        word == words[k + 3]
        and words[k + 2] == "the"
        and lex.word_class(words[k + 1]) == "P"
        and lex.word_class(word) == "N"
        for k, word in enumerate(words[:-3])
    )


def _lost_unit(words: Sequence[str], low: str) -> bool:
    """Whether a number stands for millions or for money that neither question nor answer names: "The population was 23.6."

    People and things that are counted come in whole numbers, populations in thousands at least; a sum of money needs its
    currency.
    """
    if not _BARE_NUMBER.fullmatch(low) or not _UNIT_WORDS.isdisjoint(words):
        return False
    number, asked = float(low.replace(",", "")), _asked_phrase(words)
    if not _RATIOS.isdisjoint(asked):
        return False
    if not _MONEY.isdisjoint(asked) or _names_a_value(asked):
        return True
    if not _QUANTITIES.isdisjoint(asked) and not (_MONEY | _SUMS).isdisjoint(words):
        return True
    if "population" in asked:
        return number < _LEAST_POPULATION
    if asked and any(map(_YEAR.fullmatch, words)) and not (set(asked) & _PLAIN_FIGURES or _DRAWN & set(words)):
        return True
    return not number.is_integer() and _counts_things(words) and _AVERAGES.isdisjoint(words)


def _asked_phrase(words: Sequence[str]) -> Sequence[str]:
    """The words of "what is ..." before the first preposition: "the market value" of "the market value in 2019"."""
    if words[0] != "what" or words[1] not in lex.BE_FORMS:
        return ()
    end = next((k for k, word in enumerate(words) if lex.word_class(word) == "P"), len(words))
    return words[2:end]


def _names_a_value(asked: Sequence[str]) -> bool:
    """As in "the market value", which is a sum of money; "the value" of a bar may be anything."""
    return any(b == "value" and lex.word_class(a) == "N" and a not in _PLAIN_VALUES for a, b in pairwise(asked))


def _counts_things(words: Sequence[str]) -> bool:
    triples = zip(words, words[1:], words[2:], strict=False)
    return any((a, b) in (("how", "many"), ("number", "of")) and c not in _MEASURES for a, b, c in triples)


_YEAR = regex(r"(?:19|20)\d\d(?:/\d+)?")
_PLAIN_FIGURES = lex.word_table(
    "number numbers year years count counts mode median mean average age ages date rank ranking position sum difference"
)
"""Figures of a year that stand for themselves; others ("the production in 2018") are in units of the picture's."""
_DRAWN = lex.word_table("bar bars line lines segment point dot graph chart")
_QUANTITIES = lex.word_table(
    "amount value sum summation total contribution difference increase decrease change size volume"
)
_SUMS = lex.word_table("loans grants imports exports aid assets donations trade")
_MEASURES = lex.word_table(
    "ounces oz grams kilograms kg pounds liters litres milliliters gallons cups miles kilometers meters feet inches hours"
    " minutes seconds days weeks months years degrees percent points calories watts volts acres cents"
)
_PLAIN_VALUES = lex.word_table("data average total median mean maximum minimum")
_BARE_NUMBER = regex(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_LEAST_POPULATION = 1000
_MONEY = lex.word_table(
    "price prices cost costs worth revenue revenues sales income budget debt salary wage spending expenditure expenditures"
    " gdp profit profits loss turnover earnings funding investment investments cash sponsorship fee fees wealth donations"
)
_RATIOS = lex.word_table("percent percentage percentages share proportion rate ratio growth index score density")
_AVERAGES = lex.word_table("average mean median ratio per percentage percent share")
"""What they name has fractions of its own, or is a number that needs no unit."""
_UNIT_WORDS = lex.word_table(
    "cents million millions billion billions trillion thousand thousands"
    " hundred hundreds inches feet meters miles bar bars line segment column graph"
)


def _number_clash(words: Sequence[str]) -> bool:
    """True for "the two bar" and "this dogs": a determiner and a noun that differ in number."""
    for k, word in enumerate(words[:-1]):
        wrong = _WRONG_NUMBER.get(word)
        if wrong is not None:
            end = noun_phrase_end(words, k)
            head = words[end - 1]
            if end > k + 1 and head not in lex.PAIRED and lex.noun_number(head) == wrong and "and" not in words[k:end]:
                return True
    return False


_WRONG_NUMBER = {
    **dict.fromkeys(lex.NUMBER_WORDS - {"zero", "one", "dozen"}, "singular"),
    **dict.fromkeys(("a", "an", "this", "each", "every", "another"), "plural"),
}
_UNUSABLE = lex.word_table(
    "then not n't isn't aren't don't doesn't ever yet please hi hello ok okay rather else exactly whats"
    " im theres supposed etc. vs vs. v.s. & + /"
)


_CLASH = regex(
    r"\b(?:is|are|was|were|am|be|do|does|did|has|have) (?:is|are|was|were|am|do|does|did|has)\b"
    r"|\b(?:a|an|the|this|that|these|those|his|her|their|its) (?:a|an|the|this|these|those|his|her|their|its)\b"
    r"|\b(?:of|in|on|at|to|from|with|by) (?:of|at|from|with|by)\b|\b(\w+) \1\b"
    r"|^(?:the|this|that|his|her)\b.* (?:top|bottom|left|right|side|back|front|middle|center|sign|label|shirt|image|picture) "
    r"(?:say|read|show|have|do|look) (?:is|are|was|were)\b"
)
"""Words that stand beside each other in no sentence: two verbs, two articles, one word twice."""


def _checked(sentence: str, query: Query) -> str | None:
    """Sentence case and full stop; None where the answer got lost, or a pattern let the asker or a slip of the question
    through."""
    low = sentence.lower()
    if query.low not in low or _CLASH.search(low.replace(query.low, " \N{HORIZONTAL ELLIPSIS} ")):
        return None
    if not lex.FIRST_OR_SECOND_PERSON.isdisjoint(low.split()):
        words = low.replace(query.low, " ").split()
        if not lex.FIRST_OR_SECOND_PERSON.isdisjoint(words):
            return None
    end = "" if sentence.endswith(".") else "."
    return sentence[0].upper() + sentence[1:] + end


Pattern = Callable[[Query], str | None]
_AUXILIARY: tuple[Pattern, ...] = (yes_no_question, choice_question)
_ANY_FIRST_WORD: tuple[Pattern, ...] = (statement_question,)
_PATTERNS: dict[str, tuple[Pattern, ...]] = {
    **dict.fromkeys(
        (
            "is",
            "are",
            "was",
            "were",
            "do",
            "does",
            "did",
            "can",
            "could",
            "will",
            "would",
            "should",
            "has",
            "have",
        ),
        _AUXILIARY,
    ),
    "what": (what_is_question, what_does_question, what_noun_question),
    "which": (what_noun_question,),
    "who": (who_question,),
    "where": (where_question,),
    "how": (how_many_question, how_question),
    "on": (which_side_question,),
}
