"""The losses, on unit vectors of all sets at once."""

from __future__ import annotations

from typing import Any

from samekind.adapt.torches import torch

SOFTMAX_TEMPERATURE = 0.05
PAIR_TEMPERATURE = 0.1


def normalised_softmax(vectors: Any, prototypes: Any, labels: Any, temperature: float = SOFTMAX_TEMPERATURE) -> Any:
    """Cross-entropy of cosines to prototypes (Zhai and Wu, 2019): ``vectors`` (n, d) unit, ``labels`` (n,) -> ()."""
    directions = torch().nn.functional.normalize(prototypes, dim=-1)
    return torch().nn.functional.cross_entropy(vectors @ directions.T / temperature, labels)


def contrast(vectors: Any, partners: Any, temperature: float = PAIR_TEMPERATURE) -> Any:
    """Each row must find its partner among the batch, and be found: (n, d), (n, d) unit rows -> (). (InfoNCE)"""
    scores = vectors @ partners.T / temperature
    right = torch().arange(len(vectors))
    entropy = torch().nn.functional.cross_entropy
    return 0.5 * (entropy(scores, right) + entropy(scores.T, right))
