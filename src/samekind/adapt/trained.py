"""Adaptation with training: tokens kept, adaptors trained, the network put together, judged on held-out pictures."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from samekind.adapt.closed_form import fit_mix, rounded, seen_by, tuned_alone
from samekind.adapt.gate import Space, Verdict, judge
from samekind.adapt.gather import Gathered
from samekind.adapt.grappa import Trained, grappa, mix_of
from samekind.adapt.tokens import Tokens, keep_tokens
from samekind.adapt.torches import torch
from samekind.adapt.trunk import UpperViT
from samekind.adapt.witness import witness_of, witnessed
from samekind.encoders import catalog
from samekind.encoders.base import Encoder
from samekind.encoders.experts import Experts
from samekind.encoders.graph import cut_at
from samekind.encoders.load import fetch, with_adaptors
from samekind.encoders.recipe import RecipeEncoder
from samekind.encoders.rows import Array, unit_rows
from samekind.encoders.runtime import Network
from samekind.encoders.vit import Tensors, ViTShape, build_vit, depth_of
from samekind.errors import PictureError, UsageError
from samekind.events import Event, Progress
from samekind.pictures.decode import Limits, read_picture
from samekind.pictures.views import SECOND_VIEWS
from samekind.settings import Settings
from samekind.tuning.nuisance import Rows

ADAPTED_BLOCKS = 2
TRAIN_AT_MOST = 12_000
"""Pictures of all collections together: 7 GB of tokens at 224 pixels."""
HELD_AT_MOST = 150
VIEWED_AT_MOST = 250


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network with adaptors, its mix of experts, and what the gate says of it."""

    base: RecipeEncoder
    mix: Experts
    adaptors: dict[str, Array]
    verdict: Verdict


def is_trainable(name: str) -> bool:
    """Whether training is built for this encoder: dino, at any side."""
    return name.partition("@")[0] == "dino"


def check_trainable(name: str) -> None:
    """Raises UsageError for an encoder that training is not built for, MissingExtra without torch."""
    if not is_trainable(name):
        raise UsageError(f"Training is built for dino, not for {name}; take --encoder dino, or --method experts.")
    torch()


def train_candidate(
    gathered: Sequence[Gathered], base: Encoder, with_experts: bool, seed: int, settings: Settings
) -> Generator[Event, None, Candidate]:
    """Trains one network for all collections. Pictures that the gate judges by are left out of everything."""
    from safetensors.numpy import load_file

    rng = np.random.default_rng(seed)
    some = [one.sample(TRAIN_AT_MOST // len(gathered), rng) for one in gathered]
    job = fetch(base.name, settings)
    yield from job
    weights = job.result()[0]
    yield from fetch(witness_of(base.name), settings)
    tensors: Tensors = load_file(weights)
    start = depth_of(tensors) - ADAPTED_BLOCKS + 1
    tokens = yield from _tokens(some, base, tensors, start, settings)
    some, starts = _usable(some, tokens)
    witnesses = yield from witnessed(some, base, settings)
    held = [_held(one, rng) for one in some]
    rest = [one.without(out) for one, out in zip(some, held, strict=True)]
    rows = np.concatenate(
        [at + np.setdiff1d(np.arange(len(one)), out) for one, out, at in zip(some, held, starts, strict=True)]
    )
    plain = np.concatenate([one.vectors for one in some])
    mix = fit_mix(rest, base.parts, seed)[0]
    found: Trained = yield from grappa(UpperViT(tensors, start), tokens, plain, mix, rows, seed)
    network = with_adaptors(base.name, weights, found.adaptors, settings)
    viewed = rng.permutation(rows)[: VIEWED_AT_MOST * len(some)]
    adapted = rounded(
        mix_of(found.look, found.views, rows, viewed, seed) if with_experts else centred(found.look[rows])
    )
    before, after = [], []
    for number, (one, others, out, at) in enumerate(zip(some, rest, held, starts, strict=True)):
        yield Progress("checking", number, len(some))
        before.append(seen_by(tuned_alone(others, base.parts), one, out))
        views = _encoded_views(one, out, network, settings)
        look = found.look[at : at + len(one)]
        mapped = adapted.apply(views.reshape(-1, views.shape[-1])).reshape(views.shape)
        after.append(Space(adapted.apply(look), mapped, out))
    yield Progress("checking", len(some), len(some))
    verdict = judge([one.name for one in some], [(before, after)], witnesses)
    tokens.drop()
    return Candidate(network, adapted, found.adaptors, verdict)


def centred(vectors: Array) -> Experts:
    """The mix that only takes the mean off."""
    mean, same = vectors.mean(axis=0), np.eye(vectors.shape[1], dtype=np.float32)
    return Experts((1,), mean, same, unit_rows(mean[None]), mean[None], same[None])


def _tokens(
    some: Sequence[Gathered], base: Encoder, tensors: Tensors, start: int, settings: Settings
) -> Generator[Event, None, Tokens]:
    view = catalog.record(base.name).trunks[0].view
    lower = Network(lambda: cut_at(build_vit(tensors, view.side), f"blocks.{start - 1}"), settings)
    shape = (1 + (view.side // ViTShape().patch) ** 2, tensors["cls_token"].shape[-1])
    files = [file for one in some for file in one.files]
    return (yield from keep_tokens(files, lower, shape, view, f"{base.fingerprint} {start}", settings))


def _usable(some: Sequence[Gathered], tokens: Tokens) -> tuple[list[Gathered], list[int]]:
    """The collections without pictures that could not be read now, and where each begins among the tokens."""
    at, kept = 0, []
    for one in some:
        kept.append(one.take(np.flatnonzero(tokens.usable[at : at + len(one)])))
        at += len(one)
    return kept, np.cumsum([0, *(len(one) for one in kept[:-1])]).tolist()


def _held(one: Gathered, rng: np.random.Generator) -> Rows:
    most = min(HELD_AT_MOST, max(len(one.view_rows) // 2, 1))
    return np.sort(rng.choice(one.view_rows, most, replace=False))


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
