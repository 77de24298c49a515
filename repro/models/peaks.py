"""Marks from the logits of a tagger: peaks of the probability, with a threshold and a refractory time.

Letters: B items, L samples of a window, T samples of a recording, F found marks.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.datasets.marked_signals import Found, Stretch
from repro.errors import BadInput
from repro.registry import MODELS, name_of, wrong_value

CHUNK = 1024  # samples whose logits are computed together


@MODELS.register
class PeakPicker(nn.Module):
    """A tagger that answers with marks: signal (B, L) -> logits (B, L) in training, `estimate(Stretch) -> Found`.

    Where the probability is at least `threshold`, the samples form a *run*; its highest sample is a mark, the earlier
    of two. A mark that is less than `refractory` seconds after the last one is left out. A mark is known when the run
    has ended and the tagger has seen the samples that it needs (`tagger.future`). So the marks of a causal tagger can
    be found as the samples come: `repro.models.streaming`.

    The whole recording is tagged once, whichever stretch is asked for. `sample_rate`: of the training data, in Hz; a
    recording with another rate raises BadInput. `threshold`: in (0, 1). `refractory`: in seconds, from 0. Raises
    BadInput for other values, and if `tagger` is not a tagger (`repro.models.taggers`).

    Example: a tagger that has learned nothing yet finds nothing.

        >>> from repro.datasets.marked_signals import Pulses
        >>> from repro.models.taggers import RecurrentTagger
        >>> model = PeakPicker(RecurrentTagger("gru", hidden=4), sample_rate=100, threshold=0.99)
        >>> model(torch.rand(2, 50)).shape, len(model.estimate(Pulses(seconds=5)[0][0]).marks)
        (torch.Size([2, 50]), 0)
    """

    def __init__(
        self,
        tagger: Annotated[Any, MODELS],
        sample_rate: int,
        threshold: float = 0.5,
        refractory: float = 0.2,
    ) -> None:
        super().__init__()
        if not all(hasattr(tagger, name) for name in ("forward", "past", "future")):
            raise wrong_value(self, "tagger", tagger and name_of(tagger), "a tagger (repro.models.taggers)")
        if not 0 < sample_rate < math.inf:
            raise wrong_value(self, "sample_rate", sample_rate, "a whole number from 1, in Hz")
        if not 0 < threshold < 1:
            raise wrong_value(self, "threshold", threshold, "a number between 0 and 1")
        if not 0 <= refractory < math.inf:
            raise wrong_value(self, "refractory", refractory, "0 or a number above 0, in seconds")
        self.tagger, self.sample_rate, self.threshold, self.refractory = tagger, sample_rate, threshold, refractory
        self._last: tuple[Any, Found] | None = None

    def train(self, mode: bool = True) -> PeakPicker:
        """As in torch. Before a training, the found marks are forgotten."""
        if mode:
            self._last = None
        super().train(mode)
        return self

    def forward(self, signal: Tensor) -> Tensor:
        logits: Tensor = self.tagger(signal)
        return logits

    def estimate(self, stretch: Stretch) -> Found:
        """The marks in a stretch, and when each is known."""
        recording = stretch.recording
        self.check_data(stretch)
        if self._last is None or self._last[0] is not recording:
            self._last = recording, self.find(recording.signal)
        marks, known = self._last[1].marks, self._last[1].known
        inside = (marks >= stretch.start) & (marks < stretch.stop)
        return Found(marks[inside], known[inside] if known is not None else None)

    def check_data(self, given: Any) -> None:
        """Raise BadInput if the `recording` of a dataset or stretch has another sample rate. A run calls it first."""
        recording = getattr(given, "recording", None)
        if recording is not None and recording.sample_rate != self.sample_rate:
            said = f"{name_of(self)} was given a recording with {recording.sample_rate:g} Hz, {recording.name}"
            expected = f"{self.sample_rate} Hz, its sample_rate: that of the training data (datasets.AtRate changes it)"
            raise BadInput(said.removesuffix(", "), expected=expected)

    def find(self, signal: Tensor) -> Found:
        """The marks in a signal (T,), and when each is known."""
        device = next((one.device for one in self.tagger.parameters()), signal.device)
        with torch.inference_mode():
            chances = logits_of(self.tagger, signal.to(device)).sigmoid().cpu().numpy()
        marks, ends = peaks(chances, self.threshold, round(self.refractory * self.sample_rate))
        future = self.tagger.future
        last = len(signal) - 1
        known = np.full_like(ends, last) if future is None else np.minimum(ends + future, last)
        return Found(torch.from_numpy(marks), torch.from_numpy(known))


def logits_of(tagger: Any, signal: Tensor) -> Tensor:
    """The logits (T,) of a long signal (T,), equal to those of one pass over the whole signal.

    If the tagger depends on a limited number of samples, the signal is tagged in chunks that overlap by as many.
    """
    past, future = tagger.past, tagger.future
    if past is None or future is None:
        return torch.as_tensor(tagger(signal[None])[0])
    found = []
    for start in range(0, len(signal), CHUNK):
        first, stop = max(0, start - past), min(len(signal), start + CHUNK)
        logits = tagger(signal[None, first : stop + future])[0]
        found.append(logits[start - first : stop - first])
    return torch.cat(found)


def peaks(chances: NDArray[Any], threshold: float, refractory: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The highest sample of each run of `chances` (T,) from `threshold` on, and the first sample after the run.

    A peak less than `refractory` samples after the last one is left out. A run at the end ends with the last sample.

    >>> found, known = peaks(np.array([0.1, 0.6, 0.9, 0.7, 0.2, 0.8, 0.1]), threshold=0.5, refractory=0)
    >>> found.tolist(), known.tolist()
    ([2, 5], [4, 6])
    >>> peaks(np.array([0.1, 0.6, 0.9, 0.7, 0.2, 0.8, 0.1]), threshold=0.5, refractory=4)[0].tolist()
    [2]
    """
    above = np.concatenate([[False], chances >= threshold, [False]])
    edges = np.flatnonzero(above[1:] != above[:-1])
    marks, known = list[int](), list[int]()
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        top = start + int(chances[start:stop].argmax())
        if not marks or top - marks[-1] >= refractory:
            marks.append(top)
            known.append(min(stop, len(chances) - 1))
    return np.array(marks, dtype=np.int64), np.array(known, dtype=np.int64)
