"""Which noun is a broader name of which, by WordNet's hierarchy (bundled, see `wordnet/README.md`)."""

from __future__ import annotations

import zlib
from bisect import bisect_left
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from asd.makers.normalise import normalise_answer

# A rarer sense of an answer is hardly what was meant: "van" as a camper.
_USUAL_SENSES = 3
_CACHE_SIZE = 1 << 16
# Names so broad that they say nothing: "thing" for a teapot is no answer, "kitchen utensil" is a vague one.
_VACUOUS = frozenset(
    """entity, physical entity, abstraction, abstract entity, thing, object, physical object, whole, unit, matter,
    artifact, artefact, psychological feature, relation, measure, group, grouping, attribute, causal agent, cause,
    causal agency, part, portion, component, item, instrumentality, instrumentation, communication, substance,
    being, organism, living thing, animate thing, something, stuff, material, product, creation, piece""".replace(
        "\n", " "
    ).split(", ")
)


class _Senses(NamedTuple):
    """Synsets that a name can mean."""

    every: frozenset[int]
    usual: frozenset[int]
    """Its three most frequent senses at most."""
    first: frozenset[int]
    """Its most frequent sense, where the table has it."""
    ranked: tuple[tuple[int, int], ...]
    """(rank, synset) of all of them."""


class NounTaxonomy:
    """Noun synsets by number: their lemmas and the numbers of the synsets right above them."""

    def __init__(self, table: str) -> None:
        """table: as `wordnet/make_table.py` writes it. It stays text, which is searched: most of it is never asked for."""
        self._above_all = lru_cache(maxsize=_CACHE_SIZE)(self._climb)
        self._find = lru_cache(maxsize=_CACHE_SIZE)(self._look_up)
        synsets, _, spellings = table.partition("\f\n")
        self._synsets, self._spellings = synsets.split("\n"), spellings.split("\n")
        self._vacuous = frozenset(
            number
            for name in _VACUOUS
            for _, number in self._ranked(name)
            if self._synsets[number].partition("\t")[0].lower().replace("_", " ") == name
        )

    def _entry(self, spelling: str) -> str:
        """What the table has on a spelling: its senses, or "=" and the places of the blanks where words are joined; or ""."""
        place = bisect_left(self._spellings, f"{spelling}\t")
        key, _, entry = self._spellings[place].partition("\t") if place < len(self._spellings) else ("", "", "")
        return entry if key == spelling else ""

    def _ranked(self, spelling: str) -> list[tuple[int, int]]:
        """(rank, synset) of each sense of a spelling, or of the words that are joined in it."""
        entry = self._entry(spelling)
        if entry.startswith("="):
            blanks = [0, *map(int, entry[1:].split(",")), len(spelling)]
            entry = self._entry(" ".join(spelling[start:end] for start, end in pairwise(blanks)))
        senses = (sense.rpartition(":") for sense in entry.split(",") if sense)
        return [(int(rank or 1), int(number)) for rank, _, number in senses]

    def is_same(self, name: str, label: str) -> bool:
        """Whether two names share a meaning: "hair dryer" and "hand blower"."""
        return not self.senses(name).isdisjoint(self.senses(label))

    def is_broader(self, name: str, label: str) -> bool:
        """Whether a meaning of `name` stands above one of `label` and says something: "dog" above "whippet"."""
        return bool(self._above_all(self.senses(label)) & (self.senses(name) - self._vacuous))

    def is_narrower(self, name: str, label: str) -> bool:
        """Whether `label` stands above a usual meaning of `name`: the answer says more than was asked."""
        usual = self.senses(name, usual=True)
        return bool(self._above_all(usual) & (self.senses(label) - self._vacuous))

    def is_mainly(self, name: str, label: str) -> bool:
        """Whether `label` stands above the most frequent meaning of `name`."""
        return not self._above_all(self._find(name).first).isdisjoint(self._find(label).usual)

    def is_related(self, left: str, right: str) -> bool:
        """Whether usual meanings of two names are one, or one stands above the other and says something: a picture that
        shows the one shows the other, too."""
        first, second = self.senses(left, usual=True), self.senses(right, usual=True)
        if not first or not second:
            return False
        if not first.isdisjoint(second):
            return True
        return bool(
            self._above_all(first) & (second - self._vacuous) or self._above_all(second) & (first - self._vacuous)
        )

    def are_siblings(self, left: str, right: str) -> bool:
        """Whether the most frequent meanings of two names stand right below one that says something: "boot" and "shoe"."""
        above = [
            {parent for number in self._find(name).first for parent in self._right_above(number)}
            for name in (left, right)
        ]
        return bool(above[0] & above[1] - self._vacuous)

    def first_above(self, name: str, labels: tuple[str, ...]) -> list[tuple[int, str]]:
        """(rank, label) of each sense of a name, the most frequent first: the first label that it is, or that stands above it.

        Senses that none of the labels fits are left out.
        """
        meanings = [(label, self._find(label).usual) for label in labels]
        kinds = []
        for rank, sense in sorted(self._find(name).ranked):
            above = self._above_all(frozenset((sense,))) | {sense}
            kinds += [(rank, label) for label, senses in meanings if not senses.isdisjoint(above)][:1]
        return kinds

    def lists(self, name: str) -> bool:
        """Whether a name stands in the table as it is written, a plural ("sunglasses") too."""
        return self._is_listed(name.lower().replace("-", " "))

    def _is_listed(self, spelling: str) -> bool:
        return self._entry(spelling)[:1] not in ("", "=")

    def knows(self, name: str) -> bool:
        return bool(self.senses(name))

    def senses(self, name: str, *, usual: bool = False) -> frozenset[int]:
        """Synsets that a name can mean (usual: its three most frequent senses at most).

        The name is taken in the singular where the plural is not listed itself, and as the words that were joined in it
        ("motorhome") where it is not listed as one.
        """
        return self._find(name).usual if usual else self._find(name).every

    def _look_up(self, name: str) -> _Senses:
        plain = " ".join(name.lower().replace("-", " ").replace("_", " ").split())
        spelt = (plain, normalise_answer(plain), plain.removesuffix("es"))
        known = next((form for form in spelt if self._is_listed(form)), None)
        joined = known or next((form for form in spelt[:2] if self._entry(form)), None)
        ranked = self._ranked(joined) if joined else []
        return _Senses(
            frozenset(number for _, number in ranked),
            frozenset(number for rank, number in ranked if rank <= _USUAL_SENSES),
            frozenset(number for rank, number in ranked if rank == 1),
            tuple(ranked),
        )

    def _climb(self, synsets: frozenset[int]) -> frozenset[int]:
        """Every synset above one of these."""
        above: set[int] = set()
        waiting = [parent for synset in synsets for parent in self._right_above(synset)]
        while waiting:
            synset = waiting.pop()
            if synset not in above:
                above.add(synset)
                waiting.extend(self._right_above(synset))
        return frozenset(above)

    def _right_above(self, synset: int) -> list[int]:
        return [int(number) for number in self._synsets[synset].partition("\t")[2].split(",") if number]


@lru_cache(maxsize=1)
def wordnet_nouns() -> NounTaxonomy:
    """The bundled table, read once (some hundredths of a second)."""
    packed = files("asd.makers").joinpath("wordnet", "nouns.tsv.z").read_bytes()
    return NounTaxonomy(zlib.decompress(packed).decode())


@lru_cache(maxsize=_CACHE_SIZE)
def are_related_nouns(left: str, right: str) -> bool:
    """`NounTaxonomy.is_related`, by the bundled table; names in any order."""
    return wordnet_nouns().is_related(left, right)
