"""The vectors of a labelled set's pictures."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Encoder, Vectors
from samekind.errors import PictureError
from samekind.evaluation.labels import LabelledSet
from samekind.events import Event, Progress, Skipped
from samekind.settings import Settings

_BATCH = 16


@dataclass(frozen=True)
class SetVectors:
    """``look`` (n, d) float32 unit rows and ``views`` (m, v, d) float32, the second views of rows ``view_rows`` (m,).

    ``rows`` (n,) are the numbers of the labelled pictures that could be used, ascending.
    """

    rows: NDArray[np.int64]
    look: Vectors
    views: NDArray[np.float32]
    view_rows: NDArray[np.int64]

    def keep(self, rows: NDArray[np.int64]) -> SetVectors:
        """Of these pictures only; ``rows`` are numbers of labelled pictures, ascending, all of them usable."""
        look, views, view_rows = self.take(np.searchsorted(self.rows, rows))
        return SetVectors(rows, look, views, view_rows)

    def take(self, rows: NDArray[np.int64]) -> tuple[Vectors, NDArray[np.float32], NDArray[np.int64]]:
        """Look, views and view rows of some rows (ascending), numbered anew: what a tuning is fitted on."""
        kept = np.flatnonzero(np.isin(self.view_rows, rows))
        return self.look[rows], self.views[kept], np.searchsorted(rows, self.view_rows[kept])


def joined(parts: Sequence[SetVectors]) -> SetVectors:
    """Several sets laid end to end."""
    starts = np.cumsum([0, *(len(part.look) for part in parts[:-1])])
    return SetVectors(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.look for part in parts]),
        np.concatenate([part.views for part in parts]),
        np.concatenate([part.view_rows + start for part, start in zip(parts, starts, strict=True)]),
    )


def vectors_of(labelled: LabelledSet, encoder: Encoder, settings: Settings) -> Generator[Event, None, SetVectors]:
    """Encodes every picture of a set; broken ones are reported and left out."""
    from samekind.pictures.decode import Limits, decode
    from samekind.pictures.views import SECOND_VIEWS

    limits = Limits(settings.max_pixels, settings.max_bytes)
    rows, look, views = [], [], []
    for row, path in enumerate(labelled.paths):
        try:
            pixels = decode((labelled.folder / path).read_bytes(), limits, encoder.input_side).pixels
        except PictureError as problem:
            yield Skipped(str(labelled.folder / path), problem.reason, problem.detail)
            continue
        seen = encoder.encode(
            [encoder.prepare(pixels), *(encoder.prepare(view(pixels)) for view in SECOND_VIEWS.values())]
        )
        rows.append(row)
        look.append(seen[0])
        views.append(seen[1:])
        yield Progress(f"encoding {labelled.name}", row + 1, len(labelled))
    every = np.arange(len(rows))
    return SetVectors(np.array(rows, np.int64), np.array(look, np.float32), np.array(views, np.float32), every)
