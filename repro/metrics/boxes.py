"""Metrics of found boxes: average precision, the precision at a recall, and the overlap of the best box.

Letters: K classes, M found and N true boxes of an image, n images of the test set.

A found box is a *hit* if its IoU with a true box of its class is at least `iou`. In an image the found boxes take their
true boxes by falling score: each takes the one with the largest IoU that is left. All other found boxes are false
positives, also in an image without a true box. Over all images, the found boxes are ordered by score. From the highest
score to each one, *precision* is the share of hits among the found boxes, and *recall* the share of the true boxes that
are hit. The *interpolated* precision at a recall is the highest precision at this recall or a larger one; it is 0 where
no such recall is reached. With several classes, the value is the mean over the classes with a true box. This is the
rule of COCO, without its limits of 100 boxes in an image and of sizes. Here boxes with equal scores count at once, so
the order of the images changes nothing; the program of COCO counts them one by one.

`iou` is a part of the name and of the identity of a metric. A test set without a true box is refused: precision and
recall have no meaning there. `repro.datasets.boxes` describes targets; an estimate is the dict that
`models.BoxHead.estimate` returns: "boxes" (M, 4), "scores" (M,), "classes" (M,).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from repro.datasets.boxes import iou as iou_of
from repro.datasets.boxes import kept, refuse_no_boxes
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.metrics.precision_recall import Item, curves, item, refuse_estimate
from repro.registry import METRICS, wrong_value

STEP = 0.1
"""The range of recalls of `PrecisionAtRecall`."""


@METRICS.register
class AveragePrecision:
    """Average precision: the mean of the interpolated precision at the 101 recalls 0, 0.01, ..., 1, as in COCO.

    It has `contributions`, whose spread is that of the area under the interpolated curve; the 101 recalls are a sum for
    this area. estimate: found boxes. target: true boxes. Value: in [0, 1]. `iou`: in (0, 1], with two digits, such as
    0.5 or 0.75. Raises BadInput for another one, and if the test set has no true box.

    Example: a box that is exact, and one that is half covered.

        >>> from torch import tensor, zeros
        >>> true = tensor([[0.0, 0.0, 4.0, 4.0]])
        >>> found = {"boxes": tensor([[0.0, 0.0, 4.0, 2.0]]), "scores": tensor([0.9]), "classes": zeros(1)}
        >>> [float(np.mean(one.contributions([one(found, true, None)])))
        ...  for one in (AveragePrecision(iou=0.5), AveragePrecision(iou=0.75))]
        [1.0, 0.0]
    """

    def __init__(self, iou: float) -> None:
        self.iou = _checked(self, iou)
        self.identity = _identity(f"AP{_percent(iou)}", iou, "the test set, 101 recalls (COCO)")

    def __call__(self, estimate: dict[str, Tensor], target: Any, inputs: Any) -> Item:
        return item(estimate, target, self.iou)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each image, whose mean is the average precision."""
        found = curves(self, items)
        value = float(np.mean([one.average() for one in found]))
        return contributions(value, np.mean([one.influences(0.0, 1.0) for one in found], axis=0))


@METRICS.register
class PrecisionAtRecall:
    """Mean interpolated precision over the recalls from `recall` - 0.1 to `recall`.

    With `recall` = 0.1, 0.2, ..., 1 it makes the precision-recall curve, and the mean of the ten is the area under it.
    A mean over a range of recalls has a standard error, as a mean over images has; a single point of the curve has not.

    estimate: found boxes. target: true boxes. Value: in [0, 1]. `recall`: in [0.1, 1]. `iou`: in (0, 1]; both with two
    digits. Raises BadInput for other values, and if the test set has no true box.

    Example: one of two boxes is found, so no recall above 0.5 is reached.

        >>> from torch import tensor, zeros
        >>> true = tensor([[0.0, 0.0, 4.0, 4.0], [6.0, 6.0, 9.0, 9.0]])
        >>> found = {"boxes": true[:1], "scores": tensor([0.9]), "classes": zeros(1)}
        >>> [float(np.mean(one.contributions([one(found, true, None)])))
        ...  for one in (PrecisionAtRecall(recall=0.5, iou=0.5), PrecisionAtRecall(recall=0.6, iou=0.5))]
        [1.0, 0.0]
    """

    def __init__(self, recall: float, iou: float) -> None:
        if not STEP <= recall <= 1 or round(recall, 2) != recall:
            raise wrong_value(self, "recall", recall, f"a number from {STEP} to 1, with two digits")
        self.recall, self.iou = recall, _checked(self, iou)
        name = f"IoU{_percent(iou)}PrecisionAtRecall{_percent(recall)}"
        self.identity = _identity(name, iou, f"the test set, recalls {recall - STEP:.2f} to {recall:.2f}")

    def __call__(self, estimate: dict[str, Tensor], target: Any, inputs: Any) -> Item:
        return item(estimate, target, self.iou)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each image, whose mean is the mean precision."""
        found, ends = curves(self, items), (round(self.recall - STEP, 2), self.recall)
        value = float(np.mean([one.area(*ends) for one in found]))
        return contributions(value, np.mean([one.influences(*ends) for one in found], axis=0))


@METRICS.register
class BoxIoU:
    """IoU of the found box with the highest score, with the true box that it overlaps most. The classes do not count.

    estimate: found boxes; of equal scores the first counts. target: true boxes. Value: in [0, 1]. It is 0 if nothing is
    found in an image with a true box, or if something is found in an image without one. It is 1 if neither has a box.

    Example:

        >>> from torch import tensor
        >>> found = {"boxes": tensor([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 4.0, 4.0]]), "scores": tensor([0.9, 0.8])}
        >>> BoxIoU()(found, tensor([[0.0, 0.0, 4.0, 4.0]]), None)
        0.5
    """

    def __init__(self) -> None:
        reference = "the true box that the best-scored one overlaps most"
        self.identity = Identity("BoxIoU", "higher", aggregation="mean over images", reference=reference)

    def __call__(self, estimate: dict[str, Tensor], target: Any, inputs: Any) -> float:
        true, classes = kept(target)
        refuse_no_boxes(true, classes)
        refuse_estimate(estimate, "boxes", "scores")
        if not len(true) or not len(estimate["boxes"]):
            return float(len(true) == len(estimate["boxes"]))
        best = estimate["boxes"][int(estimate["scores"].argmax())]
        return float(iou_of(best.double(), true.double()).max())


def _checked(metric: object, iou: float) -> float:
    if not 0 < iou <= 1 or round(iou, 2) != iou:
        raise wrong_value(metric, "iou", iou, "a number above 0, at most 1, with two digits")
    return iou


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _identity(name: str, iou: float, aggregation: str) -> Identity:
    """The identity of a metric of hits."""
    return Identity(name, "higher", aggregation=aggregation, reference=f"true boxes, IoU at least {iou:g}")
