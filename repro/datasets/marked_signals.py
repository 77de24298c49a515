"""Recordings of a signal in which moments are marked, such as triggers.

Letters: T samples of a recording, M marks in it, K marks in a stretch, F found marks.

A *mark* is the number of a sample. Its *kind* is a short text, for example "N". A dataset of one recording has one
item, `(Stretch, marks (M,) int64)`, whose stretch is the whole recording; a reader of files returns this. The datasets
in `repro.datasets.stretches` take it as `source`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, name_of

Item = tuple["Stretch", Tensor]


@dataclass(frozen=True, eq=False)
class Recording:
    """A signal (T,) float32 in `unit` with `sample_rate` in Hz, and its marks (M,) int64 with their `kinds`.

    The marks increase and are in [0, T). Raises BadInput if they do not, if there are not as many kinds, if the signal
    is not a line of finite numbers, or if the sample rate is not above 0.

    >>> found = Recording(torch.zeros(10), 5.0, torch.tensor([2, 7]), ["N", "V"])
    >>> found.seconds, found.cut(5, 10).marks.tolist(), found.cut(5, 10).kinds
    (2.0, [2], ['V'])
    """

    signal: Tensor
    sample_rate: float
    marks: Tensor
    kinds: list[str]
    unit: str = ""

    def __post_init__(self) -> None:
        if self.signal.ndim != 1 or not len(self.signal):
            raise BadInput(f"the signal has the shape {tuple(self.signal.shape)}", expected="(T,), T from 1")
        if not self.sample_rate > 0:
            raise BadInput(f"the sample rate is {self.sample_rate}", expected="a number above 0, in Hz")
        if len(bad := torch.nonzero(~self.signal.isfinite())):
            at = f"{len(bad)} samples that are not numbers, the first at {float(bad[0]) / self.sample_rate:.3f} s"
            raise BadInput(f"the signal has {at}", expected="finite numbers: choose another part or signal")
        self._check_marks()

    def _check_marks(self) -> None:
        if len(self.kinds) != len(self.marks):
            raise BadInput(f"there are {len(self.kinds)} kinds for {len(self.marks)} marks", expected="one for each")
        if not len(self.marks):
            return
        if len(falls := torch.nonzero(self.marks.diff() <= 0)):
            what = f"mark {int(falls[0]) + 2} is at sample {int(self.marks[falls[0] + 1])}, not after the one before it"
            raise BadInput(what, expected="marks that increase")
        for mark in (int(self.marks[0]), int(self.marks[-1])):
            if not 0 <= mark < len(self.signal):
                raise BadInput(f"a mark is at sample {mark}", expected=f"0 to {len(self.signal) - 1}")

    @property
    def seconds(self) -> float:
        return len(self.signal) / self.sample_rate

    def cut(self, start: int, stop: int) -> Recording:
        """The recording from sample `start` to sample `stop` - 1; its samples are counted from 0 again."""
        inside = (self.marks >= start) & (self.marks < stop)
        kinds = [kind for kind, kept in zip(self.kinds, inside.tolist(), strict=True) if kept]
        return replace(self, signal=self.signal[start:stop], marks=self.marks[inside] - start, kinds=kinds)

    def fingerprint(self) -> str:
        """Digest of samples, sample rate, marks and kinds."""
        digest = hashlib.sha256(f"{self.sample_rate} {self.kinds}".encode())
        digest.update(self.signal.numpy().tobytes() + self.marks.numpy().tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Stretch:
    """The samples `start` to `stop` - 1 of a recording. A model may look at the whole recording."""

    recording: Recording
    start: int
    stop: int

    def inside(self, marks: Tensor) -> Tensor:
        """Those of `marks` that are in the stretch. They keep their numbers in the recording."""
        return marks[(marks >= self.start) & (marks < self.stop)]


def whole(recording: Recording) -> Item:
    """The item of a whole recording."""
    return Stretch(recording, 0, len(recording.signal)), recording.marks


def recording_of(source: Any) -> Recording:
    """The recording of a dataset with one recording. Raises BadInput if it has another kind of item."""
    stretch = source[0][0]
    if not isinstance(stretch, Stretch):
        said = f"{name_of(source)} has items that are a {type(stretch).__name__}"
        raise BadInput(said, expected="stretches of a recording (repro.datasets.marked_signals)")
    return stretch.recording


@dataclass(frozen=True, eq=False)
class Found:
    """What a model finds in a stretch: `marks` (F,) int64, in order, with their numbers in the recording.

    known: (F,) int64, the sample at which a model that reads the signal as it comes reports each of them. None if the
    model does not say so.
    """

    marks: Tensor
    known: Tensor | None = None


@DATASETS.register
class Pulses(Dataset[Item]):
    """A generated recording of noise with pulses at the marks, which needs no download. One item.

    Item: `(Stretch, marks (K,) int64)`. About one pulse a second; every tenth one is upside down and has the kind "V".
    `seconds`: its length, from 2. `sample_rate`: in Hz, from 20. `noise`: standard deviation; a pulse has the height 1.

    Example:

        >>> stretch, marks = Pulses(seconds=60)[0]
        >>> stretch.recording.seconds, 50 < len(marks) < 70, sorted(set(stretch.recording.kinds))
        (60.0, True, ['N', 'V'])
    """

    def __init__(self, seconds: float, sample_rate: int = 100, noise: float = 0.05, seed: int = 0) -> None:
        if seconds < 2 or sample_rate < 20:
            raise BadInput(f"{name_of(self)} has {seconds} s at {sample_rate} Hz", expected="at least 2 s and 20 Hz")
        self.seconds, self.sample_rate, self.noise, self.seed = seconds, sample_rate, noise, seed

    @cached_property
    def recording(self) -> Recording:
        random = np.random.default_rng(self.seed)
        length = round(self.seconds * self.sample_rate)
        gaps = random.uniform(0.7, 1.3, size=round(2 * self.seconds)) * self.sample_rate
        marks = gaps.cumsum().astype(np.int64)
        marks = marks[marks < length]
        kinds = ["V" if number % 10 == 9 else "N" for number in range(len(marks))]
        heights = [-1.0 if kind == "V" else 1.0 for kind in kinds]
        away = (np.arange(length)[:, None] - marks) / (0.02 * self.sample_rate)
        signal = (np.exp(-(away**2) / 2) * heights).sum(1) + self.noise * random.standard_normal(length)
        return Recording(torch.from_numpy(signal).float(), float(self.sample_rate), torch.from_numpy(marks), kinds)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Item:
        return whole([self.recording][index])

    def fingerprint(self) -> str:
        """Digest of samples and marks."""
        return self.recording.fingerprint()
