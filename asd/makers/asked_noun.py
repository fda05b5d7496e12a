"""What a question asks a kind of ("Which fruit is it?" -> fruit) and what it is about ("the brand of the beer" -> drink).

An answer that is such a kind stands only beside others that are: no `pepperoni` beside `banana`. Names and other texts,
which no table knows, stand only beside those of questions about the like: no brand of telephone beside one of beer.
Pure, of one question; nouns by WordNet's hierarchy.
"""

from __future__ import annotations

import re
from functools import lru_cache

from asd.lazy_regex import regex
from asd.makers.answer_kinds import STOP_WORDS, TEXT, YES_NO, answer_kind, is_plural, parse_question
from asd.makers.answer_relations import BROADER
from asd.makers.answer_types import ACTIVITY, is_colour, num_colours
from asd.makers.english.lexicon import is_known
from asd.makers.normalise import normalise_answer
from asd.makers.noun_taxonomy import wordnet_nouns

_CACHE_SIZE = 1 << 15
_KIND_OF = (
    r"(?:kinds?|types?|typed?s?|sorts?|breeds?|species|variet(?:y|ies)|forms?|pieces?|items?|styles?|modes?)(?: of)?"
)
_END = (
    r"(?= (?:is|are|was|were|does|do|did|has|have|had|can|could|will|would|should|in|on|at|of|to|that|which|who|with|from|"
    r"behind|beside|besides|near|next|under|underneath|above|below|inside|between|by|for|shown|seen|pictured|here|"
    r"there|this|that|these|those|it|he|she|they|i|we|you|\w+ing|\w+ed|"
    r"\w+s (?:in|on|at|by|with|near|behind|through|under|over|the|an?|this|that|these|those|his|her|their|its|it|you))\b|$)"
)
_PHRASE = r"((?:[^\W\d_]+ ){0,2}?[^\W\d_]+)"
_ASKED = tuple(
    regex(pattern)
    for pattern in (
        rf"\b(?:what|which)(?: is| are)?(?: the)? {_KIND_OF} (?:a |an |the |this )?{_PHRASE}{_END}",
        rf"\b(?:what|which) (?!(?:is|are|was|were|do|does|did|has|have|can|kinds?|types?)\b){_PHRASE}{_END}",
        rf"\b(?:what|which|how) (?:is|are|was|were) (?:the |this |that |these |those )(?:(?:name|{_KIND_OF})(?: of)? )?"
        rf"(?:the |this |that )?{_PHRASE}"
        r"(?= (?:in|on|at|to|that|which|behind|beside|near|next|under|above|below|inside|between|shown|seen|pictured|here|"
        r"there|called)\b|$)",
    )
)
_ONE_OF_A_FEW = frozenset(
    {"colour", "side", "height", "compass", "daytime", "season", "weather", "date", "url", "year", "material", "letter"}
)
"""Kinds of answers whose own list is better than the hierarchy."""
_DOING = regex(r"\b(?:doing|activity|activities|action|engaged|sport)\b|\bdo$")
_NOUNS_IN_ING = frozenset(
    "building clothing painting drawing ceiling topping dressing covering string ring king".split()
)
_BROAD = frozenset(
    "cell kind type sort name word text letter number title brand time day date color colour shape side part way picture image "
    "photo place item object thing one stuff piece area make model company line message logo label".split()
)
"""Nouns that limit nothing, and say nothing about what is asked about."""
_ABOUT = (
    ("drink", "beverage", "bottle", "can", "jug"),
    ("food", "food", "foodstuff", "dish", "meal"),
    ("clothes", "clothing", "footwear", "jersey", "headdress"),
    ("airline", "airline"),
    ("vehicle", "vehicle"),
    ("time", "timepiece"),
    ("computer", "computer", "telephone", "software", "keyboard", "mobile"),
    ("appliance", "appliance", "home appliance", "kitchen appliance"),
    ("device", "electronic equipment", "camera", "machine", "device"),
    ("play", "team", "athlete", "sport", "game"),
    ("reading", "publication", "written communication", "movie", "show", "poster", "record album"),
    ("person", "person"),
    ("place", "structure", "organization", "way", "region", "location", "sign"),
    ("care", "toiletry", "medicine", "soap", "lotion"),
)


@lru_cache(maxsize=_CACHE_SIZE)
def asked_noun(question: str) -> str:
    """The noun, in the singular, that the answer is to be a kind of; "" where none is named or it limits nothing."""
    asked = parse_question(question).full
    nouns = wordnet_nouns()
    for pattern in _ASKED:
        match = pattern.search(asked)
        if match is None:
            continue
        words = match[1].split()
        if words[-1].endswith("ing") and words[-1] not in _NOUNS_IN_ING:
            return ""
        for phrase in (" ".join(words[-2:]), words[-1]):
            if nouns.knows(phrase):
                noun = normalise_answer(phrase)
                return "" if noun in _BROAD else noun
        return ""
    return ""


def _is_limit(question: str) -> bool:
    """Whether the asked noun stands right beside "what" or "what kind of", so that an answer has to be one."""
    asked = parse_question(question).full
    wording = next((pattern for pattern in _ASKED if pattern.search(asked)), None)
    return wording is not None and wording is not _ASKED[-1]


@lru_cache(maxsize=1 << 16)
def kind_asked_for(question: str, gold: str) -> str:
    """The asked noun, where the answer is a kind of it; "" elsewhere, also for answers of which a list is known."""
    noun = _limiting_noun(question, gold)
    return noun if noun and is_kind_of(gold, noun) else ""


def _limiting_noun(question: str, gold: str) -> str:
    """The asked noun, unless the answer is of a listed kind or a number, or an activity is asked for."""
    noun, coarse = asked_noun(question), answer_kind(gold)[1]
    if not noun or (coarse in _ONE_OF_A_FEW and _is_asked_for(coarse, parse_question(question).full)):
        return ""
    if any(letter.isdigit() for letter in gold):
        return ""
    return "" if _DOING.search(parse_question(question).full) else noun


def _is_asked_for(coarse: str, asked: str) -> bool:
    """Whether a question wants answers of a listed kind, as far as its words tell: `marble` is no material of a cake."""
    wanted = _WANTED.get("side" if coarse in ("height", "compass") else coarse)
    return wanted is None or wanted.search(asked) is not None


_WANTED = {
    "colour": regex(r"\bcolou?r(?:s|ed)?\b"),
    "material": regex(
        r"\b(?:made|materials?|fabric|built|constructed|composed|out of|floor(?:ing)?|surface|ground|covering|walls?|roof"
        r"|court|counter(?:top)?s?|paved|texture)\b"
    ),
    "side": regex(
        r"\b(?:where|which|who|whose|sides?|directions?|way|hand|handed|part|half|corner|facing|face|turn|turning|going|looking"
        r"|position|end|lane|point|pointing|moving)\b"
    ),
    "weather": regex(
        r"\b(?:weather|outside|outdoors|sky|skies|day|conditions?|climate|forecast|precipitation|season|temperature|falling)\b"
    ),
    "power": regex(r"\b(?:power|powers|powered|fuel|fuels|energy|run|runs|heat|heated|move|moves|propels?|charge)\b"),
}
"""Words of the questions for kinds that other questions have in another sense: what covers the ground may be `snow`, but
not `sunny`."""


_ALSO_COLOURS = frozenset("clear dark light rose coral chocolate plum mint salmon lime copper rust wine".split())
"""Names of other things that answer the question for a colour."""


def _attribute(name: str, gold: str, fine: str, coarse: str) -> tuple[str, str]:
    """Kinds of an answer to the question for a colour or a shape: several colours, or none, stand beside the like."""
    case = fine.rpartition("/")[2]
    if name == "shape":
        return f"shape/{case}", "shape"
    if coarse != "colour":
        return (f"colour/{case}", "colour") if normalise_answer(gold) in _ALSO_COLOURS else (fine, coarse)
    name = "colour" if num_colours(gold) < 2 else "colours"
    return f"{name}/{case}", name


def _doer(asked: str) -> str:
    """ "animal" where a question is about what an animal does."""
    nouns = wordnet_nouns()
    words = [word for word in asked.split()[1:] if word not in STOP_WORDS and nouns.knows(word)]
    is_animal = any(nouns.is_mainly(word, "animal") for word in words)
    return "animal" if is_animal and not any(nouns.is_mainly(word, "person") for word in words) else ""


_SO_MANY = regex(r"\b(?:\d|two|three|four|five|six) ?(?:digits?|numbers)\b")
_ETHNICITY = regex(r"\b(?:ethnicity|race of|skin)\b")
_EATEN = regex(r"\b(?:eat|eats|eating|ate|graz(?:e|es|ing)|chew(?:s|ing)?|feed(?:s|ing)?|munching)\b")
_BILL = regex(r"\b(?:bills?|banknotes?|denominations?|coins?|note)\b")
_DENOMINATIONS = frozenset("1 2 5 10 20 25 50 100 200 500 1000".split())
_DRUNK = regex(
    r"\b(?:drinks?|drinking|beverages?|glass(?:es)?|cups?|mugs?|bottles?|liquids?|pour(?:ed|ing|s)?|served|meal|pitcher|can)\b"
)
_HOLIDAYS = frozenset(
    map(
        normalise_answer,
        "christmas,halloween,thanksgiving,easter,valentines day,new years,july 4th,st patricks day".split(","),
    )
)
_PURPOSE = regex(r"\b(?:used|good|meant|made|use|purpose) (?:for|of)\b.*|\bwhat .* for$")
_GEAR = frozenset("frisbee ski snowboard skateboard surfboard surf baseball basketball football volleyball".split())
"""Names of things that sports are called by, too."""
_PLAYED = regex(r"\b(?:sports?|games?|do|does|did|doing|activity|play|plays|played|playing)\b")


def _sort_of_thing(gold: str) -> str:
    """What an everyday noun that stands in no list is, by WordNet; "" for names and other texts."""
    if not gold.islower() or gold.count(" ") > 4 or not gold.replace(" ", "").isalpha():
        return ""
    nouns = wordnet_nouns()
    head = gold
    if not nouns.lists(gold):
        words = gold.split(" ")
        head = words[next((place for place, word in enumerate(words) if word in _BEHIND_HEAD), len(words)) - 1]
    sort = next((anchor for anchor in _SORTS if nouns.is_mainly(head, anchor)), "")
    return f"thing {sort}" if sort not in ("", "person") else ""  # a pizza cutter is nobody, nor is an extra


_PLACE = regex(r"\b(?:what|which) (?:kind of |type of |is (?:this|the) )?(?:place|location|scene|setting|area)\b")
_WIDE_SORTS = frozenset(("artifact", "device", "structure", "covering", "object"))
"""Sorts that hold so much that the number of words has to be alike."""
_BEHIND_HEAD = frozenset("in on of with for from at by".split())
_SORTS = (
    "musical instrument", "weapon", "garment", "furniture", "vehicle", "tableware", "container", "building", "room",
    "machine", "tool", "electronic equipment", "food", "beverage", "animal", "plant", "person", "body part",
    "natural object", "geological formation", "structure", "device", "covering", "artifact",
)  # fmt: skip
"""From narrow to wide; the first that stands above a noun's usual meaning is its sort."""
_READ = regex(
    r"\b(?:say|says|said|read|reads|written|word|words|letters|name|named|called|brand|title|logo|text|printed|warning|warn)\b"
    r"|\b(?:what|which|(?:what|which) (?:is|was) the|what the) (?:\w+ )?(?:airline|airport|team|store|shop|restaurant|hotel"
    r"|company|sponsor|school|highschool|university|college|movie|film|newspaper|band|website|app|publisher|theat(?:er|re)"
    r"|museum|hospital)s?\b"
)
_BRAND = regex(r"\b(?:brand|manufacturer|maker|company|wine|beer|drink)\b")
_COLOUR = regex(r"\bcolou?r(?:s|ed)?\b", re.IGNORECASE)
_ATTRIBUTE = regex(r"\b(?:what|which|of what|the) (?:is the )?(colou?r|shape)s?\b(?! as\b)")
_STANDS_FOR = regex(r"\b(?:represents?|indicates?|stands? for|means?|denotes?|shows?|signif(?:y|ies))\b")
_NAMING = frozenset(
    "title titled brand name named called movie film book band album game team flavor flavors flavour flavours say says word "
    "words written company slogan logo station character product warning warn".split()
)
_NAMELESS = frozenset(
    "colour side height compass daytime season weather date url year place country city state month weekday language person "
    "letter".split()
)


@lru_cache(maxsize=1 << 16)
def kinds_asked_for(question: str, gold: str) -> tuple[str, str]:
    """`answer_kind`, by what is asked: the noun that the question asks a kind of, where the answer is one, and else "asks"
    and the noun, of answers to such questions alone; a colour or a shape, whatever else the word may name; an activity
    only of what somebody does, animals apart; the name of a book is no animal. Plurals stand beside plurals."""
    fine, coarse = _kinds_in(question, gold)
    asked = parse_question(question).full
    if coarse == TEXT:
        form = _form(asked, gold, fine)
        return f"{form} plural" if gold.islower() and is_plural(gold) else form, coarse
    if coarse in _MODIFIED_KINDS and (modifier := _modifier(asked)):
        fine, coarse = f"{modifier} {fine}", f"{modifier} {coarse}"
    return (f"{fine} plural", f"{coarse} plural") if is_plural(gold) else (fine, coarse)


_LETTERS = regex(r"\b(?:letters|initials?|abbreviation|acronym)\b")
_WHO = regex(
    r"\b(?:who|whom|whose|author|photographer|artist|writer|president|(?:man|woman|person|player|boy|girl)'?s name)\b"
)


def _form(asked: str, gold: str, fine: str) -> str:
    """The fine kind of a text by its form, too: letters by their number, names of somebody apart from words, initials
    apart from full names."""
    if _LETTERS.search(asked) and " " not in gold:
        return f"{min(len(gold), 6)} letters/{fine}"
    if _WHO.search(asked) or _READ.search(asked):
        return f"{'words' if _is_of_words(gold) else 'name'}{'.' if '.' in gold else ''} {fine}"
    return fine


@lru_cache(maxsize=_CACHE_SIZE)
def _is_of_words(text: str) -> bool:
    """Whether each word of a text stands in the lexicon: "stop sign", and no name."""
    return all(map(is_known, text.lower().replace("-", " ").split()))


_MODIFIED_KINDS = frozenset(
    "animal bird dog food fruit vegetable meat dessert drink beverage flower foodstuff dish snack vehicle".split()
)
_ADJECTIVES = (
    r"(small|little|tiny|large|big|huge|tall|flying|wild|baby|striped|spotted|cold|hot|sweet|salty|healthy|green|red|orange|"
    r"yellow|white|black|brown|purple|pink|gray|grey|tan|round|leafy|frozen|alcoholic)"
)
_MODIFIED = r"(?:animals?|birds?|dogs?|foods?|fruits?|vegetables?|veggies?|meats?|desserts?|drinks?|beverages?|flowers?|snacks?)"
_MODIFIER = regex(rf"\b{_ADJECTIVES} (?:\w+ )?{_MODIFIED}\b|\b{_MODIFIED} (?:\w+ )*?(?:is|are|looks?) {_ADJECTIVES}$")
_SAME_MODIFIER = {"little": "small", "tiny": "small", "big": "large", "huge": "large", "grey": "gray", "tall": "large"}


def _modifier(asked: str) -> str:
    """What a question says of the kind of thing that it asks for ("Which small animal is it?"), so that answers to questions
    that say otherwise are told apart by it."""
    match = _MODIFIER.search(asked)
    return _SAME_MODIFIER.get(word := match[1] or match[2], word) if match else ""


def _kinds_in(question: str, gold: str) -> tuple[str, str]:
    fine, coarse = answer_kind(gold)
    case = fine.rpartition("/")[2]
    asked = parse_question(question).full
    if coarse != TEXT and any(letter.isdigit() for letter in gold):
        if _BILL.search(asked) and gold.strip("$") in _DENOMINATIONS:
            return f"denomination{gold[: gold.startswith('$')]}", "denomination"
        return (fine, fine) if _SO_MANY.search(asked) else (fine, coarse)
    if _ETHNICITY.search(asked):
        return f"ethnicity/{case}", "ethnicity"
    if coarse in ("nature", "fodder") and _EATEN.search(asked):
        return f"fodder/{case}", "fodder"
    if "colo" in asked or "shape" in asked:
        if is_colour(gold) and _COLOUR.search(asked):
            return _attribute("colour", gold, f"colour/{case}", "colour")
        if coarse not in (TEXT, YES_NO) and (attribute := _ATTRIBUTE.search(asked)) and not _STANDS_FOR.search(asked):
            return _attribute(attribute[1], gold, fine, coarse)
    if asked_noun(question) == coarse:
        return fine, coarse
    if not _is_asked_for(coarse, asked) and coarse != "colour":
        coarse, fine = TEXT, f"{len(gold.split())}/{case}"
    if coarse == "drink" and normalise_answer(gold) == "water" and not _DRUNK.search(asked):
        fine, coarse = f"nature/{case}", "nature"
    if coarse == "event" and "holiday" in asked:
        kind = "holiday" if normalise_answer(gold) in _HOLIDAYS else "holiday or event"
        return f"{kind}/{case}", kind
    if _PURPOSE.search(asked) and gold.split(" ")[0].endswith("ing"):
        return f"purpose/{case}", "purpose"
    if noun := _limiting_noun(question, gold):
        if is_kind_of(gold, noun):
            return f"{noun}/{case}", noun
        if _is_limit(question):
            return f"asks {noun}/{fine}", f"asks {noun}/{fine if coarse == TEXT else coarse}"
    if coarse == "brand" and (topic := about(question)):
        return f"brand of {topic}/{case}", f"brand of {topic}"
    if (
        coarse == TEXT
        and "-" not in fine.partition("/")[2]
        and not _READ.search(asked)
        and (kind := _sort_of_thing(gold))
    ):
        if asked.startswith("where ") or _PLACE.search(asked):  # a container holds the man, but is no road
            kind = f"where {kind}"
        elif kind.rpartition(" ")[2] in _WIDE_SORTS:
            kind = f"{kind} {len(gold.split())}"
        return f"{kind}/{case}", kind
    if coarse == "sport" and normalise_answer(gold) in _GEAR and not _PLAYED.search(asked):
        return f"equipment/{case}", "equipment"
    if coarse == ACTIVITY and _DOING.search(asked) and (doer := _doer(asked)):
        return f"{coarse} of {doer}/{case}", f"{coarse} of {doer}"
    is_nameless = coarse in _NAMELESS and not (coarse == "place" and _BRAND.search(asked))
    is_named = not is_nameless and "/" in fine and not fine[0].isdigit() and "integer" not in coarse
    if (coarse == ACTIVITY and not _DOING.search(asked)) or (
        is_named and coarse != ACTIVITY and not _NAMING.isdisjoint(asked.replace("'", " ").split())
    ):
        return f"{len(gold.split())}/{case}", TEXT
    return fine, coarse


def is_no_answer(question: str, gold: str) -> bool:
    """Whether an answer says no more than what is asked for: "place" to "Which place is it?"."""
    return bool(gold) and normalise_answer(gold) in (asked_noun(question), parse_question(question).head.split(" ")[-1])


_NAMES_WORD = 5
"""Letters of the shortest word that tells an answer in which it stands."""


@lru_cache(maxsize=_CACHE_SIZE)
def tells_answer(question: str, gold: str) -> bool:
    """Whether a longer word of the question stands in an address or a text that is asked for ("alter electra's website" ->
    www.alterelectra.com), so that it is found without the picture. Answers of one word, and of a known kind, do not count."""
    joined = _joined(gold)
    if not joined or ("." not in gold and " " not in gold) or answer_kind(gold)[1] not in (TEXT, "url"):
        return False
    return any(
        len(word) >= _NAMES_WORD and word in joined for word in map(_joined, question.replace("'s", " ").split())
    )


def _joined(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def is_kind_of(answer: str, noun: str) -> bool:
    """Whether an answer names a kind of a thing by a usual meaning, or by its last word: "chocolate cake"."""
    nouns = wordnet_nouns()
    words = normalise_answer(answer).split()
    if words[:1] == ["riding"]:  # a horse for riding, to WordNet
        return False
    for name in dict.fromkeys([answer, *(words[-1:] if len(words) < 3 else ())]):
        if words[-1:] == noun.split()[-1:] and len(words) > 1:
            return True
        if noun in BROADER.get(normalise_answer(name), ()):
            return True
        if nouns.knows(name):
            return nouns.is_narrower(name, noun) or nouns.is_same(name, noun)
    return False


@lru_cache(maxsize=_CACHE_SIZE)
def about(question: str) -> str:
    """Roughly what a question is about, by the first of its nouns that tells, a person only where no other does; ""
    where none does."""
    known = ""
    for word in parse_question(question).full.split()[1:]:
        topic = _topic_of(word)
        if topic and topic != "person":
            return topic
        known = known or topic
    return known


@lru_cache(maxsize=_CACHE_SIZE)
def _topic_of(word: str) -> str:
    """What a word of a question is about, a person only where it is nothing else; "" where it does not tell."""
    nouns, known = wordnet_nouns(), ""
    noun = normalise_answer(word)
    if word in STOP_WORDS or word in _BROAD or noun in _BROAD or not nouns.knows(word):
        return ""
    for name, *anchors in _ABOUT:
        if noun in anchors or any(nouns.is_mainly(word, anchor) for anchor in anchors):
            known = name
            if name != "person":
                return name
    return known
