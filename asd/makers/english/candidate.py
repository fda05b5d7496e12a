"""A question and a candidate as a question for yes or no, straight from the question's own words; None where no rule is sure.

"What is the median of the numbers?" + 7 is "Is 7 the median of the numbers?". `verdict` turns the sentence that a
right answer makes; many a figure makes none, since nobody says in which unit it is, but may be asked about as it stands.
Sentences in front of the question stay. Each rule takes few forms: who wrote the question does the rest.
"""

from __future__ import annotations

from asd.lazy_regex import regex
from asd.makers.english import lexicon as lex
from asd.makers.english.what_is import BARE_HEADS, NAMED_THINGS
from asd.makers.wording import collapse

MAX_WORDS = 32
_LAST = regex(r"(.*[.!]\s+)?([^?]+)\?+\s*$")
"""What stands in front of the last question, and that question."""
_ODD = regex(r"[()\[\]{}<>|\\_=*#@:;\"“”`~^!]|--|\bor\b|\b(?:you|your|i|I|we|my|our|me|us)\b|\bhttps?\b|[.](?=\s[A-Z])")
_FIGURE = (
    "value|values|median|mean|mode|range|average|sum|total|difference|number|percentage|percent|ratio|rate|amount|population|"
    "price|cost|revenue|share|increase|decrease|size|profit|income|growth|production|gap|budget|score|probability|maximum|"
    "minimum|sales|consumption|expenditure|turnover|volume|area|capacity|unemployment|index|spending|debt|worth|assets|age|GDP|length"
)
_FIGURE_OF = regex(rf"(?:the |[\w'’.-]+(?: [\w'’.-]+){{0,3}}['’]s? )(?:[\w'’.,-]+ ){{0,4}}?(?:{_FIGURE})(?: .+)?")
_IS_FIGURE = regex(r"what(?:'s| is| was| are| were) (.+)")
_ADJUNCT = regex(
    r"(in|on|at|by|for|during) (?:what|which) (?:year|month|day|state|country|city|quarter|season|decade|week)"
    r" (did|does|do|is|was|were|are|will|has|had|have) (.+)"
)
_WHEN = regex(r"(?:when|what time|at what time) (did|does|do|is|was|were|are|will) (.+)")
_HOW_MUCH = regex(
    r"how much (?:money |more money )?(did|does|do|will|would|can) ((?:(?:the|an?|his|her|their) )?(?:[\w'’.-]+ ){1,6}?)"
    r"(need|spend|cost|make|pay|earn|raise|owe|save|have|contribute)"
    r"( left)?( (?:to|on|for|if|in|from|at|when|after|between|during|per) .+)?"
)
_HOW_MANY = regex(r"how many ((?:[\w'’-]+ ){1,4}?)(have|had|were|are|will|can|could|would) (?!there\b)(.+)")
_WHICH = regex(
    r"(?:what|which) ((?:[\w'’-]+ ){1,3}?|(?:percentage|percent|share|proportion|number) of (?:[\w'’.-]+ ){1,5}?)"
    r"(has|had|have|shows|showed|begins|began|ends|ended|took|takes|contains|received|recorded|represents|represented|sold|costs|"
    r"holds|held|reached|won|got|saw|lost|made|ran|said|say|thinks|think|believe|use|used|approve|disapprove|support|favor)"
    r" ((?!to\b).+)"
)
_NO_NOUNS = lex.AUXILIARIES | lex.DETERMINERS | frozenset("one ones kind type sort i it he she they that".split())
_SUBJECTS = lex.DETERMINERS | frozenset("it he she they this that".split())
_CLOCK = regex(r"\b(?:clocks?|watch|stopwatch|says?|shows?|showing|reads?|reading|display\w*|have|has|it|this|set)\b")
"""What tells a time, and is not at one."""
_TWO_VERBS = regex(r"\b(?:is|are|was|were|does|did|do)\b")
_IN_UNITS = (" in million", " in billion", " in trillion", " in thousand", " in dollars")
_DATE = regex(r"(?:1[5-9]|20)\d\d(?:[/-]\d{2,4})?")
_TIME = regex(r"\d{1,2}[:.]\d\d(?: ?[AaPp]\.?[Mm]\.?)?")
_DAY = regex(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day")
_NUMBER = regex(r"-?\$?\d[\d,]*(?:\.\d+)?%?")


def asked_of_candidate(question: str, candidate: str) -> str | None:
    """One question that is answered Yes where `candidate` answers `question`, and holds the candidate as it is written."""
    match = _LAST.match(collapse(question))
    if match is None:
        return None
    before, asked = match[1] or "", match[2].strip().replace("’", "'")
    if "?" in before or not 3 <= len(asked.split()) <= MAX_WORDS or _ODD.search(asked[:1].lower() + asked[1:]):
        return None
    asked = asked[:1].lower() + asked[1:]
    for rule in (_figure, _adjunct, _when, _how_much, _how_many, _which):
        turned = rule(asked, candidate)
        if turned is not None:
            return f"{before}{turned[:1].upper()}{turned[1:]}?"
    return None


def _figure(asked: str, candidate: str) -> str | None:
    """ "What was the population of Bahrain in 2019?" -> "Was 1.48 the population of Bahrain in 2019?" """
    match = _IS_FIGURE.fullmatch(asked)
    if match is None or not _NUMBER.fullmatch(candidate) or not _FIGURE_OF.fullmatch(match[1]):
        return None
    be = "was" if asked.startswith(("what was", "what were")) else "is"
    return f"{be} {candidate} {match[1]}"


def _adjunct(asked: str, candidate: str) -> str | None:
    """ "On which day did the bakery sell the fewest cupcakes?" -> "Did the bakery sell the fewest cupcakes on Saturday?" """
    match = _ADJUNCT.fullmatch(asked)
    if match is None or not candidate[:1].isalnum() or candidate[:1].islower() or _TWO_VERBS.search(match[3]):
        return None
    return f"{match[2]} {match[3]} {match[1]} {candidate}"


def _when(asked: str, candidate: str) -> str | None:
    """ "When does Biology class end?" -> "Does Biology class end at 8:05 A.M.?" """
    match = _WHEN.fullmatch(asked)
    forms = ((_DATE, "in"), (_TIME, "at"), (_DAY, "on"))
    word = next((word for form, word in forms if form.fullmatch(candidate)), None)
    if match is None or word is None or _CLOCK.search(match[2]) or _TWO_VERBS.search(match[2]):
        return None
    words = match[2].split(" ")
    if words[-1] in lex.PREPOSITIONS or (match[1] in lex.BE_FORMS and lex.word_class(words[0]) in "PE"):
        return None
    return f"{match[1]} {match[2]} {word} {candidate}"


def _how_much(asked: str, candidate: str) -> str | None:
    """ "How much will Pamela have left if she buys it?" -> "Will Pamela have 3,111 left if she buys it?" """
    match = _HOW_MUCH.fullmatch(asked)
    if match is None or not _NUMBER.fullmatch(candidate) or (match[5] or "").startswith(_IN_UNITS):
        return None
    return f"{match[1]} {match[2]}{match[3]} {candidate}{match[4] or ''}{match[5] or ''}"


def _how_many(asked: str, candidate: str) -> str | None:
    """ "How many racks have 67 ties?" -> "Do exactly 4 racks have 67 ties?" """
    match = _HOW_MANY.fullmatch(asked)
    if match is None or not _NUMBER.fullmatch(candidate) or candidate in ("0", "1") or not _is_plural(match[1]):
        return None
    verb, rest = match[2], match[3]
    first = rest.split(" ")[0]
    exactly = f"exactly {candidate}" if candidate.isdigit() else candidate
    if first in _SUBJECTS - lex.NUMBER_WORDS and verb not in ("have", "had"):  # the men wear them
        return None
    if first == "on" or (verb in lex.MODALS and first != "be"):  # have on, can ride
        return None
    if verb in ("have", "had") and first != "been" and lex.word_class(first) != "E":
        return f"{'do' if verb == 'have' else 'did'} {exactly} {match[1]}have {rest}"
    if verb not in ("are", "were"):
        return f"{verb} {exactly} {match[1]}{rest}"
    if first in lex.PREPOSITIONS:  # "Are there exactly 60 apples in 6 packages?"
        return f"{verb} there {exactly} {match[1]}{rest}" if candidate.isdigit() else None
    return f"{verb} {exactly} {match[1]}{rest}" if lex.word_class(first) in "EPAG" else None


def _is_plural(phrase: str) -> bool:
    words = phrase.split()
    return words[0] not in ("more", "times", "fewer", "of") and lex.noun_number(words[-1]) == "plural"


def _which(asked: str, candidate: str) -> str | None:
    """ "Which country had the most teachers?" -> "Is Brazil the country that had the most teachers?" """
    match = _WHICH.fullmatch(asked)
    if match is None:
        return None
    words, rest = match[1].split(), match[3].split(" ")
    is_share = " of " in match[1]
    if (
        not _NO_NOUNS.isdisjoint(words)
        or words[0] == "of"
        or "'s" in match[1]
        or rest[0] == "by"
        or lex.word_class(rest[-1]) == "E"
    ):
        return None
    if is_share:
        return f"is {candidate} the {match[1]}that {match[2]} {match[3]}" if _NUMBER.fullmatch(candidate) else None
    if lex.word_class(words[-1]) != "N" or lex.noun_number(words[-1]) != "singular" or len(candidate.split(" ")) > 5:
        return None
    is_name = not candidate.islower() or any(char.isdigit() for char in candidate)
    if not is_name and words[-1] not in BARE_HEADS | NAMED_THINGS:  # others want an article
        return None
    return f"is {candidate} the {match[1]}that {match[2]} {match[3]}"
