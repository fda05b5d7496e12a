"""What a class name says of a label: the same thing, a narrower or a broader one, another one, or no thing at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Literal

from asd.makers.normalise import normalise_answer
from asd.makers.noun_taxonomy import NounTaxonomy

Fact = Literal["right", "less_specific", "wrong", "unknown"]
Relation = tuple[Fact, str]
AROUND_NAMES = " .,;:!?\"'`*_()[]<>。！，\n\t"
SENSE_NUMBER = re.compile(r"(?<=[^\W\d_])\d$")
_LONG_NAME = 4  # words, without what follows the head
_LONG_PHRASE = 6  # words in all
_CLIPPED_LABELS, _CLIPPED_SHARE = 5, 0.01
_LISTED = re.compile(r"[^,&/;:\d]{2,30}(?:, ?[^,&/;:\dA-Z]{2,30}){1,3}")
"""A few things one after the other: "dog, grass"; in capitals it is a heading."""
_ITEM_MARK = re.compile(r"(?:1[.)]|[-•]) +(?!.*\b2[.)])")
_NOT_IN_NAMES = re.compile(r"[,&:;/@#\d]|\w\.\w")
_NEW_NAME = re.compile(
    r"(?:[^\W\d_][\w'-]* )?(?!\w*(?:ing|phy|logy|ics|ness|ism|ity|ment|tion|sion|ship|ance|ence|day)\b)[^\W\d_][\w'-]{2,}",
    re.IGNORECASE,
)
_NO_THING = frozenset(
    {"", "a", "an", "the", "it", "this", "that", "none", "nothing", "something", "anything", "no object"}
)
_NO_KIND = frozenset({"stuffed", "toy", "plush", "fake", "model", "inflatable", "cartoon"})
"""Words that make another thing of what follows: a stuffed animal is none."""
_FRAME = re.compile(
    r"(?:(?:in|on) (?:the|this) (?:image|picture|photo)\w*,? )?"
    r"(?:(?:the|this|that)(?: main| only)? (?:object|item|thing|animal|subject|image|picture|photo\w*)"
    r"(?: (?:in|of|on) (?:the|this) (?:image|picture|photo\w*))?|it|this|that|there|what (?:i|you) see|i)"
    r" (?:is|are|was|shows?|depicts?|contains?|features?|see|appears to be|seems to be|looks like|can be seen)"
    r"(?: called| of| labell?ed| that of)?(?: an?| the| some)? ",
    re.IGNORECASE,
)
"""What a sentence puts before the name: "The object in the image is a"."""
_PICTURE_OF = re.compile(
    r"(?:an? |the )?(?:image|picture|photo|photograph|close-?up) of (?:an? |the |some )?", re.IGNORECASE
)
_AFTER_HEAD = re.compile(
    r" (?:in|on|with|at|by|near|under|over|behind|beside|inside|for|from|that|which|who|lying|[a-z]{3,}ing)\b[^A-Z]*"
)
"""What says more of a thing after its name: "man in a suit", "dog lying on grass"; in capitals it is a title."""
_OF = re.compile(r"(?P<measure>.*) of (?P<thing>[^A-Z]*)")
_MEASURES = frozenset(
    "pair piece bunch slice group set type kind sort breed species head pile couple lot stack part herd flock".split()
)
_EVERYDAY = {
    "bug": "arthropod",
    "monkey": "primate",
    "mushroom": "fungus",
    "car": "motor vehicle",
    "plane": "aircraft",
    "temple": "place of worship",
    "hat": "headdress",
}
"""Everyday names and the class that people use them for, where the scientific hierarchy has them narrower."""


@dataclass(frozen=True)
class ClassNames:
    """clipped: also take known names for ones that lost their first letter ("ear" for "bear"); unknown ones always are."""

    taxonomy: NounTaxonomy
    clipped: bool = False

    def read(self, text: str, rights: Sequence[str]) -> Relation:
        """How an answer that is not the label itself stands to the labels that are right."""
        labels = [SENSE_NUMBER.sub("", label) for label in rights]
        labels += [label + end for label in labels for end in ("s", "es") if self.taxonomy.lists(label + end)]
        name = _unframed(text)
        if self.lost_its_first_letter(name, labels):
            return "right", "first letter lost"
        relation = next(
            (relation for spelt in self._spellings(name) if (relation := self._relate(spelt, labels))), None
        )
        if relation is None and not any(self.taxonomy.knows(spelt) for spelt in self._spellings(name)):
            relation = self._relate_head(name, labels)
        if relation is None and _LISTED.fullmatch(name):
            parts = (self._relate(part.strip(), labels) for part in name.split(","))
            relation = next((part for part in parts if part is not None), None)
        if relation is not None:
            return relation
        return ("wrong", "another name") if self.is_name(name) else ("unknown", "no class name")

    def is_name(self, text: str) -> bool:
        """Whether an answer can be the name of a class: a known noun, a short phrase whose head is one, or a word or two
        that the hierarchy lacks ("hoodie", "hand sanitizer") and that name no activity or field ("Photography").
        """
        name = _bare(text)
        if _NOT_IN_NAMES.search(name) or normalise_answer(name) in _NO_THING:
            return False
        if len(name.split()) > _LONG_PHRASE or len(_head_phrase(name).split()) > _LONG_NAME:
            return False
        known = any(self.taxonomy.knows(spelt) or self._head(spelt) for spelt in self._spellings(name))
        return known or _NEW_NAME.fullmatch(name) is not None

    def lost_its_first_letter(self, name: str, labels: Sequence[str]) -> bool:
        if not self.clipped and self.taxonomy.knows(name):
            return False
        plain = normalise_answer(name).replace(" ", "")
        return any(plain and plain == normalise_answer(label).replace(" ", "")[1:] for label in labels)

    def _spellings(self, name: str) -> Iterator[str]:
        """The name, and where it can have lost its first letter, the name with any letter before it."""
        yield name
        if self.clipped or not (self.taxonomy.knows(name) or self._head(name)):
            yield from (letter + name for letter in ascii_lowercase)

    def _relate(self, name: str, labels: Sequence[str]) -> Relation | None:
        """How a name is related to the right labels; None if it is not."""
        names = self.taxonomy
        if any(names.is_same(name, label) for label in labels):
            return "right", "another name of it"
        if any(names.is_broader(name, label) or _is_head_of(name, label) for label in labels):
            return "less_specific", "broader name"
        everyday = _EVERYDAY.get(normalise_answer(name))
        if everyday and any(names.is_broader(everyday, label) for label in labels):
            return "less_specific", "everyday name"
        if any(names.is_narrower(name, label) for label in labels):
            return "right", "narrower name"
        return None

    def _relate_head(self, name: str, labels: Sequence[str]) -> Relation | None:
        """A phrase that is no known name of its own, by its head: "graduation cap" for "mortarboard".

        Another word before the label's own last word makes another kind of it: "medicine kit" for "carpenter's kit".
        """
        if not _NO_KIND.isdisjoint(name.lower().split()):
            return None
        for head in filter(None, (self._head(name), self._known_tail(name))):
            others = [label for label in labels if not _is_head_of(head, label)]
            if any(self.taxonomy.is_broader(head, label) or self.taxonomy.is_same(head, label) for label in others):
                return "less_specific", "broader name with a word before it"
        return None

    def _head(self, name: str) -> str | None:
        """The longest known noun that a phrase's head ends in: "cap" of "graduation cap"; None for a single word."""
        head = _head_phrase(name)
        return head if head != name and self.taxonomy.knows(head) else self._known_tail(head)

    def _known_tail(self, name: str) -> str | None:
        words = name.split()
        tails = (" ".join(words[start:]) for start in range(1, len(words)))
        return next((tail for tail in tails if self.taxonomy.knows(tail)), None)


def lost_first_letters(taxonomy: NounTaxonomy, answers: Iterable[tuple[str, Sequence[str]]]) -> bool:
    """Whether answers, (text, right answers) each, were stored without their first letter: at least one in a hundred is
    no word, but a right label without its first letter, for five labels or more.
    """
    names = ClassNames(taxonomy)
    given = list(answers)
    lost = [
        rights[0]
        for text, rights in given
        if (name := _bare(text)) and names.lost_its_first_letter(name, [_bare(right) for right in rights])
    ]
    return len(set(lost)) >= _CLIPPED_LABELS and len(lost) >= _CLIPPED_SHARE * len(given)


def _bare(text: str) -> str:
    """Without marks around it, the number of a list's only item before it, and a label's sense number after it."""
    return SENSE_NUMBER.sub("", _ITEM_MARK.sub("", text.strip(), count=1).strip(AROUND_NAMES))


def _unframed(text: str) -> str:
    """The name that a sentence gives, or the text itself."""
    name = _bare(text)
    name = name[frame.end() :] if (frame := _FRAME.match(name)) else name
    name = name[picture.end() :] if (picture := _PICTURE_OF.match(name)) else name
    return name.strip(AROUND_NAMES)


def _head_phrase(name: str) -> str:
    """The phrase up to its head noun: "man" of "man in a suit", "glass" of "glass of beer", "dog" of "pair of dogs"."""
    after = _AFTER_HEAD.search(name)
    head = name[: after.start()] if after and after.end() == len(name) else name
    if (match := _OF.fullmatch(head)) is None:
        return head
    is_measure = normalise_answer(match["measure"].split()[-1] if match["measure"].split() else "") in _MEASURES
    return match["thing"] if is_measure else match["measure"]


def _is_head_of(name: str, label: str) -> bool:
    """Whether a name is the end of the label, which names the kind: "retriever" of "golden retriever"."""
    words, said = normalise_answer(label).split(), normalise_answer(name).split()
    return 0 < len(said) < len(words) and words[-len(said) :] == said
