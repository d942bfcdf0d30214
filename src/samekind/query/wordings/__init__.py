"""What words mean to a collection: by its encoder's own text tower, or else by the concepts that pictures show."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from samekind.encoders.adapted import is_adapted
from samekind.encoders.hub import HUB
from samekind.encoders.load import load_text_tower, print_of
from samekind.errors import CollectionBusy, EncoderMismatch, StorageError
from samekind.events import Event, Job
from samekind.meaning import sentences_there
from samekind.query.wordings.base import Wording
from samekind.query.wordings.concepts import ConceptWording
from samekind.query.wordings.sparse import SparseWording
from samekind.query.wordings.tower import TowerWording

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.encoders.base import TextTower

__all__ = ["Wording", "prepare", "wording_of"]

_KNOWN: WeakKeyDictionary[Collection, tuple[tuple[int, str, bool], Wording]] = WeakKeyDictionary()
_READY: WeakKeyDictionary[Collection, tuple[int, frozenset[str]]] = WeakKeyDictionary()
"""The version that words were made ready for, and what was there then."""
_TOWERS: dict[str, TextTower | None] = {}


def prepare(collection: Collection, weak_captions: Sequence[str] = ()) -> Job[None]:
    """Makes ready what words need of this collection: once, and whatever is new later on.

    Captions in files are read where they are among the ``weak_captions`` to be used, and nobody else is writing.
    The job raises CollectionBusy, StorageError and what ``load_text_tower`` raises.
    """
    return Job(_prepare(collection, weak_captions))


def _prepare(collection: Collection, weak_captions: Sequence[str]) -> Generator[Event, None, None]:
    wanted = {"captions"} & set(weak_captions) | ({"concepts"} if _tower(collection) is None else set())
    version, there = _READY.get(collection, (-1, frozenset()))
    if version == collection.table.version and wanted <= there and collection.knows(wanted):
        return
    if "concepts" in wanted:
        yield from collection.learn_words()
        collection.refresh()
    if "captions" in wanted:
        try:
            yield from collection.learn_captions()
        except (CollectionBusy, StorageError):
            wanted.remove("captions")
        collection.refresh()
    _READY[collection] = collection.table.version, frozenset(wanted)


def wording_of(collection: Collection) -> Wording:
    """The words of the version that is read, once ``prepare`` is done; kept for that version."""
    sentences = sentences_there() and not collection.settings.words_without_sentences
    version = collection.table.version, collection.fingerprint, sentences
    known = _KNOWN.get(collection)
    if known is None or known[0] != version:
        tower = _tower(collection)
        known = _KNOWN[collection] = version, _read(collection, tower, sentences)
    return known[1]


def _read(collection: Collection, tower: TextTower | None, sentences: bool) -> Wording:
    if tower is not None:
        return TowerWording.read(collection, tower)
    return ConceptWording.read(collection) if sentences else SparseWording.read(collection)


def _tower(collection: Collection) -> TextTower | None:
    """The text tower of the collection's encoder. Raises EncoderMismatch where that has another version by now."""
    name = collection.encoder_name
    if name not in _TOWERS:
        may_have_one = name.startswith(HUB) or is_adapted(name)
        _TOWERS[name] = load_text_tower(name, collection.settings) if may_have_one else None
    if _TOWERS[name] is not None:
        now = print_of(name, collection.settings)
        if now != collection.fingerprint:
            raise EncoderMismatch(
                f"{collection.path} was made by another version of {name} ({collection.fingerprint}, now {now}): bring "
                f"that version back, or run samekind migrate with --encoder {name}."
            )
    return _TOWERS[name]
