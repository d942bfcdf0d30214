"""Makes what is known of wider kinds from WordNet 3.0: src/samekind/meaning/data/wider.txt.

python scripts/make_wider.py LABELS WORDNET

LABELS is the labels.csv of one picture of each of ImageNet's 1,000 classes (index, wnid; data set imagenet1k_one_each).
WORDNET is the folder with data.noun and index.noun of WordNet 3.0 (Debian's package wordnet-base).
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

from samekind.meaning.terms import terms

OUT = Path(__file__).parents[1] / "src" / "samekind" / "meaning" / "data" / "wider.txt"
ANIMALS = """
bird dog cat fish snake lizard turtle frog salamander crocodile dinosaur insect butterfly beetle spider crab shellfish
monkey ape bear rodent animal
"""
EDIBLE = "fruit vegetable bread drink dish food"
OTHERS = """
flower plant mushroom car truck boat aircraft vehicle garment hat shoe furniture chair musical_instrument tool
kitchen_utensil appliance computer weapon ball bag box bottle building shop clock toiletry landscape sports_equipment
fabric machine instrument
"""
KINDS = [name.replace("_", " ") for name in f"{ANIMALS} {EDIBLE} {OTHERS}".split()]
"""What people call wide kinds; of several that hold a thing the narrowest counts."""
SYNSETS = {
    "cat": ("02120997",),  # feline, with the big ones
    "crocodile": ("01696633",),
    "shellfish": ("01940736",),
    "fruit": ("07705931",),
    "drink": ("07881800",),
    "dish": ("07557434",),
    "food": ("07566340", "00021265", "07555863"),
    "plant": ("00017222",),
    "mushroom": ("12992868",),
    "boat": ("02858304", "04194289"),
    "aircraft": ("02686568",),
    "garment": ("03051540",),
    "hat": ("03502509",),
    "shoe": ("03380867",),
    "chair": ("04161981",),
    "appliance": ("03528263",),
    "clock": ("04437953",),
    "landscape": ("09287968",),
    "instrument": ("03733925",),
}
"""The places of the kinds in data.noun, where the kind is not the first sense of its name that has classes."""


ALIKE = ("rose", "mimosa")
"""Plants that a drink is called like which is not made of them."""
_SEEN = ("05", "06", "08", "13", "17", "20", "27")
"""WordNet's files of what can be seen: animals, artefacts, bodies, food, natural objects, plants, substances."""


class Nouns:
    """WordNet's nouns: what is right above each, which can be ``seen``, and the senses of each name."""

    def __init__(self, folder: Path) -> None:
        lines = [line for line in (folder / "data.noun").read_text("latin-1").splitlines() if not line.startswith(" ")]
        self.above = {line[:8]: re.findall(r" @i? (\d{8}) n ", line.partition(" | ")[0]) for line in lines}
        self.seen = {line[:8] for line in lines if line[9:11] in _SEEN}
        self.senses: dict[str, list[str]] = {}
        for line in (folder / "index.noun").read_text("latin-1").splitlines():
            if not line.startswith(" "):
                fields = line.split()
                self.senses[fields[0].replace("_", " ")] = fields[-int(fields[2]) :]

    @cache  # noqa: B019
    def chain(self, sense: str) -> frozenset[str]:
        """A sense and everything above it."""
        return frozenset({sense}).union(*(self.chain(one) for one in self.above[sense]))


def names_of(kind_of: dict[str, str], nouns: Nouns) -> dict[str, str]:
    """The kind of each name by its terms: of its first sense that can be seen; but animals before their meat, and what
    is eaten of a plant before the plant. What its last words alone tell is left out."""
    found: dict[str, str] = {}
    for name, senses in nouns.senses.items():
        kinds = [kind_of.get(sense, "") for sense in senses if sense in nouns.seen]
        if kinds and name not in ALIKE and kinds[0] in ("plant", "flower", *EDIBLE.split()):
            better = ANIMALS.split() if kinds[0] in EDIBLE.split() else EDIBLE.split()
            kinds = [kind for kind in kinds if kind in better] or kinds
        if kinds and kinds[0] and (key := " ".join(terms(name))):
            found.setdefault(key, kinds[0])
    told: dict[str, str] = {}
    for name in sorted(found, key=lambda name: name.count(" ")):
        words = name.split()
        tails = (" ".join(words[start:]) for start in range(1, len(words)))
        if next((told[tail] for tail in tails if tail in told), "") != found[name]:
            told[name] = found[name]
    return told


def main(labels: Path, folder: Path) -> None:
    """Writes a line for each kind: its name, the numbers of its classes, and the names of things of the kind."""
    with labels.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["index"]))
    nouns = Nouns(folder)
    classes = defaultdict[str, list[int]](list)
    for at, row in enumerate(rows):
        for sense in nouns.chain(row["wnid"][1:]):
            classes[sense].append(at)
    places = {kind: SYNSETS.get(kind) or (next(s for s in nouns.senses[kind] if s in classes),) for kind in KINDS}
    members = {kind: sorted({at for place in places[kind] for at in classes[place]}) for kind in KINDS}
    kind_of = {}
    for sense in nouns.above:
        over = [kind for kind in KINDS if nouns.chain(sense).intersection(places[kind])]
        if over:
            kind_of[sense] = min(over, key=lambda kind: len(members[kind]))
    names = defaultdict[str, list[str]](list)
    for name, kind in names_of(kind_of, nouns).items():
        names[kind].append(name)
    lines = [f"{kind}\t{' '.join(map(str, members[kind]))}\t{','.join(sorted(names[kind]))}\n" for kind in KINDS]
    OUT.write_text("".join(lines), "utf-8")
    print(OUT, OUT.stat().st_size, {kind: (len(members[kind]), len(names[kind])) for kind in KINDS})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
