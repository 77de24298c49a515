"""Statistical tests for drift: do two samples come from the same distribution?

Letters: M items of the source (the reference), N items of the target, D numbers per item, K classes.

A p value is the probability of a difference at least as large as the one found, if the two distributions are the same.
With several tests at once, `bonferroni` keeps the rate of false alarms. Each test assumes that the items are
independent: a picture that was sent a hundred times counts as a hundred items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy import stats
from scipy.spatial import distance

from repro.errors import BadInput

Array = npt.NDArray[np.float64]
Correction = Literal["none", "stephens"]
PERMUTATIONS = 999


@dataclass(frozen=True)
class Source:
    """The reference sample, sorted once for many tests of Kolmogorov and Smirnov. Made by `source`.

    ordered: (D, M), each dimension in increasing order.
    """

    ordered: torch.Tensor

    def distances(self, target: Any) -> Array:
        """The largest difference of the empirical distribution functions in each dimension (D,), in [0, 1]."""
        values = _matrix(target).T.sort(dim=1).values.contiguous()  # (D, N)
        if len(values) != len(self.ordered):
            raise BadInput(f"the target has {len(values)} numbers per item", expected=str(len(self.ordered)))
        size, rank = self.ordered.shape[1], torch.arange(values.shape[1] + 1).double() / values.shape[1]
        at = torch.searchsorted(self.ordered, values, right=True).double() / size  # the source's share up to a value
        before = torch.searchsorted(self.ordered, values).double() / size  # and below it
        return np.asarray(torch.maximum((rank[1:] - at).amax(1), (before - rank[:-1]).amax(1)).clamp(min=0))

    def p_values(self, target: Any, correction: Correction = "none") -> Array:
        """Two-sided p value in each dimension (D,), asymptotic.

        correction: "none" takes the distribution of Kolmogorov's statistic for MN / (M + N) items, as scipy does today
        (`method="asymp"`). "stephens" takes the limit distribution, with a corrected statistic (Stephens 1970), as
        scipy did until 2019.
        """
        return p_values(self.distances(target), self.ordered.shape[1], len(_matrix(target)), correction)


def source(values: Any) -> Source:
    """The reference for tests of Kolmogorov and Smirnov, from values (M, D) or (M,).

    Raises BadInput for an array of another shape, without an item, or with values that are not finite.

    Example:

        >>> reference = source([1.0, 2.0, 3.0, 4.0])
        >>> reference.distances([3.5, 4.5])
        array([0.75])
        >>> reference.p_values([3.5, 4.5]).round(2)
        array([0.38])
    """
    return Source(_matrix(values).T.sort(dim=1).values.contiguous())


def p_values(distances: Array, source: int, target: int, correction: Correction = "none") -> Array:
    """p values of Kolmogorov-Smirnov distances between samples of `source` and `target` items. See `Source.p_values`.

    Raises BadInput for another correction.
    """
    items = source * target / (source + target)
    if correction == "none":
        return np.asarray(stats.kstwo.sf(distances, np.round(max(items, 1.0))))
    if correction != "stephens":
        raise BadInput(f"no correction '{correction}'", given=correction, known=("none", "stephens"))
    root = np.sqrt(items)
    return np.asarray(stats.kstwobign.sf((root + 0.12 + 0.11 / root) * distances))


def bonferroni(p: Any) -> float:
    """The p value of several tests together: the smallest, times their number; at most 1.

    >>> bonferroni([0.01, 0.5])
    0.02
    """
    found = np.asarray(p, dtype=float)
    return float(min(1.0, found.size * found.min()))


def chi_squared(source: Any, target: Any, classes: int) -> float:
    """p value of Pearson's test that classes (M,) and (N,), whole numbers from 0 to K - 1, are equally frequent.

    Classes that neither sample has do not count. 1 if there is one class only.

    >>> chi_squared([0, 0, 1, 1], [0, 0, 1, 1], classes=3)
    1.0
    """
    table = np.stack([np.bincount(np.asarray(one), minlength=classes) for one in (source, target)])
    table = table[:, table.any(axis=0)]
    return float(stats.chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0


def intersection(source: Any, target: Any, edges: Any) -> float:
    """The common area of two histograms, as shares: 1 if they are the same, 0 if no bin has items of both.

    source: (M,), target: (N,). edges: of the bins, increasing; values outside count in the first and the last bin.
    Source: Swain and Ballard 1991, *Color indexing*, Equation 1.

    >>> intersection([1, 1, 2, 2], [2, 2, 3, 3], edges=[0.5, 1.5, 2.5, 3.5])
    0.5
    """
    one, other = (_counts(values, edges) for values in (source, target))
    return float(np.minimum(one / one.sum(), other / other.sum()).sum())


def intersection_p(source: Any, target: Any, edges: Any, permutations: int = PERMUTATIONS, seed: int = 0) -> float:
    """p value of the `intersection`, by random permutations of the items between the samples."""
    one, other = (_counts(values, edges) for values in (source, target))
    found = np.minimum(one / one.sum(), other / other.sum()).sum()
    random = np.random.default_rng(seed)
    drawn = random.multivariate_hypergeometric((one + other).astype(np.int64), int(other.sum()), permutations)
    shares, rest = drawn / other.sum(), (one + other - drawn) / one.sum()
    return _share(np.minimum(shares, rest).sum(axis=1) <= found + 1e-12)


def mmd(source: Any, target: Any, permutations: int = PERMUTATIONS, seed: int = 0) -> tuple[float, float]:
    """The squared maximum mean discrepancy of (M, D) and (N, D), unbiased, and its p value by permutations.

    The kernel is exp(-|x - y|^2 / s), where s is the median distance of a source item from a target item. It needs
    (M + N)^2 numbers. M and N: from 2. Source: Gretton et al. 2012, *A kernel two-sample test*, Equation 3.

    >>> values = np.random.default_rng(0).normal(size=(60, 2))
    >>> near, p = mmd(values[:30], values[30:])
    >>> far, small = mmd(values[:30], values[30:] + 2)
    >>> near < far, p > 0.05 > small
    (True, True)
    """
    one, other = (np.asarray(_matrix(values).double()) for values in (source, target))
    if min(len(one), len(other)) < 2:
        raise BadInput(f"samples of {len(one)} and {len(other)} items", expected="at least 2 items in each")
    scale = float(np.median(distance.cdist(one, other))) or 1.0
    both = np.concatenate([one, other])
    kernel = np.exp(-distance.cdist(both, both, "sqeuclidean") / scale)
    np.fill_diagonal(kernel, 0.0)
    random = np.random.default_rng(seed)
    orders = np.argsort(random.random((permutations, len(both))), axis=1)
    first = np.concatenate([np.arange(len(both))[None], orders]) < len(one)  # which items count as source, each time
    found = _discrepancies(kernel, first.astype(float), len(one), len(other))
    return float(found[0]), _share(found[1:] >= found[0])


def _discrepancies(kernel: Array, first: Array, source: int, target: int) -> Array:
    """The statistic for each row of `first`, which is 1 for the items of the source and 0 for those of the target."""
    products = first @ kernel  # (permutations, M + N)
    inside = (products * first).sum(axis=1)
    between = (products * (1 - first)).sum(axis=1)
    rest = kernel.sum() - inside - 2 * between
    return np.asarray(
        inside / (source * (source - 1)) + rest / (target * (target - 1)) - 2 * between / (source * target)
    )


def _share(as_large: npt.NDArray[np.bool_]) -> float:
    """The p value of a permutation test: the found order counts as one of the permutations."""
    return float((1 + as_large.sum()) / (1 + len(as_large)))


def _counts(values: Any, edges: Any) -> Array:
    bounds = np.asarray(edges, dtype=float)
    if bounds.ndim != 1 or len(bounds) < 2 or not (np.diff(bounds) > 0).all():
        raise BadInput(f"the edges of the bins are {edges}", expected="at least two increasing numbers")
    found = np.asarray(_matrix(values).double())[:, 0]
    return np.asarray(np.histogram(np.clip(found, bounds[0], bounds[-1]), bounds)[0], dtype=float)


def _matrix(values: Any) -> torch.Tensor:
    """(items, numbers per item), floating; float32 remains float32."""
    found = torch.as_tensor(np.asarray(values))
    found = found if found.is_floating_point() else found.double()
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2 or not found.numel():
        raise BadInput(f"a sample of the shape {tuple(found.shape)}", expected="(items, numbers per item), not empty")
    if not bool(found.isfinite().all()):
        raise BadInput("a sample has values that are not finite", expected="finite numbers")
    return found
