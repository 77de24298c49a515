"""Acquisition functions: which unlabelled items to annotate next, from probabilities of Monte Carlo dropout.

`chosen` is the entry point. Each function of `FUNCTIONS` gives every item a score; the items with the highest scores
are annotated. Source: Gal, Islam and Ghahramani, "Deep Bayesian Active Learning with Image Data", ICML 2017 (arXiv
1703.02910), Section 4.

Letters: T samples of the network's weights, N items, K classes. `samples` (T, N, K) are probabilities of the classes,
each row with the sum 1; `repro.models.dropout_samples` draws them. Entropies are in nats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from repro.errors import BadInput

By = Literal["random", "entropy", "variation", "std", "bald"]
Numbers = npt.NDArray[np.float64]

ROUNDED = 0.01
"""By how much the sum of a row may differ from 1, because networks compute in single precision."""
SPREAD = ("bald", "std")
"""The functions that measure how far the samples differ. With one sample they are 0 for every item."""


def chosen(samples: npt.ArrayLike, by: By, size: int, random: np.random.Generator) -> list[int]:
    """The indices of `size` items to annotate, the highest score first. Equal scores are in a random order.

    by: a name of `FUNCTIONS`, or "random", which ignores the samples. Raises BadInput for another name, for samples
    that are not probabilities (T, N, K), and for a size that is not between 1 and N.

    Example: the network is unsure about the second item only.

        >>> sure, unsure = [0.75, 0.25], [0.5, 0.5]
        >>> chosen([[sure, unsure, sure]], "entropy", 1, np.random.default_rng(0))
        [1]
    """
    refuse_name(by)
    p = _checked(samples)
    if not 1 <= size <= p.shape[1]:
        raise BadInput(f"{size} items to choose from {p.shape[1]}", expected=f"a whole number from 1 to {p.shape[1]}")
    order = random.permutation(p.shape[1])
    if by == "random":
        return [int(one) for one in order[:size]]
    values = FUNCTIONS[by](p)[order]
    return [int(one) for one in order[np.argsort(-values, kind="stable")[:size]]]


def refuse_name(by: str) -> None:
    """Raise BadInput unless `by` is the name of an acquisition function."""
    if by not in get_args(By):
        raise BadInput(f"no acquisition function '{by}'", given=by, known=get_args(By))


def entropy(samples: npt.ArrayLike) -> Numbers:
    """Predictive entropy (N,), in [0, log K]: the entropy of the mean of the samples.

    >>> entropy([[[1.0, 0.0], [0.5, 0.5]]]).round(4).tolist()
    [0.0, 0.6931]
    """
    return _entropy(_checked(samples).mean(axis=0))


def bald(samples: npt.ArrayLike) -> Numbers:
    """Mutual information of the answer and the weights (N,), in [0, log K]: BALD, *disagreement by active learning*.

    It is the predictive entropy minus the mean entropy of the samples. So it is high if each sample is sure, and the
    samples disagree. It is 0 if all samples are equal, however unsure they are.

    Example: samples that disagree, and samples that are equal and unsure.

        >>> bald([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]).round(4).tolist()
        [0.6931, 0.0]
    """
    p = _checked(samples)
    information = _entropy(p.mean(axis=0)) - _entropy(p).mean(axis=0)
    return np.maximum(information, 0.0)  # a rounding error may make it negative


def variation(samples: npt.ArrayLike) -> Numbers:
    """Variation ratio (N,), in [0, 1 - 1 / K]: 1 minus the highest mean probability.

    >>> variation([[[0.75, 0.25]], [[0.25, 0.75]]]).tolist()
    [0.5]
    """
    highest: Numbers = _checked(samples).mean(axis=0).max(axis=1)
    return 1 - highest


def std(samples: npt.ArrayLike) -> Numbers:
    """Mean STD (N,), in [0, 0.5]: the standard deviation of a class over the samples, and its mean over the classes.

    >>> std([[[0.75, 0.25]], [[0.25, 0.75]]]).tolist()
    [0.25]
    """
    spread: Numbers = _checked(samples).std(axis=0).mean(axis=1)
    return spread


FUNCTIONS: dict[str, Callable[[npt.ArrayLike], Numbers]] = {
    "entropy": entropy,
    "variation": variation,
    "std": std,
    "bald": bald,
}
"""The acquisition functions by name: `samples (T, N, K) -> scores (N,)`. "random" needs no function."""


def _entropy(p: Numbers) -> Numbers:
    """The entropy over the last axis; a probability of 0 adds 0."""
    summed: Numbers = 0.0 - (p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)
    return summed


def _checked(samples: npt.ArrayLike) -> Numbers:
    p = np.asarray(samples, dtype=np.float64)
    if p.ndim != 3 or 0 in p.shape or p.shape[2] < 2:
        raise BadInput(f"samples have the shape {p.shape}", expected="(T, N, K), with T and N from 1 and K from 2")
    if not (p.min() >= 0 and np.abs(p.sum(axis=2) - 1).max() <= ROUNDED):
        raise BadInput("samples are not probabilities", expected="numbers in [0, 1], each row with the sum 1")
    return p
