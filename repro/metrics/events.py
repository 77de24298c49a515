"""Metrics of found marks: sensitivity, precision, F1, error of the time, latency.

Letters: F found marks, K true marks of a stretch, n stretches of the test set.

A found mark *matches* a true one if they are at most `tolerance` milliseconds apart. Every mark has at most one match,
and there are as many matches as possible. So of two found marks near a true one, one is a *false positive*; a true mark
without a match is a *false negative*. The tolerance is a part of the metric's identity and of its name, because the
same marks have very different values with another one.

A detector may report each mark later by a fixed delay, for example that of a filter. `shift = "median"` takes off the
median of the differences between the found marks and the nearest true ones, over the whole test set. Compare only
values with the same shift.

All are metrics of a whole test set: they have `contributions` (see `repro.metrics`), from the ratio of two sums over
the stretches. So an interval takes stretches as independent, not marks, because marks that follow each other are alike.
The guide (Uncertainty) says how often such intervals contain the true value.

Targets and estimates are those of `repro.datasets.stretches` and of `repro.datasets.marked_signals.Found`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from torch import Tensor

from repro.datasets.marked_signals import Found, Stretch
from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.metrics.matching import NONE, Item, Matched, item, ratio
from repro.registry import METRICS, name_of, wrong_value

Shift = Literal["none", "median"]


@METRICS.register
class EventSensitivity:
    """Sensitivity (recall): the share of the true marks that are found, in percent.

    `kind`: only the true marks of this kind; "": all. estimate: Found. target: (K,) int64. inputs: Stretch. Value: in
    [0, 100]. `tolerance`: in milliseconds, from 0. `shift`: "none" or "median", also in the other metrics. Raises
    BadInput for other values, and if the test set has no true mark (of this kind).

    Example: two of four pulses are found, 20 ms too late.

        >>> from repro.datasets.marked_signals import Pulses
        >>> (stretch, marks), late = Pulses(seconds=4)[0], 2
        >>> found = Found((marks + late)[:2])
        >>> [float(np.mean(one.contributions([one(found, marks, stretch)])).__round__(1))
        ...  for one in (EventSensitivity(tolerance=10), EventSensitivity(tolerance=50))]
        [0.0, 50.0]
    """

    def __init__(self, tolerance: float, shift: Shift = "none", kind: str = "") -> None:
        self.tolerance, self.shift, self.kind = _checked(self, tolerance, shift), shift, kind
        self.identity = _identity(f"Sensitivity{kind}", tolerance, shift)

    def __call__(self, estimate: Found, target: Tensor, inputs: Stretch) -> Item:
        return item(estimate, inputs)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each stretch, whose mean is the sensitivity."""
        counted = Matched(self, items)
        wanted = np.array([self.kind in ("", kind) for kind in counted.kinds], dtype=bool)
        if not wanted.any():
            kind = f" of kind '{self.kind}'" if self.kind else ""
            what = f"{name_of(self)} finds no true mark{kind} in the test set"
            raise BadInput(what, counted.place, given=self.kind, known=set(counted.kinds))
        hit = counted.by_true((counted.match != NONE) & wanted)
        return ratio(100 * hit, counted.by_true(wanted))


@METRICS.register
class EventPrecision:
    """Precision (positive predictive value): the share of the found marks that are right, in percent.

    0 if nothing is found. estimate: Found. target: (K,) int64. inputs: Stretch. Value: in [0, 100]. `tolerance`: in
    milliseconds, from 0; raises BadInput for another one.

    Example: of three found marks, one is right.

        >>> from repro.datasets.marked_signals import Pulses
        >>> (stretch, marks), metric = Pulses(seconds=4)[0], EventPrecision(tolerance=20)
        >>> import torch
        >>> found = Found(torch.cat([marks[:1], marks[:2] + 40]))
        >>> float(np.mean(metric.contributions([metric(found, marks, stretch)]))).__round__(1)
        33.3
    """

    def __init__(self, tolerance: float, shift: Shift = "none") -> None:
        self.tolerance, self.shift = _checked(self, tolerance, shift), shift
        self.identity = _identity("Precision", tolerance, shift)

    def __call__(self, estimate: Found, target: Tensor, inputs: Stretch) -> Item:
        return item(estimate, inputs)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each stretch, whose mean is the precision."""
        counted = Matched(self, items)
        hit = counted.by_true(counted.match != NONE)
        return ratio(100 * hit, hit + counted.by_found(~counted.right))


@METRICS.register
class EventF1:
    """F1: the harmonic mean of sensitivity and precision, 2 TP / (2 TP + FP + FN), in percent.

    estimate: Found. target: (K,) int64. inputs: Stretch. Value: in [0, 100]. `tolerance`: in milliseconds, from 0;
    raises BadInput for another one, and if the test set has neither a true nor a found mark.

    Example: one of four pulses is found, so F1 is 2 / (2 + 0 + 3).

        >>> from repro.datasets.marked_signals import Pulses
        >>> (stretch, marks), metric = Pulses(seconds=4)[0], EventF1(tolerance=20)
        >>> float(np.mean(metric.contributions([metric(Found(marks[:1]), marks, stretch)])))
        40.0
    """

    def __init__(self, tolerance: float, shift: Shift = "none") -> None:
        self.tolerance, self.shift = _checked(self, tolerance, shift), shift
        self.identity = _identity("F1", tolerance, shift)

    def __call__(self, estimate: Found, target: Tensor, inputs: Stretch) -> Item:
        return item(estimate, inputs)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each stretch, whose mean is F1."""
        counted = Matched(self, items)
        hit, missed = counted.by_true(counted.match != NONE), counted.by_true(counted.match == NONE)
        everything = 2 * hit + missed + counted.by_found(~counted.right)
        if not everything.any():
            raise BadInput(f"{name_of(self)} finds no mark in the test set", counted.place, expected="true marks")
        return ratio(200 * hit, everything)


@METRICS.register
class TimingError:
    """Error of the time of matched marks in milliseconds: its mean, or its spread (standard deviation).

    A positive mean is too late. estimate: Found. target: (K,) int64. inputs: Stretch. `tolerance`: in milliseconds,
    from 0; the errors cannot be larger. If no mark matches, there is no error to measure: the value is `tolerance`, the
    worst one. Look at the sensitivity, which is then 0. Raises BadInput for another `of` or `tolerance`.

    Example: every mark is found 20 ms too late.

        >>> from repro.datasets.marked_signals import Pulses
        >>> (stretch, marks), metric = Pulses(seconds=4)[0], TimingError(of="mean", tolerance=50)
        >>> float(np.mean(metric.contributions([metric(Found(marks + 2), marks, stretch)])))
        20.0
    """

    def __init__(self, of: Literal["mean", "spread"], tolerance: float, shift: Shift = "none") -> None:
        if of not in ("mean", "spread"):
            raise wrong_value(self, "of", of, "'mean' or 'spread'")
        self.of, self.tolerance, self.shift = of, _checked(self, tolerance, shift), shift
        self.identity = _identity(f"TimingError{of.capitalize()}", tolerance, shift, "lower", "ms")

    def __call__(self, estimate: Found, target: Tensor, inputs: Stretch) -> Item:
        return item(estimate, inputs)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each stretch, whose mean is the error."""
        counted = Matched(self, items)
        hit = counted.match != NONE
        if not hit.any():
            return [float(self.tolerance)] * counted.stretches
        errors = np.zeros(len(hit))
        errors[hit] = counted.found[counted.match[hit]] - counted.true[hit]
        mean, number = errors[hit].mean(), counted.by_true(hit)
        if self.of == "mean":
            return ratio(counted.by_true(hit * errors), number)
        spread = float(errors[hit].std())
        squares = counted.by_true(hit * (errors - mean) ** 2)
        influences = (squares - spread**2 * number) / number.mean() / (2 * spread) if spread else 0 * number
        return contributions(spread, influences)


@METRICS.register
class MarkLatency:
    """Latency in milliseconds: how much later than its own time a found mark is known, at the mean.

    It is that of a model that reads the samples as they come, without the time of its computation. estimate: Found,
    with `known`. target: (K,) int64. inputs: Stretch. If the model finds no mark, there is no latency to measure: the
    value is the length of the recording, the worst one. Look at the sensitivity, which is then 0. Raises BadInput if
    the model does not say when marks are known.

    Example:

        >>> from repro.datasets.marked_signals import Pulses
        >>> (stretch, marks), metric = Pulses(seconds=4)[0], MarkLatency()
        >>> float(np.mean(metric.contributions([metric(Found(marks, marks + 3), marks, stretch)])))
        30.0
    """

    def __init__(self) -> None:
        self.identity = Identity(
            "MarkLatency", "lower", "ms", aggregation="mean over the found marks", reference="none"
        )

    def __call__(self, estimate: Found, target: Tensor, inputs: Stretch) -> tuple[float, int, float]:
        recording = inputs.recording
        if estimate.known is None:
            what = f"{name_of(self)} was given marks without the time at which they are known"
            raise BadInput(what, recording.name, expected="a model that fills Found.known, or a config without it")
        late = (estimate.known - estimate.marks).sum() * 1000 / recording.sample_rate
        return float(late), len(estimate.marks), 1000 * recording.seconds

    def contributions(self, items: Sequence[tuple[float, int, float]]) -> list[float]:
        """One value for each stretch, whose mean is the mean latency."""
        late, number, longest = (np.array(column, dtype=float) for column in zip(*items, strict=True))
        return ratio(late, number) if number.any() else [float(one) for one in longest]


def _checked(metric: object, tolerance: float, shift: str) -> float:
    if shift not in ("none", "median"):
        raise wrong_value(metric, "shift", shift, "'none' or 'median'")
    if not 0 <= tolerance < math.inf:
        raise wrong_value(metric, "tolerance", tolerance, "0 or a number above 0, in milliseconds")
    return tolerance


def _identity(
    name: str, tolerance: float, shift: Shift, better: Literal["higher", "lower"] = "higher", unit: str = "%"
) -> Identity:
    """The identity of a metric of matches; its name ends with the tolerance."""
    reference = f"true marks, at most {tolerance:g} ms away, shift: {shift}"
    return Identity(f"{name}Within{tolerance:g}ms", better, unit, aggregation="the whole test set", reference=reference)
