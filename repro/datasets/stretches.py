"""A marked recording as stretches for a test or as windows for training, at another sample rate, or disturbed.

Letters: T samples of a recording, M marks in it, K marks in a stretch, N windows of L samples.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from repro.audio.stft import resample
from repro.data import signal_panels
from repro.datasets.marked_signals import Found, Item, OneRecording, Recording, Stretch, recording_of
from repro.errors import BadInput
from repro.registry import DATASETS, PERTURBATIONS, name_of, wrong_value


@DATASETS.register
class Stretches(Dataset[Item]):
    """A recording as consecutive stretches of `seconds`, for a test; the last one may be shorter.

    Item: `(Stretch, marks (K,) int64)`. A model sees the whole recording, so a stretch has no edge effects. Marks of
    one recording are not independent, but the stretches are almost: an interval over stretches is a block bootstrap by
    time. Choose them much longer than the time over which errors cluster. Raises BadInput if `seconds` is not above 0
    or less than a sample, if the recording is shorter, and if `source` is not a dataset of one recording.

    Example:

        >>> from repro.datasets.marked_signals import Pulses
        >>> stretches = Stretches(Pulses(seconds=60), seconds=10)
        >>> len(stretches), [(stretch.start, stretch.stop) for stretch, _ in stretches][-1]
        (6, (5000, 6000))
    """

    def __init__(self, source: Annotated[Any, DATASETS], seconds: float = 10.0) -> None:
        if not 0 < seconds < math.inf:
            raise wrong_value(self, "seconds", seconds, "a number above 0")
        self.source, self.seconds = source, seconds

    @cached_property
    def recording(self) -> Recording:
        return recording_of(self.source)

    @cached_property
    def starts(self) -> list[int]:
        step = round(self.seconds * self.recording.sample_rate)
        if not 0 < step <= len(self.recording.signal):
            expected = f"at most the {self.recording.seconds:g} s of the recording, and at least one sample"
            raise wrong_value(self, "seconds", self.seconds, expected)
        return list(range(0, len(self.recording.signal), step))

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Item:
        ends = [*self.starts[1:], len(self.recording.signal)]
        stretch = Stretch(self.recording, self.starts[index], ends[index])
        return stretch, stretch.inside(self.recording.marks)

    def illustrate(self, inputs: Stretch, target: Tensor, estimate: Found, stem: Path) -> list[dict[str, Any]]:
        """Write the signal of a stretch, with the true and the found marks."""
        return signal_panels.illustrate(inputs, target, estimate.marks, stem)

    def fingerprint(self) -> str:
        """Digest of the recording and of the length of the stretches."""
        return _digest(self, self.seconds)


@DATASETS.register
class Windows(Dataset[tuple[Tensor, Tensor]]):
    """A recording as windows of equal length, for training.

    Item: `(signal (L,) float32, marked (L,) float32)`; `marked` is 1 at a mark and 0 elsewhere. `seconds`: length of a
    window. `step`: seconds from the start of a window to that of the next; 0: `seconds`, so that they do not overlap. A
    rest at the end is left out. Raises BadInput if `seconds` is not above 0, if `step` is below 0, if one of them is
    less than a sample, if the recording is shorter than a window, and if `source` is not a dataset of one recording.

    Example:

        >>> from repro.datasets.marked_signals import Pulses
        >>> signal, marked = Windows(Pulses(seconds=60), seconds=2.0)[3]
        >>> signal.shape, int(marked.sum()) in (1, 2, 3)
        (torch.Size([200]), True)
    """

    def __init__(self, source: Annotated[Any, DATASETS], seconds: float, step: float = 0.0) -> None:
        if not 0 < seconds < math.inf:
            raise wrong_value(self, "seconds", seconds, "a number above 0")
        if not 0 <= step < math.inf:
            raise wrong_value(self, "step", step, "0 or a number above 0")
        self.source, self.seconds, self.step = source, seconds, step or seconds

    @cached_property
    def recording(self) -> Recording:
        return recording_of(self.source)

    @cached_property
    def parts(self) -> tuple[Tensor, Tensor]:
        """The signal and the marked samples of all windows, each (N, L)."""
        found = self.recording
        length, step = (self._samples(name, found.sample_rate) for name in ("seconds", "step"))
        if length > len(found.signal):
            raise wrong_value(self, "seconds", self.seconds, f"at most the {found.seconds:g} s of the recording")
        marked = torch.zeros(len(found.signal))
        marked[found.marks] = 1.0
        return found.signal.unfold(0, length, step), marked.unfold(0, length, step)

    def _samples(self, name: str, rate: float) -> int:
        """The number of samples in the seconds of a parameter."""
        seconds = getattr(self, name)
        if not (found := round(seconds * rate)):
            raise wrong_value(self, name, seconds, f"at least one sample, {1 / rate:.3g} s")
        return found

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.parts[0][index], self.parts[1][index]

    def fingerprint(self) -> str:
        """Digest of the recording and of the windows."""
        return _digest(self, self.seconds, self.step)


@DATASETS.register
class AtRate(OneRecording):
    """A recording resampled to `sample_rate` in Hz, for a model that was trained with another rate. One item.

    Item: `(Stretch, marks (K,) int64)`. The signal is resampled with a windowed sinc, and a mark moves to the nearest
    new sample. Raises BadInput if `sample_rate` is not a whole number from 1, or so low that two marks meet. Also if
    the rate of the recording is not a whole number of Hz, and if `source` is not a dataset of one recording.

    Example:

        >>> from repro.datasets.marked_signals import Pulses
        >>> stretch, marks = AtRate(Pulses(seconds=60), sample_rate=360)[0]
        >>> len(stretch.recording.signal), float(marks[0] / 360 - Pulses(seconds=60)[0][1][0] / 100) < 0.002
        (21600, True)
    """

    def __init__(self, source: Annotated[Any, DATASETS], sample_rate: int) -> None:
        if not isinstance(sample_rate, int) or sample_rate < 1:
            raise wrong_value(self, "sample_rate", sample_rate, "a whole number from 1")
        self.source, self.sample_rate = source, sample_rate

    @cached_property
    def recording(self) -> Recording:
        found = recording_of(self.source)
        if found.sample_rate != round(found.sample_rate):
            raise BadInput(f"the recording has {found.sample_rate} Hz", found.name, expected="a whole number")
        signal = resample(found.signal, round(found.sample_rate), self.sample_rate)
        marks = (found.marks * (self.sample_rate / found.sample_rate)).round().long().clamp(max=len(signal) - 1)
        if bool((marks.diff() <= 0).any()):
            gap = int(found.marks.diff().min()) / found.sample_rate
            expected = f"a higher rate: two marks are only {gap:.3g} s apart, and would be the same sample"
            raise wrong_value(self, "sample_rate", self.sample_rate, expected)
        name = f"{found.name} at {self.sample_rate} Hz"
        return replace(found, signal=signal, sample_rate=float(self.sample_rate), marks=marks, name=name)

    def fingerprint(self) -> str:
        """Digest of the source and of the rate."""
        return _digest(self, self.sample_rate)


@DATASETS.register
class Disturbed(OneRecording):
    """A recording whose signal is changed by a perturbation, for example `perturbations.SoundNoise`. One item.

    Item: `(Stretch, marks (K,) int64)`. The marks stay, so choose a perturbation that does not move them. The mean of
    the signal is taken off before the change and added again, so it does not count as energy.

    Raises BadInput if the signal does not change: it is constant, or the noise is so weak that it is rounded away. Also
    if the number of samples changes, if `seed` is below 0, and if `source` is not a dataset of one recording.

    Example:

        >>> from repro.datasets.marked_signals import Pulses
        >>> from repro.datasets.perturb_sounds import SoundNoise
        >>> noisy, clean = (one[0][0].recording for one in (Disturbed(Pulses(9), SoundNoise(snr_db=0)), Pulses(9)))
        >>> noisy.signal.std() > clean.signal.std(), bool((noisy.marks == clean.marks).all())
        (tensor(True), True)
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], perturbation: Annotated[Any, PERTURBATIONS], seed: int = 0
    ) -> None:
        if not callable(perturbation):
            raise wrong_value(self, "perturbation", perturbation, "a perturbation (repro.datasets.perturb_sounds)")
        if not isinstance(seed, int) or seed < 0:
            raise wrong_value(self, "seed", seed, "a whole number from 0")
        self.source, self.perturbation, self.seed = source, perturbation, seed

    @cached_property
    def recording(self) -> Recording:
        found = recording_of(self.source)
        middle, name = found.signal.mean(), f"{found.name} with {name_of(self.perturbation)}"
        given = found.signal - middle
        changed = self.perturbation(given, np.random.default_rng(self.seed))
        if changed.shape != given.shape:
            what = f"the perturbation makes {tuple(changed.shape)} of the samples {tuple(given.shape)}"
            raise BadInput(what, name, expected="as many samples as before")
        if torch.equal(changed, given):
            expected = "another signal (this one may be constant), or a stronger perturbation"
            raise BadInput("the perturbation does not change the signal", name, expected=expected)
        return replace(found, signal=changed + middle, name=name)


def _digest(dataset: Any, *settings: Any) -> str:
    """Digest of the source of a dataset and of its settings."""
    source = dataset.source
    if not callable(getattr(source, "fingerprint", None)):
        what = f"{name_of(dataset)}.source is a {name_of(source)} without fingerprint()"
        raise BadInput(what, expected="a dataset whose fingerprint() is a digest of its content")
    return hashlib.sha256(" ".join(map(str, (source.fingerprint(), *settings))).encode()).hexdigest()[:16]
