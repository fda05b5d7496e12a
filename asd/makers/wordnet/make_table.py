"""Derive `nouns.tsv.z` from WordNet 3.0's data.noun and index.noun (Debian package wordnet-base):

    python asd/makers/wordnet/make_table.py /usr/share/wordnet

Two tables, a form feed between them. One line a synset: its first lemma, a tab, the line numbers (from 0) of its
hypernyms. Then one line a spelling, sorted, so that it can be searched as it is: a tab and its senses, each the number
of a synset, with "rank:" before it where it is not the most frequent one. Words joined in one ("motorhome") that are no
spelling themselves have "=" and where the blanks were. Kept are the nouns that can be class names (things, living
beings, food, places, signs) and everything above them; left out are instances ("Nile"), taxa ("genus Canis") and
glosses.
"""

from __future__ import annotations

import sys
import zlib
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

# lexicographer files: animal, artifact, body, communication, food, group, location, object, person, phenomenon, plant,
# possession, shape, substance
_KEPT_FILES = frozenset({5, 6, 8, 10, 13, 14, 15, 17, 18, 19, 20, 21, 25, 27})
_TAXA = ("genus", "family", "order", "class", "phylum", "division", "kingdom", "subfamily", "superfamily", "suborder",
         "superorder", "subclass", "superclass", "subphylum", "tribe", "suborder", "subdivision", "subkingdom")  # fmt: skip


class Synset(NamedTuple):
    lexicographer_file: int
    lemmas: list[str]
    hypernyms: list[str]
    is_instance: bool


def read_synsets(path: Path) -> dict[str, Synset]:
    """Offset -> synset; the licence lines at the top start with two blanks."""
    lines = path.read_text(encoding="ascii").splitlines()
    return dict(_parse(line) for line in lines if not line.startswith("  "))


def _parse(line: str) -> tuple[str, Synset]:
    fields = line.split("|")[0].split()
    size = int(fields[3], 16)
    lemmas = fields[4 : 4 + 2 * size : 2]
    start = 4 + 2 * size
    pointers = [fields[at : at + 4] for at in range(start + 1, start + 1 + 4 * int(fields[start]), 4)]
    above = [offset for sign, offset, part, _ in pointers if sign == "@" and part == "n"]
    is_instance = not above and any(sign == "@i" for sign, *_ in pointers)
    return fields[0], Synset(int(fields[1]), lemmas, above, is_instance)


def read_ranks(path: Path) -> dict[str, dict[str, int]]:
    """Lemma in lower case -> offset -> 1 for its most frequent sense, 2 for the next one, and so on."""
    ranks = {}
    for line in path.read_text(encoding="ascii").splitlines():
        fields = line.split()
        if not line.startswith("  "):
            offsets = fields[-int(fields[2]) :]
            ranks[fields[0]] = {offset: rank for rank, offset in enumerate(offsets, start=1)}
    return ranks


def _is_class_name(synset: Synset) -> bool:
    is_taxon = any(lemma.split("_")[0] in _TAXA and "_" in lemma for lemma in synset.lemmas)
    return synset.lexicographer_file in _KEPT_FILES and not synset.is_instance and not is_taxon


def derive(synsets: dict[str, Synset], ranks: dict[str, dict[str, int]]) -> str:
    waiting = [offset for offset, synset in synsets.items() if _is_class_name(synset)]
    kept: set[str] = set()
    while waiting:
        offset = waiting.pop()
        if offset not in kept:
            kept.add(offset)
            waiting.extend(synsets[offset].hypernyms)
    line = {offset: number for number, offset in enumerate(sorted(kept))}
    rows, senses = [], []
    for offset, number in line.items():
        synset = synsets[offset]
        rows.append(f"{synset.lemmas[0]}\t{','.join(str(line[above]) for above in synset.hypernyms)}")
        senses += [(lemma, ranks[lemma.lower()][offset], number) for lemma in synset.lemmas]
    return "\n".join(rows) + "\f\n" + "\n".join(sorted(spelling_lines(senses)))


def spelling_lines(senses: list[tuple[str, int, int]]) -> list[str]:
    """senses: (lemma, rank, synset), in the synsets' order."""
    by_spelling: dict[str, list[str]] = {}
    for lemma, rank, number in senses:
        spelling = lemma.lower().replace("_", " ").replace("-", " ")
        by_spelling.setdefault(spelling, []).append(str(number) if rank == 1 else f"{rank}:{number}")
    joined: dict[str, str] = {}
    for spelling in by_spelling:
        words = spelling.split(" ")
        if "".join(words) not in by_spelling:
            joined.setdefault("".join(words), ",".join(map(str, list(accumulate(map(len, words)))[:-1])))
    return [f"{spelling}\t{','.join(numbers)}" for spelling, numbers in by_spelling.items()] + [
        f"{word}\t={blanks}" for word, blanks in joined.items()
    ]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    table = derive(read_synsets(folder / "data.noun"), read_ranks(folder / "index.noun"))
    target = Path(__file__).with_name("nouns.tsv.z")
    target.write_bytes(zlib.compress(table.encode(), 9))
    print(f"{target}: {table.partition(chr(12))[0].count(chr(10)) + 1:,} synsets, {target.stat().st_size:,} bytes")
