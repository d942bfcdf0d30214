"""Visual search that learns what "the same kind" means in your own collections of pictures, without labels.

    from samekind import Collection, Picture, Query, load_encoder, search

    birds = Collection.open_or_create("birds.samekind", load_encoder("dino"))
    birds.sync(["pictures/birds"]).result()
    for hit in search(birds, Query(Picture("unknown.jpg")), k=5):
        print(hit.rank, hit.path, hit.confidence)

Everything long is a ``Job``: iterate it for progress events, or ask for its ``result()``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samekind.adapt.keeping import kinds
    from samekind.collection.collection import Collection
    from samekind.encoders.base import Encoder
    from samekind.encoders.load import load_encoder
    from samekind.errors import SamekindError
    from samekind.evaluation.evaluate import evaluate
    from samekind.query.explain import explain
    from samekind.query.hits import Hit, Hits
    from samekind.query.model import Drop, Keep, Like, Picture, Query, Unlike, Vector, Where, Words
    from samekind.query.reasons import Reasons
    from samekind.query.search import search

__version__ = "0.1.0"

_HOMES = {
    "Collection": "samekind.collection.collection",
    "Drop": "samekind.query.model",
    "Encoder": "samekind.encoders.base",
    "Hit": "samekind.query.hits",
    "Hits": "samekind.query.hits",
    "Keep": "samekind.query.model",
    "Like": "samekind.query.model",
    "Picture": "samekind.query.model",
    "Query": "samekind.query.model",
    "Reasons": "samekind.query.reasons",
    "SamekindError": "samekind.errors",
    "Unlike": "samekind.query.model",
    "Vector": "samekind.query.model",
    "Where": "samekind.query.model",
    "Words": "samekind.query.model",
    "evaluate": "samekind.evaluation.evaluate",
    "explain": "samekind.query.explain",
    "kinds": "samekind.adapt.keeping",
    "load_encoder": "samekind.encoders.load",
    "search": "samekind.query.search",
}

__all__ = [
    "Collection",
    "Drop",
    "Encoder",
    "Hit",
    "Hits",
    "Keep",
    "Like",
    "Picture",
    "Query",
    "Reasons",
    "SamekindError",
    "Unlike",
    "Vector",
    "Where",
    "Words",
    "evaluate",
    "explain",
    "kinds",
    "load_encoder",
    "search",
]


def __getattr__(name: str) -> Any:
    """Imports the home of a public name when it is first used, so that ``import samekind`` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'samekind' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
