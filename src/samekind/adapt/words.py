"""Words that set a kind apart: from folder names, file names and the person's own text, where any stand out.

Weighted log-odds with the collection itself as prior (Monroe, Colaresi and Quinn 2008, "Fightin' words"); a word counts
once a picture.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from samekind.tuning.kmeans import Labels

MOST = 3

_WORD = re.compile(r"[^\W\d_]{3,}")
_CLEAR = 1.9
"""Standard errors. A word of three pictures that are a kind by themselves just passes."""

_LIFT, _SHARE = 1.5, 0.25


def words_in(texts: Iterable[str | None]) -> frozenset[str]:
    """The words of a picture's texts: runs of three letters or more, in lower case."""
    return frozenset(word.lower() for text in texts if text for word in _WORD.findall(text))


def distinguishing(
    words: Sequence[frozenset[str]], labels: Labels, k: int, above: Labels | None = None
) -> list[tuple[str, ...]]:
    """For each of ``k`` kinds the words that stand out in it, at most MOST, the clearest first; often none.

    ``words`` of n pictures and their kinds ``labels`` (n,). A word stands out where it is in a quarter of the kind's
    pictures, half as often again as in the collection, and by 1.9 standard errors of the log-odds; and half as often
    again as in the kind above, where ``above`` (n,) names that.
    """
    every = sorted(set().union(*words)) if words else []
    if not every:
        return [()] * k
    place = {word: n for n, word in enumerate(every)}
    pairs = [(label, place[word]) for label, one in zip(labels.tolist(), words, strict=True) for word in one]
    codes, here = np.unique([label * len(every) + word for label, word in pairs], return_counts=True)
    kinds, tokens = np.divmod(codes, len(every))
    total, n = np.bincount(tokens, here, len(every))[tokens], len(words)
    size = np.bincount(labels, minlength=k)[kinds]
    inside = (here + total) / (size + n - here - total).clip(1)
    outside = (2 * total - here) / (2 * n - size - 2 * total + here).clip(1)
    clear = np.log(inside / outside) / np.sqrt(1 / (here + total) + 1 / (2 * total - here))
    if above is not None:
        parents = np.zeros(k, np.intp)
        parents[labels] = above
        known: Counter[tuple[int, int]] = Counter()
        for kind, token, count in zip(parents[kinds].tolist(), tokens.tolist(), here.tolist(), strict=True):
            known[kind, token] += count
        shared = np.array([known[pair] for pair in zip(parents[kinds].tolist(), tokens.tolist(), strict=True)])
        clear[here * np.bincount(above)[parents[kinds]] < _LIFT * shared * size] = 0
    stands_out = (clear >= _CLEAR) & (here >= _SHARE * size) & (here * n >= _LIFT * total * size) & (here > 1)
    found: list[list[tuple[float, str]]] = [[] for _ in range(k)]
    for n_th in np.flatnonzero(stands_out):
        found[kinds[n_th]].append((-float(clear[n_th]), every[tokens[n_th]]))
    return [tuple(word for _, word in sorted(one)[:MOST]) for one in found]
