"""The golden vector: proof that weights, graph and preprocessing are the ones that the catalog describes."""

from __future__ import annotations

from weakref import WeakSet

import numpy as np

from samekind.encoders.adapted import AdaptedEncoder
from samekind.encoders.base import Encoder, Pixels
from samekind.errors import WrongWeights
from samekind.events import Chosen

LENGTH = 8
TOLERANCE = 1e-2
_checked: WeakSet[Encoder] = WeakSet()


def draw_card() -> Pixels:
    """The picture that golden vectors were made from: (240, 320, 3) uint8, by formula, the same everywhere."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float64)
    sky = np.stack([90 + 0.4 * y, 150 + 0.2 * y, 235 - 0.3 * y], axis=-1)
    stripes = np.where(((x + 2 * y) // 16 % 2)[..., None] > 0, (200.0, 60.0, 40.0), (245.0, 225.0, 180.0))
    rings = 128 + 100 * np.cos(np.hypot(x - 210, y - 100) / 5)[..., None] * np.array([1.0, 0.6, -0.8])
    grain = ((x * 7919 + y * 104729) % 23 - 11)[..., None]
    card = np.where((y > 150)[..., None], stripes, sky)
    card = np.where((np.hypot(x - 210, y - 100) < 70)[..., None], rings, card)
    card = np.where(((abs(x - 80) < 40) & (abs(y - 110) < 60))[..., None], (30.0, 120.0, 70.0), card)
    return np.asarray(np.clip(np.rint(card + grain), 0, 255), np.uint8)


def golden_numbers(encoder: Encoder) -> list[tuple[float, ...]]:
    """The first 8 numbers of each part of an encoder's vector for the test card, each part of unit length."""
    if isinstance(encoder, AdaptedEncoder):
        encoder = encoder.knowing_everything()  # else the card, which is like nobody's pictures, would test the base
    vector = encoder.encode([encoder.prepare(draw_card())])[0].astype(np.float64)
    slices = [vector[part.start : part.stop] for part in encoder.parts]
    return [tuple((piece[:LENGTH] / np.linalg.norm(piece)).tolist()) for piece in slices]


def check_golden(encoder: Encoder) -> Chosen:
    """Compares an encoder with its golden vector, once for each loaded encoder, and says what was found.

    Raises WrongWeights where a part's numbers differ by more than 1e-2 in cosine. An encoder for which none is pinned
    (an ONNX file, an unusual side) passes, and the event says so.
    """
    pinned_numbers: tuple[tuple[float, ...], ...] = getattr(encoder, "golden", ())
    if not pinned_numbers or not all(pinned_numbers):
        return Chosen("golden vector", "not checked", f"none is pinned for {encoder.name}")
    if encoder not in _checked:
        if isinstance(encoder, AdaptedEncoder) and encoder.known is not None:
            check_golden(encoder.known.plain())
        for part, wanted, found in zip(encoder.parts, pinned_numbers, golden_numbers(encoder), strict=True):
            pinned = np.array(wanted)
            cosine = float(pinned @ found / (np.linalg.norm(pinned) * np.linalg.norm(found)))
            if not cosine >= 1 - TOLERANCE:
                raise WrongWeights(
                    f"{part.name} does not reproduce its golden vector (cosine {cosine:.4f}); its weights or its "
                    f"runtime are not the right ones: remove the cached file and run `samekind encoders fetch` again."
                )
        _checked.add(encoder)
    return Chosen("golden vector", "agrees", f"{encoder.name} gives the pinned numbers for the test card")
