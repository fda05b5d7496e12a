"""The place in a question that its answer fills: "the man is holding _ in his hand", "the cat is sitting
on _"."""

from __future__ import annotations

from collections.abc import Sequence

from asd.makers.english import lexicon as lex
from asd.makers.english.phrases import chunks, full_noun_phrase_end, noun_phrase_end


def is_place(words: Sequence[str]) -> bool:
    """True for complete prepositional phrases and nothing else: "on the table in the kitchen"."""
    if words[0] in ("like", "than", "as", "of"):
        return False
    return all(chunk.kind in "PR" and not chunk.open for chunk in chunks(words, 0))


def is_modifier(words: Sequence[str]) -> bool:
    """As in "standing on the hill", "in the picture", "visible in the photo"."""
    return all(chunk.kind in "PGERA" and not chunk.open for chunk in chunks(words, 0))


OBJECT_VERBS = lex.word_table("have hold carry wear show contain own need use sell serve display feature include")


def is_plural_subject(words: Sequence[str]) -> bool:
    if words[0] in ("they", "these", "those"):
        return True
    end = noun_phrase_end(words, 0)
    return "and" in words[:end] or lex.noun_number(words[end - 1]) == "plural"


def object_gap(words: Sequence[str]) -> tuple[int, int] | None:
    """(start of the verb, where the answer goes) in "the man | holding _ in his hand", "the cat | sitting
    on _"."""
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


def misses_object(words: Sequence[str]) -> bool:
    """True for "the truck transporting", "the people riding through the market": what they transport and ride is asked for.

    False for what needs no object: "the man standing in the door".
    """
    parts = chunks(words, full_noun_phrase_end(words, 0))
    return any(
        part.kind == "G" and part.end == part.start + 1 and words[part.start] not in _NO_OBJECT for part in parts
    )


_NO_OBJECT = lex.word_table(
    "standing sitting lying laying hanging walking running flying swimming waiting leaning sleeping resting floating falling"
    " kneeling crouching squatting jumping landing moving coming going growing living working talking looking smiling"
    " laughing posing skating skiing surfing sailing swinging sticking protruding showing pointing facing crossing"
    " traveling batting performing fishing hiking jogging racing competing training approaching parking grazing staring"
    " dancing singing skateboarding snowboarding shining burning melting missing"
)


def lacks_articles(words: Sequence[str]) -> bool:
    """True where something is done to a bare countable noun: "are there people riding motorcycle"."""
    for k, word in enumerate(words[:-1]):
        if k and (lex.takes_object(word) or word in _DONE_TO_THINGS) and lex.word_class(words[k - 1]) not in "DASP":
            end = noun_phrase_end(words, k + 1)
            phrase = words[k + 1 : end]
            if end == len(words) and phrase and lex.noun_number(phrase[-1]) == "singular" and lacks_article(phrase):
                return True
    return False


_DONE_TO_THINGS = lex.word_table("riding driving flying throwing")


def lacks_article(phrase: Sequence[str]) -> bool:
    """True for a bare countable singular noun ("ball"), which is no English after a verb or preposition."""
    if lex.word_class(phrase[0]) in "DSO":
        return False
    if phrase[-1] in _BARE_AFTER_PREPOSITION or phrase[-1] == "air":
        return phrase[-1] == "air"
    return lex.noun_number(phrase[-1]) in ("singular", "")


_BARE_AFTER_PREPOSITION = lex.word_table("bed home school work top front town hand side")
