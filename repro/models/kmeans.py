"""k-means in torch, on the CPU and on a GPU.

Letters: P points, D dimensions, C clusters, R restarts.
"""

from __future__ import annotations

import torch
from torch import Tensor

SAME = 1e-5  # relative difference of the sums of squares up to which two restarts count as equally good


def kmeans(points: Tensor, clusters: int, seed: int = 0, restarts: int = 5) -> Tensor:
    """The centres (C, D) of `clusters` clusters of `points` (P, D), in the float type and on the device of the points.

    Lloyd's algorithm is repeated from `restarts` sets of initial centres, all at once. The result is the set with the
    least sum of squared distances, and among equally good ones the first. The initial centres are drawn from a
    generator of their own, so the global random state neither matters nor changes. The same seed gives the same
    centres; a GPU gives those of the CPU up to rounding.

    If there are fewer distinct points than clusters, some centres are equal. Raises ValueError if there is no point, if
    `clusters` is below 1, or if a point contains NaN or infinity.

    Example: two groups of points on a line.

        >>> kmeans(torch.tensor([[0.0], [2.0], [10.0], [12.0]]), clusters=2).sort(0).values
        tensor([[ 1.],
                [11.]])
    """
    if points.ndim != 2 or len(points) < 1 or clusters < 1:
        raise ValueError(f"k-means needs points (P, D) and at least 1 cluster, got {tuple(points.shape)}, {clusters}")
    middle = points.mean(0)
    if not bool(middle.isfinite().all()):  # faster than looking at each point
        wrong = int((~points.isfinite()).any(1).sum())
        raise ValueError(f"k-means needs finite points, but {wrong} of {len(points)} contain NaN or infinity")
    centred = points - middle  # so that an offset of all points costs no digits
    centres = lloyd(centred, seeding(centred, clusters, seed, restarts))  # (R, C, D)
    sums = squared_distances(centred, centres).amin(1).sum(1)
    return centres[int((sums <= sums.min() * (1 + SAME)).int().argmax())] + middle


def seeding(points: Tensor, clusters: int, seed: int, restarts: int) -> Tensor:
    """Initial centres (R, C, D) by k-means++ (Arthur and Vassilvitskii 2007), drawn alone for each restart.

    The first centre is a point drawn uniformly. Each further one is a point drawn with a probability proportional to
    its squared distance to the nearest centre so far.
    """
    random = torch.Generator().manual_seed(seed)  # on the CPU, so that every device gets the same numbers
    numbers = torch.rand(clusters, restarts, 1, generator=random, dtype=torch.float64).to(points.device)
    nearest = points.new_ones(restarts, len(points))  # equal weights for the first centre
    centres = []
    for number in numbers:
        total = nearest.double().cumsum(1)  # (R, P)
        drawn = torch.searchsorted(total, number * total[:, -1:], right=True).clamp_max(len(points) - 1)
        centres.append(points[drawn])  # (R, 1, D)
        distances = squared_distances(points, centres[-1])[:, 0]
        nearest = distances if len(centres) == 1 else torch.minimum(nearest, distances)
    return torch.cat(centres, 1)


def lloyd(points: Tensor, centres: Tensor, tolerance: float = 1e-4, iterations: int = 300) -> Tensor:
    """Lloyd's algorithm from `centres` (R, C, D): each restart until its centres stop.

    They stop when the sum of their squared shifts is at most `tolerance` times the mean variance of a dimension, as in
    scikit-learn, and at the latest after `iterations` iterations. A cluster without points gets the point that is
    farthest from its own centre.
    """
    extended = _extended(points)
    limit = tolerance * (points.square().mean(0) - points.mean(0).square()).clamp_min(0).mean()
    centres, active = centres.clone(), torch.arange(len(centres), device=points.device)
    for _ in range(iterations):
        before = centres[active]
        centres[active] = _means(extended, before)
        active = active[(centres[active] - before).square().sum((1, 2)) > limit]
        if not len(active):
            break
    return centres


def squared_distances(points: Tensor, centres: Tensor) -> Tensor:
    """Squared distances (..., C, P) of `points` (P, D) to `centres` (..., C, D)."""
    return _product(_extended(points), centres).clamp_min_(0)


def _extended(points: Tensor) -> Tensor:
    """Points with two more columns, 1 and |x|^2: (P, D + 2)."""
    return torch.cat([points, torch.ones_like(points[:, :1]), points.square().sum(1, keepdim=True)], 1)


def _product(extended: Tensor, centres: Tensor) -> Tensor:
    """Squared distances (..., C, P) as one matrix product: |x - c|^2 = -2 <x, c> + |c|^2 + |x|^2."""
    squares = centres.square().sum(-1, keepdim=True)
    return torch.cat([-2 * centres, squares, torch.ones_like(squares)], -1) @ extended.T


def _means(extended: Tensor, centres: Tensor) -> Tensor:
    """The means (R, C, D) of the points that are nearest to each of `centres` (R, C, D)."""
    distances = _product(extended, centres)
    nearest = distances.amin(1, keepdim=True)
    own = (distances == nearest).to(distances.dtype)  # (R, C, P); argmin takes 100 times as long
    sums = own @ extended  # (R, C, D + 2)
    sizes = sums[..., -2:-1]
    if bool(((sizes.sum(1) > len(extended)) | (sizes == 0).any(1)).any()):
        first = own * (own.cumsum(1) == 1)  # of equally near centres, only the first counts
        sums = _filled(first @ extended, extended, nearest[:, 0])
    return sums[..., :-2] / sums[..., -2:-1]


def _filled(sums: Tensor, extended: Tensor, nearest: Tensor) -> Tensor:
    """The sums (R, C, D + 2) of each cluster; an empty one gets one of the points with the largest `nearest` (R, P)."""
    empty = sums[..., -2] == 0
    far = nearest.topk(min(empty.shape[1], nearest.shape[1]), dim=1).indices
    chosen = far.gather(1, (empty.cumsum(1) - 1).clamp(0, far.shape[1] - 1))
    return torch.where(empty[..., None], extended[chosen], sums)
