"""Makes the numbers that words need, from pictures that stay where they are: src/samekind/meaning/data.

python scripts/make_meaning.py FOLDER DATA.NOUN

FOLDER has one picture of each of ImageNet's 1,000 classes and a labels.csv of path, label, index and wnid (data set
imagenet1k_one_each). DATA.NOUN is the file of that name of WordNet 3.0 (Debian's package wordnet-base).
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from samekind import load_encoder
from samekind.encoders.base import Vectors, encode_pictures
from samekind.encoders.rows import unit_rows
from samekind.meaning.sentences import sentence_vectors
from samekind.meaning.shipped import FILE
from samekind.pictures.decode import Limits, read_picture

DATA = Path(__file__).parents[1] / "src" / "samekind" / "meaning" / "data"
NETWORKS = ("lite", "tiny", "dino")
SHRINKAGE = 0.3
"""Of the mean eigenvalue: chosen with dino on birds, flowers, grocery and clothing."""
MORE = 0.5
"""What a class's definition and the kind that it belongs to weigh beside its name: chosen on the same sets."""


def ridge(vectors: Vectors, wanted: Vectors) -> tuple[Vectors, Vectors]:
    """Mean (d,) and matrix (d, 512) of the regression of ``wanted`` (n, 512) on ``vectors`` (n, d)."""
    mean = vectors.mean(axis=0)
    centred = (vectors - mean).astype(np.float64)
    gram = centred.T @ centred
    gram += SHRINKAGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    return mean, np.linalg.solve(gram, centred.T @ (wanted - wanted.mean(axis=0))).astype(np.float32)


def definitions(file: Path, wnids: Sequence[str]) -> tuple[list[str], list[str]]:
    """For each class what WordNet defines it as, without the examples, and the name of the kind right above it."""
    lines = {line[:8]: line for line in file.read_text("latin-1").splitlines() if not line.startswith(" ")}
    defined, kinds = [], []
    for wnid in wnids:
        fields, _, gloss = lines[wnid[1:]].partition(" | ")
        above = re.search(r" @i? (\d{8}) n ", fields)  # the first of its hypernyms
        if above is None:
            raise SystemExit(f"{wnid} has nothing above it in {file}; take data.noun of WordNet 3.0.")
        defined.append(gloss.strip().split('; "')[0])
        kinds.append(lines[above[1]].split()[4].replace("_", " "))
    return defined, kinds


def main(folder: Path, nouns: Path) -> None:
    """Writes the names of the classes and the numbers."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["index"]))
    names = [row["label"] for row in rows]
    said = sentence_vectors(names)
    for more in definitions(nouns, [row["wnid"] for row in rows]):
        said = said + MORE * sentence_vectors(more)
    said = unit_rows(said)
    tensors = {"classes": said.astype(np.float16)}
    for name in NETWORKS:
        encoder = load_encoder(name)
        limits = Limits()
        found = [
            encode_pictures(encoder, [read_picture(folder / row["path"], limits, encoder.input_side).pixels])
            for row in rows
        ]
        mean, matrix = ridge(np.concatenate(found), said)
        tensors |= {f"{name}.mean": mean.astype(np.float16), f"{name}.matrix": matrix.astype(np.float16)}
        print(name, matrix.shape, float(np.abs(matrix).max()))
    DATA.mkdir(exist_ok=True)
    (DATA / "concepts.txt").write_text("".join(f"{name}\n" for name in names), "utf-8")
    save_file(tensors, DATA / FILE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
