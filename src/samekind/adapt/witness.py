"""The witness: how alike pictures are to a second network, which took no part in the adaptation. (ours)

What was trained may confirm itself: second views of a picture stay where the picture is, even where kinds have come
apart or together. Another network makes other mistakes, so where neighbours change for the worse it tends to see it, as
far as it knows such pictures itself.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from samekind.adapt.gather import Gathered
from samekind.encoders.base import Encoder, Prepared
from samekind.encoders.load import fetch, load_encoder
from samekind.encoders.rows import Array
from samekind.errors import PictureError, UsageError
from samekind.events import Event, Progress
from samekind.pictures.decode import Limits, read_picture
from samekind.settings import Settings, usable_threads
from samekind.tuning.nuisance import Rows
from samekind.tuning.space import fit_space

WITNESS = "tiny"
_BATCH = 32


def witness_of(*encoders: Encoder) -> str | None:
    """The encoder that is asked about an adaptation of one and by another; None where it is (part of) one of them.

    No other takes its place: `lite` knows less than `tiny`, and called harm what was none (docs/adapting.md).
    """
    networks = {part.name.partition("+")[0] for one in encoders for part in one.parts}
    return None if WITNESS in networks else WITNESS


def fetched(encoders: Sequence[Encoder], settings: Settings) -> Generator[Event, None, None]:
    """Makes sure that the witness, if any, is on this machine. Raises WeightsMissing where it cannot be had."""
    if (name := witness_of(*encoders)) is not None:
        yield from fetch(name, settings)


def witnessed(
    gathered: Sequence[Gathered], encoders: Sequence[Encoder], settings: Settings
) -> Generator[Event, None, list[Array] | list[None]]:
    """For each collection (n, d) unit rows of its pictures by the witness, tuned on their neighbours; None without one.

    The witness must be ``fetched``. Raises what ``looks`` raises.
    """
    name = witness_of(*encoders)
    if name is None:
        return [None] * len(gathered)
    encoder = load_encoder(name, settings)
    seen = yield from looks(gathered, encoder, settings, "asking a second network")
    return [tuned(one, encoder) for one in seen]


def looks(
    gathered: Sequence[Gathered], encoder: Encoder, settings: Settings, stage: str
) -> Generator[Event, None, list[Array]]:
    """For each collection (n, d) unit rows of its pictures by another encoder.

    Raises UsageError for a picture that cannot be read any more.
    """
    limits = Limits(settings.max_pixels, settings.max_bytes)

    def prepared(file: Path) -> Prepared:
        return encoder.prepare(read_picture(file, limits, encoder.input_side).pixels)

    total, done = sum(map(len, gathered)), 0
    found: list[Array] = []
    with ThreadPoolExecutor(usable_threads(settings)) as pool:
        for one in gathered:
            vectors = []
            for start in range(0, len(one), _BATCH):
                yield Progress(stage, done + start, total)
                try:
                    batch = list(pool.map(prepared, one.files[start : start + _BATCH]))
                except PictureError as problem:
                    raise UsageError(
                        f"A picture of {one.name} changed while it was looked at ({problem}); run the same again."
                    ) from None
                vectors.append(encoder.encode(batch))
            done += len(one)
            found.append(np.concatenate(vectors))
    yield Progress(stage, total, total)
    return found


def tuned(vectors: Array, encoder: Encoder) -> Array:
    """(n, d) in the space that a collection of these pictures would be searched in, fitted on neighbours alone."""
    nothing: Rows = np.zeros(0, np.intp)
    views = np.zeros((0, 1, vectors.shape[1]), np.float32)
    return fit_space(vectors, encoder.parts, views, nothing, nothing, np.random.default_rng(0)).apply(vectors)
