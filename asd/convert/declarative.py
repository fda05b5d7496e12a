"""A question and its short answer as one declarative sentence, by rule; None where no rule is sure.

`declarative("What is the man holding?", "umbrella")` is "The man is holding an umbrella.". A wrong sentence would teach
a model nonsense, so each pattern accepts only the wordings it can read and declines the rest. No randomness, no I/O.

How it works: the question becomes a list of words; its first word picks the pattern functions, tried in order; each
returns the words of a sentence or None. `english_phrases` says where subject and predicate meet, `english_lexicon`
knows words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from asd.convert import english_lexicon as lex
from asd.convert.english_phrases import (
    NounPhrase,
    answer_noun_phrase,
    chunks,
    full_noun_phrase_end,
    is_finite_verb,
    is_whole_noun_phrase,
    noun_phrase_end,
    predicate_start,
)

MAX_QUESTION_WORDS = 24
MAX_ANSWER_WORDS = 12

_NO_ANSWER = frozenset(
    {
        "", "unanswerable", "unsuitable", "unsuitable image", "unknown", "not sure", "unsure", "don't know", "dont know",
        "i don't know", "idk", "can't tell", "cant tell", "cannot tell", "can't see", "not visible", "n/a", "na", "none",
        "not possible", "it's not", "not there", "maybe", "?", "no idea", "unclear", "unreadable", "not clear", "blurry",
        "too blurry", "can't read", "illegible", "answering does not require reading text in the image", "nobody",
        "not applicable", "undetermined", "impossible", "other", "yes and no", "no answer", "lot", "lots", "noone",
        "both", "neither", "either", "it isn't", "nowhere", "all", "something", "anything", "cant see", "null", "unk",
    }
)  # fmt: skip

_CONTRACTIONS = {
    "what's": "what is", "whats": "what is", "who's": "who is", "whos": "who is", "where's": "where is",
    "how's": "how is", "when's": "when is", "there's": "there is", "that's": "that is", "isn't": "is not",
    "aren't": "are not", "it's": "it is", "wheres": "where is",
}  # fmt: skip

_ODD_CHARACTERS = re.compile(r"[()\[\]{}<>|\\_=*#@:;\"“”`~^]|[.!?](?=\s)|,|--|\s-\s|\bhttps?\b")
_WORDLESS = re.compile(r"[^\x20-\x7eÀ-ɏ]")
_CAPITAL_OK = re.compile(r"^[a-z]")
_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"^\d{1,3}(?:,?\d{3})*(?:\.\d+)?$")
_MEASURE = re.compile(
    r"^(?:about |around |over |approximately )?(?:\d[\d.,/]*|" + "|".join(sorted(lex.NUMBER_WORDS)) + r") "
    r"(?:feet|foot|ft|inch|inches|in|meters?|metres?|cm|mm|km|m|miles?|yards?|years?|months?|weeks?|days?|hours?|minutes?"
    r"|seconds?|stories|blocks?)(?: old| tall| long| high| wide| deep)?$"
)


class Query(NamedTuple):
    """A question as the patterns see it."""

    words: tuple[str, ...]
    """Lower case, for matching."""
    shown: tuple[str, ...]
    """The same words as written."""
    answer: str
    """As given, surrounding blanks and a final full stop removed."""
    low: str
    """The answer in lower case."""


def declarative(question: str, answer: str, answer_type: str | None = None) -> str | None:
    """One sentence that says what question and answer say together and contains the answer; None where unsure.

    answer_type: the source's own label ("yes/no", "number", "other", "unanswerable"), used only to decline.
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


# --- reading and writing --------------------------------------------------------------------------------------------


def _read(question: str, answer: str) -> Query | None:
    text = _SPACES.sub(" ", question.replace("’", "'").replace("´", "'")).strip().rstrip("?. ")
    answer = _SPACES.sub(" ", answer).strip()
    answer = answer[:-1] if answer.endswith(".") and answer.count(".") == 1 else answer
    low = answer.lower()
    if low in _NO_ANSWER or _ODD_CHARACTERS.search(text) or _WORDLESS.search(text) or _WORDLESS.search(answer):
        return None
    if '"' in answer or "?" in answer or answer.endswith((",", ";", ":", "-", "\\")):
        return None
    shown = _expand(text.split(" "))
    if not 2 <= len(shown) <= MAX_QUESTION_WORDS or len(low.split(" ")) > MAX_ANSWER_WORDS:
        return None
    words = tuple(word.lower() for word in shown)
    return Query(words, tuple(shown), answer, low) if _is_readable(words) else None


def _expand(shown: list[str]) -> list[str]:
    first = _CONTRACTIONS.get(shown[0].lower())
    return [*first.split(" "), *shown[1:]] if first else shown


def _is_readable(words: Sequence[str]) -> bool:
    """False for doubled words, negations and words that a sentence about the picture cannot keep."""
    if words[-1].endswith("'s") or any(a == b for a, b in zip(words, words[1:], strict=False)):
        return False
    return not any(word in _UNUSABLE or not word for word in words) and not _number_clash(words)


def _number_clash(words: Sequence[str]) -> bool:
    """True for "the two bar": a number above one before a countable singular."""
    for k, word in enumerate(words[:-1]):
        if word in lex.NUMBER_WORDS and word not in ("zero", "one", "dozen"):
            end = noun_phrase_end(words, k)
            if end > k + 1 and lex.noun_number(words[end - 1]) == "singular":
                return True
    return False


def _lacks_article_after_of(words: Sequence[str]) -> bool:
    """True for "the value of red bar" (not for "the brand of laptop", which names a kind)."""
    for k, word in enumerate(words[:-1]):
        if word == "of" and k and words[k - 1] in _FIGURES:
            end = noun_phrase_end(words, k + 1)
            phrase = words[k + 1 : end]
            if phrase and lex.noun_number(phrase[-1]) == "singular" and all(lex.word_class(w) in "NA" for w in phrase):
                return True
    return False


_FIGURES = frozenset("value values average sum ratio median mode mean percentage highest largest lowest total".split())


_UNUSABLE = frozenset(
    "then not n't isn't aren't don't doesn't ever yet please hi hello ok okay rather else exactly whats im theres"
    " supposed etc. vs vs. v.s. & + /".split()
)


def _join(*parts: str | Sequence[str]) -> str:
    return " ".join(part if isinstance(part, str) else " ".join(part) for part in parts if part)


def _checked(sentence: str, query: Query) -> str | None:
    """Sentence case and full stop; None where the answer got lost or a pattern let the asker through."""
    if any(word in lex.FIRST_OR_SECOND_PERSON for word in sentence.lower().split()):
        words = set(sentence.lower().replace(query.low, " ").split())
        if words & lex.FIRST_OR_SECOND_PERSON:
            return None
    if query.low not in sentence.lower():
        return None
    end = "" if sentence.endswith(".") else "."
    return sentence[0].upper() + sentence[1:] + end


# --- yes/no questions -----------------------------------------------------------------------------------------------


class Clause(NamedTuple):
    """A question taken apart: "is | the dog | brown"."""

    auxiliary: str
    subject: tuple[str, ...]
    predicate: tuple[str, ...]


_MODAL_LIKE = lex.BE_FORMS | lex.MODALS | {"has", "have", "had"}
_INDEFINITE = {"any": "some", "anyone": "someone", "anybody": "somebody", "anything": "something"}
_NEGATED = {"anyone": "no one", "anybody": "nobody", "anything": "nothing", "someone": "no one", "somebody": "nobody",
            "something": "nothing", "any": "no", "a": "no", "an": "no", "everyone": "not everyone",
            "everybody": "not everybody", "all": "not all", "every": "not every"}  # fmt: skip
_SCOPE_WORDS = frozenset("any anyone anybody anything either both each every only just still also too already".split())


def _yes_no(q: Query) -> str | None:
    """"Is the dog brown?" + no -> "No, the dog is not brown."."""
    if q.low not in ("yes", "no") or "or" in q.words:
        return None
    yes = q.low == "yes"
    for reader in (_existential, _seen, _clause_statement):
        statement = reader(q.words, q.shown, yes)
        if statement is not None:
            return f"{q.answer.capitalize()}, {statement}"
    return None


def _existential(words: Sequence[str], shown: Sequence[str], yes: bool) -> str | None:
    """"Are there any people?" -> "there are people" / "there are no people"."""
    if words[0] not in lex.BE_FORMS or words[1] != "there" or len(words) < 3:
        return None
    return _there(words[0], words[2:], shown[2:], yes)


def _there(be: str, words: Sequence[str], shown: Sequence[str], yes: bool) -> str | None:
    first, tail = words[0], shown[1:]
    number = lex.noun_number(full_head(words) or "")
    if number and (number == "plural") != (be in ("are", "were")) and first != "enough":
        return None
    if any(word in _SCOPE_WORDS for word in words[1:]) or first in ("all", "both", "each", "every", "the"):
        return None
    if words[:2] == ("any", "of") or first in ("this", "these", "that", "his", "her", "their", "its"):
        return None
    if first in ("anyone", "anybody", "anything", "someone", "somebody", "something"):
        return _join("there", be, _INDEFINITE.get(first, first) if yes else _NEGATED[first], tail)
    if first in ("a", "an", "any"):
        if not tail or full_noun_phrase_end(words, 0) < 2:
            return None
        return _join("there", be, ("" if first == "any" else first) if yes else "no", tail)
    if yes:
        return _join("there", be, shown)
    if first in lex.NUMBER_WORDS or first.isdigit() or first in ("more", "enough", "many", "much", "multiple", "several"):
        return _join("there", be, "not", shown) if first != "several" else None
    return _join("there", be, "no", shown) if lex.word_class(first) in "NA" else None


def _seen(words: Sequence[str], shown: Sequence[str], yes: bool) -> str | None:
    """"Can you see any clouds?" -> "there are clouds" / "there are no clouds"; "... the sky" -> "the sky can be seen"."""
    if words[0] not in ("can", "do", "could") or tuple(words[1:3]) != ("you", "see") or len(words) < 4:
        return None
    rest, rest_shown = tuple(words[3:]), tuple(shown[3:])
    end = full_noun_phrase_end(rest, 0)
    if not is_whole_noun_phrase(rest, 0) or end == 0:
        return None
    if rest[0] in ("a", "an", "any") or lex.word_class(rest[0]) == "N":
        head = full_head(rest)
        number = "" if head is None else lex.noun_number(head)
        be = {"plural": "are", "singular": "is", "mass": "is"}.get(number)
        return None if be is None else _there(be, rest, rest_shown, yes)
    if rest[0] in ("the", "his", "her", "its", "their") and end == len(rest):
        return _join(rest_shown, "can be seen" if yes else "cannot be seen")
    return None


def full_head(words: Sequence[str]) -> str | None:
    """The head noun of the phrase that starts the words: "any red cars in it" -> "cars"."""
    end = noun_phrase_end(words, 0)
    return words[end - 1] if end else None


def _clause_statement(words: Sequence[str], shown: Sequence[str], yes: bool) -> str | None:
    clause = _clause(tuple(words), tuple(shown))
    return None if clause is None else (_affirm(clause) if yes else _negate(clause))


def _clause(words: tuple[str, ...], shown: tuple[str, ...]) -> Clause | None:
    """Split "<aux> <subject> <predicate>"; None where the border is unsure."""
    auxiliary = words[0]
    if words[1] in lex.FIRST_OR_SECOND_PERSON or words[1] == "there":
        return None
    if words[1] in lex.DEMONSTRATIVES and len(words) > 2 and shown[2][0].isupper() and not shown[1].isupper():
        return None
    if auxiliary in lex.BE_FORMS:
        start = predicate_start(words[1:], 0)
        border = None if start is None else start + 1
    elif auxiliary in ("do", "does", "did") or auxiliary in lex.MODALS:
        border = _base_verb_index(words)
    elif auxiliary in ("has", "have"):
        border = _participle_index(words)
    else:
        return None
    if border is None or not 1 < border < len(words) or not _subject_agrees(auxiliary, words[1:border]):
        return None
    return Clause(auxiliary, shown[1:border], shown[border:])


def _base_verb_index(words: Sequence[str]) -> int | None:
    """Index of the verb in "does the boy | have shoes", "can this | be eaten"."""
    start = 2 if words[1] in lex.DEMONSTRATIVES or lex.word_class(words[1]) == "O" else _after_first_noun(words)
    for k in range(start, len(words)):
        word = words[k]
        if word == "be" or word in lex.BASE_VERBS:
            doubtful = k + 1 < len(words) and words[k + 1] in lex.BASE_VERBS and words[k + 1] not in lex.PREPOSITIONS
            return None if doubtful or not _is_subject(words[1:k]) else k
        if lex.word_class(word) in "X?":
            return None
    return None


def _after_first_noun(words: Sequence[str]) -> int:
    for k in range(1, len(words)):
        if lex.word_class(words[k]) == "N" and not (words[k] in lex.BASE_VERBS and k == len(words) - 1):
            return k + 1
    return len(words)


def _is_subject(words: Sequence[str]) -> bool:
    return bool(words) and is_whole_noun_phrase(words, 0)


def _participle_index(words: Sequence[str]) -> int | None:
    """"has the cake | been cut"."""
    for k in range(2, len(words)):
        if words[k] == "been" or lex.word_class(words[k]) == "E":
            return k if _is_subject(words[1:k]) else None
    return None


def _subject_agrees(auxiliary: str, subject: Sequence[str]) -> bool:
    """False for "is the dogs", "are this": such questions are often misread or mistyped."""
    end = noun_phrase_end(subject, 0)
    head = subject[end - 1] if end else subject[0]
    if "and" in subject[:end]:
        return auxiliary not in ("is", "does", "has", "was")
    if subject[0] in ("this", "that", "it", "he", "she", "a", "an"):
        if auxiliary in ("are", "do", "have", "were"):
            return False
        return end == 1 or lex.noun_number(head) != "plural"
    if subject[0] in ("these", "those", "they"):
        return auxiliary not in ("is", "does", "has", "was") and (end == 1 or lex.noun_number(head) != "singular")
    number = lex.noun_number(head)
    if number == "singular" and end and all(lex.word_class(word) in "NA" for word in subject[:end]):
        return False
    if auxiliary in ("is", "does", "has", "was"):
        return number != "plural" or "of" in subject
    if auxiliary in ("are", "do", "have", "were"):
        return number not in ("singular", "mass") or "of" in subject
    return True


def _affirm(clause: Clause) -> str | None:
    subject = _some(clause.subject)
    predicate = _some(clause.predicate)
    if subject is None or predicate is None:
        return None
    if clause.auxiliary not in ("do", "does", "did"):
        return _join(subject, clause.auxiliary, predicate)
    verb = inflect_verb(predicate[0].lower(), clause.auxiliary)
    return None if verb is None else _join(subject, verb, predicate[1:])


def inflect_verb(verb: str, auxiliary: str) -> str | None:
    """The finite form that "do", "does" or "did" stood for."""
    if auxiliary == "do":
        return verb
    return lex.third_person(verb) if auxiliary == "does" else lex.past_tense(verb)


def _some(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """"any" in an affirmed sentence becomes "some"; None for words whose sense depends on the negation."""
    return tuple(_INDEFINITE.get(word.lower(), word) for word in words)


def _negate(clause: Clause) -> str | None:
    first = clause.subject[0].lower()
    low = [word.lower() for word in clause.predicate]
    if any(w in ("both", "each", "several", "some", "something", "someone", "still", "already", "too", "also", "most", "many",
                 "few", "somewhere", "only", "just") for w in low[:1]) or any(
        w in ("some", "something", "someone", "already", "also", "likely", "probably") for w in low
    ):
        return None
    if first in ("both", "each", "some", "several", "many", "most", "another", "few", "other"):
        return None
    if first in _NEGATED:
        return _negated_subject(clause, first)
    if any(word.lower() in ("any", "anyone", "anybody") for word in clause.subject):
        return None
    if clause.auxiliary == "can":
        return _join(clause.subject, "cannot", clause.predicate)
    return _join(clause.subject, clause.auxiliary, "not", clause.predicate)


def _negated_subject(clause: Clause, first: str) -> str | None:
    """"Is anyone wearing blue?" -> "no one is wearing blue"."""
    if clause.subject[1:2] == ("of",):
        if first != "any":
            return None if first != "all" else _positive(("not all", *clause.subject[1:]), clause)
        return _positive(("none", *clause.subject[1:]), clause)
    return _positive((_NEGATED[first], *clause.subject[1:]), clause)


def _positive(subject: Sequence[str], clause: Clause) -> str | None:
    """The clause with another subject, its own negation being in that subject."""
    if clause.auxiliary not in ("do", "does", "did"):
        return _join(subject, clause.auxiliary, clause.predicate)
    verb = inflect_verb(clause.predicate[0].lower(), clause.auxiliary)
    return None if verb is None else _join(subject, verb, clause.predicate[1:])


# --- choice questions -----------------------------------------------------------------------------------------------


def _choice(q: Query) -> str | None:
    """"Is it sunny or cloudy?" + sunny -> "It is sunny."; keeps the alternative that holds the answer."""
    if q.words.count("or") != 1 or q.low in ("yes", "no"):
        return None
    k = q.words.index("or")
    answer = tuple(q.low.split())
    kept = _kept_alternative(q.words, k, answer)
    if kept is None:
        return None
    left_start, drop = kept
    words = q.words[:k] + q.words[drop:] if left_start is None else q.words[:left_start] + q.words[k + 1 :]
    shown = q.shown[:k] + q.shown[drop:] if left_start is None else q.shown[:left_start] + q.shown[k + 1 :]
    if any(word in _SCOPE_WORDS for word in words):
        return None
    clause = _clause(words, shown)
    return None if clause is None else _affirm(clause)


def _kept_alternative(words: Sequence[str], k: int, answer: tuple[str, ...]) -> tuple[int | None, int] | None:
    """(None, end of the right alternative) to keep the left one, or (start of the left one, 0) to keep the right one."""
    right = words[k + 1 :]
    size = _parallel_size(words, k, right)
    if size is None:
        return None
    left_size, right_size = size
    left = tuple(words[k - left_size : k])
    chosen = tuple(right[:right_size])
    on_left, on_right = _holds(left, answer), _holds(chosen, answer)
    if on_left == on_right:
        return None
    return (None, k + 1 + right_size) if on_left else (k - left_size, 0)


def _holds(alternative: tuple[str, ...], answer: tuple[str, ...]) -> bool:
    return alternative[-len(answer) :] == answer or (answer == alternative[1:2] and alternative[0] in lex.PREPOSITIONS)


def _parallel_size(words: Sequence[str], k: int, right: Sequence[str]) -> tuple[int, int] | None:
    """How many words before and after "or" are the alternatives."""
    if not right or k < 3:
        return None
    if len(right) == 2 and words[k - 1] == right[1] and lex.is_adjective(right[0]) and lex.is_adjective(words[k - 2]):
        return (2, 2)
    if right[0] in ("to", "on", "in", "a", "an", "the", "at"):
        start = max((i for i in range(1, k) if words[i] == right[0]), default=None)
        if start is None:
            return None
        left_size = k - start
        return (left_size, left_size if len(right) > left_size else len(right))
    before = lex.word_class(words[k - 2])
    if before in "AT" or (before not in "DSPO" and not lex.is_adjective(words[k - 1])):
        return None
    if len(right) == 1:
        return (1, 1)
    if len(right) > 1 and lex.word_class(right[1]) == "P" and lex.word_class(right[0]) in "AN":
        return (1, 1) if lex.is_adjective(words[k - 1]) == lex.is_adjective(right[0]) else None
    return None


# --- counting -------------------------------------------------------------------------------------------------------


def _how_many(q: Query) -> str | None:
    """"How many dogs are there?" + 3 -> "There are 3 dogs."; "... does he have?" -> "He has 3 dogs."."""
    if q.words[1] != "many" or not _is_count(q.low):
        return None
    end = _counted_end(q.words)
    if end is None:
        return None
    one = q.low in ("1", "one")
    counted = _counted(q.words[2:end], q.shown[2:end], one)
    if counted is None:
        return None
    rest, rest_shown = q.words[end:], q.shown[end:]
    if one and any(word in ("their", "them", "they", "themselves") for word in rest):
        return None
    return _count_sentence(q, counted, one, rest, rest_shown)


def _is_count(low: str) -> bool:
    return bool(_NUMBER.match(low)) or low in lex.NUMBER_WORDS or low in ("many", "several")


def _counted_end(words: Sequence[str]) -> int | None:
    """Where the counted noun phrase ends: at the verb, or at the end of an elliptical question."""
    end = full_noun_phrase_end(words, 2)
    if end == 2:
        return None
    while end < len(words) and lex.word_class(words[end]) == "P" and words[end] == "of":
        return None
    return end


def _counted(words: Sequence[str], shown: Sequence[str], one: bool) -> str | None:
    """The counted noun phrase, in the singular after "1": "people" -> "person"."""
    head = noun_phrase_end(words, 0)
    if head == 0 or (words[0] in lex.DETERMINERS and words[0] not in ("other", "more")):
        return None
    number = lex.noun_number(words[head - 1])
    if any(lex.noun_number(word) == "plural" for word in words[: head - 1]) and "and" not in words[:head]:
        return None
    if not one:
        return _join(shown) if number == "plural" or words[head - 1] in lex.PAIRED else None
    single = lex.singular(words[head - 1]) if number == "plural" else None
    if single is None or "and" in words[:head] or words[0] in ("other", "more"):
        return None
    return _join(shown[: head - 1], single, shown[head:])


def _count_sentence(
    q: Query, counted: str, one: bool, rest: tuple[str, ...], shown: tuple[str, ...]
) -> str | None:
    be = "is" if one else "are"
    if not rest:
        return f"there {be} {q.answer} {counted}"
    if rest[0] in ("do", "can") and rest[1:2] == ("you",) and rest[2:3] in (("see",), ("count",)):
        return _with_place(f"there {be} {q.answer} {counted}", rest[3:], shown[3:])
    if rest[0] in ("are", "is"):
        return _count_with_be(q, counted, be, rest[1:], shown[1:])
    if rest[0] == "can" and rest[1:3] in (("be", "seen"), ("be", "counted")):
        return _with_place(f"{q.answer} {counted} can be seen", rest[3:], shown[3:])
    if rest[0] in ("do", "does", "did"):
        return _count_as_object(q, counted, rest, shown)
    if rest[0] == "have" and len(rest) > 1 and lex.word_class(rest[1]) in "DSENA" and rest[1] != "been":
        return _join(q.answer, counted, "has" if one else "have", shown[1:])
    if lex.word_class(rest[0]) == "P" and is_place(rest):
        return _join("there", be, q.answer, counted, shown)
    return None


def _with_place(start: str, rest: Sequence[str], shown: Sequence[str]) -> str | None:
    if not rest:
        return start
    return _join(start, shown) if is_place(rest) or rest == ("here",) else None


def is_place(words: Sequence[str]) -> bool:
    """True for complete prepositional phrases and nothing else: "on the table in the kitchen"."""
    if words[0] in ("like", "than", "as", "of"):
        return False
    return all(chunk.kind in "PR" and not chunk.open for chunk in chunks(words, 0))


def _count_with_be(q: Query, counted: str, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    if rest[:1] == ("there",):
        rest, shown = rest[1:], shown[1:]
        if not rest:
            return f"there {be} {q.answer} {counted}"
        return _join("there", be, q.answer, counted, shown) if _is_modifier(rest) else None
    if not rest:
        return None
    kind = lex.word_class(rest[0])
    if rest in (("here",), ("visible",), ("present",), ("shown",), ("pictured",)):
        return _join("there", be, q.answer, counted, shown)
    if kind == "P":
        return _join("there", be, q.answer, counted, shown) if is_place(rest) else None
    if kind in "GE":
        return _join("there", be, q.answer, counted, shown) if _is_modifier(rest) else None
    if kind == "A" and chunks(rest, 0)[0].kind == "A":
        return _join(q.answer, counted, be, shown) if _all_closed(rest) else None
    if kind in "DOS":
        return _count_in_clause(q, counted, rest, shown)
    return None


def _all_closed(words: Sequence[str]) -> bool:
    return all(chunk.kind in "PRAGE" and not chunk.open for chunk in chunks(words, 0))


def _is_modifier(words: Sequence[str]) -> bool:
    """"standing on the hill", "in the picture", "visible in the photo"."""
    return all(chunk.kind in "PGERA" and not chunk.open for chunk in chunks(words, 0))


def _count_in_clause(q: Query, counted: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"How many bags is the man holding?" -> "The man is holding 3 bags."."""
    gap = _object_gap(rest)
    if gap is None:
        return None
    border, at = gap
    be = "are" if _is_plural_subject(rest[:border]) else "is"
    return _join(shown[:border], be, shown[border:at], q.answer, counted, shown[at:])


def _count_as_object(q: Query, counted: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"How many legs does the dog have?" -> "The dog has 4 legs."."""
    clause = _clause(rest, shown) if len(rest) > 2 else None
    if clause is None or clause.predicate[0].lower() not in _OBJECT_VERBS:
        return None
    verb = inflect_verb(clause.predicate[0].lower(), clause.auxiliary)
    tail = clause.predicate[1:]
    if verb is None or "times" in counted or (tail and not is_place(tuple(word.lower() for word in tail))):
        return None
    if tail and tail[0].lower() in ("up", "out", "off", "down"):
        return None
    return _join(clause.subject, verb, q.answer, counted, tail)


_OBJECT_VERBS = frozenset("have hold carry wear show contain own need use sell serve display feature include".split())


# --- gaps: "what is the man holding _ in his hand" ------------------------------------------------------------------


def _is_plural_subject(words: Sequence[str]) -> bool:
    if words[0] in ("they", "these", "those"):
        return True
    end = noun_phrase_end(words, 0)
    return "and" in words[:end] or lex.noun_number(words[end - 1]) == "plural"


def _object_gap(words: Sequence[str]) -> tuple[int, int] | None:
    """(start of the verb, where the answer goes) in "the man | holding _ in his hand", "the cat | sitting on _"."""
    end = full_noun_phrase_end(words, 0)
    if end in (0, len(words)):
        return None
    parts = chunks(words, end)
    while parts and parts[0].kind in "PW" and not parts[0].open:
        parts = parts[1:]
    if not parts or parts[0].kind not in "GEPA":
        return None
    border, last = parts[0].start, parts[-1]
    if any(part.kind not in "GEPRA" for part in parts):
        return None
    if last.kind == "P" and last.open:
        return (border, len(words)) if not any(part.open for part in parts[:-1]) or len(parts) == 2 else None
    verb = parts[0]
    if verb.kind != "G" or verb.end != verb.start + 1 or any(part.open for part in parts[1:]):
        return None
    if any(part.kind not in "PR" for part in parts[1:]) or (len(parts) > 1 and not verb.open):
        return None
    return (border, verb.end)


# --- what is / what are ---------------------------------------------------------------------------------------------

# Heads whose value is a name, a figure or a quality: no article before the answer.
_BARE_HEADS = frozenset(
    "name names number numbers brand title color colors colour date year time price score word words letter letters text"
    " phrase message slogan address website url model make size shape material pattern style flavor language weather"
    " temperature age gender race nationality breed species speed limit term value percentage ratio total sum difference average"
    " amount population rate author city country state street road town company airline store restaurant team sport game"
    " season month day activity weight height length width distance volume capacity cost code zip phone logo percent"
    " condition season holiday position status station channel artist publisher condition denomination texture type kind"
    " occasion theme genre initials brands capital currency surname destination abbreviation share revenue".split()
)
# Heads whose instances have proper names, which look like common nouns in lower-case answers.
_NAMED_THINGS = frozenset("sponsor newspaper magazine book movie film show band song album area brand game place program drink"
                          " beer wine beverage product event button player".split())  # fmt: skip
_TEXT_HEADS = frozenset("word words text phrase message slogan writing letter letters title".split())
_PLACE_VERB_NAMES = frozenset("written printed inscribed engraved stamped painted spelled".split())


def _what_be(q: Query) -> str | None:
    """Dispatch for "what is/are/was/were ...?"."""
    if q.words[1] not in lex.BE_FORMS or len(q.words) < 3:
        return None
    if any(word in lex.FIRST_OR_SECOND_PERSON for word in q.words) or "or" in q.words:
        return None
    rest, shown = q.words[2:], q.shown[2:]
    for pattern in (_what_this, _what_called, _what_color_of, _what_text, _what_doing, _what_place, _what_object, _what_identity):
        sentence = pattern(q, q.words[1], rest, shown)
        if sentence is not None:
            return sentence
    return None


def _what_this(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"What is this?" + butterfly -> "This is a butterfly."."""
    if len(rest) != 1 or rest[0] not in ("this", "that", "it", "these", "those", "they"):
        return None
    noun = answer_noun_phrase(q.answer, "a")
    if noun is None or (noun.number == "plural") != (be in ("are", "were")):
        return None
    return _join(shown, be, noun.text)


def _what_called(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"What is this place called?" + zoo -> 'This place is called "zoo".'."""
    if rest[-1] != "called" or not is_whole_noun_phrase(rest[:-1], 0) or "called" in rest[:-1]:
        return None
    return _join(shown[:-1], be, f'called "{q.answer}"')


def _what_color_of(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"What is the weather like?" + sunny -> "The weather is sunny."."""
    if rest[-1] == "like" and is_whole_noun_phrase(rest[:-1], 0) and all(map(lex.is_adjective, q.low.split())):
        return _join(shown[:-1], be, q.answer)
    return None


def _what_text(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"What is written on the shirt?" -> 'The text written on the shirt is "fifty".'."""
    if rest[0] not in _PLACE_VERB_NAMES or be not in ("is", "was"):
        return None
    if len(rest) > 1 and not is_place(rest[1:]):
        return None
    return _join("the text", shown, be, f'"{q.answer}"')


# Things that carry text: what is "on" them may be words, which no article can precede.
_TEXT_BEARERS = frozenset("sign signs shirt label screen jersey poster cover button card page billboard banner logo t-shirt"
                          " sticker badge license monitor display ad keyboard key bottle can menu".split())  # fmt: skip


def _what_doing(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"What is the man doing?" + skiing -> "The man is skiing."."""
    if "doing" not in rest:
        return None
    k = rest.index("doing")
    if k == 0 or not is_whole_noun_phrase(rest[:k], 0) or (k + 1 < len(rest) and not is_place(rest[k + 1 :])):
        return None
    verb = q.low.split()[0]
    if lex.word_class(verb) != "G" or not _is_complete_activity(q.low.split()):
        return None
    return _join(shown[:k], be, q.answer, shown[k + 1 :])


def _is_complete_activity(words: Sequence[str]) -> bool:
    """"riding a horse", "talking on the phone"; not "catching ball", which lacks an article."""
    for chunk in chunks(words, 0):
        if chunk.kind not in "GPRE" or (chunk.kind == "P" and chunk.open and chunk.end < len(words)):
            return False
        noun_start = chunk.start + 1
        phrase = words[noun_start : chunk.end]
        if chunk.kind in "GP" and phrase and _lacks_article(phrase):
            return False
    return True


def _lacks_article(phrase: Sequence[str]) -> bool:
    """True for a bare countable singular noun ("ball"), which is no English after a verb or preposition."""
    if lex.word_class(phrase[0]) in "DSO":
        return False
    if phrase[-1] in _BARE_AFTER_PREPOSITION or phrase[-1] == "air":
        return phrase[-1] == "air"
    return lex.noun_number(phrase[-1]) in ("singular", "")


_BARE_AFTER_PREPOSITION = frozenset("bed home school work top front town hand side".split())


def _what_place(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"What is on the plate?" + sandwich -> "There is a sandwich on the plate."; "hanging ...", "shown ..." alike."""
    kind = lex.word_class(rest[0])
    if kind not in "PGE" or not _is_modifier(rest) or chunks(rest, 0)[0].open:
        return None
    if rest[0] in ("wrong", "being", "going", "happening", "called", "named", "made", "used", "missing", "about", "like"):
        return None
    if q.low == "nothing" and kind == "P":
        return _join("there is nothing", shown)
    if any(word in _TEXT_BEARERS for word in rest):
        return None
    noun = answer_noun_phrase(q.answer, "a")
    if noun is None or (be in ("are", "were") and noun.number != "plural") or " and " in q.low:
        return None
    be = {"is": "are", "was": "were"}.get(be, be) if noun.number == "plural" else be
    return _join("there", be, noun.text, shown)


def _what_object(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"What is the man holding?" -> "The man is holding an umbrella."; "What is the cat sitting on?"."""
    gap = _object_gap(rest)
    if gap is None or not _subject_agrees(be, rest[: gap[0]]):
        return None
    border, at = gap
    verb = rest[border]
    if verb in ("called", "named") or "called" in rest[border:]:
        return None
    if rest[-1] in ("of", "from", "for", "about", "like", "as", "to", "by", "than") and rest[-2:] != ("made", "of"):
        if rest[-2:] not in (("front", "of"), ("top", "of"), ("next", "to"), ("picture", "of"), ("photo", "of")):
            return None
    if rest[-2:] == ("made", "of"):
        noun_text = q.answer if _is_material(q.low) else None
    else:
        noun = answer_noun_phrase(q.answer, "" if verb in ("playing", "eating", "cooking", "serving") else "a")
        noun_text = None if noun is None else noun.text
    if noun_text is None or (verb in _NAMELESS_OBJECT):
        return None
    return _join(shown[:border], be, shown[border:at], noun_text, shown[at:])


_NAMELESS_OBJECT = frozenset("doing thinking trying about going saying advertising celebrating being".split())


def _is_material(low: str) -> bool:
    return all(lex.noun_number(word) in ("mass", "plural") or lex.is_adjective(word) or word == "and" for word in low.split())


def _what_identity(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"What is the animal in the picture?" -> "The animal in the picture is a dog."; "What is the name of ...?"."""
    if (lex.word_class(rest[0]) not in "DS" and not _starts_with_possessive(rest)) or rest[0] in ("a", "an"):
        return None
    if rest[0] in lex.DEMONSTRATIVES and len(rest) > 1 and full_noun_phrase_end(rest, 0) == 1:
        return None
    if any(word in ("called", "named", "doing", "saying") for word in rest):
        return None
    if not is_whole_noun_phrase(rest, 0) or not _subject_agrees(be, rest) or _lacks_article_after_of(rest):
        return None
    value = _identity_value(q, be, rest)
    return None if value is None else _join(shown, be, value)


def _starts_with_possessive(words: Sequence[str]) -> bool:
    return any(word.endswith(("'s", "s'")) for word in words[: noun_phrase_end(words, 0)])


def _identity_value(q: Query, be: str, phrase: Sequence[str]) -> str | None:
    """The answer as it stands after "<phrase> is": quoted text, a bare name, or a noun with article."""
    head = phrase[noun_phrase_end(phrase, 0) - 1]
    if head in _TEXT_HEADS:
        return f'"{q.answer}"'
    if q.low in ("yes", "no"):
        return None
    if head in ("purpose", "reason", "goal"):
        return q.answer if q.low.startswith("to ") else None
    if head in _BARE_HEADS or q.low[0].isdigit():
        return q.answer
    return None if head in _TEXT_BEARERS or head in _NAMED_THINGS else _agreeing_noun(q, head, be)


def _agreeing_noun(q: Query, head: str, be: str) -> str | None:
    """The answer with its article, where its number fits head and verb ("food" takes any)."""
    noun = answer_noun_phrase(q.answer, "" if head in ("food", "meat", "meal", "dish") else "a")
    if noun is None:
        return None
    plural = be in ("are", "were")
    if plural != (noun.number == "plural") and not (head in lex.COLLECTIVE and not plural):
        return None
    return noun.text


# --- what / which <noun> --------------------------------------------------------------------------------------------

_SINGULAR_KINDS = frozenset("kind type sort".split())
_KINDS = _SINGULAR_KINDS | frozenset("kinds types sorts".split())
# Nouns whose kinds have names of their own: "What kind of animal is this?" asks for a noun, not for a modifier.
_CATEGORIES = frozenset(
    "animal animals vehicle vehicles room sport fruit fruits vegetable vegetables bird birds furniture device appliance"
    " instrument place utensil tool insect flower flowers object item drink beverage dessert meal game utensil creature"
    " toy pet clothing footwear transportation electronic machine equipment dish food foods building structure".split()
)


def _what_noun(q: Query) -> str | None:
    """Dispatch for "what color is ...?", "which animal ...?", "what kind of ...?"."""
    if q.words[1] in lex.BE_FORMS or "or" in q.words or q.words[1] in ("of", "one", "ones", "do", "does", "did"):
        return None
    for pattern in (_what_color, _what_time, _what_kind_of, _what_plain_noun):
        sentence = pattern(q)
        if sentence is not None:
            return sentence
    return None


def _what_color(q: Query) -> str | None:
    """"What color is the car?" -> "The car is red."; "What color shirt is the man wearing?" -> "... a red shirt."."""
    if q.words[1] not in ("color", "colors", "colour", "colours") or len(q.words) < 4:
        return None
    if not all(lex.is_color(word) or lex.is_adjective(word) or word == "and" for word in q.low.split()):
        return None
    if q.words[2] in lex.BE_FORMS:
        return _color_of_phrase(q, q.words[2], q.words[3:], q.shown[3:])
    return _color_as_modifier(q)


def _color_of_phrase(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    if rest and lex.word_class(rest[0]) in "DSON" and is_whole_noun_phrase(rest, 0) and _subject_agrees(be, rest):
        return _join(shown, be, q.answer)
    if rest and lex.word_class(rest[0]) == "P" and is_place(rest):
        return _join("the", q.shown[1], shown, be, q.answer)
    return None


def _color_as_modifier(q: Query) -> str | None:
    """"What color vase is this?" -> "This vase is blue."."""
    verb = next((k for k, word in enumerate(q.words) if word in lex.BE_FORMS), None)
    if verb is None or verb < 3 or verb + 1 >= len(q.words) or noun_phrase_end(q.words, 2) != verb:
        return None
    noun, rest = q.shown[2:verb], q.words[verb + 1 :]
    if rest in (("this",), ("that",), ("these",), ("those",)) and _subject_agrees(q.words[verb], (*rest, *q.words[2:verb])):
        return _join(q.shown[verb + 1 :], noun, q.words[verb], q.answer)
    gap = _object_gap(rest) if lex.word_class(rest[0]) in "DSO" else None
    if gap is None or gap[1] == len(rest) and lex.word_class(rest[-1]) == "P":
        return None
    number = lex.noun_number(q.words[verb - 1])
    if not number or " and " in q.low and number == "plural":
        return None
    article = lex.indefinite_article(q.low.split()[0]) if number == "singular" and q.words[verb - 1] != "hair" else ""
    shown = q.shown[verb + 1 :]
    return _join(shown[: gap[0]], q.words[verb], shown[gap[0] : gap[1]], article, q.answer, noun, shown[gap[1] :])


_TIMES_OF_DAY = frozenset("morning afternoon evening night noon midnight daytime nighttime dusk dawn sunset summer winter"
                          " spring fall autumn".split())  # fmt: skip


def _what_time(q: Query) -> str | None:
    """"What time is it?" + 1:30 -> "It is 1:30."; "What season is it?" -> "It is winter."."""
    text = " ".join(q.words)
    if text in ("what time is it", "what time of day is it", "what time of the day is it", "what time of year is it",
                "what season is it", "what time of the year is it", "what month is it", "what day is it"):  # fmt: skip
        if q.low in _TIMES_OF_DAY or q.low[0].isdigit() or q.words[1] in ("month", "day"):
            return f"it is {q.answer}"
    return None


def _what_kind_of(q: Query) -> str | None:
    """"What kind of animal is standing?" -> "The animal standing is a dog."; else "The kind of pizza is ..."."""
    if q.words[1] not in _KINDS or q.words[2:3] != ("of",) or len(q.words) < 6:
        return None
    end = noun_phrase_end(q.words, 3)
    if end == 3 or end >= len(q.words):
        return None
    if q.words[end - 1] in _CATEGORIES and q.words[end - 1] not in _BARE_HEADS:
        return _about_noun(q, 3, end, bare=False)
    if q.low.split()[-1] == q.words[end - 1] and q.words[end - 1] not in _BARE_HEADS:
        noun = answer_noun_phrase(q.answer)
        return None if noun is None else _about_noun(q, 3, end, bare=False, value=noun.text)
    noun = answer_noun_phrase(q.answer)
    if noun is not None and noun.number == "singular":
        return None
    return _about_noun(q, 1, end, bare=True)


def _what_plain_noun(q: Query) -> str | None:
    """"What animal is on the hill?" -> "The animal on the hill is a cow."."""
    end = noun_phrase_end(q.words, 1)
    if end == 1 or end >= len(q.words) or lex.word_class(q.words[1]) not in "NA":
        return None
    if q.words[1] in _KINDS or q.words[1] == "time" or (q.words[1] == "number" and end > 2):
        return None
    return _about_noun(q, 1, end, bare=q.words[end - 1] in _BARE_HEADS)


def _about_noun(q: Query, start: int, end: int, *, bare: bool, value: str | None = None) -> str | None:
    """The answer as the identity of words[start:end], which the rest of the question describes."""
    noun, verb = q.shown[start:end], q.words[end]
    rest, shown = q.words[end + 1 :], q.shown[end + 1 :]
    head = q.words[end - 1]
    if any(word in lex.FIRST_OR_SECOND_PERSON for word in q.words) or "and" in q.words[start:end]:
        return None
    if any(word in lex.BE_FORMS for word in rest) or (rest[:1] == ("it",) and len(rest) > 1):
        return None
    plural = lex.noun_number(head) == "plural" and q.words[start] not in _SINGULAR_KINDS
    be = ("were" if plural else "was") if verb in ("was", "were") else ("are" if plural else "is")
    value = value or _noun_value(q, head, be, bare=bare)
    if value is None:
        return None
    if verb in lex.BE_FORMS:
        return _about_noun_be(q, noun, be, rest, shown, value, bare)
    if verb in ("do", "does", "did") and len(rest) > 1:
        clause = _clause((verb, *rest), (verb, *shown))
        affirmed = None if clause is None else _affirm(clause)
        return None if affirmed is None else _join("the", noun, affirmed, be, value)
    if (is_finite_verb(verb) or (verb in lex.BASE_VERBS and be == "are")) and rest and _is_object(rest):
        return _join("the", noun, "that", q.shown[end], shown, be, value)
    return None


def _is_object(words: Sequence[str]) -> bool:
    """A noun phrase or prepositional phrases that complete a verb."""
    return is_whole_noun_phrase(words, 0) or is_place(words)


def _noun_value(q: Query, head: str, be: str, *, bare: bool) -> str | None:
    if head in _TEXT_HEADS:
        return f'"{q.answer}"'
    if bare:
        return q.answer
    if q.low[0].isdigit():
        return None if lex.is_animate(head) or head in _CATEGORIES else q.answer
    if q.low in _MODIFIERS_ONLY or (head not in _CATEGORIES and (answer_noun_phrase(q.answer) or _NO_NOUN).number == "singular"):
        return None
    return _agreeing_noun(q, head, be)


_NO_NOUN = NounPhrase("", "")
_MODIFIERS_ONLY = frozenset("rail passenger freight cargo city delivery commercial house farm street public sports wine beer".split())


def _about_noun_be(
    q: Query, noun: Sequence[str], be: str, rest: tuple[str, ...], shown: tuple[str, ...], value: str, bare: bool
) -> str | None:
    if not rest:
        return None
    if rest in (("this",), ("that",), ("it",), ("these",), ("those",), ("they",), ("shown",), ("pictured",)):
        return _join("the", noun, be, value)
    kind = lex.word_class(rest[0])
    if rest[0] == "there" or rest[-1] == "called":
        return None
    if kind in "PGE" and _is_modifier(rest) and not chunks(rest, 0)[0].open:
        return _join("the", noun, shown, be, value)
    if kind in "DSO":
        gap = _object_gap(rest)
        if gap is not None:
            return _join("the", noun, shown[: gap[0]], q.words[len(q.words) - len(rest) - 1], shown[gap[0] :], be, value)
        if bare and is_whole_noun_phrase(rest, 0) and noun[-1].lower() in _ATTRIBUTES:
            return _join("the", noun, "of", shown, be, value)
    return None


_ATTRIBUTES = frozenset("brand make model shape size material style pattern flavor language nationality gender race breed"
                        " species condition temperature age texture".split())  # fmt: skip


# --- what does ------------------------------------------------------------------------------------------------------


def _what_does(q: Query) -> str | None:
    """"What does the sign say?" -> 'The sign says "stop".'; "What does the man have on?" declines."""
    if q.words[1] not in ("do", "does", "did") or len(q.words) < 4 or "or" in q.words:
        return None
    clause = _clause(q.words[1:], q.shown[1:])
    if clause is None:
        return None
    low = tuple(word.lower() for word in clause.predicate)
    verb = inflect_verb(low[0], clause.auxiliary)
    if verb is None or (low[1:] and not is_place(low[1:])):
        return None
    if low[0] in ("say", "read", "spell"):
        return _join(clause.subject, verb, f'"{q.answer}"', clause.predicate[1:])
    if low[0] not in _OBJECT_VERBS:
        return None
    noun = answer_noun_phrase(q.answer, "a")
    return None if noun is None else _join(clause.subject, verb, noun.text, clause.predicate[1:])


# --- who ------------------------------------------------------------------------------------------------------------

_PASSIVE = {
    "wrote": "was written by", "made": "was made by", "published": "was published by", "designed": "was designed by",
    "directed": "was directed by", "painted": "was painted by", "built": "was built by", "created": "was created by",
    "makes": "is made by", "sponsors": "is sponsored by", "owns": "is owned by", "manufactures": "is manufactured by",
    "produces": "is produced by", "sponsored": "was sponsored by", "manufactured": "was manufactured by",
    "illustrated": "was illustrated by", "produced": "was produced by", "publishes": "is published by",
    "took": "was taken by",
}  # fmt: skip


def _who(q: Query) -> str | None:
    """"Who is wearing a hat?" -> "The woman is wearing a hat."; "Who wrote X?" -> "X was written by ..."."""
    if len(q.words) < 3 or "or" in q.words or any(word in lex.FIRST_OR_SECOND_PERSON for word in q.words):
        return None
    if q.words[1] in _PASSIVE:
        return _passive(q)
    if q.words[1] in ("is", "are", "was"):
        return _who_be(q)
    if is_finite_verb(q.words[1]) and is_whole_noun_phrase(q.words, 2):
        person = _person(q.answer)
        return None if person is None or person[1] else _join(person[0], q.shown[1:])
    return None


def _passive(q: Query) -> str | None:
    thing = q.words[2:]
    if not is_whole_noun_phrase(thing, 0) or full_noun_phrase_end(thing, 0) != len(thing):
        return None
    if lex.word_class(thing[0]) not in "DS" or _is_plural_subject(thing):
        return None
    return _join(q.shown[2:], _PASSIVE[q.words[1]], q.answer)


def _who_be(q: Query) -> str | None:
    rest, shown = q.words[2:], q.shown[2:]
    kind = lex.word_class(rest[0])
    if kind in "GEP" and (_is_modifier(rest)):
        person = _person(q.answer)
        if person is None or any(part.open for part in chunks(rest, 0)):
            return None
        be = {"is": "are", "are": "are", "was": "were"}[q.words[1]] if person[1] else q.words[1]
        return _join(person[0], "is" if be == "are" and not person[1] else be, shown)
    if kind in "DS" and rest[0] not in lex.DEMONSTRATIVES and is_whole_noun_phrase(rest, 0):
        return _who_is_role(q, rest, shown)
    return None


_ROLES = frozenset("author publisher writer editor director artist manufacturer maker sponsor photographer illustrator"
                   " translator composer owner designer".split())  # fmt: skip


def _who_is_role(q: Query, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """"Who is the author of this book?" -> "The author of this book is ..."."""
    if rest[noun_phrase_end(rest, 0) - 1] not in _ROLES or q.words[1] == "are":
        return None
    return _join(shown, q.words[1], q.answer)


def _person(answer: str) -> tuple[str, bool] | None:
    """("the woman", False), ("the people", True); None for names and unknown words."""
    low = answer.lower()
    if low in ("no one", "nobody", "everyone", "someone"):
        return (answer, False)
    noun = answer_noun_phrase(answer, "the")
    if noun is None or noun.number == "mass":
        return None
    return (noun.text, noun.number == "plural")


# --- where, how, statements -----------------------------------------------------------------------------------------

_PLACES = frozenset("outside inside outdoors indoors upstairs downstairs".split())


def _where(q: Query) -> str | None:
    """"Where is the cat?" + on the table -> "The cat is on the table."."""
    if q.words[1] not in lex.BE_FORMS or len(q.words) < 3 or "or" in q.words:
        return None
    rest, shown = q.words[2:], q.shown[2:]
    if any(word in lex.FIRST_OR_SECOND_PERSON for word in rest) or not _is_place_answer(q.low):
        return None
    if lex.word_class(rest[0]) not in "DSON" or not _subject_agrees(q.words[1], rest):
        return None
    if is_whole_noun_phrase(rest, 0) and full_noun_phrase_end(rest, 0) == len(rest):
        return _join(shown, q.words[1], q.answer)
    start = predicate_start(rest, 0)
    if start is None or lex.word_class(rest[start]) not in "GE" or rest[-1] in lex.PREPOSITIONS:
        return None
    return _join(shown[:start], q.words[1], shown[start:], q.answer)


def _is_place_answer(low: str) -> bool:
    words = low.split()
    if low in _PLACES:
        return True
    if lex.word_class(words[0]) != "P" or len(words) < 2 or words[0] in ("of", "about", "like", "than"):
        return False
    parts = chunks(words, 0)
    if any(part.kind != "P" or part.open for part in parts):
        return False
    return not any(_lacks_article(_object_of(words[part.start : part.end])) for part in parts)


def _object_of(words: Sequence[str]) -> Sequence[str]:
    start = next((k for k, word in enumerate(words) if lex.word_class(word) != "P"), len(words) - 1)
    return words[start:]


def _how(q: Query) -> str | None:
    """"How is the weather?" + sunny; "How tall is the building?" + short / 20 feet; "How much does it cost?" + $5."""
    if len(q.words) < 4 or "or" in q.words or any(word in lex.FIRST_OR_SECOND_PERSON for word in q.words):
        return None
    if q.words[1] in lex.BE_FORMS:
        rest, shown = q.words[2:], q.shown[2:]
        if is_whole_noun_phrase(rest, 0) and lex.word_class(rest[0]) in "DS" and _is_quality(q.low):
            return _join(shown, q.words[1], q.answer) if full_noun_phrase_end(rest, 0) == len(rest) else None
        return None
    if q.words[1] in ("old", "tall", "long", "big", "large", "high", "wide", "deep") and q.words[2] in lex.BE_FORMS:
        return _how_adjective(q)
    if q.words[1] == "does" and q.words[-1] in ("look", "appear") and _is_quality(q.low):
        clause = _clause(q.words[1:], q.shown[1:])
        affirmed = None if clause is None else _affirm(clause)
        return None if affirmed is None else f"{affirmed} {q.answer}"
    return None


def _is_quality(low: str) -> bool:
    return all(map(lex.is_adjective, low.replace(" and ", " ").split()))


def _how_adjective(q: Query) -> str | None:
    rest, shown = q.words[3:], q.shown[3:]
    if not rest or not is_whole_noun_phrase(rest, 0) or not _subject_agrees(q.words[2], rest):
        return None
    if _is_quality(q.low) and full_noun_phrase_end(rest, 0) == len(rest):
        return _join(shown, q.words[2], q.answer)
    if not _MEASURE.match(q.low):
        return None
    adjective = "" if q.low.split()[-1] == q.words[1] else q.words[1]
    return _join(shown, q.words[2], q.answer, adjective)


def _which_side(q: Query) -> str | None:
    """"On which side of the photo is the man?" + left -> "The man is on the left side of the photo."."""
    if q.words[0] != "on" or q.words[1] not in ("which", "what") or q.words[2:5] != ("side", "of", "the"):
        return None
    if q.low not in ("left", "right") or len(q.words) < 8 or q.words[6] not in ("is", "are"):
        return None
    rest = q.words[7:]
    if not is_whole_noun_phrase(rest, 0):
        return None
    return _join(q.shown[7:], q.words[6], "on the", q.answer, q.shown[3:6])


def _statement_gap(q: Query) -> str | None:
    """"The person is riding what?" -> "The person is riding a motorcycle."."""
    if q.words[-1] != "what" or len(q.words) < 4 or q.words.count("what") > 1:
        return None
    end = full_noun_phrase_end(q.words, 0)
    if end == 0 or end >= len(q.words) - 1 or q.words[end] not in ("is", "are"):
        return None
    last = q.words[-2]
    if lex.word_class(last) != "P" and not lex.takes_object(last) and lex.word_class(last) != "G":
        return None
    noun = answer_noun_phrase(q.answer, "" if last in ("playing", "eating") else "a")
    if noun is None or last in ("doing", "called"):
        return None
    return _join(q.shown[:-1], noun.text)


Pattern = Callable[[Query], str | None]
_AUXILIARY: tuple[Pattern, ...] = (_yes_no, _choice)
_ANY_FIRST_WORD: tuple[Pattern, ...] = (_statement_gap,)
_PATTERNS: dict[str, tuple[Pattern, ...]] = {
    **dict.fromkeys(
        ("is", "are", "was", "were", "do", "does", "did", "can", "could", "will", "would", "should", "has", "have"),
        _AUXILIARY,
    ),
    "what": (_what_be, _what_does, _what_noun),
    "which": (_what_noun,),
    "who": (_who,),
    "where": (_where,),
    "how": (_how_many, _how),
    "on": (_which_side,),
}
