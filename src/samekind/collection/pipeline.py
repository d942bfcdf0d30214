"""Files to vectors: threads read and decode ahead within bounds, the encoder runs beside them on full batches."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.collection.plan import Found, Item
from samekind.encoders.base import Encoder, Prepared
from samekind.errors import EncoderError, PictureError
from samekind.events import Event
from samekind.settings import Settings

BATCH = 16
AHEAD = 4 * BATCH
AHEAD_BYTES = 256 << 20

Group = tuple[Item, ...]
Vector = NDArray[np.float32]


@dataclass
class Looked:
    """What became of one content: ``vector`` (dim,) and perhaps ``views`` (v, dim), or else a ``reason``."""

    group: Group
    hash: str | None = None
    width: int | None = None
    height: int | None = None
    reason: str | None = None
    detail: str = ""
    vector: Vector | None = None
    views: NDArray[np.float32] | None = None
    _waiting: list[Prepared] = field(default_factory=list)
    _got: list[Vector] = field(default_factory=list)


def ready(encoder: Encoder | str, settings: Settings) -> Generator[Event, None, Encoder]:
    """The encoder, loaded where it is given by name, and checked against its golden vector."""
    from samekind.encoders.golden import check_golden

    if isinstance(encoder, str):
        from samekind.encoders.load import fetch, load_encoder

        yield from fetch(encoder, settings)
        encoder = load_encoder(encoder, settings)
    yield check_golden(encoder)
    return encoder


def look(
    groups: Iterable[Group],
    file_of: Callable[[Found], Path],
    encoder: Encoder,
    sampled: Set[str],
    threads: int,
    max_pixels: int,
    max_bytes: int,
) -> Iterator[Looked]:
    """Looks at one file of each group, in order. Groups whose first id is in ``sampled`` get second views too.

    Never raises for a picture: what cannot be used carries the reason.
    """

    def prepare(group: Group) -> Looked:
        return _prepare(group, file_of(group[0].found), encoder, group[0].id in sampled, max_pixels, max_bytes)

    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        try:
            yield from _encoded(_ahead(pool, prepare, iter(groups)), encoder)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ahead(pool: ThreadPoolExecutor, prepare: Callable[[Group], Looked], groups: Iterator[Group]) -> Iterator[Looked]:
    """Prepared pictures in order, with at most ``AHEAD`` of them and ``AHEAD_BYTES`` of files under way."""
    under_way: deque[tuple[int, Future[Looked]]] = deque()
    size = 0
    for group in groups:
        cost = group[0].found.size
        while under_way and (len(under_way) >= AHEAD or size + cost > AHEAD_BYTES):
            done, future = under_way.popleft()
            size -= done
            yield future.result()
        under_way.append((cost, pool.submit(prepare, group)))
        size += cost
    while under_way:
        yield under_way.popleft()[1].result()


def _encoded(looks: Iterator[Looked], encoder: Encoder) -> Iterator[Looked]:
    order: deque[Looked] = deque()
    flat: deque[tuple[Looked, Prepared]] = deque()
    for one in looks:
        order.append(one)
        flat.extend((one, prepared) for prepared in one._waiting)
        while len(flat) >= BATCH:
            _encode([flat.popleft() for _ in range(BATCH)], encoder)
        while order and len(order[0]._got) == len(order[0]._waiting):
            yield _finished(order.popleft())
    while flat:
        _encode([flat.popleft() for _ in range(min(BATCH, len(flat)))], encoder)
    yield from map(_finished, order)


def _encode(batch: list[tuple[Looked, Prepared]], encoder: Encoder) -> None:
    try:
        vectors = encoder.encode([prepared for _, prepared in batch])
    except EncoderError:
        if len(batch) == 1:
            raise
        vectors = _one_by_one(batch, encoder)
    for (one, _), vector in zip(batch, vectors, strict=True):
        one._got.append(vector)


def _one_by_one(batch: list[tuple[Looked, Prepared]], encoder: Encoder) -> NDArray[np.float32]:
    """A batch that failed as a whole: the pictures at fault get no vector, the others theirs."""
    rows, failures = [], 0
    for _, prepared in batch:
        try:
            rows.append(encoder.encode([prepared])[0])
        except EncoderError:
            failures += 1
            if failures == len(batch):
                raise
            rows.append(np.full(encoder.dim, np.nan, np.float32))
    return np.stack(rows)


def _finished(one: Looked) -> Looked:
    got = one._got
    if got:
        if all(_usable(vector) for vector in got):
            one.vector = got[0]
            one.views = np.stack(got[1:]) if len(got) > 1 else None
        elif _usable(got[0]):
            one.vector = got[0]
        else:
            one.reason, one.detail = "no vector", "the encoder gave zero or a number that is not finite"
    one._waiting, one._got = [], []
    return one


def _usable(vector: Vector) -> bool:
    length = float(np.linalg.norm(vector))
    return bool(np.isfinite(length)) and abs(length - 1) < 0.01


def _prepare(group: Group, file: Path, encoder: Encoder, with_views: bool, max_pixels: int, max_bytes: int) -> Looked:
    from samekind.pictures.decode import Limits, decode, read_bytes
    from samekind.pictures.views import SECOND_VIEWS

    looked, limits = Looked(group), Limits(max_pixels, max_bytes)
    try:
        data = read_bytes(file, limits)
        looked.hash = hash_bytes(data)
        decoded = decode(data, limits, encoder.input_side)
        looked.width, looked.height = decoded.width, decoded.height
        looked._waiting.append(encoder.prepare(decoded.pixels))
        if with_views:
            looked._waiting += [encoder.prepare(view(decoded.pixels)) for view in SECOND_VIEWS.values()]
    except PictureError as problem:
        looked._waiting = []
        looked.reason, looked.detail = problem.reason, problem.detail
    return looked


def hash_bytes(data: bytes) -> str:
    """The identity of a content: 32 hex digits of its 128-bit BLAKE2b."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
