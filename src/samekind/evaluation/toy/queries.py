"""A gallery of scenes, and composed queries over it whose right answers are known exactly. Ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samekind.errors import UsageError, unknown_name
from samekind.evaluation.toy.edits import EDITS, Edit
from samekind.evaluation.toy.language import caption, shows
from samekind.evaluation.toy.world import Scene, pick, random_scene

KINDS = tuple(EDITS)
_TRIES = 8


@dataclass(frozen=True)
class ToyQuery:
    """A reference scene and the words for a change to it.

    ``reference`` and ``targets`` are row numbers of the gallery, the reference never among the targets. ``edit``,
    ``kind``, ``text``, ``adds`` and ``drops`` as in ``Edit``; ``after``: the caption of the first target, which is what
    an ideal rewriter would make of the reference's caption and the text.
    """

    reference: int
    text: str
    edit: str
    kind: str
    adds: tuple[str, ...]
    drops: tuple[str, ...]
    after: str
    targets: frozenset[int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        lists = {"adds": list(self.adds), "drops": list(self.drops), "targets": sorted(self.targets)}
        return {**vars(self), **lists}


def gallery(seed: int, count: int) -> tuple[Scene, ...]:
    """``count`` different scenes in an order of chance.

    They come in families: a scene, one result of an edit of each kind, and for each such result a scene that has the
    change but not all of the rest.
    """
    rng = np.random.default_rng(seed)
    found: dict[Scene, None] = {}
    while len(found) < count:
        base = random_scene(rng)
        found[base] = None
        for kind in KINDS:
            choices = tuple(EDITS[kind](base))
            if choices:
                edit = pick(rng, choices)
                result = pick(rng, edit.results)
                found |= dict.fromkeys([result, *_astray(rng, base, edit, result)])
    scenes = list(found)[:count]
    return tuple(scenes[place] for place in rng.permutation(count))


def queries(scenes: Sequence[Scene], seed: int, count: int, kinds: Sequence[str] = KINDS) -> tuple[ToyQuery, ...]:
    """``count`` queries over a gallery, evenly of each kind, at most one of a kind with the same reference.

    The reference is a scene of the gallery, all results of the edit that the gallery has are targets, at least one, and
    at least one further scene has the change but not the rest. Raises UsageError for an unknown kind, and where the
    gallery has too few such queries.
    """
    for kind in kinds:
        if kind not in EDITS:
            raise unknown_name("kind of edit", kind, KINDS)
    rng = np.random.default_rng(seed)
    rows = {scene: row for row, scene in enumerate(scenes)}
    made: list[ToyQuery] = []
    for place, kind in enumerate(kinds):
        wanted = count // len(kinds) + (place < count % len(kinds))
        before = len(made)
        for row in rng.permutation(len(scenes)).tolist():
            if len(made) - before == wanted:
                break
            query = _query(rng, scenes, rows, row, kind)
            made += [query] if query else []
        if len(made) - before < wanted:
            raise UsageError(
                f"A gallery of {len(scenes)} scenes has only {len(made) - before} queries of kind {kind!r}, not "
                f"{wanted}; make it larger or ask for fewer."
            )
    return tuple(made)


def has_change(scene: Scene, edit: Edit | ToyQuery) -> bool:
    """Whether a scene shows all that an edit adds and nothing of what it drops."""
    return all(shows(scene, text) for text in edit.adds) and not any(shows(scene, text) for text in edit.drops)


def _query(
    rng: np.random.Generator, scenes: Sequence[Scene], rows: dict[Scene, int], row: int, kind: str
) -> ToyQuery | None:
    choices = tuple(EDITS[kind](scenes[row]))
    for place in rng.permutation(len(choices)).tolist():
        edit = choices[place]
        targets = [rows[scene] for scene in edit.results if scene in rows]
        if targets and any(
            has_change(scene, edit) for other, scene in enumerate(scenes) if other != row and other not in targets
        ):
            after = caption(scenes[targets[0]])
            return ToyQuery(row, edit.text, edit.edit, kind, edit.adds, edit.drops, after, frozenset(targets))
    return None


def _astray(rng: np.random.Generator, base: Scene, edit: Edit, result: Scene) -> list[Scene]:
    """A result of an edit, edited once more in another way that leaves the change in place; or none by chance."""
    for _ in range(_TRIES):
        more = tuple(EDITS[pick(rng, [kind for kind in KINDS if kind != edit.kind])](result))
        if more:
            scene = pick(rng, pick(rng, more).results)
            if scene != base and scene not in edit.results and has_change(scene, edit):
                return [scene]
    return []
