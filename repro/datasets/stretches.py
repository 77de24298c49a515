"""A marked recording as stretches for a test or as windows for training, at another sample rate, or disturbed.

Letters: T samples of a recording, M marks in it, K marks in a stretch, N windows of L samples.
"""

from __future__ import annotations

import hashlib
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
from repro.datasets.marked_signals import Found, Item, Recording, Stretch, recording_of, whole
from repro.errors import BadInput
from repro.registry import DATASETS, PERTURBATIONS, wrong_value


@DATASETS.register
class Stretches(Dataset[Item]):
    """A recording as consecutive stretches of `seconds`, for a test; the last one may be shorter.

    Item: `(Stretch, marks (K,) int64)`. A model sees the whole recording, so a stretch has no edge effects. Marks of
    one recording are not independent, but the stretches are almost: an interval over stretches is a block bootstrap by
    time. Choose them much longer than the time over which errors cluster. Raises BadInput if `seconds` is not above 0,
    or if the recording is shorter.

    Example:

        >>> from repro.datasets.marked_signals import Pulses
        >>> stretches = Stretches(Pulses(seconds=60), seconds=10)
        >>> len(stretches), [(stretch.start, stretch.stop) for stretch, _ in stretches][-1]
        (6, (5000, 6000))
    """

    def __init__(self, source: Annotated[Any, DATASETS], seconds: float = 10.0) -> None:
        if not seconds > 0:
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
        return _digest(self.source.fingerprint(), self.seconds)


@DATASETS.register
class Windows(Dataset[tuple[Tensor, Tensor]]):
    """A recording as windows of equal length, for training.

    Item: `(signal (L,) float32, marked (L,) float32)`; `marked` is 1 at a mark and 0 elsewhere. `seconds`: length of a
    window. `step`: seconds from the start of a window to that of the next; 0: `seconds`, so that they do not overlap. A
    rest at the end is left out. Raises BadInput if `seconds` is not above 0, if `step` is below 0, or if the recording
    is shorter than a window.

    Example:

        >>> from repro.datasets.marked_signals import Pulses
        >>> signal, marked = Windows(Pulses(seconds=60), seconds=2.0)[3]
        >>> signal.shape, int(marked.sum()) in (1, 2, 3)
        (torch.Size([200]), True)
    """

    def __init__(self, source: Annotated[Any, DATASETS], seconds: float, step: float = 0.0) -> None:
        if not seconds > 0:
            raise wrong_value(self, "seconds", seconds, "a number above 0")
        if step < 0:
            raise wrong_value(self, "step", step, "0 or a number above 0")
        self.source, self.seconds, self.step = source, seconds, step or seconds

    @cached_property
    def parts(self) -> tuple[Tensor, Tensor]:
        """The signal and the marked samples of all windows, each (N, L)."""
        found = recording_of(self.source)
        length, step = (max(1, round(one * found.sample_rate)) for one in (self.seconds, self.step))
        if length > len(found.signal):
            raise wrong_value(self, "seconds", self.seconds, f"at most the {found.seconds:g} s of the recording")
        marked = torch.zeros(len(found.signal))
        marked[found.marks] = 1.0
        return found.signal.unfold(0, length, step), marked.unfold(0, length, step)

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.parts[0][index], self.parts[1][index]

    def fingerprint(self) -> str:
        """Digest of the recording and of the windows."""
        return _digest(self.source.fingerprint(), self.seconds, self.step)


@DATASETS.register
class AtRate(Dataset[Item]):
    """A recording resampled to `sample_rate` in Hz, for a model that was trained with another rate. One item.

    Item: `(Stretch, marks (K,) int64)`. The signal is resampled with a windowed sinc, and a mark moves to the nearest
    new sample. Raises BadInput if `sample_rate` is below 1, if the rate of the recording is not a whole number of Hz,
    or if two marks meet.

    Example:

        >>> from repro.datasets.marked_signals import Pulses
        >>> stretch, marks = AtRate(Pulses(seconds=60), sample_rate=360)[0]
        >>> len(stretch.recording.signal), float(marks[0] / 360 - Pulses(seconds=60)[0][1][0] / 100) < 0.002
        (21600, True)
    """

    def __init__(self, source: Annotated[Any, DATASETS], sample_rate: int) -> None:
        if sample_rate < 1:
            raise wrong_value(self, "sample_rate", sample_rate, "a whole number from 1")
        self.source, self.sample_rate = source, sample_rate

    @cached_property
    def recording(self) -> Recording:
        found = recording_of(self.source)
        if found.sample_rate != round(found.sample_rate):
            raise BadInput(f"the recording has {found.sample_rate} Hz", expected="a whole number")
        signal = resample(found.signal, round(found.sample_rate), self.sample_rate)
        marks = (found.marks * (self.sample_rate / found.sample_rate)).round().long().clamp(max=len(signal) - 1)
        return replace(found, signal=signal, sample_rate=float(self.sample_rate), marks=marks)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Item:
        return whole([self.recording][index])

    def fingerprint(self) -> str:
        """Digest of the source and of the rate."""
        return _digest(self.source.fingerprint(), self.sample_rate)


@DATASETS.register
class Disturbed(Dataset[Item]):
    """A recording whose signal is changed by a perturbation, for example `perturbations.SoundNoise`. One item.

    Item: `(Stretch, marks (K,) int64)`. The marks stay, so choose a perturbation that does not move them. The mean of
    the signal is taken off before the change and added again, so it does not count as energy.

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
        self.source, self.perturbation, self.seed = source, perturbation, seed

    @cached_property
    def recording(self) -> Recording:
        found = recording_of(self.source)
        middle = found.signal.mean()
        changed = self.perturbation(found.signal - middle, np.random.default_rng(self.seed)) + middle
        return replace(found, signal=changed)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Item:
        return whole([self.recording][index])

    def fingerprint(self) -> str:
        """Digest of the disturbed recording."""
        return self.recording.fingerprint()


def _digest(*parts: Any) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:16]
