"""The networks that are trained: what each is above its first point, and the tokens that it starts from there."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from samekind.adapt import processes
from samekind.adapt.gather import Gathered
from samekind.adapt.tokens import Tokens, bytes_of, keep_tokens
from samekind.adapt.torches import device
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.base import Encoder
from samekind.encoders.graph import cut_at
from samekind.encoders.load import Blueprint, blueprints, fetch
from samekind.encoders.points import points_of
from samekind.encoders.runtime import Network
from samekind.errors import UsageError
from samekind.events import Event
from samekind.pictures.views import View
from samekind.settings import Settings, usable_threads


@dataclass(frozen=True, eq=False)
class Cut:
    """One network of ``encoder``, cut at its first point: ``lower`` gives tokens of what ``view`` shows, ``upper`` is
    trained. ``key`` names by content what tokens follow from."""

    encoder: str
    name: str
    view: View
    lower: Network
    upper: UpperNetwork
    key: str

    @property
    def picture_bytes(self) -> int:
        """What the tokens of one picture take on disk, all views."""
        return bytes_of(1, *self.upper.shape)


@dataclass(frozen=True, eq=False)
class Trainable:
    """One network of the base that is trained: its upper part, and what the lower one gives."""

    name: str
    upper: UpperNetwork
    tokens: Tokens


def cuts_of(base: Encoder, settings: Settings) -> Generator[Event, None, list[Cut]]:
    """The networks of ``base``. Raises UsageError where one of them cannot be trained in."""
    yield from fetch(base.name, settings)
    found = []
    for one in blueprints(base.name, settings):
        upper = upper_of(one.build(), base.name, device(settings))
        first = next(iter(upper.points))
        lower = Network(partial(_lower, one, first), settings)
        key = f"{one.trunk.name} {one.trunk.digest} {one.trunk.view} {first}"
        found.append(Cut(base.name, one.trunk.name, one.trunk.view, lower, upper, key))
    return found


def networks_of(
    some: Sequence[Gathered], cuts: Sequence[Cut], settings: Settings
) -> Generator[Event, None, list[Trainable]]:
    """The networks with the tokens of all pictures, usable where all networks could be given a picture."""
    files = [file for one in some for file in one.files]
    found = []
    for cut in cuts:
        tokens = yield from keep_tokens(files, cut.lower, cut.upper.shape, cut.view, cut.key, settings)
        found.append(Trainable(cut.name, cut.upper, tokens))
    usable = np.logical_and.reduce([one.tokens.usable for one in found])
    for number, (cut, each) in enumerate(zip(cuts, found, strict=True)):
        folder = str(each.tokens.folder)
        processes.call("open", {"usable": usable}, folder=folder, encoder=cut.encoder, network=number)
    return [replace(one, tokens=replace(one.tokens, usable=usable)) for one in found]


def threads(settings: Settings) -> int:
    """Threads of one of the processes that train."""
    return max(1, usable_threads(settings) // processes.count())


def upper_of(model: Any, encoder: str, device: str = "cpu") -> UpperNetwork:
    """The part of a network that is trained in. Raises UsageError where there is none."""
    points = points_of(model)
    if not points:
        raise UsageError(
            f"Training is not built for {encoder}: nothing in its graph is a sum that every path to its output passes "
            "through; take --method experts."
        )
    return UpperNetwork(model, points, encoder, device)


def _lower(one: Blueprint, first: str) -> Any:
    return cut_at(one.build(), first)
