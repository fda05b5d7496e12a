"""Classes of a classification task in sets of one kind, so that wrong answers are other classes of that kind: a dog beside
dogs. Pure, of the set's class names; nouns by WordNet's hierarchy.

A name of several senses takes the most frequent one, but that of an animal ("kite") among classes of which many are animals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from asd.makers.noun_taxonomy import wordnet_nouns

MIN_SET = 8
"""Smaller kinds join the others of their group; what is left so small in the end, the largest set."""
MIN_SHARE_OF_ANIMALS = 0.2
MAX_CLASSES = 8192
"""More different answers are no closed set of classes."""
_KINDS = {
    "animal": (
        "dog", "cat", "bird", "fish", "snake", "lizard", "turtle", "amphibian", "insect", "arachnid", "crustacean", "monkey",
        "ungulate", "rodent", "mammal", "reptile", "invertebrate", "animal",
    ),
    "food": ("fruit", "vegetable", "fungus", "beverage", "foodstuff", "food", "flower", "tree", "plant"),
    "thing": (
        "vehicle", "aircraft", "musical instrument", "weapon", "headdress", "footwear", "clothing", "furniture", "building",
        "structure", "kitchen utensil", "container", "appliance", "toy", "ball", "sports equipment", "electronic equipment",
        "computer", "measuring instrument", "machine", "tool", "device", "fabric", "covering", "equipment", "implement", "signal",
        "artifact", "geological formation", "person",
    ),
}  # fmt: skip
_GROUP_OF = {kind: group for group, kinds in _KINDS.items() for kind in kinds}
_OTHER = "class"
"""The kind of names that WordNet does not know."""


def class_sets(names: Iterable[str]) -> dict[str, list[str]]:
    """Kind -> its class names, each in one kind, sorted; {} for more names than classes can be."""
    classes = sorted(set(names))
    if len(classes) > MAX_CLASSES:
        return {}
    senses = {name: _kinds_of_senses(name) for name in classes}
    num_animals = sum(_GROUP_OF[kinds[0][1]] == "animal" for kinds in senses.values() if kinds)
    has_animals = num_animals >= MIN_SHARE_OF_ANIMALS * len(classes)
    chosen = {name: _choose(kinds, has_animals=has_animals) for name, kinds in senses.items()}
    for coarser in (_group, _any_class):
        sizes = Counter(chosen.values())
        chosen = {name: kind if sizes[kind] >= MIN_SET else coarser(kind) for name, kind in chosen.items()}
    sets = defaultdict(list)
    for name, kind in chosen.items():
        sets[kind].append(name)
    largest = max(sorted(sets), key=lambda kind: len(sets[kind]), default=_OTHER)
    if largest != _OTHER and len(sets.get(_OTHER, ())) < MIN_SET:  # too few to stand beside each other alone
        sets[largest] = sorted([*sets[largest], *sets.pop(_OTHER, ())])
    return dict(sorted(sets.items()))


def _choose(kinds: list[tuple[int, str]], *, has_animals: bool) -> str:
    """The kind of the most frequent sense; of an animal, where the set has many and the name can mean one."""
    animals = [kind for _, kind in kinds if _GROUP_OF[kind] == "animal"] if has_animals else []
    others = [kind for _, kind in kinds if kind != "person"] or [kind for _, kind in kinds]
    return (animals or others or [_OTHER])[0]


def _group(kind: str) -> str:
    return _GROUP_OF.get(kind, _OTHER)


def _any_class(kind: str) -> str:
    return _OTHER


def _kinds_of_senses(name: str) -> list[tuple[int, str]]:
    """(rank, kind) of the usual senses of a class name, of all where only its last word is known; of "crane (bird)", of
    what stands in brackets."""
    nouns = wordnet_nouns()
    plain, _, bracket = name.partition(" (")
    words = bracket.rstrip(")") or plain
    known = next(filter(nouns.knows, _endings(words)), words)
    kinds = nouns.first_above(known, tuple(_GROUP_OF))
    return [(rank, kind) for rank, kind in kinds if rank <= _USUAL_RANK or known != words or name[0].isupper()]


def _endings(name: str) -> Iterator[str]:
    """A name, and its ends: "southern black widow", "black widow", "widow"; "clownfish", "fish"."""
    words = name.split(" ")
    yield from (" ".join(words[first:]) for first in range(len(words)))
    yield from (words[-1][first:] for first in range(_LEAST_BEGIN, len(words[-1]) - _LEAST_END + 1))


_LEAST_BEGIN, _LEAST_END = 3, 4
_USUAL_RANK = 4
