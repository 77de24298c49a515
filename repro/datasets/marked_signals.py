"""Recordings of a signal in which moments are marked, such as triggers.

Letters: T samples of a recording, M marks in it, K marks in a stretch, F found marks.

A *mark* is the number of a sample. Its *kind* is a short text, for example "N". A dataset of one recording has one
item, `(Stretch, marks (M,) int64)`, whose stretch is the whole recording. A reader of files is such a dataset: it
inherits from `OneRecording`. The datasets in `repro.datasets.stretches` take it as `source`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, name_of, wrong_value

Item = tuple["Stretch", Tensor]


@dataclass(frozen=True, eq=False)
class Recording:
    """A signal (T,) float32 in `unit` with `sample_rate` in Hz, and its marks (M,) int64 with their `kinds`.

    The marks increase and are in [0, T). `name`: of its file, for messages. Raises BadInput if an array is not a tensor
    of its type on the CPU, if the marks do not increase or are outside the signal, if there are not as many kinds, if
    the signal has values that are not finite, or if the sample rate is not above 0.

    >>> found = Recording(torch.zeros(10), 5.0, torch.tensor([2, 7]), ["N", "V"])
    >>> found.seconds, found.cut(5, 10).marks.tolist(), found.cut(5, 10).kinds
    (2.0, [2], ['V'])
    """

    signal: Tensor
    sample_rate: float
    marks: Tensor
    kinds: list[str]
    unit: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        try:
            self._check_signal()
            self._check_kinds()
            self._check_marks()
        except BadInput as error:
            raise error.at(self.name) from None

    def _check_signal(self) -> None:
        _check_array("signal", self.signal, torch.float32)
        if not len(self.signal):
            raise BadInput("'signal' has the shape (0,)", expected="at least one sample")
        _check_rate(self.sample_rate)
        if len(bad := torch.nonzero(~self.signal.isfinite())):
            at = f"{len(bad)} samples that are not numbers, the first at {float(bad[0]) / self.sample_rate:.3f} s"
            raise BadInput(f"the signal has {at}", expected="finite numbers: choose another part or signal")

    def _check_kinds(self) -> None:
        _check_array("marks", self.marks, torch.int64)
        if not isinstance(self.kinds, list) or not all(isinstance(kind, str) for kind in self.kinds):
            raise BadInput("'kinds' is not a list of texts", expected="a list such as ['N', 'V']")
        if len(self.kinds) != len(self.marks):
            raise BadInput(f"there are {len(self.kinds)} kinds for {len(self.marks)} marks", expected="one for each")

    def _check_marks(self) -> None:
        if len(falls := torch.nonzero(self.marks.diff() <= 0)):
            what = f"mark {int(falls[0]) + 2} is at sample {int(self.marks[falls[0] + 1])}, not after the one before it"
            raise BadInput(what, expected="marks that increase")
        for mark in (*self.marks[:1].tolist(), *self.marks[-1:].tolist()):
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
    """The recording of a dataset with one recording. Raises BadInput for another dataset, or for no dataset."""
    if not hasattr(type(source), "__getitem__"):
        raise BadInput(f"{name_of(source)} is not a dataset", expected="a dataset of one recording, such as Pulses")
    item = source[0]
    stretch = item[0] if isinstance(item, tuple) and item else item
    if not isinstance(stretch, Stretch):
        said = f"{name_of(source)} has items that are a {type(stretch).__name__}"
        raise BadInput(said, expected="stretches of a recording (repro.datasets.marked_signals)")
    if hasattr(source, "__len__") and len(source) != 1:
        raise BadInput(f"{name_of(source)} has {len(source)} items", expected="one item, a whole recording")
    return stretch.recording


class OneRecording(Dataset[Item]):
    """A dataset of one item: the whole of its `recording`, which a subclass sets in `__init__` or computes later.

    >>> class Silence(OneRecording):
    ...     def __init__(self) -> None:
    ...         self.recording = Recording(torch.zeros(10), 5.0, torch.tensor([2]), ["N"])
    >>> len(Silence()), recording_of(Silence()).seconds
    (1, 2.0)
    """

    @cached_property
    def recording(self) -> Recording:
        """The recording of the dataset."""
        raise NotImplementedError

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Item:
        return whole([self.recording][index])

    def fingerprint(self) -> str:
        """Digest of samples, sample rate, marks and kinds."""
        return self.recording.fingerprint()


@dataclass(frozen=True, eq=False)
class Found:
    """What a model finds in a stretch: `marks` (F,) int64, in order, with their numbers in the recording.

    known: (F,) int64, the sample at which a model that reads the signal as it comes reports each of them. None if the
    model does not say so. Raises BadInput for arrays of another type, for marks that are not in order, and if `known`
    has another length.
    """

    marks: Tensor
    known: Tensor | None = None

    def __post_init__(self) -> None:
        _check_array("marks", self.marks, torch.int64)
        if bool((self.marks.diff() < 0).any()):
            raise BadInput("the found marks are not in order", expected="marks that do not decrease")
        if self.known is not None:
            _check_array("known", self.known, torch.int64)
            if len(self.known) != len(self.marks):
                raise BadInput(f"'known' has {len(self.known)} values for {len(self.marks)} marks")


def _check_rate(given: Any) -> None:
    if not isinstance(given, Real) or not 0 < float(given) < math.inf:
        raise BadInput(f"the sample rate is {given}", expected="a number above 0, in Hz")


def _check_array(name: str, given: Any, dtype: torch.dtype) -> None:
    """Raise BadInput unless `given` is a tensor (N,) of `dtype` on the CPU, without a gradient."""
    expected = f"a tensor (N,) of {dtype} on the CPU, for example torch.as_tensor({name}, dtype={dtype})"
    if not isinstance(given, Tensor):
        raise BadInput(f"'{name}' is a {type(given).__name__}", expected=expected)
    if (given.dtype, given.ndim, given.device.type, given.requires_grad) != (dtype, 1, "cpu", False):
        kind = f"{given.dtype} on {given.device}{', with a gradient' if given.requires_grad else ''}"
        raise BadInput(f"'{name}' has the shape {tuple(given.shape)} and the type {kind}", expected=expected)


@DATASETS.register
class Pulses(OneRecording):
    """A generated recording of noise with pulses at the marks, which needs no download. One item.

    Item: `(Stretch, marks (K,) int64)`. About one pulse a second; every tenth one is upside down and has the kind "V".
    `seconds`: its length, from 2. `sample_rate`: in Hz, from 20. `noise`: standard deviation, from 0; a pulse has the
    height 1. Raises BadInput for other values.

    Example:

        >>> stretch, marks = Pulses(seconds=60)[0]
        >>> stretch.recording.seconds, 50 < len(marks) < 70, sorted(set(stretch.recording.kinds))
        (60.0, True, ['N', 'V'])
    """

    def __init__(self, seconds: float, sample_rate: int = 100, noise: float = 0.05, seed: int = 0) -> None:
        if not 2 <= seconds < math.inf:
            raise wrong_value(self, "seconds", seconds, "a number from 2")
        if not isinstance(sample_rate, int) or sample_rate < 20:
            raise wrong_value(self, "sample_rate", sample_rate, "a whole number from 20, in Hz")
        if not 0 <= noise < math.inf:
            raise wrong_value(self, "noise", noise, "0 or a number above 0")
        if not isinstance(seed, int) or seed < 0:
            raise wrong_value(self, "seed", seed, "a whole number from 0")
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
        given = torch.from_numpy(signal).float(), float(self.sample_rate), torch.from_numpy(marks), kinds
        return Recording(*given, name=name_of(self))
