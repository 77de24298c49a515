"""Match found marks with true ones, over all stretches of a test set.

Letters: F found marks, K true marks, n stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.datasets.marked_signals import Found, Stretch
from repro.metrics.influence import contributions

Numbers = NDArray[Any]

NONE = -1
"""In the result of `matches`: a mark without a match."""


@dataclass(frozen=True)
class Item:
    """The marks of one stretch in milliseconds: the true ones with their kinds, and the found ones.

    place: the name of the recording, for messages.
    """

    true: Numbers
    kinds: list[str]
    found: Numbers
    place: str


def item(estimate: Found, inputs: Stretch) -> Item:
    """The true and the found marks of a stretch, in milliseconds from the start of the recording.

    >>> from repro.datasets.marked_signals import Pulses
    >>> stretch, marks = Pulses(seconds=4)[0]
    >>> bool((item(Found(marks), stretch).found == 10 * marks.numpy()).all())
    True
    """
    recording = inputs.recording
    inside = ((recording.marks >= inputs.start) & (recording.marks < inputs.stop)).numpy()
    scale = 1000 / recording.sample_rate
    kinds = [kind for kind, kept in zip(recording.kinds, inside, strict=True) if kept]
    return Item(recording.marks.numpy()[inside] * scale, kinds, estimate.marks.numpy() * scale, recording.name)


class Matched:
    """The matches of a test set, and sums over its stretches.

    metric: its `tolerance` and `shift` count. items: one for each stretch, in the order of time. `match` (K,): for each
    true mark, the number of its found mark, or `NONE`. `right` (F,): whether a found mark has a match. `found` (F,) is
    in milliseconds, after the shift. `place`: the name of the recording, for messages.
    """

    def __init__(self, metric: Any, items: Sequence[Item]) -> None:
        self.true, self.found = (np.concatenate([getattr(one, name) for one in items]) for name in ("true", "found"))
        self.kinds = [kind for one in items for kind in one.kinds]
        self.true_in = np.repeat(np.arange(len(items)), [len(one.true) for one in items])
        self.found_in = np.repeat(np.arange(len(items)), [len(one.found) for one in items])
        self.stretches, self.place = len(items), items[0].place
        if metric.shift == "median":
            self.found = self.found - median_shift(self.true, self.found)
        self.match = matches(self.true, self.found, metric.tolerance)
        self.right = np.isin(np.arange(len(self.found)), self.match)
        self.found_in[self.match[self.match != NONE]] = self.true_in[self.match != NONE]

    def by_true(self, values: Numbers) -> Numbers:
        """The sum of values of the true marks (K,) in each stretch (n,)."""
        return np.bincount(self.true_in, values, self.stretches)

    def by_found(self, values: Numbers) -> Numbers:
        """Sums of values of the found marks (F,) by stretch (n,). A match is in the stretch of its true mark."""
        return np.bincount(self.found_in, values, self.stretches)


def matches(true: Numbers, found: Numbers, tolerance: float) -> NDArray[np.int64]:
    """For each true mark (K,) the number of the found mark (F,) that matches it, or `NONE`.

    Both are in milliseconds and increase. Two marks can match if they are at most `tolerance` apart (and a millionth of
    a millisecond, for rounding). Each mark is used once. As many as possible match: each true mark, in the order of
    time, takes the first found mark that is left and near enough.

    >>> matches(np.array([0.0, 100.0]), np.array([60.0, 90.0]), tolerance=60.0).tolist()
    [0, 1]
    """
    taken = np.full(len(true), NONE, dtype=np.int64)
    place = 0
    for number, mark in enumerate(true):
        while place < len(found) and found[place] < mark - tolerance - 1e-6:
            place += 1
        if place < len(found) and found[place] <= mark + tolerance + 1e-6:
            taken[number] = place
            place += 1
    return taken


def median_shift(true: Numbers, found: Numbers) -> float:
    """The median of the differences between each found mark (F,) and the nearest true one (K,); 0 without marks.

    >>> median_shift(np.array([0.0, 1000.0]), np.array([30.0, 1040.0, 1050.0]))
    40.0
    """
    if not len(true) or not len(found):
        return 0.0
    after = np.clip(np.searchsorted(true, found), 1, max(1, len(true) - 1))
    pair = np.stack([true[after - 1], true[np.minimum(after, len(true) - 1)]])
    away = found - pair
    return float(np.median(np.where(np.abs(away[0]) <= np.abs(away[1]), away[0], away[1])))


def ratio(above: Numbers, below: Numbers) -> list[float]:
    """One value for each stretch: their mean is the sum of `above` (n,) over the sum of `below` (n,).

    Their spread gives the standard error of that ratio (its linearisation). 0 everywhere if `below` is 0.

    >>> ratio(np.array([1.0, 1.0]), np.array([1.0, 3.0]))
    [0.75, 0.25]
    """
    if not below.any():
        return [0.0] * len(below)
    value = float(above.sum() / below.sum())
    return contributions(value, (above - value * below) / below.mean())
