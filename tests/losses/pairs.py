"""The losses of embeddings as their papers and public code write them, over all pairs of bins, in float64."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Target = dict[str, Tensor]
Formula = Callable[[Tensor, Tensor, Tensor], Tensor]


def mean_over_items(formula: Formula, embeddings: Tensor, target: Target) -> Tensor:
    """The mean of `formula(V (K, D), y (K,), w (K,))` of the K bins of each item that have a weight."""
    losses = []
    for item, dominant, weights in zip(embeddings, target["dominant"], target["weights"], strict=True):
        heard = weights > 0
        losses.append(formula(item[heard], dominant[heard], weights[heard]))
    return torch.stack(losses).mean()


def deep_clustering(v: Tensor, y: Tensor, w: Tensor) -> Tensor:
    return ((w[:, None] * w) * (v @ v.T - _alike(y)) ** 2).sum() / w.sum() ** 2


def balanced(v: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Pairs of a source of size d have the weight 1/d, others 1/sqrt(d d')."""
    return deep_clustering(v, y, w / (_alike(y) @ w).sqrt())


def graph_laplacian(v: Tensor, y: Tensor, w: Tensor) -> Tensor:
    ours, theirs = v @ v.T, _alike(y)
    p, q = ours @ w, theirs @ w  # degrees
    return ((w[:, None] * w) * (ours / (p[:, None] * p).sqrt() - theirs / (q[:, None] * q).sqrt()) ** 2).sum()


def whitened_kmeans(v: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """The distance of whitened embeddings from their means, computed with the inverse root of V'V."""
    v, y = v * w.sqrt()[:, None], _one_hot(y) * w.sqrt()[:, None]
    values, vectors = torch.linalg.eigh(v.T @ v)
    white = v @ (vectors / values.sqrt()) @ vectors.T
    return (white - y @ torch.linalg.lstsq(y, white).solution).square().sum()


def deep_lda(v: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """The variance within the sources, from pairs of one source, divided by that of all pairs."""
    distances = (v[:, None] - v).square().sum(2) * w[:, None] * w
    within = (distances * _alike(y) / (_alike(y) @ w)).sum()
    return within / (distances.sum() / w.sum())


def _alike(y: Tensor) -> Tensor:
    return (y[:, None] == y).double()


def _one_hot(y: Tensor) -> Tensor:
    return (y[:, None] == y.unique()).double()
