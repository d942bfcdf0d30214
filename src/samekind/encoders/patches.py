"""What a network sees where: a vector for each cell of a grid over the picture, taken from inside its graph."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders import adapted, graph, load
from samekind.encoders.base import Pixels
from samekind.encoders.engine import operators
from samekind.encoders.points import channel_axis, every_point, on_a_path, passed_with_width
from samekind.encoders.runtime import Network
from samekind.errors import EncoderError
from samekind.pictures.views import View
from samekind.settings import Settings

FINEST = 14
"""Cells a side that are wanted: the last maps of convolutions often have 7, too few to say where."""

Patches = NDArray[np.float32]
"""(rows, columns, dim) float32, of no particular length."""


@dataclass(frozen=True, eq=False)
class PatchNetwork:
    """One network of an encoder, giving patches: of what ``view`` shows, cells row by row."""

    name: str
    view: View
    network: Network

    def __call__(self, pixels: Pixels) -> Patches:
        """(h, w, 3) uint8 -> (rows, columns, dim) float32."""
        return self.of_view(self.view.apply(pixels))

    def of_view(self, seen: Pixels) -> Patches:
        """The same of what ``view`` made of a picture, (side, side, 3) uint8."""
        rows, columns, dim = self.network.shape
        streams = self.network(seen[None]).reshape(-1, rows, columns, dim)
        return np.concatenate(streams, axis=-1)  # one, but for adaptors that have streams of their own

    def blank(self) -> Patches:
        """(2 * rows, columns, dim): those of an empty grey and an empty white picture, where nothing is to be seen."""
        side = self.view.side
        return np.concatenate([self(np.full((side, side, 3), level, np.uint8)) for level in (128, 255)])


def patches_of(name: str, settings: Settings) -> PatchNetwork:
    """The patches of an encoder, of its first network where it has several; names as in ``load_encoder``.

    The last tokens or map with at least FINEST cells a side: of a transformer the tokens of its last block, normed
    where all of them are. An adapted encoder's trained adaptors are in the graph, also for pictures that it leaves to
    the plain network; what is fitted to whole vectors has no part in it. Raises what ``load_encoder`` raises, and
    EncoderError where a graph has no such place.
    """
    adaptors: adapted.Adaptors = {}
    if (folder := load.adapted_folder(name)) is not None:
        name = adapted.read_about(folder).base
        if (folder / adapted.ADAPTORS).exists():
            adaptors = adapted.read_adaptors(folder)
    one = load.blueprints(name, settings, every_token=True)[0]
    own = adaptors.get(one.trunk.name)
    digest = adapted.adaptors_digest(one.trunk.digest, own) if own else one.trunk.digest
    key = "" if name.startswith(load.ONNX) else f"{one.trunk.name}+patches@{one.trunk.view.side}-{digest[:8]}"
    return PatchNetwork(one.trunk.name, one.trunk.view, Network(partial(_built, one, own, name), settings, key=key))


def _built(one: load.Blueprint, adaptors: graph.Tensors | None, name: str) -> Any:
    model = one.build()
    return patch_graph(graph.with_adaptors(model, adaptors) if adaptors else model, name)


def patch_graph(model: Any, name: str) -> Any:
    """An encoder's graph cut at its patches: pictures -> (n, rows, columns, dim) float32; it is changed in place.

    ``name`` is the encoder's, for the EncoderError of a graph without a grid that all paths pass through.
    """
    grids = [point.output(0) for point in every_point(model) if side_of(point.output(0)) > 1]
    if not grids:
        raise EncoderError(
            f"{name} does not show what it sees where: no grid over the picture is left in its graph; take another "
            "encoder, such as dino."
        )
    grid = ([one for one in grids if side_of(one) >= FINEST] or grids)[-1]
    if len(_shape(grid)) == 2:  # tokens may be normed once more after their last sum
        inside = [node.output(0) for node in passed_with_width(on_a_path(model)[:-1])]
        grid = [one for one in inside if _shape(one) == _shape(grid)][-1]
    model.get_results()[0].input(0).replace_source_output(_as_grid(grid).output(0))
    model.validate_nodes_and_infer_types()
    return model


def side_of(output: Any) -> int:
    """How many cells a side the grid of tokens (n, t, d) or of a map has."""
    lengths = _shape(output)
    return math.isqrt(lengths[0]) if len(lengths) == 2 else lengths[1]


def _shape(output: Any) -> tuple[int, ...]:
    """The lengths of all axes but the first."""
    return tuple(axis.get_length() for axis in list(output.partial_shape)[1:])


def _as_grid(output: Any) -> Any:
    """(n, side, side, d); of tokens the last side x side, for those before them stand for the whole picture."""
    op, side, lengths = operators(), side_of(output), _shape(output)
    if len(lengths) == 3:
        channels_last = np.array([0, 2, 3, 1] if channel_axis(output) == 1 else [0, 1, 2, 3])
        return op.transpose(output, channels_last)
    cells = op.gather(output, np.arange(lengths[0] - side * side, lengths[0]), np.array(1))
    return op.reshape(cells, np.array([-1, side, side, lengths[1]]), False)
