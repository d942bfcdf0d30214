"""What benchmarks of training share: six sets, one encoder trained for all of them, and searching with what came of it.

Clusters, neighbours, training, sparing and the mix of experts see the pictures that the protocol fits on, without
labels; nothing is held out for a gate. Tokens are computed once and kept in the cache folder between runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spaces import Run, Sides, loaded, sides, tuned, with_hubs

from samekind import Encoder, load_encoder
from samekind.adapt import witness
from samekind.adapt.closed_form import fit_mix, tuned_alone
from samekind.adapt.fusion import Mean
from samekind.adapt.gate import less_alike
from samekind.adapt.gather import Gathered
from samekind.adapt.grappa import Trained, Variant, grappa, mix_of, spare
from samekind.adapt.networks import Trainable, cuts_of, networks_of
from samekind.adapt.reach import known_of
from samekind.adapt.train import embed
from samekind.adapt.trial import VIEWED_AT_MOST
from samekind.encoders.base import Part
from samekind.encoders.rows import Array, join_parts, map_parts, map_views, split_parts
from samekind.evaluation import protocols
from samekind.events import Job, Progress
from samekind.settings import resolve
from samekind.tuning.experts import rounded

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Drawn:
    """What one training sees of a ``run``: ``rows`` of all sets laid end to end, of which ``starts`` (sets + 1,) says
    where each begins; ``viewed`` are those whose other views count for a mix, ``others`` some that no set ``taken``
    (sets,) shows to it.
    """

    run: Run
    seed: int
    starts: Rows
    taken: Sequence[bool]
    rows: Rows
    viewed: Rows
    others: Rows

    @property
    def fits(self) -> list[Rows]:
        """For each set the rows that the protocol fits on."""
        return [start + task.fit for start, task in zip(self.starts, self.run.tasks, strict=False)]


class Nothing(Mean):
    """The fusion that adds nothing: the plain network."""

    def shares(self, x: Any, narrow: Any, point: str) -> Any:
        """(sets, 1, 1, 1), all 0."""
        return 0 * super().shares(x, narrow, point)


@dataclass(frozen=True)
class Bench:
    """The sets, their vectors by the encoder, and what its lower blocks give."""

    encoder: Encoder
    sets: Any
    vectors: Any
    networks: list[Trainable]
    witnesses: list[Array] | list[None]

    @staticmethod
    def of(name: str, pictures: int | None = None) -> Bench:
        """Everything that all runs share; with ``pictures`` so many of each set to fit on in the first halving."""
        encoder = load_encoder(name)
        sets, vectors = loaded(encoder)
        asked = witness.witness_of(encoder)
        seen = [found.look for found in loaded(load_encoder(asked))[1]] if asked else [None] * len(sets)
        files = [tuple(one.folder / path for path in one.paths) for one in sets]
        every = [
            Gathered(one.name, found.look, found.views, found.view_rows, paths)
            for one, found, paths in zip(sets, vectors, files, strict=True)
        ]
        networks = finished(networks_of(every, finished(cuts_of(encoder, resolve())), resolve()))
        if pictures is not None:
            rows = [fewer(protocols.task_of(one, "new"), pictures) for one in sets]
            sets = [one.take(some) for one, some in zip(sets, rows, strict=True)]
            vectors = [one.keep(one.rows[some]) for one, some in zip(vectors, rows, strict=True)]
            seen = [one if one is None else one[some] for one, some in zip(seen, rows, strict=True)]
            kept = np.concatenate([np.isin(np.arange(len(one)), some) for one, some in zip(every, rows, strict=True)])
            networks = [replace(one, tokens=replace(one.tokens, usable=kept)) for one in networks]
        return Bench(encoder, sets, vectors, networks, seen)

    def run(self, protocol: str, split: int) -> Run:
        """The sets in one protocol and halving."""
        return Run(
            self.sets, self.vectors, [protocols.task_of(one, protocol, split) for one in self.sets], self.encoder
        )

    def trained(
        self, run: Run, seed: int, variant: Variant, left: Sequence[str] = ()
    ) -> Iterator[tuple[str, list[Sides]]]:
        """Each way to search with what was trained, then with collections spared where the witness saw harm.

        Sets that are ``left`` out are not fitted to; each is tuned on top all the same, by its own pictures.
        """
        drawn = self.drawn(run, seed, left)
        learned = self.learned(drawn, variant)
        mapped = self.mapped(drawn, learned)
        yield from self.searched(drawn, learned, mapped)
        if variant.fusion != "mean" or self.witnesses[0] is None:
            return
        harmed = self.harmed(drawn, mapped[0])
        print("   spared:", [one.name for one, bad in zip(run.sets, harmed, strict=True) if bad], flush=True)
        if any(harmed) and sum(harmed) < sum(drawn.taken):
            learned = self.spared(drawn, learned, np.repeat(harmed, np.diff(drawn.starts)))
            mapped = self.mapped(drawn, learned)
        yield from self.searched(drawn, learned, mapped, ", harm spared")

    def drawn(self, run: Run, seed: int, left: Sequence[str] = ()) -> Drawn:
        """Which pictures are trained on, and whose views are looked at."""
        rng = np.random.default_rng(seed)
        starts = np.cumsum([0, *(len(one) for one in self.sets)])
        taken = [one.name not in left for one in self.sets]
        fits = [task.fit for task in run.tasks]
        rows = np.concatenate([start + fit for start, fit, into in zip(starts, fits, taken, strict=False) if into])
        viewed = np.sort(rng.permutation(rows)[: VIEWED_AT_MOST * sum(taken)])
        unfitted = np.setdiff1d(np.arange(starts[-1]), rows) if left else np.zeros(0, np.intp)
        others = np.sort(rng.permutation(unfitted)[: VIEWED_AT_MOST * len(left)])
        return Drawn(run, seed, starts, taken, rows, viewed, others)

    def learned(self, drawn: Drawn, variant: Variant, taught: Array | None = None) -> list[Trained]:
        """Every network trained; with ``taught`` (n, e) vectors of all pictures by a teacher."""
        seen = [one for one, into in zip(drawn.run.seen, drawn.taken, strict=True) if into]
        plain = split_parts(self.encoder.parts, np.concatenate([one.look for one in self.vectors]))
        mixes = fit_mix(seen, self.encoder.parts, drawn.seed)
        given = drawn.rows, drawn.viewed, drawn.seed, variant, taught
        return [
            finished(grappa(one.upper, one.tokens, vectors, mix, *given))
            for one, vectors, mix in zip(self.networks, plain, mixes, strict=True)
        ]

    def harmed(self, drawn: Drawn, look: Array) -> list[bool]:
        """Whether the witness finds a set's neighbours less alike than where it is tuned by itself."""
        found = []
        every = zip(drawn.run.seen, drawn.fits, drawn.run.tasks, self.witnesses, drawn.taken, strict=True)
        for one, fit, task, asked, into in every:
            if not into or asked is None:
                found.append(False)
                continue
            knows = witness.tuned(asked[task.fit], load_encoder(witness.WITNESS))
            found.append(less_alike(tuned_alone(one, self.encoder.parts)(one.vectors), look[fit], knows))
        return found

    def spared(self, drawn: Drawn, learned: list[Trained], pictures: NDArray[np.bool_]) -> list[Trained]:
        """The same, which leaves ``pictures`` (n,) of all as they were."""
        return [
            finished(spare(found, one.upper, one.tokens, drawn.rows, drawn.viewed, pictures))
            for found, one in zip(learned, self.networks, strict=True)
        ]

    def parts_of(self, learned: list[Trained]) -> list[Part]:
        """The slices of the adapted encoder's vectors, which sets that stay apart make wider."""
        widths = [one.look.shape[1] for one in learned]
        stops = np.cumsum(widths).tolist()
        every = zip(self.encoder.parts, widths, stops, strict=True)
        return [replace(part, start=stop - width, stop=stop) for part, width, stop in every]

    def mapped(self, drawn: Drawn, learned: list[Trained]) -> tuple[Array, Array]:
        """All pictures (n, d) by the adapted encoder, networks and mixes, and views (m, v, d) of viewed and others.

        Only the former have a part in the mixes. What is not known has its plain vector.
        """
        mixes = [rounded(mix_of(one.look, one.views, drawn.rows, drawn.viewed, drawn.seed)) for one in learned]
        parts = self.parts_of(learned)
        through = partial(map_parts, parts, mixes)
        views = [one.views for one in learned]
        if len(drawn.others):
            every = zip(learned, self.networks, views, strict=True)
            views = [np.concatenate([some, self.views_of(one, network, drawn.others)]) for one, network, some in every]
        look = through(join_parts(parts, [one.look for one in learned]))
        seen = map_views(through, join_parts(parts, views))
        plain = np.concatenate([one.look for one in self.vectors])
        if look.shape != plain.shape:
            return look, seen  # sets that stay apart have no plain vector as wide as theirs
        known = known_of(look[drawn.rows], plain[drawn.rows], self.encoder, drawn.seed)
        pictures = np.concatenate([drawn.viewed, drawn.others])
        return known.left(look, lambda rows: plain[rows]), map_views(
            lambda flat: known.left(flat, lambda rows: self.plain_views(learned, pictures, rows)), seen
        )

    @staticmethod
    def views_of(learned: Trained, network: Trainable, rows: Rows) -> Array:
        """(m, v, d) other views of pictures that were not trained on."""
        fusion, views = learned.fusion or Mean(), range(1, network.tokens.array.shape[1])
        seen = [embed(learned.sets, fusion, network.upper, network.tokens, rows, view) for view in views]
        return np.stack(seen, axis=1)

    def plain_views(self, learned: list[Trained], pictures: Rows, flat: Rows) -> Array:
        """(n, d) some other views of ``pictures`` by the plain encoder: ``flat`` (n,) of all, laid end to end."""
        views = self.networks[0].tokens.array.shape[1] - 1
        picture, view = np.divmod(flat, views)
        found = np.zeros((len(flat), self.encoder.parts[-1].stop), np.float32)
        for number in range(views):
            some = view == number
            if not some.any():
                continue
            given = pictures[picture[some]], number + 1
            every = zip(learned, self.networks, strict=True)
            seen = [embed(one.sets, Nothing(), net.upper, net.tokens, *given) for one, net in every]
            found[some] = join_parts(self.encoder.parts, seen)
        return found

    def searched(
        self, drawn: Drawn, learned: list[Trained], mapped: tuple[Array, Array], also: str = ""
    ) -> Iterator[tuple[str, list[Sides]]]:
        """As it is, hubs corrected, and each set tuned on top."""
        look, views = mapped
        viewed = np.concatenate([drawn.viewed, drawn.others])
        looks = np.split(look, drawn.starts[1:-1])
        seen = []
        for one, fit in zip(drawn.run.seen, drawn.fits, strict=True):
            inside = np.isin(viewed, fit)
            seen.append(
                replace(one, vectors=look[fit], views=views[inside], view_rows=np.searchsorted(fit, viewed[inside]))
            )
        yield f"trained{also}", [(one, one) for one in looks]
        yield f"trained{also}, hubs corrected", with_hubs(looks, seen)
        on_top = [tuned([one], self.parts_of(learned)) for one in seen]
        yield f"trained{also}, each tuned on top", [sides(one, each) for one, each in zip(on_top, looks, strict=True)]

    def tuned(self, run: Run) -> list[Sides]:
        """Each set tuned by itself: the oracle, which knows where a picture is from."""
        return [
            sides(tuned([one], self.encoder.parts), found.look)
            for one, found in zip(run.seen, self.vectors, strict=True)
        ]


def fewer(task: protocols.Task, pictures: int) -> Rows:
    """All that is searched and asked, and so many of what is fitted on, by chance."""
    some = np.random.default_rng(0).permutation(task.fit)[:pictures]
    return np.unique(np.concatenate([some, task.gallery, task.queries]))


def finished(job: Any) -> Any:
    """The result of a long job, its progress told now and then."""
    told, long = 0.0, Job(job)
    for event in long:
        if isinstance(event, Progress) and time.time() - told > 30:
            told = time.time()
            print(f"   {event}", flush=True)
    return long.result()
