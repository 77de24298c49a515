"""What confident learning finds, as metrics of a whole test set.

The estimate is the probabilities (K,) of the item, or the scores (K,) of a network. The target has `label` and `wrong`
(see `papers.northcutt2021.dataset`); `shown` is used only by `ShownToCrowd`.

Letters: N items of the test set, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from repro.errors import BadInput
from repro.labels import confident
from repro.metrics import Identity
from repro.registry import METRICS, name_of, wrong_value

Flags = npt.NDArray[np.bool_]


class Answer(NamedTuple):
    """What the metrics need of one item."""

    probabilities: tuple[float, ...]
    label: int
    wrong: bool
    shown: bool


@METRICS.register
class LabelIssues:
    """How many labels confident learning flags (Table 1, *CL guessed*).

    by: how it chooses them, see `repro.labels.confident.suspects`. calibrate: whether the confident joint is scaled to
    the number of items of each label first. budget: flag this many labels instead, those with the lowest margins; 0: as
    many as the method finds. scores: the estimates are scores of a network, of which the softmax is taken.

        >>> metric = LabelIssues(by="noise rate")
        >>> items = [([0.9, 0.1], 0), ([0.1, 0.9], 0), ([0.2, 0.8], 1), ([0.8, 0.2], 0)]
        >>> answers = [metric(torch.tensor(p), {"label": label, "wrong": False}, None) for p, label in items]
        >>> sum(metric.contributions(answers)) / len(answers)
        1.0
    """

    def __init__(
        self, by: confident.By = "margin", calibrate: bool = False, budget: int = 0, scores: bool = False
    ) -> None:
        if budget < 0:
            raise wrong_value(self, "budget", budget, "a number of labels, or 0")
        self.by, self.calibrate, self.budget, self.scores = by, calibrate, budget, scores
        how = f"the {budget} lowest margins" if budget else f"{by}, {'scaled' if calibrate else 'plain'} joint"
        self.identity = Identity("LabelIssues", "lower", "labels", aggregation=f"sum, {how}", reference="none")

    def __call__(self, estimate: torch.Tensor, target: dict[str, Any], inputs: Any) -> Answer:
        p = estimate.double().softmax(-1) if self.scores else estimate.double()
        return Answer(tuple(p.tolist()), int(target["label"]), bool(target["wrong"]), bool(target.get("shown")))

    def contributions(self, answers: Sequence[Answer]) -> list[float]:
        return _summed(self.flags(answers))

    def flags(self, answers: Sequence[Answer]) -> Flags:
        """Which labels are flagged (N,). Raises BadInput if the budget is larger than the test set."""
        p, labels = np.array([one.probabilities for one in answers]), np.array([one.label for one in answers])
        if self.budget > len(answers):
            raise wrong_value(self, "budget", self.budget, f"at most {len(answers)}, the number of items")
        if self.budget:
            chosen = confident.ranked(labels, p)[: self.budget]
        else:
            chosen = confident.suspects(labels, p, self.by, calibrate=self.calibrate)
        flagged = np.zeros(len(answers), dtype=bool)
        flagged[chosen] = True
        return flagged

    def wrong_at_cut(self, answers: Sequence[Answer]) -> float:
        """The share of wrong labels among the items around the cut: half of the budget on each side."""
        p, labels = np.array([one.probabilities for one in answers]), np.array([one.label for one in answers])
        order, half = confident.ranked(labels, p), max(self.budget // 2, 1)
        return float(_wrong(answers)[order[self.budget - half : self.budget + half]].mean())


@METRICS.register
class ValidatedErrors:
    """How many of the flagged labels are wrong (Table 1, *validated*). issues: the metric that flags them.

    Example: two labels are flagged, and one of them is wrong.

        >>> metric = ValidatedErrors(LabelIssues(budget=2))
        >>> items = [([0.9, 0.1], 0), ([0.1, 0.9], 0), ([0.2, 0.8], 1), ([0.8, 0.2], 0)]
        >>> answers = [metric(torch.tensor(p), {"label": y, "wrong": p[y] < 0.5}, None) for p, y in items]
        >>> round(sum(metric.contributions(answers)) / len(answers), 6)
        1.0
    """

    def __init__(self, issues: Annotated[Any, METRICS]) -> None:
        self.issues = issues
        self.identity = _identity("ValidatedErrors", "higher", "labels", issues)

    def __call__(self, estimate: torch.Tensor, target: dict[str, Any], inputs: Any) -> Answer:
        return _answer(self.issues, estimate, target, inputs)

    def contributions(self, answers: Sequence[Answer]) -> list[float]:
        return _summed(self.issues.flags(answers) & _wrong(answers))


@METRICS.register
class LabelErrorShare:
    """The share of all labels that are flagged and wrong, in percent (Table 1, *% error*). issues: as above.

    Example: of four labels, one is flagged and wrong.

        >>> metric = LabelErrorShare(LabelIssues(budget=2))
        >>> items = [([0.9, 0.1], 0), ([0.1, 0.9], 0), ([0.2, 0.8], 1), ([0.8, 0.2], 0)]
        >>> answers = [metric(torch.tensor(p), {"label": y, "wrong": p[y] < 0.5}, None) for p, y in items]
        >>> round(sum(metric.contributions(answers)) / len(answers), 6)
        25.0
    """

    def __init__(self, issues: Annotated[Any, METRICS]) -> None:
        self.issues = issues
        self.identity = _identity("LabelErrorShare", "lower", "%", issues)

    def __call__(self, estimate: torch.Tensor, target: dict[str, Any], inputs: Any) -> Answer:
        return _answer(self.issues, estimate, target, inputs)

    def contributions(self, answers: Sequence[Answer]) -> list[float]:
        return [100.0 * bool(found) for found in self.issues.flags(answers) & _wrong(answers)]


@METRICS.register
class ShownToCrowd:
    """How many of the flagged labels the crowd was asked about. issues: as above.

    Example: two labels are flagged, and the crowd saw one of them.

        >>> metric = ShownToCrowd(LabelIssues(budget=2))
        >>> items = [([0.9, 0.1], 0), ([0.1, 0.9], 0), ([0.2, 0.8], 1), ([0.8, 0.2], 0)]
        >>> targets = [{"label": y, "wrong": False, "shown": p[y] < 0.5} for p, y in items]
        >>> answers = [metric(torch.tensor(p), target, None) for (p, _), target in zip(items, targets)]
        >>> round(sum(metric.contributions(answers)) / len(answers), 6)
        1.0
    """

    def __init__(self, issues: Annotated[Any, METRICS]) -> None:
        self.issues = issues
        self.identity = _identity("ShownToCrowd", "higher", "labels", issues)

    def __call__(self, estimate: torch.Tensor, target: dict[str, Any], inputs: Any) -> Answer:
        return _answer(self.issues, estimate, target, inputs)

    def contributions(self, answers: Sequence[Answer]) -> list[float]:
        return _summed(self.issues.flags(answers) & np.array([one.shown for one in answers]))


@METRICS.register
class Precision:
    """The share of the flagged labels that are wrong, in percent. issues: a metric with a budget, which flags them.

    The contributions are the precision plus the influence of each item on it. So their spread gives the standard error
    of the precision on new items of the same kind, of which the same share is flagged. Letters: b the share of flagged
    items, p the precision, e the share of wrong labels at the cut between flagged and other items. The influence of an
    item is ((wrong - e) / b if it is flagged, else 0) - (p - e). Raises BadInput if `issues` has no budget.

    Example: two labels are flagged, and one of them is wrong.

        >>> metric = Precision(LabelIssues(budget=2))
        >>> items = [([0.9, 0.1], 0), ([0.1, 0.9], 0), ([0.2, 0.8], 1), ([0.8, 0.2], 0)]
        >>> answers = [metric(torch.tensor(p), {"label": y, "wrong": p[y] < 0.5}, None) for p, y in items]
        >>> round(sum(metric.contributions(answers)) / len(answers), 6)
        50.0
    """

    def __init__(self, issues: Annotated[Any, METRICS]) -> None:
        _refuse_no_budget(self, issues)
        self.issues = issues
        self.identity = _identity("Precision", "higher", "%", issues)

    def __call__(self, estimate: torch.Tensor, target: dict[str, Any], inputs: Any) -> Answer:
        return _answer(self.issues, estimate, target, inputs)

    def contributions(self, answers: Sequence[Answer]) -> list[float]:
        flags, wrong = self.issues.flags(answers), _wrong(answers)
        share, cut, p = flags.mean(), self.issues.wrong_at_cut(answers), wrong[flags].mean()
        return _percent(p + flags * (wrong - cut) / share - (p - cut))


@METRICS.register
class Recall:
    """The share of the wrong labels that are flagged, in percent. issues: a metric with a budget, which flags them.

    The contributions are the recall plus the influence of each item on it, as for `metrics.Precision`. Letters as
    there; r the recall, w the share of wrong labels. The influence of an item is (flagged wrong - r wrong -
    e (flagged - b)) / w, where flagged and wrong are 1 or 0. Raises BadInput if no label is wrong.

    Example: the only wrong label is flagged.

        >>> metric = Recall(LabelIssues(budget=2))
        >>> items = [([0.9, 0.1], 0), ([0.1, 0.9], 0), ([0.2, 0.8], 1), ([0.8, 0.2], 0)]
        >>> answers = [metric(torch.tensor(p), {"label": y, "wrong": p[y] < 0.5}, None) for p, y in items]
        >>> round(sum(metric.contributions(answers)) / len(answers), 6)
        100.0
    """

    def __init__(self, issues: Annotated[Any, METRICS]) -> None:
        _refuse_no_budget(self, issues)
        self.issues = issues
        self.identity = _identity("Recall", "higher", "%", issues)

    def __call__(self, estimate: torch.Tensor, target: dict[str, Any], inputs: Any) -> Answer:
        return _answer(self.issues, estimate, target, inputs)

    def contributions(self, answers: Sequence[Answer]) -> list[float]:
        flags, wrong = self.issues.flags(answers), _wrong(answers)
        if not wrong.any():
            raise BadInput("metrics.Recall has a test set without a wrong label", expected="at least one")
        cut, recall = self.issues.wrong_at_cut(answers), flags[wrong].mean()
        return _percent(recall + (flags * wrong - recall * wrong - cut * (flags - flags.mean())) / wrong.mean())


def _refuse_no_budget(metric: Any, issues: Any) -> None:
    if not issues.budget:
        raise wrong_value(issues, "budget", 0, f"a number of labels from 1, because {name_of(metric)} needs one")


def _identity(name: str, better: Any, unit: str, issues: Any) -> Identity:
    flagged = issues.identity.aggregation.removeprefix("sum, ")
    how = "sum" if unit == "labels" else "mean over the test set"
    return Identity(name, better, unit, aggregation=f"{how}, {flagged}", reference="label known to be wrong")


def _answer(issues: Any, estimate: torch.Tensor, target: dict[str, Any], inputs: Any) -> Answer:
    found: Answer = issues(estimate, target, inputs)
    return found


def _wrong(answers: Sequence[Answer]) -> Flags:
    return np.array([one.wrong for one in answers])


def _summed(flags: Flags) -> list[float]:
    """Values whose mean is the number of items that are true."""
    return [float(len(flags)) * bool(flag) for flag in flags]


def _percent(values: npt.NDArray[np.float64]) -> list[float]:
    return [float(value) for value in 100 * values]
