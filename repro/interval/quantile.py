"""The quantile for the sum of two estimated variances: one of the seeds, and one of the test items.

Each variance has its own degrees of freedom (the Behrens-Fisher problem), so Student's t is only an approximation.

- The quantile of Satterthwaite (1946) is too small for three seeds: the interval contains the true mean in only 92 % of
  all studies, if the seeds make up 90 % of the variance.
- The quantile of Cochran and Cox (1950) is the mean of the two t quantiles, weighted by the two variances. It is too
  large: the interval contains the true mean in up to 98 % of all studies.

So we multiply the quantile of Cochran and Cox by a factor. The factor makes the coverage exactly 95 % if the estimated
variances are the true ones. This is called prepivoting (Beran 1987, Prepivoting to reduce level error of confidence
sets). The coverage is 94.1 to 96.1 % in the 42 mixtures of seeds, items and rest in `tests/interval/test_interval.py`.
If one of the variances is 0, the result is Student's quantile.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from repro.interval.layout import Term

LEVEL = 0.95
NODES = 24  # points of the integral over each estimated variance
CLOSE = 1e-9  # the iteration stops at a smaller step


def quantile(seed: Term, item: Term) -> float:
    """The factor for the standard error that gives half the width of a 95 % interval. 0 if both variances are 0.

    Each term is (estimated variance, degrees of freedom). The degrees of freedom are at least 1 if the variance is
    not 0. The standard error is the square root of the sum of both variances.

    >>> round(quantile((1.0, 2), (0.0, 0)), 3), round(quantile((0.9, 2), (0.1, 99)), 3)
    (4.303, 3.912)
    """
    (first, few), (second, many) = sorted((seed, item), key=lambda term: term[1])
    whole = first + second
    if not whole > 0.0:
        return 0.0
    if not (first > 0.0 and second > 0.0):
        return _student(few if first > 0.0 else many)
    return _prepivoted(first / whole, few, many)


def _prepivoted(share: float, few: float, many: float) -> float:
    """The quantile of Cochran and Cox times the factor for 95 % coverage. `share`: the first variance of the sum."""
    import numpy as np
    from scipy.special import ndtr

    first, second = _student(few), _student(many)
    estimated, weights = _variances(share, few, many)
    shares = share * _nodes(few)[0][:, None] / estimated
    reach = (shares * first + (1 - shares) * second) * estimated**0.5  # half the interval, in standard errors
    wanted = share * _covered(few) + (1 - share) * _covered(many)  # 95 %, with the same numerical error

    times, step = 0.5, 1.0
    while abs(step) > CLOSE:  # Newton's method from below; the coverage is concave, so no step is too large
        lacks = wanted - float(((2 * ndtr(times * reach) - 1) * weights).sum())
        step = lacks / float((np.exp(-((times * reach) ** 2) / 2) * reach * weights).sum() * math.sqrt(2 / math.pi))
        times += step
    return times * (share * first + (1 - share) * second)


def _student(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


@functools.lru_cache(maxsize=1000)
def _covered(freedom: float) -> float:
    """The coverage of Student's quantile by the same numerical integral: 95 %, except for the numerical error."""
    from scipy.special import ndtr

    places, weights = _nodes(freedom)
    return float(((2 * ndtr(_student(freedom) * places**0.5) - 1) * weights).sum())


def _variances(share: float, few: float, many: float) -> tuple[Any, Any]:
    """Possible estimates of the sum of the two variances, and the probability of each."""
    (first, of_first), (second, of_second) = _nodes(few), _nodes(many)
    return share * first[:, None] + (1 - share) * second[None, :], of_first[:, None] * of_second[None, :]


@functools.lru_cache(maxsize=1000)
def _nodes(freedom: float) -> tuple[Any, Any]:
    """Possible estimates of a variance of 1 with these degrees of freedom, and their weights (Gauss-Legendre)."""
    import numpy as np
    from scipy.special import gammaincinv

    places, weights = np.polynomial.legendre.leggauss(NODES)
    return gammaincinv(freedom / 2, (places + 1) / 2) * 2 / freedom, weights / 2
