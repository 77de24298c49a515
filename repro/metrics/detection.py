"""Metrics of failure detection: does the confidence of a classifier find its errors and items of another kind?

Letters: K classes, N items of the test set.

The score of an item is its *confidence*, the highest softmax probability. It should separate two kinds of items:

- *normal*: items that the model classifies correctly.
- *abnormal*: items from outside the distribution of the training data, which have the target `OUTSIDE`, if the test set
  has such items; `datasets.InAndOut` makes such test sets. Otherwise: the items that the model misclassifies.

In a test set with items from outside, `misclassified` says how a misclassified item from inside counts: "left out" or
"normal". An item that is left out contributes the value of the metric itself, so it changes nothing.

Each metric is one of a whole test set: it has `contributions` (see `repro.metrics`). The guide (Uncertainty) says how
often the intervals contain the true value. Source: Hendrycks and Gimpel 2017, Sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from repro.datasets.out_of_distribution import OUTSIDE
from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.registry import METRICS, name_of, wrong_value

Misclassified = Literal["left out", "normal"]
Kind = Literal["normal", "abnormal"]
Item = tuple[float, str]
"""The confidence of an item, and its kind: one of `CORRECT`, `WRONG` and `FROM_OUTSIDE`."""

Numbers = NDArray[Any]

CORRECT, WRONG, FROM_OUTSIDE = "correct", "misclassified", "from outside"
COUNTS = ("left out", "normal")
KINDS = ("normal", "abnormal")


@METRICS.register
class AUROC:
    """Area under the ROC curve: the probability that a normal item has a higher confidence than an abnormal one.

    Ties count one half. It is the same whichever kind is positive. The contributions are the placements of DeLong,
    DeLong and Clarke-Pearson (1988), so their standard error is DeLong's.

    estimate: scores (K,). target: the true class, an int in [0, K), or `OUTSIDE`. Value: in [0, 1]; 0.5 is chance.
    Raises BadInput for another `misclassified`, and if the test set has items of one kind only.

    Example:

        >>> metric = AUROC()
        >>> confident, unsure = torch.tensor([0.0, 4.0]), torch.tensor([0.0, 1.0])
        >>> items = [metric(confident, 1, None), metric(confident, 0, None), metric(unsure, 1, None)]
        >>> round(float(np.mean(metric.contributions(items))), 6)  # one tie, one wrong order
        0.25
    """

    def __init__(self, misclassified: Misclassified = "left out") -> None:
        self.misclassified = _known(self, "misclassified", misclassified, COUNTS)
        self.identity = _identity("AUROC", misclassified)

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> Item:
        return item(estimate, target)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each item, whose mean is the AUROC."""
        scores, normal, used = split(self, items)
        placements = np.where(normal, _below(scores[~normal], scores), 1 - _below(scores[normal], scores))
        value = float(placements[normal].mean())
        shares = np.where(normal, normal.mean(), 1 - normal.mean())
        return _spread(self, value, (placements - value) / shares, used)


@METRICS.register
class AUPR:
    """Area under the precision-recall curve: the mean, over the positive items, of the precision at their confidence.

    This is the average precision, as scikit-learn computes it. `positive` says which kind is positive; if it is
    "abnormal", the score is minus the confidence. Random scores have the share of positive items as value. So compare
    values only between test sets with the same share.

    estimate: scores (K,). target: the true class, an int in [0, K), or `OUTSIDE`. Value: in [0, 1].
    Raises BadInput for another `positive` or `misclassified`, and if the test set has items of one kind only.

    Example: of the two most confident items the second one is wrong, so the precisions are 1 and 2/3.

        >>> metric = AUPR(positive="normal")
        >>> logits = [torch.tensor([0.0, size]) for size in (4.0, 2.0, 1.0)]
        >>> items = [metric(scores, target, None) for scores, target in zip(logits, (1, 0, 1))]
        >>> round(float(np.mean(metric.contributions(items))), 4)
        0.8333
    """

    def __init__(self, positive: Kind, misclassified: Misclassified = "left out") -> None:
        self.positive = _known(self, "positive", positive, KINDS)
        self.misclassified = _known(self, "misclassified", misclassified, COUNTS)
        self.identity = _identity(f"AUPR{positive.capitalize()}", misclassified)

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> Item:
        return item(estimate, target)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each item, whose mean is the average precision."""
        scores, normal, used = split(self, items)
        scores, hit = (scores, normal) if self.positive == "normal" else (-scores, ~normal)
        rank = Ranking(scores)
        precision = rank.above(hit) / rank.above(np.ones(len(hit)))
        value = float(precision[hit].mean())
        reached = rank.below(hit / rank.above(np.ones(len(hit))))  # the positives that an item is above
        lowered = rank.below(hit * precision / rank.above(np.ones(len(hit))))
        influences = (hit * (precision - value) + hit * reached - lowered) / hit.mean()
        return _spread(self, value, influences, used)


@METRICS.register
class AURC:
    """Area under the risk-coverage curve: the mean risk when the model answers only the items it is most confident of.

    For each item, the *risk* is the share of abnormal items among those with at least its confidence. The area is the
    mean over all items. Lower is better. Source: Geifman and El-Yaniv 2017, *Selective classification for deep neural
    networks*.

    estimate: scores (K,). target: the true class, an int in [0, K), or `OUTSIDE`. Value: in [0, 1].
    Raises BadInput for another `misclassified`, and if the test set has items of one kind only.

    Example: the risks are 0, 1/2 and 1/3.

        >>> metric = AURC()
        >>> logits = [torch.tensor([0.0, size]) for size in (4.0, 2.0, 1.0)]
        >>> items = [metric(scores, target, None) for scores, target in zip(logits, (1, 0, 1))]
        >>> round(float(np.mean(metric.contributions(items))), 4)
        0.2778
    """

    def __init__(self, misclassified: Misclassified = "left out") -> None:
        self.misclassified = _known(self, "misclassified", misclassified, COUNTS)
        self.identity = _identity("AURC", misclassified, better="lower")

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> Item:
        return item(estimate, target)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each item, whose mean is the area."""
        scores, normal, used = split(self, items)
        rank, ones = Ranking(scores), np.ones(len(scores))
        answered = rank.above(ones)
        risk = rank.above(~normal) / answered
        value = float(risk.mean())
        influences = risk - value + ~normal * rank.below(1 / answered) - rank.below(risk / answered)
        return _spread(self, value, influences, used)


@METRICS.register
class MeanConfidence:
    """Mean confidence in percent of the items of one kind, `of`.

    estimate: scores (K,). target: the true class, an int in [0, K), or `OUTSIDE`. Value: in [100 / K, 100]. The number
    of items of this kind is random too; the contributions are those of a ratio of two means. Raises BadInput for
    another `of` or `misclassified`, and if the test set has items of one kind only.

    Example: 0.75 and 0.5 are the confidences of the two wrong answers.

        >>> metric = MeanConfidence(of="abnormal")
        >>> logits = [torch.tensor([0.0, np.log(3.0)]), torch.tensor([0.0, 0.0]), torch.tensor([0.0, 1.0])]
        >>> items = [metric(scores, target, None) for scores, target in zip(logits, (0, 1, 1))]
        >>> round(float(np.mean(metric.contributions(items))), 4)
        62.5
    """

    def __init__(self, of: Kind, misclassified: Misclassified = "left out") -> None:
        self.of = _known(self, "of", of, KINDS)
        self.misclassified = _known(self, "misclassified", misclassified, COUNTS)
        better: Literal["higher", "lower"] = "higher" if of == "normal" else "lower"
        self.identity = _identity(f"MeanConfidence{of.capitalize()}", misclassified, better, "%")

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> Item:
        return item(estimate, target)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each item, whose mean is the mean confidence of the items of kind `of`."""
        scores, normal, used = split(self, items)
        chosen = normal if self.of == "normal" else ~normal
        value = float(100 * scores[chosen].mean())
        return _spread(self, value, chosen * (100 * scores - value) / chosen.mean(), used)


def item(estimate: torch.Tensor, target: int) -> Item:
    """The confidence and the kind of an item. estimate: scores (K,). Ties of classes go to the lowest index.

    >>> item(torch.tensor([0.0, 0.0]), 1), item(torch.tensor([0.0, 0.0]), OUTSIDE)
    ((0.5, 'misclassified'), (0.5, 'from outside'))
    """
    confidence = float(estimate.softmax(-1).max())
    if int(target) == OUTSIDE:
        return confidence, FROM_OUTSIDE
    return confidence, CORRECT if int(estimate.argmax()) == int(target) else WRONG


def split(metric: Any, items: Sequence[Item]) -> tuple[Numbers, Numbers, Numbers]:
    """The confidences of the items that count (n,), whether each is normal (n,), and which of all items count (N,).

    metric: its `misclassified` counts. Raises BadInput if there are only normal or only abnormal items.
    """
    kinds = np.array([kind for _, kind in items])
    outside = kinds == FROM_OUTSIDE
    abnormal = outside if outside.any() else kinds == WRONG
    normal = ~abnormal if metric.misclassified == "normal" else kinds == CORRECT
    for name, there in (("normal", normal), ("abnormal", abnormal)):
        if not there.any():
            said = f"{name_of(metric)} finds no {name} item among the {len(items)} items of the test set"
            raise BadInput(said, expected="normal and abnormal items")
    used = normal | abnormal
    return np.array([score for score, _ in items])[used], normal[used], used


class Ranking:
    """The order of items by score. Items with equal scores are at the same place.

    scores: (N,).

    Example: which sums of the weights have a score at least, and at most, as high as each item's.

        >>> rank = Ranking(np.array([0.1, 0.9, 0.5, 0.5]))
        >>> rank.above(np.array([1, 10, 100, 1000])).tolist(), rank.below(np.array([1, 10, 100, 1000])).tolist()
        ([1111.0, 10.0, 1110.0, 1110.0], [1.0, 1111.0, 1101.0, 1101.0])
    """

    def __init__(self, scores: Numbers) -> None:
        _, self.place = np.unique(scores, return_inverse=True)

    def below(self, weights: Numbers) -> Numbers:
        """For each item, the sum of the weights (N,) of the items whose score is at most as high."""
        return np.asarray(np.bincount(self.place, weights).cumsum()[self.place])

    def above(self, weights: Numbers) -> Numbers:
        """For each item, the sum of the weights (N,) of the items whose score is at least as high."""
        return np.asarray(np.bincount(self.place, weights)[::-1].cumsum()[::-1][self.place])


def _below(others: Numbers, scores: Numbers) -> Numbers:
    """For each score, the share of `others` that are lower; equal ones count one half."""
    ordered = np.sort(others)
    both = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return np.asarray(both / (2 * len(others)))


def _spread(metric: Any, value: float, influences: Numbers, used: Numbers) -> list[float]:
    """The contributions of all items, from the influences of those that count. The others have the influence 0."""
    everyone = np.zeros(len(used))
    everyone[used] = influences * len(used) / used.sum()
    return contributions(value, everyone)


def _known(metric: Any, parameter: str, value: Any, known: Any) -> Any:
    if value not in known:
        raise wrong_value(metric, parameter, value, "one of " + ", ".join(map(repr, known)))
    return value


def _identity(name: str, misclassified: str, better: Literal["higher", "lower"] = "higher", unit: str = "") -> Identity:
    """The identity of a metric of this file; it says how misclassified items count."""
    reference = f"normal and abnormal items; misclassified: {misclassified}"
    return Identity(name, better, unit, aggregation="the whole test set", reference=reference)
