"""The precision-recall curve of found boxes, with the influence of each image on it.

Letters: M found and N true boxes of an image, D found boxes of the test set, n images, P different scores.

`repro.metrics.boxes` says which found box is a hit, and what the interpolated precision is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from repro.datasets.boxes import iou as iou_of
from repro.datasets.boxes import kept, refuse_no_boxes
from repro.errors import BadInput
from repro.registry import name_of

Numbers = NDArray[Any]
RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Item:
    """An image: scores and classes of the found boxes (M,), which are hits (M,), and classes of the true boxes (N,)."""

    scores: Numbers
    classes: Numbers
    hits: NDArray[np.bool_]
    true: Numbers


def item(estimate: dict[str, Tensor], target: Any, iou: float) -> Item:
    """The hits of one image. A found box takes the true box of its class with the largest IoU that is left.

    >>> import torch
    >>> true = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    >>> twice = {"boxes": true.repeat(2, 1), "scores": torch.tensor([0.7, 0.8]), "classes": torch.zeros(2)}
    >>> item(twice, true, iou=0.5).hits.tolist()
    [False, True]
    """
    true, true_classes = kept(target)
    refuse_no_boxes(true, true_classes)
    refuse_estimate(estimate, "boxes", "scores", "classes")
    classes = estimate["classes"].long()
    overlaps = iou_of(estimate["boxes"].double()[:, None], true.double())
    near = overlaps.masked_fill(classes[:, None] != true_classes, -1.0).cpu().numpy()
    scores = estimate["scores"].double().cpu().numpy()
    hits = np.zeros(len(scores), dtype=bool)
    for found in np.argsort(-scores, kind="stable") if near.shape[1] else ():
        best = near.shape[1] - 1 - int(near[found, ::-1].argmax())  # of equal ones the last, as in COCO
        if near[found, best] >= iou - 1e-10:
            hits[found] = True
            near[:, best] = -1.0
    return Item(scores, classes.cpu().numpy(), hits, true_classes.cpu().numpy())


def refuse_estimate(estimate: Any, *names: str) -> None:
    """Raise BadInput if an estimate has not one finite row for each found box under each of `names`."""
    if not isinstance(estimate, Mapping) or not set(names) <= set(estimate):
        given = ", ".join(map(str, estimate)) if isinstance(estimate, Mapping) else ""
        said = f"a metric of boxes is given a {type(estimate).__name__}{given and ' of '}{given}"
        raise BadInput(said, expected=f"the estimate of models.BoxHead: {', '.join(names)}")
    many = len(estimate["scores"])
    shapes = {"boxes": (many, 4), "scores": (many,), "classes": (many,)}
    for name in names:
        if tuple(estimate[name].shape) != shapes[name]:
            said = f"the found {name} have the shape {tuple(estimate[name].shape)}"
            raise BadInput(said, expected=f"{shapes[name]}, for {many} scores")
        if not estimate[name].isfinite().all():
            raise BadInput(f"the found {name} have a value that is not finite", expected="finite numbers")


def curves(metric: object, items: Sequence[Item]) -> list[Curve]:
    """The curve of each class with a true box. Raises BadInput if there is none."""
    image = np.repeat(np.arange(len(items)), [len(one.scores) for one in items])
    scores, classes, hits = (np.concatenate([getattr(one, name) for one in items]) for name in ITEM)
    known = sorted({int(label) for one in items for label in one.true})
    if not known:
        raise BadInput(f"{name_of(metric)} finds no true box in {len(items)} images", expected="at least one")
    chosen = [(classes == label, np.array([(one.true == label).sum() for one in items])) for label in known]
    return [Curve(scores[here], hits[here], image[here], true) for here, true in chosen]


ITEM = ("scores", "classes", "hits")


class Curve:
    """The precision-recall curve of one class.

    scores, hits, image: of each found box (D,): its score, whether it is a hit, and the number of its image. true: the
    number of true boxes of each image (n,), at least one in all. `recall` and `precision`, which is interpolated, are
    (P,): one point for each score, from the highest on.

    >>> curve = Curve(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1]), np.array([0, 0, 1]), np.array([1, 1]))
    >>> curve.recall.tolist(), curve.precision.round(2).tolist(), round(curve.area(0.0, 1.0), 2)
    ([0.5, 0.5, 1.0], [1.0, 0.67, 0.67], 0.83)
    """

    def __init__(self, scores: Numbers, hits: Numbers, image: Numbers, true: Numbers) -> None:
        _, self.place = np.unique(-scores, return_inverse=True)
        self.hits, self.image, self.true = hits.astype(float), image, true
        points = int(self.place.max(initial=-1)) + 1
        self.found = np.bincount(self.place, minlength=points).cumsum()
        self.recall = np.bincount(self.place, self.hits, points).cumsum() / true.sum()
        reached = self.recall * true.sum() / self.found
        self.precision = np.maximum.accumulate(reached[::-1])[::-1]
        best = np.where(reached == self.precision, np.arange(points), points)
        self.best = np.minimum.accumulate(best[::-1])[::-1]  # the point that the interpolated precision is taken from

    def average(self) -> float:
        """The mean interpolated precision at the 101 recalls."""
        places = np.searchsorted(self.recall, RECALLS, side="left")
        return float(np.append(self.precision, 0.0)[places].mean())

    def area(self, low: float, high: float) -> float:
        """The mean interpolated precision over the recalls from `low` to `high`."""
        return float((self.precision * self._widths(low, high)).sum() / (high - low))

    def _widths(self, low: float, high: float) -> Numbers:
        """The part of the recalls from `low` to `high` that each point adds (P,)."""
        return np.diff(self.recall.clip(low, high), prepend=low)

    def influences(self, low: float, high: float) -> Numbers:
        """The influence of each image (n,) on `area(low, high)`, as in `repro.metrics.influence`.

        An image has a weight w in all counts. The influence is the derivative by w, times n. It has two parts: the
        precision at a point changes, and the recalls of the points move.
        """
        widths, inside = self._widths(low, high), (self.recall > low) & (self.recall <= high)
        by_hit = self._after(widths / self.found[self.best], self.best)
        by_found = self._after(widths * self.precision / self.found[self.best], self.best)
        falls = inside * -np.diff(self.precision, append=0.0)
        moved = self._after(falls / self.true.sum(), np.arange(len(falls)))
        by_true = float((falls * self.recall).sum() / self.true.sum())
        of_found = self.hits * (by_hit + moved)[self.place] - by_found[self.place]
        of_image = np.bincount(self.image, of_found, len(self.true)) - by_true * self.true
        return np.asarray(of_image * len(self.true) / (high - low))

    def _after(self, values: Numbers, points: Numbers) -> Numbers:
        """For each point (P,), the sum of the values whose point is this one or a later one."""
        return np.asarray(np.bincount(points, values, len(self.recall))[::-1].cumsum()[::-1])
