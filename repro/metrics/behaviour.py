"""Behaviour tests: 1 if an item passes its test, else 0. The mean over the items is the share that passes.

Letters: K classes.

The test set says what must hold. An item of `datasets.Pairs` has two inputs and says whether the output must stay the
same, or whether a score must be lower or higher after the change. Any other item passes if the answer is right. So one
config can measure all behaviours of a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch

from repro.metrics import Identity
from repro.registry import METRICS, wrong_value

Estimate = torch.Tensor | tuple[torch.Tensor, torch.Tensor]


@METRICS.register
class Passed:
    """1 if a classifier passes the behaviour test of an item, else 0.

    estimate: scores (K,), or a pair of them for an item of `datasets.Pairs`. target: the true class, or that item's
    target. With "same", the class with the highest score must be the same for both inputs. With "lower" or "higher",
    the probability (softmax of the scores) of the class `score` must change in this direction. Ties go to the lowest
    index.

    Example: the probability of class 1 falls, and the answer stays class 1.

        >>> pair = torch.tensor([0.0, 2.0]), torch.tensor([0.0, 1.0])
        >>> target = {"before": 1, "after": 1, "expect": "lower", "score": 1}
        >>> Passed()(pair, target, None), Passed()(pair, {**target, "expect": "same"}, None), Passed()(pair[0], 0, None)
        (1.0, 1.0, 0.0)
    """

    identity = Identity("Passed", better="higher", reference="test of the item")

    def __call__(self, estimate: Estimate, target: int | Mapping[str, Any], inputs: Any) -> float:
        if not isinstance(target, Mapping):
            return float(int(_single(estimate).argmax()) == int(target))
        before, after = estimate
        if target["expect"] == "same":
            return float(int(before.argmax()) == int(after.argmax()))
        old, new = (float(scores.double().softmax(0)[target["score"]]) for scores in (before, after))
        return float(_moved(target["expect"], new - old, 0.0))


@METRICS.register
class ValuePassed:
    """1 if the value of `metric` passes the behaviour test of an item of `datasets.Pairs`, else 0.

    The metric is computed for both versions of the item, each with its own target. With "same", the two values must
    differ by at most `margin`; with "lower" or "higher", the value must change in this direction by more than `margin`.
    margin: from 0, in the unit of the metric.

    Example: the estimate after the change has a tenth of the error, so its SI-SDR is 20 dB higher.

        >>> from repro.metrics.separation import SISDR
        >>> source, error = torch.tensor([[1.0, -1.0, 1.0, -1.0]]), torch.tensor([[0.1, 0.1, -0.1, -0.1]])
        >>> target = {"before": source, "after": source, "expect": "same"}
        >>> pair = source + error, source + error / 10
        >>> [ValuePassed(SISDR(), margin)(pair, target, ({}, {})) for margin in (19.0, 21.0)]
        [0.0, 1.0]
    """

    def __init__(self, metric: Annotated[Any, METRICS], margin: float) -> None:
        if not margin >= 0:
            raise wrong_value(self, "margin", margin, "a number from 0")
        self.metric, self.margin = metric, margin
        inner = metric.identity
        reference = f"test of the item, margin {margin:g} {inner.unit}".rstrip()
        rate = inner.sample_rate
        self.identity = Identity(f"ValuePassed({inner.name})", better="higher", reference=reference, sample_rate=rate)

    def __call__(
        self, estimate: tuple[torch.Tensor, torch.Tensor], target: Mapping[str, Any], inputs: tuple[Any, Any]
    ) -> float:
        targets = target["before"], target["after"]
        old, new = (self.metric(*one) for one in zip(estimate, targets, inputs, strict=True))
        if target["expect"] == "same":
            return float(abs(new - old) <= self.margin)
        return float(_moved(target["expect"], new - old, self.margin))


def _single(estimate: Estimate) -> torch.Tensor:
    """The scores of an item that is not a pair. Raises TypeError for a pair, whose target must say what to expect."""
    if not isinstance(estimate, torch.Tensor):
        raise TypeError("the item is a pair, but its target is a class; expected an item of datasets.Pairs")
    return estimate


def _moved(expect: str, change: float, margin: float) -> bool:
    """Whether a number went lower, or higher, by more than `margin`."""
    return (-change if expect == "lower" else change) > margin
