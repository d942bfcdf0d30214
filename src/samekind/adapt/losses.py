"""The losses of training: on unit vectors, and on the attention over sets."""

from __future__ import annotations

from typing import Any

from samekind.adapt.torches import torch

SOFTMAX_TEMPERATURE = 0.05
PAIR_TEMPERATURE = 0.1
TEACHER_TEMPERATURE = 0.05
OFF_DIAGONAL, REDUNDANCY_SCALE = 3.9e-3, 1 / 32
_LEAST = 1e-9


def normalised_softmax(vectors: Any, prototypes: Any, labels: Any, temperature: float = SOFTMAX_TEMPERATURE) -> Any:
    """Cross-entropy of cosines to prototypes (Zhai and Wu, 2019): ``vectors`` (n, d) unit, ``labels`` (n,) -> ()."""
    directions = torch().nn.functional.normalize(prototypes, dim=-1)
    return torch().nn.functional.cross_entropy(vectors @ directions.T / temperature, labels)


def contrast(vectors: Any, partners: Any, temperature: float = PAIR_TEMPERATURE) -> Any:
    """Each row must find its partner among the batch, and be found: (n, d), (n, d) unit rows -> (). (InfoNCE)"""
    scores = vectors @ partners.T / temperature
    right = torch().arange(len(vectors), device=vectors.device)
    entropy = torch().nn.functional.cross_entropy
    return 0.5 * (entropy(scores, right) + entropy(scores.T, right))


def graded(vectors: Any, partners: Any, grades: Any, temperature: float = PAIR_TEMPERATURE) -> Any:
    """Rows must see the partners of the batch as much alike as they are: (n, d), (n, d) unit rows -> ().

    List-wise cross-entropy (ListNet, 2007) with granularities as grades of relevance (ours): ``grades`` (n, n), in how
    many granularities a row and a partner are of one cluster, and more for its own partner. The target is in
    proportion to exp(grade) - 1, so that what has nothing in common has no share. With no cluster in common it is what
    InfoNCE asks of a row.
    """
    wanted = torch().expm1(grades)
    wanted = wanted / wanted.sum(1, keepdim=True)
    return -(wanted * (vectors @ partners.T / temperature).log_softmax(1)).sum(1).mean()


def taught(
    vectors: Any,
    partners: Any,
    likenesses: Any,
    temperature: float = PAIR_TEMPERATURE,
    sharpness: float = TEACHER_TEMPERATURE,
) -> Any:
    """Rows must see partners, and partners rows, as much alike as a teacher does: (n, d), (n, d) unit rows -> ().

    Divergence of the softmax over the batch from that of the teacher's cosines, ``likenesses`` (n, n). (SimCLRv2, 2020,
    its classes replaced by the batch)
    """
    scores = vectors @ partners.T / temperature
    return 0.5 * (_divergence(scores, likenesses / sharpness) + _divergence(scores.T, likenesses.T / sharpness))


def redundancy_reduction(
    vectors: Any, partners: Any, off_diagonal: float = OFF_DIAGONAL, scale: float = REDUNDANCY_SCALE
) -> Any:
    """The correlation of two sides' numbers over the batch must be the identity: (n, d), (n, d) -> ().

    (Barlow Twins, 2021; constants of TLDR, 2022, whose projector is left out: batches are smaller than it is wide.)
    """
    ours, theirs = _standardised(vectors), _standardised(partners)
    correlation = ours.T @ theirs / len(vectors)
    diagonal = torch().diagonal(correlation)
    others = (correlation**2).sum() - (diagonal**2).sum()
    return scale * (((diagonal - 1) ** 2).sum() + off_diagonal * others)


def attention_consistency(shares: Any, partners: Any) -> Any:
    """How much neighbours' attentions differ: Jensen-Shannon divergence of rows (n, sets) -> (), mean over rows.

    The partners' side gives no gradient, so that attention goes from one picture to the next (Grappa).
    """
    theirs = partners.detach()
    middle = 0.5 * (shares + theirs)
    return _entropy(middle) - 0.5 * (_entropy(shares) + _entropy(theirs))


def attention_balance(shares: Any) -> Any:
    """Minus the entropy of the batch's mean attention, (n, sets) -> (): least where all sets are used alike."""
    return -_entropy(shares.mean(0, keepdim=True))


def _divergence(scores: Any, wanted: Any) -> Any:
    """Kullback-Leibler divergence of softmax rows from those that are wanted, mean over rows."""
    kl_div = torch().nn.functional.kl_div
    return kl_div(scores.log_softmax(1), wanted.log_softmax(1), reduction="batchmean", log_target=True)


def _entropy(shares: Any) -> Any:
    return -(shares * shares.clamp_min(_LEAST).log()).sum(-1).mean()


def _standardised(vectors: Any) -> Any:
    return (vectors - vectors.mean(0)) / (vectors.std(0, correction=0) + 1e-4)
