"""Where a noun phrase ends and a predicate begins, and how a short answer becomes a noun phrase.

A conservative, table-driven reading of short English questions: words are taken left to right, and any
function answers None (or the start index) when two readings are about as likely. All words are lower
case.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from asd.makers.english.lexicon import (
    ARTICLES,
    BASE_VERBS,
    BE_FORMS,
    DEMONSTRATIVES,
    DETERMINERS,
    GAMES_AND_BALLS,
    GERUND_NOUNS,
    POSSESSIVES,
    indefinite_article,
    is_adjective,
    is_animal_or_food,
    is_animate,
    is_known,
    lexicon_entry,
    noun_number,
    takes_object,
    verb_lemma,
    word_class,
    word_table,
)

Words = Sequence[str]


class Chunk(NamedTuple):
    """One constituent after a noun phrase. `kind`: P, G, E, A, D (noun phrase), W (relative), I (to +
    verb), R, C, ?."""

    kind: str
    start: int
    end: int
    open: bool
    """True where something is missing at its end: a preposition without object, a verb without the object
    it takes."""


def noun_phrase_end(words: Words, i: int) -> int:
    """End of the smallest noun phrase that starts at `i` ("the red | car", "this", "his shirt"); `i`
    where none does."""
    if i >= len(words):
        return i
    first = following = word_class(words[i])
    if first == "O" or (words[i] in DEMONSTRATIVES and _stands_alone(words, i)):
        return i + 1
    j, head, size = i, i, len(words)
    while j < size:
        kind, following = following, word_class(words[j + 1]) if j + 1 < size else ""
        if kind == "N" or (kind == "G" and words[j] in GERUND_NOUNS and _is_thing(words, i, j)):
            head = j + 1
        elif kind == "S" and head in (i, j):
            head = i
        elif kind == "C" and head == j > i and words[j] == "and" and following in "DSN":
            return noun_phrase_end(words, j + 1)
        elif not _fits_before_head(kind, following, bare=head == i, first=j == i):
            break
        j += 1
    if head == i and j in (i + 1, i + 2) and first == "D" and word_class(words[j - 1]) in "AD":
        return j if words[j - 1] not in _NEVER_ALONE else i
    return head


_NEVER_ALONE = ARTICLES | POSSESSIVES | {"every", "no", "other"}


def _is_thing(words: Words, i: int, j: int) -> bool:
    """True for the gerund in "the painting", false in "a man painting"."""
    return j > i and word_class(words[j - 1]) in "DSA"


def _fits_before_head(kind: str, following: str, *, bare: bool, first: bool) -> bool:
    if kind == "A":
        return True
    if not bare:
        return False
    return kind in "DT" or (kind == "C" and following == "A") or (kind in "GE" and following in "NA" and not first)


def _stands_alone(words: Words, i: int) -> bool:
    """True for the pronoun use of this/that/these/those: "is this | a cat", "is this | healthy"."""
    following = words[i + 1 : i + 2]
    if not following or word_class(following[0]) in "DPGEOXWTR":
        return True
    return all(word_class(word) in "AC" for word in words[i + 1 :])


def full_noun_phrase_end(words: Words, i: int) -> int:
    """As `noun_phrase_end`, taking "of" phrases along ("a piece of cake")."""
    end = noun_phrase_end(words, i)
    while i < end < len(words) and words[end] == "of":
        inner = noun_phrase_end(words, end + 1)
        if inner == end + 1:
            return end
        end = inner
    return end


def chunks(words: Words, i: int) -> list[Chunk]:
    """The constituents from `i` to the end of the question."""
    read: list[Chunk] = []
    while i < len(words):
        chunk = _next_chunk(words, i)
        read.append(chunk)
        i = chunk.end
    return read


def _next_chunk(words: Words, i: int) -> Chunk:
    kind = word_class(words[i])
    if kind == "P":
        return _preposition_chunk(words, i)
    if kind in "GE":
        return _verb_chunk(words, i, kind)
    if kind == "W" or (words[i] == "that" and _opens_relative(words, i)):
        return _relative_chunk(words, i)
    if kind in "TA":
        return _adjective_chunk(words, i)
    if kind in "RC":
        return Chunk(kind, i, i + 1, open=False)
    end = full_noun_phrase_end(words, i) if kind in "DSNO" else i
    return Chunk("D", i, end, open=False) if end > i else Chunk("?", i, len(words), open=False)


def _opens_relative(words: Words, i: int) -> bool:
    following = words[i + 1 : i + 2]
    return bool(following) and (word_class(following[0]) in "XO" or is_finite_verb(following[0]))


def _preposition_chunk(words: Words, i: int) -> Chunk:
    j = i + 1
    if words[i] == "to" and words[j : j + 1] and (words[j] in BASE_VERBS or words[j] in ("be", "do")):
        return Chunk("I", i, len(words), open=False)
    while j < len(words) and word_class(words[j]) == "P":
        j += 1
    if j < len(words) and word_class(words[j]) == "G":
        inner = _verb_chunk(words, j, "G")
        return Chunk("P", i, inner.end, open=inner.open)
    end = full_noun_phrase_end(words, j)
    if end < len(words) and words[end] == "of":
        return Chunk("P", i, end + 1, open=True)
    if end == j and j < len(words) and word_class(words[j]) == "A":
        stop = _adjective_chunk(words, j).end if words[i] == "in" else j + 1
        return Chunk("P", i, max(stop, j + 1), open=False)
    if end == j and j < len(words) and word_class(words[j]) == "R":
        return Chunk("P", i, j + 1, open=False)
    return Chunk("P", i, end, open=end == j)


def _verb_chunk(words: Words, i: int, kind: str) -> Chunk:
    j = i + 1
    if words[i] == "being" and j < len(words) and word_class(words[j]) == "E":
        j += 1
    end = full_noun_phrase_end(words, j) if j < len(words) and word_class(words[j]) in "DSNO" else j
    return Chunk(kind, i, end, open=end == i + 1 and takes_object(words[i]))


def _relative_chunk(words: Words, i: int) -> Chunk:
    """As in "that is on the table", "who wears a hat": one finite verb, its complement, prepositional
    phrases."""
    j = i + 1
    if words[i] not in ("that", "which", "who") or j >= len(words):
        return Chunk("?", i, len(words), open=False)
    if words[j] in BE_FORMS or words[j] in ("has", "have") or is_finite_verb(words[j]):
        j += 1
        if j == len(words):
            return Chunk("?", i, j, open=False)
        inner = _next_chunk(words, j)
        if inner.kind not in "PGEAD":
            return Chunk("?", i, len(words), open=False)
        j = inner.end
        while j < len(words) and word_class(words[j]) == "P" and not inner.open:
            inner = _preposition_chunk(words, j)
            j = inner.end
        return Chunk("W", i, j, open=inner.open)
    return Chunk("?", i, len(words), open=False)


def _adjective_chunk(words: Words, i: int) -> Chunk:
    j = i
    while j < len(words) and (word_class(words[j]) in "TA" or (words[j] in ("and", "or") and j + 1 < len(words))):
        if words[j] in ("and", "or") and word_class(words[j + 1]) not in "TA":
            break
        j += 1
    if j < len(words) and word_class(words[j]) == "N" and word_class(words[j - 1]) == "A":
        end = full_noun_phrase_end(words, i)
        return Chunk("D", i, end, open=False) if end > j else Chunk("?", i, len(words), open=False)
    return Chunk("A", i, j, open=word_class(words[j - 1]) == "T")


def is_finite_verb(word: str) -> bool:
    """As in "wears", "has", "sits": third person singular of a verb in the table."""
    if word in ("has", "does"):
        return True
    return word.endswith("s") and (verb_lemma(word) or "") in BASE_VERBS and word not in BASE_VERBS


def is_whole_noun_phrase(words: Words, i: int) -> bool:
    """True where everything from `i` on is one noun phrase with complete modifiers."""
    end = full_noun_phrase_end(words, i)
    if end == i:
        return False
    return all(chunk.kind in "PGEW" and not chunk.open for chunk in chunks(words, end))


def predicate_start(words: Words, i: int) -> int | None:
    """Where the predicate of "is <subject> <predicate>" begins, the subject starting at `i`; None where
    unsure.

    "the dog | brown", "the man in the picture | wearing a hat", "this | a cat", "the tv | on".
    """
    end = full_noun_phrase_end(words, i)
    if end == i:
        return None
    if end == len(words):
        return _bare_noun_predicate(words, i)
    if word_class(words[i]) == "O" or (end == i + 1 and words[i] in DEMONSTRATIVES):
        return None if end == i + 1 and words[i] == "that" and word_class(words[end]) == "X" else end
    parts = chunks(words, end)
    if any(part.kind == "?" for part in parts):
        return None
    return _choose_predicate(words, parts)


def _bare_noun_predicate(words: Words, i: int) -> int | None:
    """As in "is this | pizza", "is this | healthy food": a demonstrative and a short noun phrase without
    article."""
    rest = words[i + 1 :]
    if words[i] not in DEMONSTRATIVES or not rest or any(word_class(word) not in "NA" for word in rest):
        return None
    number = noun_number(rest[-1])
    plural = words[i] in ("these", "those")
    if number != ("plural" if plural else "mass"):
        return None
    return i + 1 if len(rest) == 1 or (len(rest) == 2 and is_adjective(rest[0])) else None


def _choose_predicate(words: Words, parts: list[Chunk]) -> int | None:
    first = parts[0]
    if first.kind == "I":
        return None
    if first.kind in "ARD":
        return first.start
    later = [part for part in parts[1:] if part.kind in "GEAD"]
    if first.kind in "GE":
        return None if any(part.kind in "GAED" for part in parts[1:]) else first.start
    modifiers = [part for part in parts if part.kind in "PW"]
    if not later:
        if first.kind != "P" or _ends_in_quality(words):
            return None
        return parts[-1].start if words[parts[-1].start] == "in" and words[-1] in _STATES else first.start
    start = later[0]
    before = parts[: parts.index(start)]
    if any(part.kind not in "PW" or part.open for part in before):
        return first.start if first.kind == "P" and first.open else None
    if start.kind == "D":
        return start.start if words[start.start] in ARTICLES else None
    if start.kind == "A":
        return start.start if start.end == len(words) else None
    animate = any(is_animate(word) for part in modifiers for word in words[part.start : part.end])
    if animate or (start.kind == "E" and start.end < len(words)) or len(later) > 1:
        return None
    return start.start


def _ends_in_quality(words: Words) -> bool:
    """True for "on the lower left recyclable", where the last word is no part of the place."""
    entry = lexicon_entry(words[-1]) if word_class(words[-1]) == "N" else {}
    return "ADJ" in entry and words[-1].endswith(_QUALITY_ENDINGS) and word_class(words[-2]) == "N"


_QUALITY_ENDINGS = ("able", "ible", "ic", "al", "ive", "ous", "ful", "less", "ary", "ish")


# After "in": what the subject is, whatever other phrase stands before ("the text on the box | in english").
_STATES = word_table("english spanish french german chinese japanese color motion focus use service bloom flight")


class NounPhrase(NamedTuple):
    text: str
    """With article where one is needed; the answer's own words are untouched."""
    number: str
    """singular, plural or mass."""


@lru_cache(maxsize=16384)
def answer_noun_phrase(answer: str, article: str = "") -> NounPhrase | None:
    """As in "umbrella" -> "an umbrella", "jeans" -> "jeans", "wine glass" -> "a wine glass"; None where
    unsure.

    article: "the" to refer to something known ("the woman"); "a" to count what may also be stuff or a
    game ("a chicken", "a frisbee"); empty for the usual choice.
    """
    words = answer.split()
    if (
        not words
        or len(words) > 6
        or answer != answer.lower()
        or not all(word.replace("'", "").replace("-", "").isalpha() for word in words)
    ):
        return None
    if "and" in words or "or" in words:
        return _coordinated(words, answer, article)
    if words[0] in DETERMINERS:
        return _with_own_determiner(words, answer)
    head = _head(words)
    if head is None or (is_adjective(head) and len(words) == 1):
        return None
    if any(word in _MEASURES and noun_number(words[k + 1]) in ("plural", "mass") for k, word in enumerate(words[:-1])):
        return None  # "group people", of an answer that lost its small words
    number = _number_in_phrase(head, words, counted=article == "a")
    if not number:
        return None
    if article == "the":
        return NounPhrase(f"the {answer}", number)
    if number != "singular":
        return NounPhrase(answer, number)
    return NounPhrase(f"{indefinite_article(words[0])} {answer}", number)


def _number_in_phrase(head: str, words: list[str], *, counted: bool) -> str:
    if len(words) > 1 and head in ("glass", "light"):
        return "singular"
    if head in GAMES_AND_BALLS and len(words) == 1:
        return "singular" if counted and head != "wii" else "mass"
    if counted and is_animal_or_food(head) and len(words) == 1:
        return "singular"
    return noun_number(head)


_MEASURES = word_table(
    "group bunch pair couple piece slice pile stack herd flock crowd lot row set bowl cup bag jar can bottle"
)


def _head(words: list[str]) -> str | None:
    """The noun that decides number and article: the last one before a preposition; None where the rest is
    unclear."""
    end = next((k for k, word in enumerate(words) if word_class(word) == "P"), len(words))
    if end == 0 or word_class(words[0]) == "S":
        return None
    if end < len(words) and (words[end] not in ("of", "with", "in", "on") or end + 1 == len(words)):
        return None
    if end < len(words) and noun_number(words[-1]) == "singular" and word_class(words[end + 1]) != "D":
        return None
    if any(word_class(word) not in "NAEGS" or not is_known(word) for word in words[:end]):
        return None
    if end > 1 and word_class(words[0]) == "G" and not noun_number(words[end - 1]):
        return None
    return words[end - 1]


def _coordinated(words: list[str], answer: str, article: str) -> NounPhrase | None:
    """As in "knives and forks": only where every part is fine without an article, and no part is an
    adjective."""
    if article == "the" and words.count("and") == 1 and all(noun_number(w) for w in (words[0], words[-1])):
        return NounPhrase(f"the {answer}", "plural") if len(words) == 3 else None
    parts = [part.split() for part in " ".join(words).split(" and ")]
    if any(not part or noun_number(part[-1]) not in ("plural", "mass") for part in parts):
        return None
    if article == "the" or any(word_class(word) not in "NA" for part in parts for word in part):
        return None
    return NounPhrase(answer, "plural")


def _with_own_determiner(words: list[str], answer: str) -> NounPhrase | None:
    head = _head(words[1:]) if len(words) > 1 and words[0] != "no" else None
    number = noun_number(head) if head else ""
    if not number:
        return None
    if words[0] in ("a", "an", "another", "one") and number == "plural":
        return None
    return NounPhrase(answer, number)
