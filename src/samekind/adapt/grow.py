"""Adds collections to an adapted encoder later: a branch for their pictures, in closed form; all others stay. (ours)

The branch (`encoders/grown.py`) is fitted in the space of the encoder that grows. It is judged like the closed form:
each new collection against itself tuned alone, on pictures held out in turn, among all new ones and what is known of
the old ones. Collections that are kept are looked at whole: none of their pictures may change, and their views must
still find them beside the new ones.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from samekind.adapt import closed_form, saved
from samekind.adapt.adapt import Adapted, check_enough
from samekind.adapt.closed_form import FIT_AT_MOST, Map, cross_fitted, sampled
from samekind.adapt.gate import Fold, Space, Verdict, judge
from samekind.adapt.gather import Gathered, distinct, gather
from samekind.adapt.insight import Growth, Insight, attention_of, examples_of
from samekind.adapt.router import landmarks, leads_of, routed
from samekind.encoders.adapted import ADAPTORS, AdaptedEncoder, read_adaptors
from samekind.encoders.grown import Branch
from samekind.encoders.rows import Array, map_views
from samekind.errors import EncoderError, UsageError
from samekind.events import Event, Job, Progress
from samekind.settings import Settings, resolve

METHOD = "grown"


def grow(
    sources: Sequence[str | Path],
    out: str | Path,
    encoder: str,
    *,
    keep: Sequence[str | Path] = (),
    seed: int = 0,
    settings: Settings | None = None,
) -> Job[Adapted]:
    """Adds collections (or folders of pictures) to the adapted ``encoder``, without labels; writes another to ``out``.

    Pictures that the router takes for old ones have the same numbers as before, bit for bit; of ``keep``, collections
    made with ``encoder``, that is every picture. ``out`` must not exist yet; where the gate refuses, nothing is
    written. Raises UsageError for an encoder that is not adapted, for a collection that is new and kept, and for new
    ones of fewer than 50 pictures, EncoderError for a damaged encoder, EncoderMismatch for a collection of another one,
    StorageError.
    """
    from samekind.encoders.load import adapted_folder

    if not sources:
        raise UsageError("There is nothing to add; name collections or folders of pictures.")
    twice = {one.resolve() for one in distinct(sources)} & {one.resolve() for one in distinct(keep)}
    if twice:
        raise UsageError(f"{min(twice)} is to be added and to be kept as it is; name it once.")
    saved.check_new(Path(out))
    folder = adapted_folder(encoder)
    if folder is None:
        raise UsageError(
            f"{encoder} is no adapted encoder; name a folder that samekind adapt made, or leave out --grow."
        )
    return Job(_steps(sources, keep, Path(out).expanduser().absolute(), folder, seed, settings or resolve()))


def _steps(
    sources: Sequence[str | Path],
    keep: Sequence[str | Path],
    out: Path,
    folder: Path,
    seed: int,
    settings: Settings,
) -> Generator[Event, None, Adapted]:
    from samekind.encoders.load import fetch, load_encoder

    yield from fetch(str(folder), settings)
    old = load_encoder(str(folder), settings)
    if not isinstance(old, AdaptedEncoder) or not old.landmarks.size:
        raise EncoderError(f"{folder} does not say what it was fitted to; run samekind adapt again, then add to it.")
    started = time.perf_counter()
    gathered = yield from gather([*sources, *keep], old, settings)
    new, kept = gathered[: len(distinct(sources))], gathered[len(distinct(sources)) :]
    check_enough(new)
    seconds = {"gathering": time.perf_counter() - started}
    started = time.perf_counter()
    yield Progress("checking", 0, 1)
    plan = Plan(new, kept, old, seed)
    verdict, fold = plan.judged()
    branch = plan.branch(new)
    verdicts = {METHOD: verdict, **({"kept": plan.judged_kept(branch)} if plan.viewed else {})}
    yield Progress("checking", 1, 1)
    seconds["checking"] = time.perf_counter() - started
    changed = int((leads_of(branch, plan.stored) > 0).sum())
    accepted = not changed and all(one.accepted for one in verdicts.values())
    why = f"{verdict.why}; {_checked(len(plan.stored), changed)}"
    names = [one.name for one in new]
    insight = Insight(
        growth=plan.growth(branch, folder),
        examples=examples_of(names, [one.files for one in new], fold, seed),
        shown=METHOD,
        skipped=tuple({skip.path: skip for one in gathered for skip in one.skipped}.values()),
    )
    if accepted:
        started = time.perf_counter()
        yield Progress("writing", 0, 1)
        plan.write(out, folder, branch, why)
        attention, groups = attention_of(branch.experts, old.parts, {one.name: one.vectors for one in new})
        insight = replace(insight, attention=attention, groups=groups)
        yield Progress("writing", 1, 1)
        seconds["writing"] = time.perf_counter() - started
    written = (str(out), METHOD) if accepted else (None, None)
    pictures = {one.name: len(one) for one in gathered}
    return Adapted(
        accepted,
        why,
        written[0],
        old.base.name,
        METHOD,
        written[1],
        seed,
        verdict.overall,
        verdict.collections,
        pictures,
        seconds,
        verdicts,
        insight,
    )


@dataclass(frozen=True, eq=False)
class Plan:
    """What is added to ``old`` (``new``) and what must stay (``kept``), all in the space of ``old``."""

    new: Sequence[Gathered]
    kept: Sequence[Gathered]
    old: AdaptedEncoder
    seed: int

    @cached_property
    def stored(self) -> Array:
        """(n, d) all kept pictures."""
        return np.concatenate([np.zeros((0, self.old.dim), np.float32), *(one.vectors for one in self.kept)])

    @property
    def viewed(self) -> list[Gathered]:
        """The kept collections that have second views to judge by."""
        return [one for one in self.kept if len(one.views)]

    def branch(self, new: Sequence[Gathered]) -> Branch:
        """Router and experts, fitted to ``new``."""
        some = sampled(new, self.seed)
        vectors = np.concatenate([one.vectors for one in some])
        router = routed(self.old.landmarks, vectors, self.stored, self.seed)
        return replace(router, experts=closed_form.fit_mix(new, self.old.parts, self.seed))

    def grown(self, branch: Branch) -> Map:
        """(n, d) rows of the old encoder -> (n, d) rows of the new one."""
        return partial(branch.apply, self.old.parts)

    def judged(self) -> tuple[Verdict, Fold]:
        """The gate's verdict on the new collections, all their pictures held out in turn, and the last fold."""
        beside = [self.old.landmarks, *(one.vectors[:: -(-len(one) // FIT_AT_MOST)] for one in self.kept)]
        return cross_fitted(self.new, self.old.parts, self.seed, lambda rest: self.grown(self.branch(rest)), beside)

    def judged_kept(self, branch: Branch) -> Verdict:
        """The gate's verdict on kept collections: as they are, and with the new pictures beside them."""
        grown = self.grown(branch)
        before = [Space(one.vectors, one.views, one.view_rows) for one in self.viewed]
        after = [Space(one.vectors, map_views(grown, one.views), one.view_rows) for one in self.viewed]
        beside = [grown(one.vectors[:: -(-len(one) // FIT_AT_MOST)]) for one in self.new]
        names = [one.name for one in self.viewed]
        return judge(names, [(before, after)], beside=beside, against="kept collections before")

    def growth(self, branch: Branch, folder: Path) -> Growth:
        """What the router does."""

        def share(vectors: Array) -> float:
            return float((leads_of(branch, vectors) > 0).mean())

        return Growth(
            str(folder),
            {one.name: share(one.vectors) for one in self.new},
            {one.name: len(one) for one in self.kept},
            {one.name: share(one.views.reshape(-1, one.views.shape[-1])) for one in self.viewed},
        )

    def write(self, out: Path, folder: Path, branch: Branch, why: str) -> None:
        """Writes the old encoder with one branch more to ``out``."""
        from samekind.encoders.adapted import read_about

        about = read_about(folder)
        new = np.concatenate([one.vectors for one in sampled(self.new, self.seed)])
        saved.write(
            out,
            self.old.base,
            self.old.experts,
            {
                "method": about.rest.get("method", "experts"),
                "seed": self.seed,
                "why": why,
                "grown_from": str(folder),
                "grown_fingerprint": self.old.fingerprint,
            },
            read_adaptors(folder) if (folder / ADAPTORS).exists() else None,
            np.concatenate([branch.old, landmarks(self.grown(branch)(new), self.seed)]),
            (*self.old.branches, branch),
            self.old.known,
        )


def _checked(pictures: int, changed: int) -> str:
    if not pictures:
        return "whether old pictures stay was not checked: no collection was named with --keep"
    count = f"{pictures:,} picture{'s' * (pictures > 1)}"
    return f"checked on {count} that {'is' if pictures == 1 else 'are'} kept: {changed or 'none'} changes"
