"""Mistakes, the confidence in them, and the agreement of two networks on them.

An item without a class, such as noise, is a mistake if any class has a probability above one half (appendix A).

Letters: M networks, K classes, N items.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from repro.datasets.out_of_distribution import OUTSIDE
from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.registry import METRICS, name_of, wrong_value

Network = int | Literal["mean"]


@METRICS.register
class MistakeRate:
    """Mistake rate in percent: 100 if the class with the highest probability is not the true one, else 0.

    An item without a class (target -1) is a mistake if a probability is above one half. `network`: the number of the
    network, from 0, or "mean" for the mean of the probabilities of all networks.

    estimate: log probabilities (M, K). target: a class, or -1. Raises BadInput for another `network`.

    Example:

        >>> import torch
        >>> scores = torch.tensor([[0.6, 0.4]]).log()
        >>> [MistakeRate()(scores, target, None) for target in (0, 1, -1)]
        [0.0, 100.0, 100.0]
    """

    def __init__(self, network: Network = 0) -> None:
        self.network = _checked(self, "network", network)
        self.identity = Identity("MistakeRate" + _suffix(network), "lower", "%", reference="class")

    def __call__(self, estimate: Tensor, target: int, inputs: Any) -> float:
        return 100.0 * _mistaken(_of(self, estimate, self.network), int(target))


@METRICS.register
class ConfidenceOfMistakes:
    """Mean highest probability of the mistaken items, in percent; 0 if there is no mistake.

    The number of mistakes is random too; the contributions are those of a ratio of two means. Parameters, estimate and
    target as for `metrics.MistakeRate`.

    Example: of two items, the one with the probability 0.6 is mistaken.

        >>> import torch
        >>> metric, scores = ConfidenceOfMistakes(), torch.tensor([[0.6, 0.4]]).log()
        >>> round(float(np.mean(metric.contributions([metric(scores, target, None) for target in (0, 1)]))), 4)
        60.0
    """

    def __init__(self, network: Network = 0) -> None:
        self.network = _checked(self, "network", network)
        self.identity = Identity(
            "ConfidenceOfMistakes" + _suffix(network), "lower", "%", "the whole test set", reference="class"
        )

    def __call__(self, estimate: Tensor, target: int, inputs: Any) -> tuple[bool, float]:
        scores = _of(self, estimate, self.network)
        return _mistaken(scores, int(target)), 100 * math.exp(float(scores.max()))

    def contributions(self, items: Sequence[tuple[bool, float]]) -> list[float]:
        """One value for each item, whose mean is the mean confidence of the mistaken ones."""
        return _ratio(items)


@METRICS.register
class Confidence:
    """Highest probability of an item in percent, right or wrong.

    Parameters, estimate and target as for `metrics.MistakeRate`.

    Example:

        >>> import torch
        >>> round(Confidence()(torch.tensor([[0.6, 0.4]]).log(), 0, None), 4)
        60.0
    """

    def __init__(self, network: Network = 0) -> None:
        self.network = _checked(self, "network", network)
        self.identity = Identity("Confidence" + _suffix(network), "higher", "%", reference="class")

    def __call__(self, estimate: Tensor, target: int, inputs: Any) -> float:
        return 100 * math.exp(float(_of(self, estimate, self.network).max()))


@METRICS.register
class Agreement:
    """How often network `other` predicts the class of network `of`, in percent of the items where `of` is mistaken.

    `both`: count only the items where the other is mistaken too. 0 if there is no such item. estimate: log
    probabilities (M, K). Raises BadInput if a network is not a number from 0. Source: Section 8.

    Example: both networks give the wrong class.

        >>> import torch
        >>> metric = Agreement(of=0, other=1)
        >>> np.mean(metric.contributions([metric(torch.tensor([[0.6, 0.4], [0.7, 0.3]]).log(), 1, None)]))
        np.float64(100.0)
    """

    def __init__(self, of: int, other: int, both: bool = False) -> None:
        self.of, self.other, self.both = _checked(self, "of", of), _checked(self, "other", other), both
        if of == other:
            raise wrong_value(self, "other", other, "another network: each agrees with itself")
        name = f"Agreement of {other} with {of}" + (", both mistaken" if both else "")
        self.identity = Identity(name, "higher", "%", "the whole test set", reference="class")

    def __call__(self, estimate: Tensor, target: int, inputs: Any) -> tuple[bool, float]:
        one, other = (_of(self, estimate, number) for number in (self.of, self.other))
        counted = _mistaken(one, int(target)) and (not self.both or _mistaken(other, int(target)))
        return counted, 100.0 * (int(one.argmax()) == int(other.argmax()))

    def contributions(self, items: Sequence[tuple[bool, float]]) -> list[float]:
        """One value for each item, whose mean is the agreement."""
        return _ratio(items)


def _ratio(items: Sequence[tuple[bool, float]]) -> list[float]:
    """Contributions of the mean value of the items that count; all are 0 if none does."""
    counted, values = (np.array(column) for column in zip(*items, strict=True))
    if not counted.any():
        return [0.0] * len(items)
    value = float(values[counted].mean())
    influences: NDArray[Any] = counted * (values - value) / counted.mean()
    return contributions(value, influences)


def _of(metric: Any, estimate: Tensor, network: Network) -> Tensor:
    """The log probabilities (K,) of one network, or those of the mean. Raises BadInput if there are none."""
    if not isinstance(estimate, Tensor) or estimate.ndim != 2:
        found = tuple(estimate.shape) if isinstance(estimate, Tensor) else type(estimate).__name__
        raise BadInput(f"{name_of(metric)} is given {found}", expected="log probabilities (M, K), as of UnderAttack")
    if estimate.isnan().any():
        raise BadInput(f"{name_of(metric)} is given a probability that is not a number", expected="other weights")
    if network == "mean":
        return estimate.double().logsumexp(0) - math.log(len(estimate))
    if network >= len(estimate):
        raise wrong_value(metric, "network", network, f"a number below {len(estimate)}, the number of networks")
    return estimate[network]


def _mistaken(scores: Tensor, target: int) -> bool:
    return float(scores.max()) > math.log(0.5) if target == OUTSIDE else int(scores.argmax()) != target


def _checked(metric: Any, name: str, network: Any) -> Any:
    if network == "mean" and name == "network":
        return network
    if isinstance(network, bool) or not isinstance(network, int) or network < 0:
        raise wrong_value(metric, name, network, "the number of a network, from 0")
    return network


def _suffix(network: Network) -> str:
    return "" if network == 0 else f" {network}"
