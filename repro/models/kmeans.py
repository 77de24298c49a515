"""k-means in torch, on the CPU and on a GPU, and the masks that it gives.

Letters: P points, D dimensions, C clusters (sources), R restarts, N frames, F frequencies.
"""

from __future__ import annotations

import torch
from torch import Tensor

RESTARTS = 5  # runs from different initial centres; the one with the least inertia counts
SAME = 1e-5  # relative difference of inertias below which two restarts count as equally good


def kmeans(points: Tensor, clusters: int, seed: int = 0, restarts: int = RESTARTS, iterations: int = 300) -> Tensor:
    """The centres (C, D) of `clusters` clusters of `points` (P, D), which are floats without NaN.

    The initial centres are drawn by `seeding`, from a generator of their own: the global random state is neither used
    nor changed. All restarts are computed together. The result is the one with the least inertia, and of equally good
    ones the first. It is the same for the same seed, on the CPU and on a GPU up to rounding.

    If there are fewer distinct points than clusters, several centres are equal. Raises ValueError if there is no point,
    if `clusters` is below 1, or if a point is NaN or infinite.

    Example: two groups of points on a line.

        >>> kmeans(torch.tensor([[0.0], [2.0], [10.0], [12.0]]), clusters=2).sort(0).values
        tensor([[ 1.],
                [11.]])
    """
    _check(points, clusters)
    middle = points.mean(0)
    centred = points - middle  # so that an offset of all points costs no digits
    centres = lloyd(centred, seeding(centred, clusters, seed, restarts), iterations)  # (R, C, D)
    inertias = inertia(centred, centres)
    return centres[int((inertias <= inertias.min() * (1 + SAME)).int().argmax())] + middle


def _check(points: Tensor, clusters: int) -> None:
    if points.ndim != 2 or len(points) < 1 or clusters < 1:
        raise ValueError(f"k-means needs points (P, D) and at least 1 cluster, got {tuple(points.shape)}, {clusters}")
    if wrong := int((~points.isfinite()).any(1).sum()):
        raise ValueError(f"k-means needs finite points, but {wrong} of {len(points)} contain NaN or infinity")


def seeding(points: Tensor, clusters: int, seed: int, restarts: int) -> Tensor:
    """Initial centres (R, C, D) by k-means++ (Arthur and Vassilvitskii 2007), each set drawn independently.

    The first centre is a uniformly drawn point. Each further one is a point drawn with a probability proportional to
    its squared distance to the nearest centre so far.
    """
    random = torch.Generator().manual_seed(seed)  # on the CPU for every device: the same draws everywhere
    draws = torch.rand(clusters, restarts, 1, generator=random, dtype=torch.float64).to(points.device)
    nearest = points.new_ones(restarts, len(points))  # squared distances; equal at first
    centres = []
    for draw in draws:
        total = nearest.double().cumsum(1)  # (R, P)
        chosen = torch.searchsorted(total, draw * total[:, -1:], right=True).clamp_max(len(points) - 1)
        centres.append(points[chosen])  # (R, 1, D)
        distances = squared_distances(points, centres[-1])[:, 0]
        nearest = distances if len(centres) == 1 else torch.minimum(nearest, distances)
    return torch.cat(centres, 1)


def lloyd(points: Tensor, centres: Tensor, iterations: int = 300) -> Tensor:
    """Lloyd's algorithm from `centres` (R, C, D), until no centre changes, or for at most `iterations` iterations.

    A cluster without points gets the point that is farthest from its own centre.
    """
    for _ in range(iterations):
        distances = squared_distances(points, centres)
        moved = _means(points, distances, centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return centres


def _means(points: Tensor, distances: Tensor, centres: Tensor) -> Tensor:
    """The mean (R, C, D) of the points that are nearest to each centre."""
    own = one_hot(distances).to(points.dtype)  # (R, C, P)
    sizes = own.sum(2, keepdim=True)
    means = own @ points / sizes.clamp_min(1)
    if bool((sizes == 0).any()):
        far = distances.amin(1).topk(min(centres.shape[1], len(points)), dim=1).indices  # (R, C)
        rank = (sizes[..., 0] == 0).cumsum(1).sub(1).clamp(0, far.shape[1] - 1)  # the k-th empty cluster of a restart
        means = torch.where(sizes == 0, points[far.gather(1, rank)], means)
    return means


def inertia(points: Tensor, centres: Tensor) -> Tensor:
    """The sum (R,) of the squared distances of `points` (P, D) to the nearest of `centres` (R, C, D)."""
    return squared_distances(points, centres).amin(1).sum(1)


def squared_distances(points: Tensor, centres: Tensor) -> Tensor:
    """Squared distances (..., C, P) of `points` (P, D) to `centres` (..., C, D)."""
    products = centres @ points.T
    squares = points.square().sum(1) + centres.square().sum(-1, keepdim=True)
    return (squares - 2 * products).clamp_min(0)


def one_hot(distances: Tensor) -> Tensor:
    """Which of C is nearest, as booleans of the shape of `distances` (..., C, P). Ties go to the first."""
    clusters = torch.arange(distances.shape[-2], device=distances.device)[:, None]
    return distances.argmin(-2, keepdim=True) == clusters
