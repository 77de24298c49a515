"""How the authors' benchmark counts: beats found at the exact sample, or near it, after the median delay is removed.

Letters: F found beats, K true beats, T samples.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from repro.datasets.marked_signals import Found, Stretch
from repro.errors import BadInput
from repro.metrics import Identity
from repro.registry import METRICS, name_of, wrong_value

SEARCHED = 70  # samples before a found beat, in which the highest sample is taken for the R wave: 350 / 5

Count = Literal["TP", "FP", "FN"]


@METRICS.register
class BeatCount:
    """Beats that the benchmark counts as right ("TP"), as wrong ("FP") or as missed ("FN") in a recording.

    The delay of the detector is the median over the found beats of the distance to the highest sample among the
    `SEARCHED` samples before. It is subtracted. Then a found beat is right if a true beat is at most `tolerance`
    samples away. FP = F - TP and FN = K - TP. A true beat can make several found beats right, so with a tolerance this
    is not the rule of `metrics.EventSensitivity`. Source: `_tester_utils.py` and `tester_MITDB.py` of py-ecg-detectors
    at commit 1c254cb.

    estimate: Found. target: (K,) int64. inputs: Stretch, a whole recording. `tolerance`: in samples, from 0. Value: a
    number of beats. Raises BadInput for another `of` or `tolerance`, and if nothing is found or the delay is at most
    one sample: the benchmark writes zeros for both, which are no counts.

    Example: two beats are found 3 samples after the true ones, one is found without a true one.

        >>> import torch
        >>> from repro.datasets.marked_signals import Recording
        >>> signal = torch.zeros(400)
        >>> signal[[100, 200, 300]] = 1.0
        >>> inputs = Stretch(Recording(signal, 100.0, torch.tensor([100, 200]), ["N", "N"]), 0, 400)
        >>> found = Found(torch.tensor([103, 203, 303]))
        >>> [BeatCount(of, tolerance=0)(found, inputs.recording.marks, inputs) for of in ("TP", "FP", "FN")]
        [2.0, 1.0, 0.0]
    """

    def __init__(self, of: Count, tolerance: int = 0) -> None:
        if of not in ("TP", "FP", "FN"):
            raise wrong_value(self, "of", of, "'TP', 'FP' or 'FN'")
        if not isinstance(tolerance, int) or tolerance < 0:
            raise wrong_value(self, "tolerance", tolerance, "a whole number from 0, in samples")
        self.of, self.tolerance = of, tolerance
        rule = f"true beats, at most {tolerance} samples away after the median delay"
        better: Literal["higher", "lower"] = "higher" if of == "TP" else "lower"
        self.identity = Identity(f"{of}Within{tolerance}", better, "beats", aggregation="sum", reference=rule)

    def __call__(self, estimate: Found, target: Tensor, inputs: Stretch) -> float:
        found, true = np.unique(estimate.marks.numpy()), np.unique(target.numpy())
        if inputs.stop - inputs.start != len(inputs.recording.signal):
            what = f"{name_of(self)} was given a part of a recording"
            raise BadInput(what, inputs.recording.name, expected="a whole recording")
        late = delay(found, inputs.recording.signal.numpy()) if len(found) else 0
        if late <= 1:
            what = f"{name_of(self)}: the delay of {len(found)} found beats is {late} samples"
            expected = "at least 2; the benchmark does not count such a detector"
            raise BadInput(what, inputs.recording.name, expected=expected)
        right = int((nearest(found - late, true) <= self.tolerance).sum())
        return float({"TP": right, "FP": len(found) - right, "FN": len(true) - right}[self.of])


def delay(found: NDArray[np.int64], signal: NDArray[np.float32]) -> int:
    """The median delay of found beats (F,) in samples: from the highest of the samples before each of them.

    A beat in the first `SEARCHED` samples counts with the number of that sample, as in the benchmark.
    """
    late = []
    for beat in found:
        before = signal[max(0, beat - SEARCHED) : beat]
        top = int(before.argmax()) if len(before) else 0
        late.append(top if beat < SEARCHED else SEARCHED - top)
    return int(np.median(late))


def nearest(found: NDArray[np.int64], true: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many samples away the nearest of the true beats (K,) is, for each found one (F,).

    >>> nearest(np.array([3, 10]), np.array([0, 5, 20])).tolist()
    [2, 5]
    """
    if not len(true):
        return np.full(len(found), np.iinfo(np.int64).max)
    after = np.searchsorted(true, found)
    sides = np.stack([true[np.maximum(after - 1, 0)], true[np.minimum(after, len(true) - 1)]])
    return np.asarray(np.abs(sides - found).min(0))
