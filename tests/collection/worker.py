"""What other processes do in tests: ``worker.py VERB COLLECTION [FOLDER or FILE]``; says "ready" before it starts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from samekind.collection import Collection, index, pipeline, sync, table
from samekind.encoders import load
from tests.collection.mock import DIM, MockEncoder, OtherEncoder

SLOW = MockEncoder(seconds=0.1)


def in_small_steps() -> None:
    """Commits are small, small fragments are joined and indexes built early."""
    pipeline.BATCH = 4
    sync.COMMIT_PICTURES = 4
    table.SMALL_FRAGMENTS = 2
    index.IDS_FROM_PICTURES = index.FROM_PICTURES = 60


def write(collection: Path, folder: Path) -> None:
    """Syncs, then tunes."""
    in_small_steps()
    opened = Collection.open(collection)
    opened.sync([folder], encoder=SLOW).result()
    opened.tune().result()


def read(collection: Path) -> None:
    """Searches until standard input ends, with one handle and with fresh ones; any failure ends it with an error."""
    import threading

    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    lasting = Collection.open(collection)
    rounds = 0
    while not ended.is_set() or not rounds:
        lasting.refresh()
        for opened in (lasting, Collection.open(collection)):
            query = np.full((1, DIM), 0.25, np.float32)
            if opened.tuned and opened.tuning is not None:
                query = opened.tuning.asked(query)
            ((ids, scores),) = opened.nearest(query, 5)
            rows = opened.rows(ids, ["state", "hash"])
            assert len(rows) == len(scores) == 5, f"{len(rows)} rows, {len(scores)} scores"
            assert {row["state"] for row in rows} == {"present"}
            assert opened.info().pictures >= 20
        rounds += 1
    print(rounds)


def migrate(collection: Path) -> None:
    """Changes to the other encoder."""
    in_small_steps()
    Collection.open(collection).migrate(OtherEncoder(seconds=0.1)).result()


def ask(collection: Path, picture: Path) -> None:
    """Searches for a stored picture until standard input ends, and prints which encoders answered, in order.

    The picture must find itself, exactly: a vector of one encoder never meets those of another.
    """
    import threading

    from samekind.query import Picture, Query, search

    encoders = {"mock": MockEncoder(), "other": OtherEncoder()}
    load.load_encoder = lambda name, *_: encoders[name]  # type: ignore[assignment,return-value]
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    lasting = Collection.open(collection)
    answered: list[str] = []
    while not ended.is_set():
        for opened in (lasting, Collection.open(collection)):
            for tune in (True, False):
                hits = search(opened, Query(Picture(picture)), k=3, tune=tune)
                best = hits[0]
                assert best.file == picture, (best.file, hits.encoder)
                assert tune or best.score > 0.999, (best.score, hits.encoder)
                assert len(hits) == 3
                if answered[-1:] != [hits.encoder]:
                    answered.append(hits.encoder)
    print(*answered)


if __name__ == "__main__":
    verb, where = sys.argv[1], Path(sys.argv[2])
    print("ready", flush=True)
    if verb == "read":
        read(where)
    elif verb == "migrate":
        migrate(where)
    elif verb == "ask":
        ask(where, Path(sys.argv[3]))
    else:
        write(where, Path(sys.argv[3]))
