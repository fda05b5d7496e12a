"""Which noun is a broader name of which, by WordNet's hierarchy (bundled, see `wordnet/README.md`)."""

from __future__ import annotations

import lzma
from collections import defaultdict
from functools import lru_cache
from importlib.resources import files

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


class NounTaxonomy:
    """Noun synsets by number: their lemmas and the numbers of the synsets right above them."""

    def __init__(self, table: str) -> None:
        self._lemmas: list[list[str]] = []
        self._above: list[list[int]] = []
        self._above_all = lru_cache(maxsize=_CACHE_SIZE)(self._climb)
        self._find = lru_cache(maxsize=_CACHE_SIZE)(self._look_up)
        self._senses: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._joined: dict[str, str] = {}
        for number, line in enumerate(table.splitlines()):
            lemmas, _, above = line.partition("\t")
            ranked = [lemma.partition("~") for lemma in lemmas.lower().replace("_", " ").split(",")]
            self._lemmas.append([lemma for lemma, _, _ in ranked])
            self._above.append([int(synset) for synset in above.split(",") if synset])
            for lemma, _, rank in ranked:
                spelt = lemma.replace("-", " ")
                self._senses[spelt].append((int(rank or 1), number))
                if " " in spelt:
                    self._joined.setdefault(spelt.replace(" ", ""), spelt)
        self._vacuous = frozenset(number for number, lemmas in enumerate(self._lemmas) if lemmas[0] in _VACUOUS)

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
        first = frozenset(number for rank, number in self._find(name) if rank == 1)
        return bool(self._above_all(first) & self.senses(label, usual=True))

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

    def lists(self, name: str) -> bool:
        """Whether a name stands in the table as it is written, a plural ("sunglasses") too."""
        return name.lower().replace("-", " ") in self._senses

    def knows(self, name: str) -> bool:
        return bool(self.senses(name))

    def senses(self, name: str, *, usual: bool = False) -> frozenset[int]:
        """Synsets that a name can mean (usual: its three most frequent senses at most).

        The name is taken in the singular where the plural is not listed itself, and as the words that were joined in it
        ("motorhome") where it is not listed as one.
        """
        return frozenset(number for rank, number in self._find(name) if rank <= _USUAL_SENSES or not usual)

    def _look_up(self, name: str) -> list[tuple[int, int]]:
        plain = " ".join(name.lower().replace("-", " ").replace("_", " ").split())
        spelt = (plain, normalise_answer(plain), plain.removesuffix("es"))
        known = next((form for form in spelt if form in self._senses), None)
        joined = known or next((self._joined[form] for form in spelt[:2] if form in self._joined), None)
        return self._senses[joined] if joined else []

    def _climb(self, synsets: frozenset[int]) -> frozenset[int]:
        """Every synset above one of these."""
        above: set[int] = set()
        waiting = [parent for synset in synsets for parent in self._above[synset]]
        while waiting:
            synset = waiting.pop()
            if synset not in above:
                above.add(synset)
                waiting.extend(self._above[synset])
        return frozenset(above)


@lru_cache(maxsize=1)
def wordnet_nouns() -> NounTaxonomy:
    """The bundled table, read once (about half a second)."""
    packed = files("asd.makers").joinpath("wordnet", "nouns.tsv.xz").read_bytes()
    return NounTaxonomy(lzma.decompress(packed).decode())


@lru_cache(maxsize=_CACHE_SIZE)
def are_related_nouns(left: str, right: str) -> bool:
    """`NounTaxonomy.is_related`, by the bundled table; names in any order."""
    return wordnet_nouns().is_related(left, right)
