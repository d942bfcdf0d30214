"""What a helper does: the descents that the leader calls it to, over the same tokens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from samekind.adapt import processes
from samekind.adapt.adaptors import Adaptors
from samekind.adapt.checkpoint import Arrays
from samekind.adapt.fusion import Attention, Query
from samekind.adapt.networks import threads, upper_of
from samekind.adapt.tokens import Tokens
from samekind.adapt.torches import device, torch
from samekind.adapt.train import Lesson, train_fusion, train_sets
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.load import blueprints
from samekind.errors import SamekindError
from samekind.events import Event
from samekind.settings import Settings

Steps = Iterator[Event]


def lead_or_help(lead: Callable[[], int], settings: Settings) -> int:
    """Where several processes were started, one of them runs ``lead``, and the others help it; its exit code in all."""
    try:
        where = device(settings)
    except SamekindError as error:
        if os.environ["RANK"] == "0":
            raise
        return error.exit_code  # which the leader says
    return processes.together(lead, partial(assist, settings), where)


def assist(settings: Settings) -> int:
    """Takes its share of the leader's training until that ends: raises Parted then."""
    networks: dict[str, tuple[UpperNetwork, Tokens]] = {}
    torch().set_num_threads(threads(settings))
    while True:
        arrays, order = processes.called()
        task, folder = order.pop("task"), order.pop("folder")
        if task == "open":
            model = blueprints(order["encoder"], settings)[order["network"]].build()
            trunk = upper_of(model, order["encoder"], device(settings))
            networks[folder] = trunk, Tokens.opened(Path(folder), arrays["usable"])
            continue
        trunk, tokens = networks[folder]
        lesson = Lesson.heard(tokens, arrays, order.pop("lesson"))
        for _ in _TASKS[task](trunk, lesson, arrays, **order):
            pass


def _sets(trunk: UpperNetwork, lesson: Lesson, _: Arrays, sets: int, **choices: Any) -> Steps:
    return train_sets(Adaptors(trunk.points, sets, 0, trunk.device), trunk, lesson, **choices)


def _fusion(trunk: UpperNetwork, lesson: Lesson, arrays: Arrays, sets: int, query: Query, **choices: Any) -> Steps:
    adaptors = Adaptors(trunk.points, sets, 0, trunk.device)
    adaptors.load({name: arrays[f"adaptors.{name}"] for name in adaptors.tensors})
    return train_fusion(Attention(adaptors, 0, query), trunk, lesson, **choices)


_TASKS: dict[str, Callable[..., Steps]] = {"sets": _sets, "fusion": _fusion}
