"""The contributions of the items to a metric of a whole test set, from their influences.

Letters: N items.

The *influence* of an item is the derivative of the metric with respect to the item's weight in the test set: by how
much the metric changes, times N, if the item counts a little more (Hampel 1974, *The influence curve and its role in
robust estimation*). The influences of a test set have the mean 0. Their standard deviation divided by the square root
of N is the standard error of the metric, as for a mean (the infinitesimal jackknife, Jaeckel 1972). So the metric plus
the influence of an item is a value whose mean is the metric and whose spread gives the standard error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 64  # the most different values that are returned; so a record of 25,000 items has one letter per value
EDGES = LEVELS // 2 - 1  # edges of each of the two kinds; together they make fewer than 64 bins


def contributions(value: float, influences: NDArray[Any]) -> list[float]:
    """One value for each item: their mean is `value`, and their spread is that of `influences` (N,).

    If there are more than 64 different influences, similar ones are replaced by their mean, and the deviations are then
    stretched until the standard deviation is again that of `influences`.

    Example:

        >>> contributions(0.5, np.array([-0.25, 0.0, 0.25]))
        [0.25, 0.5, 0.75]
        >>> many = contributions(0.5, np.random.default_rng(0).exponential(size=10_000))
        >>> len(many), len(set(many)) <= 64, f"{np.mean(many):.6f} {np.std(many) / np.sqrt(10_000):.4f}"
        (10000, True, '0.500000 0.0100')
    """
    deviations = np.asarray(influences, dtype=float)
    deviations = deviations - deviations.mean()
    if len(np.unique(deviations)) > LEVELS:
        deviations = _coarse(deviations)
    return [float(one) for one in value + deviations]


def _coarse(deviations: NDArray[Any]) -> NDArray[Any]:
    """The mean of each item's bin, stretched to the old standard deviation.

    Half of the edges are equally far apart, for the few large deviations. The others have equally many items between
    them, for the many small ones.
    """
    equal = np.linspace(deviations.min(), deviations.max(), EDGES + 2)[1:-1]
    counts = np.quantile(deviations, np.linspace(0, 1, EDGES + 2)[1:-1])
    bins = np.searchsorted(np.unique(np.concatenate([equal, counts])), deviations)
    sizes = np.maximum(np.bincount(bins), 1)
    found = (np.bincount(bins, deviations) / sizes)[bins]
    return np.asarray(found * (deviations.std() / found.std()))
