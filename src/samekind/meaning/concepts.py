"""What a picture shows, by name: the 1,000 classes of ImageNet as a classifier sees them, and colours.

A picture's concepts are one unit vector, the square roots of two distributions side by side (Hellinger's embedding), so
that they can be kept, compared and moved like the vectors of any encoder.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from samekind.encoders import catalog
from samekind.encoders.base import Vectors
from samekind.encoders.load import classifier
from samekind.encoders.recipe import RecipeEncoder, Trunk
from samekind.meaning.colours import COLOURS, shares
from samekind.pictures.views import View
from samekind.settings import Settings

CONCEPTS = "concepts"
TEMPERATURE = 2.0
"""Class scores are divided by it: at 1 the first class drowns the others that a picture shows as well."""
_CLASSES = 1_000
_COLOUR_SIDE = 64
_COLOURS_VERSION = "colours 1"


@cache
def concept_names() -> tuple[str, ...]:
    """The 1,000 classes in the order of a vector, then the colours."""
    text = files("samekind.meaning").joinpath("data", "concepts.txt").read_text("utf-8")
    return (*text.splitlines(), *COLOURS)


def concept_encoder(settings: Settings) -> RecipeEncoder:
    """An encoder of pictures to concepts, (n, 1013): ``lite``'s own classifier, whose weights are always there."""
    network = cache(lambda: classifier(settings))  # built when the first picture comes

    def classes(pictures: NDArray[np.uint8]) -> Vectors:
        scores = network()(pictures) / TEMPERATURE
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(np.sqrt(raised / raised.sum(axis=1, keepdims=True)), np.float32)

    trunks = (
        Trunk(
            "classes", catalog.WEIGHTS["lite"].digest, View("crop", 224, 0.875), f"classes at {TEMPERATURE:g}", _CLASSES
        ),
        Trunk("colours", _COLOURS_VERSION, View("squash", _COLOUR_SIDE), "shares", len(COLOURS)),
    )
    return RecipeEncoder(CONCEPTS, trunks, (classes, lambda pictures: np.sqrt(shares(pictures))))


def split_concepts(vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The encoder's vectors (n, 1013) -> the classes' probabilities (n, 1000) and the colours' shares (n, 13)."""
    parts = []
    for part in (vectors[:, :_CLASSES], vectors[:, _CLASSES:]):
        squares = part.astype(np.float32) ** 2
        parts.append(squares / np.maximum(squares.sum(axis=1, keepdims=True), 1e-12))
    return parts[0], parts[1]


def sharpened(vectors: Vectors) -> NDArray[np.float32]:
    """Vectors of classes (n, k), or some columns of them, to what their probabilities at a temperature of 1 are
    proportional to: the share of some classes is their sum over the sum of all 1,000."""
    probabilities = np.square(vectors, dtype=np.float32)
    return np.asarray(probabilities**TEMPERATURE, np.float32)
