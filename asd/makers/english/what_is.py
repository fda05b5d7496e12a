"""Questions "what is ..." and "what does ..." as statements: identity, place, activity, object, text."""

from __future__ import annotations

from collections.abc import Sequence

from asd.makers.english import lexicon as lex
from asd.makers.english.clauses import inflect_verb, read_clause, subject_agrees
from asd.makers.english.gaps import OBJECT_VERBS, is_modifier, is_place, lacks_article, misses_object, object_gap
from asd.makers.english.phrases import (
    answer_noun_phrase,
    chunks,
    full_noun_phrase_end,
    is_whole_noun_phrase,
    noun_phrase_end,
)
from asd.makers.english.query import Query, join_words


def _lacks_article_after_of(words: Sequence[str]) -> bool:
    """True for "the value of red bar" (not for "the brand of laptop", which names a kind)."""
    for k, word in enumerate(words[:-1]):
        if word == "of" and k and words[k - 1] in _FIGURES:
            end = noun_phrase_end(words, k + 1)
            phrase = words[k + 1 : end]
            if phrase and lex.noun_number(phrase[-1]) == "singular" and all(lex.word_class(w) in "NA" for w in phrase):
                return True
    return False


_FIGURES = lex.word_table("value values average sum ratio median mode mean percentage highest largest lowest total")


# Heads whose value is a name, a figure or a quality: no article before the answer.
BARE_HEADS = lex.word_table(
    "name names number numbers brand title color colors colour date year time price score word words"
    " letter letters text phrase message slogan address website url model make size shape material"
    " pattern style flavor language weather temperature age gender race nationality breed species speed"
    " limit term value percentage ratio total sum difference average amount population rate author city"
    " country state street road town company airline store restaurant team sport game season month day"
    " activity weight height length width distance volume capacity cost code zip phone logo percent"
    " condition holiday position status station channel artist publisher denomination texture type kind"
    " occasion theme genre initials brands capital currency surname destination abbreviation share"
    " revenue site app application network service organization club bank supermarket chain operator carrier manufacturer"
)
# Heads whose instances have proper names, which look like common nouns in lower-case answers.
NAMED_THINGS = lex.word_table(
    "sponsor newspaper magazine book movie film show band song album area brand game place program"
    " drink beer wine beverage product event button player step"
)
NO_TEXT = lex.word_table(
    "nothing none no yes unknown blank illegible unreadable blurry unclear words word letters letter text numbers name"
    " something anything lot lots many writing unsure"
)
"""Answers that say something of a text instead of repeating it."""
TEXT_HEADS = lex.word_table("word words text phrase message slogan writing letter letters title")
_PLACE_VERB_NAMES = lex.word_table("written printed inscribed engraved stamped spelled")


def what_is_question(q: Query) -> str | None:
    """Dispatch for "what is/are/was/were ...?"."""
    if q.words[1] not in lex.BE_FORMS or len(q.words) < 3:
        return None
    if any(word in lex.FIRST_OR_SECOND_PERSON for word in q.words) or "or" in q.words:
        return None
    rest, shown = q.words[2:], q.shown[2:]
    for pattern in (
        _what_this,
        _what_called,
        _what_color_of,
        _what_text,
        _what_doing,
        _what_place,
        _what_object,
        _what_identity,
    ):
        sentence = pattern(q, q.words[1], rest, shown)
        if sentence is not None:
            return sentence
    return None


def _what_this(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "What is this?" + butterfly -> "This is a butterfly."; "This picture shows a butterfly."."""
    if len(rest) == 2 and rest[0] in ("this", "that", "the") and rest[1] in ("image", "picture", "photo", "photograph"):
        seen = answer_noun_phrase(q.answer, "a")
        return None if seen is None else join_words(shown, "shows" if be in ("is", "'s") else "showed", seen.text)
    if len(rest) != 1 or rest[0] not in ("this", "that", "it", "these", "those", "they"):
        return None
    noun = answer_noun_phrase(q.answer, "a")
    if noun is None or (noun.number == "plural") != (be in ("are", "were")):
        return None
    return join_words(shown, be, noun.text)


def _what_called(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "What is this place called?" + zoo -> 'This place is called "zoo".'."""
    if rest[-1] != "called" or not is_whole_noun_phrase(rest[:-1], 0) or "called" in rest[:-1] or q.low in NO_TEXT:
        return None
    if rest[noun_phrase_end(rest, 0) - 1] in TEXT_HEADS | {"name"}:
        return None
    return join_words(shown[:-1], be, f'called "{q.answer}"')


def _what_color_of(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "What is the weather like?" + sunny -> "The weather is sunny."."""
    if rest[-1] == "like" and is_whole_noun_phrase(rest[:-1], 0) and all(map(lex.is_adjective, q.low.split())):
        return join_words(shown[:-1], be, q.answer)
    return None


def _what_text(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "What is written on the shirt?" -> 'The text written on the shirt is "fifty".'."""
    if rest[0] not in _PLACE_VERB_NAMES or be not in ("is", "was"):
        return None
    if (len(rest) > 1 and not is_place(rest[1:])) or q.low in NO_TEXT:
        return None
    return join_words("the text", shown, be, f'"{q.answer}"')


# Things that carry text: what is "on" them may be words, which no article can precede.
_TEXT_BEARERS = lex.word_table(
    "sign signs shirt label screen jersey poster cover button card page billboard banner logo t-shirt"
    " sticker badge license monitor display ad keyboard key bottle can menu"
)


def _what_doing(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "What is the man doing?" + skiing -> "The man is skiing."."""
    if "doing" not in rest:
        return None
    k = rest.index("doing")
    if k == 0 or not is_whole_noun_phrase(rest[:k], 0) or (k + 1 < len(rest) and not is_place(rest[k + 1 :])):
        return None
    if rest[k + 1 : k + 2] in (("with",), ("to",), ("for",), ("about",)):
        return None  # "What is the dog doing with the sheep?" + herding
    verb = q.low.split()[0]
    if lex.word_class(verb) != "G" or not _is_complete_activity(q.low.split()):
        return None
    return join_words(shown[:k], be, q.answer, shown[k + 1 :])


def _is_complete_activity(words: Sequence[str]) -> bool:
    """As in "riding a horse", "talking on the phone"; not "catching ball", which lacks an article."""
    for chunk in chunks(words, 0):
        if chunk.kind not in "GPRE" or (chunk.kind == "P" and chunk.open and chunk.end < len(words)):
            return False
        noun_start = chunk.start + 1
        phrase = words[noun_start : chunk.end]
        if chunk.kind in "GP" and phrase and lacks_article(phrase):
            return False
    return True


def _what_place(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "What is on the plate?" + sandwich -> "There is a sandwich on the plate."; "hanging ...",
    "shown ..." alike."""
    kind = lex.word_class(rest[0])
    if kind not in "PGE" or not is_modifier(rest) or chunks(rest, 0)[0].open:
        return None
    if rest[0] in (
        "wrong",
        "being",
        "going",
        "happening",
        "called",
        "named",
        "made",
        "used",
        "missing",
        "about",
        "like",
    ):
        return None
    if q.low == "nothing" and kind == "P":
        return join_words("there is nothing", shown)
    if any(word in _TEXT_BEARERS for word in rest):
        return None
    noun = answer_noun_phrase(q.answer, "a")
    if noun is None or (be in ("are", "were") and noun.number != "plural") or " and " in q.low:
        return None
    if q.low.split()[0] in _DEFINITE or rest[0] == "wearing":
        return None
    be = {"is": "are", "was": "were"}.get(be, be) if noun.number == "plural" else be
    return join_words("there", be, noun.text, shown)


_DEFINITE = lex.word_table("the this that these those his her its their")
"""Whatever they introduce is known already, so that nobody says that there is one."""


# A question that ends in one of these rarely asks for a thing ("what is the sign for") ...
_ABSTRACT_PREPOSITIONS = frozenset(("of", "from", "for", "about", "like", "as", "to", "by", "than"))
# ... but these endings do ("what is the car in front of").
_CONCRETE_ENDINGS = frozenset(
    (("front", "of"), ("top", "of"), ("next", "to"), ("picture", "of"), ("photo", "of"), ("made", "of"))
)


def _what_object(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "What is the man holding?" -> "The man is holding an umbrella."; "What is the cat sitting
    on?"."""
    gap = object_gap(rest)
    if gap is None or not subject_agrees(be, rest[: gap[0]]):
        return None
    border, at = gap
    verb = rest[border]
    if verb in ("called", "named") or "called" in rest[border:]:
        return None
    if rest[-1] in _ABSTRACT_PREPOSITIONS and rest[-2:] not in _CONCRETE_ENDINGS:
        return None
    if rest[-2:] == ("made", "of"):
        noun_text = q.answer if _is_material(q.low) else None
    else:
        noun = answer_noun_phrase(q.answer, "" if verb in ("playing", "eating", "cooking", "serving") else "a")
        noun_text = None if noun is None else noun.text
    if noun_text is None or (verb in _NAMELESS_OBJECT):
        return None
    return join_words(shown[:border], be, shown[border:at], noun_text, shown[at:])


_NAMELESS_OBJECT = lex.word_table(
    "doing thinking trying about going saying advertising celebrating being warning advising telling indicating showing"
    " pointing instructing suggesting representing meaning symbolizing signifying displaying expecting feeling wanting"
    " hoping asking requesting promoting reading spelling stating announcing notifying alerting prohibiting forbidding"
    " offering referring depicting portraying expressing describing listing reminding"
)
"""What follows them is a text, a thought or a wish more often than a thing."""


def _is_material(low: str) -> bool:
    return all(
        lex.noun_number(word) in ("mass", "plural") or lex.is_adjective(word) or word == "and" for word in low.split()
    )


def _what_identity(q: Query, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "What is the animal in the picture?" -> "The animal in the picture is a dog."; "What is the
    name of ...?"."""
    if (lex.word_class(rest[0]) not in "DS" and not _starts_with_possessive(rest)) or rest[0] in ("a", "an"):
        return None
    if rest[0] in lex.DEMONSTRATIVES and len(rest) > 1 and full_noun_phrase_end(rest, 0) == 1:
        return None
    if any(word in ("called", "named", "doing", "saying", "like") for word in rest):
        return None
    if not is_whole_noun_phrase(rest, 0) or not subject_agrees(be, rest) or _lacks_article_after_of(rest):
        return None
    if misses_object(rest):
        return None
    value = _identity_value(q, be, rest)
    return None if value is None else join_words(shown, be, value)


def _starts_with_possessive(words: Sequence[str]) -> bool:
    return any(word.endswith(("'s", "s'")) for word in words[: noun_phrase_end(words, 0)])


def _identity_value(q: Query, be: str, phrase: Sequence[str]) -> str | None:
    """The answer as it stands after "<phrase> is": quoted text, a bare name, or a noun with article."""
    head = phrase[noun_phrase_end(phrase, 0) - 1]
    if head in TEXT_HEADS:
        return None if q.low in NO_TEXT else f'"{q.answer}"'
    if q.low in ("yes", "no") or is_no_number(head, q.low):
        return None
    if head in ("purpose", "reason", "goal"):
        return q.answer if q.low.startswith("to ") else None
    if head in BARE_HEADS or q.low[0].isdigit():
        return q.answer
    return None if head in _TEXT_BEARERS or head in NAMED_THINGS else agreeing_noun(q, head, be)


def is_no_number(head: str, low: str) -> bool:
    """Whether a number is asked for and something else answered: "The number on the phone is zte"."""
    is_number = any(letter.isdigit() for letter in low) or not lex.NUMBER_WORDS.isdisjoint(low.split())
    return head in ("number", "numbers") and not is_number


def agreeing_noun(q: Query, head: str, be: str) -> str | None:
    """The answer with its article, where its number fits head and verb ("food" takes any)."""
    noun = answer_noun_phrase(q.answer, "" if head in ("food", "meat", "meal", "dish") else "a")
    if noun is None:
        return None
    plural = be in ("are", "were")
    if plural != (noun.number == "plural") and not (head in lex.COLLECTIVE and not plural):
        return None
    return noun.text


def what_does_question(q: Query) -> str | None:
    """As in "What does the sign say?" -> 'The sign says "stop".'; "What does the man have on?" declines."""
    if q.words[1] not in ("do", "does", "did") or len(q.words) < 4 or "or" in q.words:
        return None
    clause = read_clause(q.words[1:], q.shown[1:])
    if clause is None:
        return None
    low = tuple(word.lower() for word in clause.predicate)
    verb = inflect_verb(low[0], clause.auxiliary)
    if verb is None or (low[1:] and not is_place(low[1:])):
        return None
    if low[0] in ("say", "read", "spell"):
        if q.low == "nothing":
            return join_words(clause.subject, verb, q.answer, clause.predicate[1:])
        if q.low in NO_TEXT:
            return None
        return join_words(clause.subject, verb, f'"{q.answer}"', clause.predicate[1:])
    if low[0] not in OBJECT_VERBS:
        return None
    noun = answer_noun_phrase(q.answer, "a")
    return None if noun is None else join_words(clause.subject, verb, noun.text, clause.predicate[1:])
