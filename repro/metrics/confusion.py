"""The confusion matrix of a classifier: how often each class is answered, for items of each true class.

Letters: K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.errors import BadInput
from repro.metrics import Identity
from repro.registry import METRICS, name_of, wrong_value


@METRICS.register
class ConfusionCell:
    """The cell of the confusion matrix that counts an item: `K * true class + answered class`.

    It is not a score: its mean says nothing, so no leaderboard and no learning curve shows it. The page counts the
    items in each cell and draws the matrix. Up to 8 classes, a record stores one letter for each item.

    classes: the names of the K classes in the order of their numbers, at least two, without commas. estimate: scores
    (K,), or a dict with these as "scores". target: the true class, an int in [0, K), or a dict with this as "class".
    Ties go to the lowest index. Value: a whole number in [0, K * K). Raises BadInput for other classes, and for scores
    or a target that do not fit them.

    Example: an item of class 1 of 3 that is answered as class 2.

        >>> import torch
        >>> ConfusionCell(classes=("cat", "dog", "fox"))(torch.tensor([0.1, 0.2, 0.7]), 1, None)
        5.0
    """

    def __init__(self, classes: Sequence[str]) -> None:
        named = isinstance(classes, list | tuple) and all(isinstance(name, str) and name.strip() for name in classes)
        if not named or len(set(classes)) < max(2, len(classes)) or any("," in name for name in classes):
            raise wrong_value(self, "classes", classes, "two or more different names without commas")
        self.classes = tuple(classes)
        reference = f"classes: {', '.join(self.classes)}"
        self.identity = Identity("ConfusionCell", better="higher", aggregation="count", reference=reference)

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> float:
        scores = estimate["scores"] if isinstance(estimate, Mapping) else estimate
        given: Any = target.get("class") if isinstance(target, Mapping) else target
        many = len(self.classes)
        try:
            truth = int(given)
        except (TypeError, ValueError, RuntimeError):
            said = f"{name_of(self)} has a target of type {type(target).__name__} that is no class"
            raise BadInput(said, expected=f"a class from 0 to {many - 1}, or a dict with this as 'class'") from None
        if tuple(scores.shape) != (many,) or not 0 <= truth < many:
            what = f"{name_of(self)} got scores of the shape {tuple(scores.shape)} and the true class {truth}"
            raise BadInput(what, expected=f"scores ({many},) and a class from 0 to {many - 1}")
        if not scores.isfinite().all():
            raise BadInput(f"{name_of(self)} has a score that is not finite", expected="a model with finite scores")
        return float(many * truth + int(scores.argmax()))
