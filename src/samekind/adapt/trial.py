"""What is asked of a training: which collections it harmed, which encoder comes of it, and what the gate says."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.closed_form import Map, fit_mix, seen_by, tuned_alone
from samekind.adapt.gate import SPARED_ERRORS, Fold, Space, Verdict, judge, less_alike
from samekind.adapt.gather import Gathered
from samekind.adapt.grappa import DEFAULT, Trained, mix_of, spare
from samekind.adapt.insight import Insight, attention_of, clusters_of, examples_of
from samekind.adapt.networks import Trainable
from samekind.adapt.reach import known_of
from samekind.adapt.router import landmarks
from samekind.adapt.train import BATCH, RATE
from samekind.adapt.watch import Watched
from samekind.encoders.base import Encoder
from samekind.encoders.experts import Experts
from samekind.encoders.known import Known
from samekind.encoders.load import with_adaptors
from samekind.encoders.recipe import RecipeEncoder
from samekind.encoders.rows import Array, join_parts, map_parts, map_views, split_parts, unit_rows
from samekind.errors import PictureError, UsageError
from samekind.events import Event, Progress
from samekind.pictures.decode import Limits, read_picture
from samekind.pictures.views import SECOND_VIEWS
from samekind.settings import Settings
from samekind.tuning.experts import rounded
from samekind.tuning.nuisance import Rows

HELD_AT_MOST = 150
VIEWED_AT_MOST = 250


@dataclass(frozen=True, eq=False)
class Candidate:
    """Networks with ``adaptors`` by network, the mix of experts of each part, which pictures are ``known``, the gate's
    verdict, what can be told.

    ``landmarks`` (k, d) of all pictures, as the candidate sees them; ``looks`` (n, d) and (n, e) of all by the plain
    encoder and by the candidate.
    """

    base: RecipeEncoder
    mix: tuple[Experts, ...]
    adaptors: dict[str, dict[str, Array]]
    known: Known
    landmarks: Array
    verdict: Verdict
    insight: Insight
    looks: tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Trial:
    """Who takes part in what.

    ``held`` rows of each of ``some`` collections are judged by; ``rest`` is what is fitted to, ``rows`` its pictures
    among those of all collections, ``viewed`` those of them whose other views count. ``plain`` vectors (n, d) of all
    pictures by part, for each collection the map of its own tuning, ``alone``, and for all the mix in ``closed`` form.
    ``watched``: some of all, who say when training is to stop.
    ``witnesses``: each collection by a network that takes no part in anything, or None.
    """

    some: Sequence[Gathered]
    base: Encoder
    networks: Sequence[Trainable]
    witnesses: Sequence[Array | None]
    with_experts: bool
    seed: int
    held: Sequence[Rows]
    rest: Sequence[Gathered]
    rows: Rows
    viewed: Rows
    watched: Watched
    plain: Sequence[Array]
    alone: Sequence[Map]
    closed: Sequence[Experts]

    @staticmethod
    def of(
        some: Sequence[Gathered],
        base: Encoder,
        networks: Sequence[Trainable],
        witnesses: Sequence[Array | None],
        with_experts: bool,
        seed: int,
        rng: np.random.Generator,
    ) -> Trial:
        """Draws who is held out, and whose views count."""
        held = [np.sort(rng.choice(one.view_rows, held_of(one), replace=False)) for one in some]
        rest = [one.without(out) for one, out in zip(some, held, strict=True)]
        starts = np.cumsum([0, *(len(one) for one in some[:-1])])
        rows = np.concatenate(
            [at + np.setdiff1d(np.arange(len(one)), out) for one, out, at in zip(some, held, starts, strict=True)]
        )
        viewed = np.sort(rng.permutation(rows)[: VIEWED_AT_MOST * len(some)])
        return Trial(
            some=some,
            base=base,
            networks=networks,
            witnesses=witnesses,
            with_experts=with_experts,
            seed=seed,
            held=held,
            rest=rest,
            rows=rows,
            viewed=viewed,
            watched=Watched.of([len(one) for one in some], held, witnesses, rng),
            plain=split_parts(base.parts, np.concatenate([one.vectors for one in some])),
            alone=[tuned_alone(others, base.parts) for others in rest],
            closed=fit_mix(rest, base.parts, seed),
        )

    def harmed(self, learned: Sequence[Trained], mixes: Sequence[Experts]) -> list[bool]:
        """Whether to its witness, if any, a collection's neighbours are less alike than where it is tuned by itself.

        Pictures that are held out have no say. Where all are, none is: there would be nothing left of the training.
        """
        mapped, found = partial(map_parts, self.base.parts, mixes), []
        for one, out, alone, look, witness in zip(
            self.some, self.held, self.alone, self._looks(learned), self.witnesses, strict=True
        ):
            rest = np.setdiff1d(np.arange(len(one)), out)
            found.append(
                witness is not None and less_alike(alone(one.vectors[rest]), mapped(look[rest]), witness[rest])
            )
        return [False] * len(found) if all(found) else found

    def judged(
        self, learned: Sequence[Trained], mixes: tuple[Experts, ...], spared: Sequence[bool], settings: Settings
    ) -> Generator[Event, None, Candidate]:
        """Spares some collections, puts the encoder together, and asks the gate about it.

        A spared collection has to be as good as in closed form, which is judged by views alone.
        """
        if any(spared):
            learned = yield from self._sparing(learned, np.repeat(spared, [len(one) for one in self.some]))
            mixes = self.mixes(learned)
        adaptors = {each.name: found.tensors for each, found in zip(self.networks, learned, strict=True)}
        network = with_adaptors(self.base.name, adaptors, settings)
        mapped = partial(map_parts, network.parts, mixes)
        looks = [mapped(look) for look in self._looks(learned)]
        plain = np.concatenate([one.vectors for one in self.some])
        known = known_of(np.concatenate(looks)[self.rows], plain[self.rows], self.base, self.seed)
        before, after, asked = [], [], []
        for number, (one, out, look, left, witness) in enumerate(
            zip(self.some, self.held, looks, spared, self.witnesses, strict=True)
        ):
            yield Progress("checking", number, len(self.some))
            before.append(seen_by(self.alone[number], one, out))
            views = map_views(mapped, _encoded_views(one, out, network, settings))
            after.append(_left(known, Space(look, views, out), one))
            asked.append(None if left and not self._fell(one, after[-1], witness) else witness)
        yield Progress("checking", len(self.some), len(self.some))
        verdict = judge([one.name for one in self.some], [(before, after)], asked)
        strange = sum(
            int((seen.vectors[out] != look[out]).any(axis=1).sum())
            for seen, look, out in zip(after, looks, self.held, strict=True)
        )
        insight = self._insight(learned, mixes, spared, (before, after), strange)
        seen = np.concatenate([space.vectors for space in after])
        marks = landmarks(seen, self.seed)
        return Candidate(network, mixes, adaptors, known, marks, verdict, insight, (plain, seen))

    def _fell(self, one: Gathered, after: Space, witness: Array | None) -> bool:
        """Whether to its witness, if any, a spared collection is clearly worse than in closed form."""
        if witness is None:
            return False
        as_it_was = map_parts(self.base.parts, self.closed, one.vectors)
        return less_alike(as_it_was, after.vectors, witness, SPARED_ERRORS)

    def _sparing(
        self, learned: Sequence[Trained], pictures: NDArray[np.bool_]
    ) -> Generator[Event, None, list[Trained]]:
        found = []
        for each, one in zip(self.networks, learned, strict=True):
            found.append((yield from spare(one, each.upper, each.tokens, self.rows, self.viewed, pictures)))
        return found

    def _looks(self, learned: Sequence[Trained]) -> list[Array]:
        """For each collection (n, d) by the adapted networks, before any mix."""
        ends = np.cumsum([len(one) for one in self.some])[:-1]
        return np.split(join_parts(self.base.parts, [one.look for one in learned]), ends)

    def mixes(self, learned: Sequence[Trained]) -> tuple[Experts, ...]:
        """For each network the mix of experts on top, or the mean alone."""
        return tuple(
            rounded(
                mix_of(one.look, one.views, self.rows, self.viewed, self.seed)
                if self.with_experts
                else centred(one.look[self.rows])
            )
            for one in learned
        )

    def _insight(
        self,
        learned: Sequence[Trained],
        mixes: Sequence[Experts],
        spared: Sequence[bool],
        fold: Fold,
        strange: int,
    ) -> Insight:
        """What can be told of it; ``strange``: how many that are held out are not known."""
        names = [one.name for one in self.some]
        collections = np.repeat(np.arange(len(self.some)), [len(one) for one in self.rest])
        by_name = dict(zip(names, self._looks(learned), strict=True))
        attention, groups = attention_of(mixes, self.base.parts, by_name) if self.with_experts else ((), ())
        return Insight(
            spared=tuple(name for name, left in zip(names, spared, strict=True) if left),
            trained_on=tuple(clusters_of(labels, collections) for labels in learned[0].labels),
            losses=learned[0].losses,
            groups=groups,
            attention=attention,
            examples=examples_of(names, [one.files for one in self.some], fold, self.seed),
            shown="training",
            token_bytes=sum(each.tokens.array.nbytes for each in self.networks),
            settings={
                "pictures trained on": len(self.rows),
                "pictures held out": sum(map(len, self.held)),
                "held out, not known": strange,
                "points with adaptors": ", ".join(point for each in self.networks for point in each.upper.points),
                "rounds": len(DEFAULT.epochs),
                "epochs": " and ".join(map(str, DEFAULT.epochs)),
                "batch": BATCH,
                "learning rate": RATE,
            },
        )


def _left(known: Known, adapted: Space, one: Gathered) -> Space:
    """The same, but for what is not known, which is as the plain encoder sees it."""
    plain = one.views[np.isin(one.view_rows, adapted.rows)]
    flat = plain.reshape(-1, plain.shape[-1])
    views = map_views(lambda seen: known.left(seen, lambda rows: flat[rows]), adapted.views)
    return Space(known.left(adapted.vectors, lambda rows: one.vectors[rows]), views, adapted.rows)


def centred(vectors: Array) -> Experts:
    """The mix that only takes the mean off."""
    mean, same = vectors.mean(axis=0), np.eye(vectors.shape[1], dtype=np.float32)
    return Experts((1,), mean, same, unit_rows(mean[None]), mean[None], same[None])


def held_of(one: Gathered) -> int:
    """How many pictures of a collection are held out."""
    return min(HELD_AT_MOST, max(len(one.view_rows) // 2, 1))


def _encoded_views(one: Gathered, held: Rows, encoder: RecipeEncoder, settings: Settings) -> Array:
    """(m, v, d) the second views of held pictures by the new network."""
    limits = Limits(settings.max_pixels, settings.max_bytes)
    found = []
    for row in held:
        try:
            pixels = read_picture(one.files[row], limits, encoder.input_side).pixels
        except PictureError as problem:
            raise UsageError(
                f"{one.files[row]} changed while it was looked at ({problem}); run the same again."
            ) from None
        found.append(encoder.encode([encoder.prepare(change(pixels)) for change in SECOND_VIEWS.values()]))
    return np.stack(found)
