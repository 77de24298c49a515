"""Training data for separation: segments of spectrograms, and what is known about the sources in each bin.

Letters: N frames, F frequencies, C sources, T samples, B segments of a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from repro.audio.stft import STFT, WINDOWS
from repro.registry import DATASETS, wrong_value

SILENCE_DB = 40.0  # a bin this far below the loudest bin of its segment is silent and belongs to no source
TOGETHER = 1024  # frames that are transformed at once: more do not stay in the cache and take longer
TINY = torch.finfo(torch.float32).tiny

Item = tuple[Tensor, dict[str, Tensor]]


@DATASETS.register
class SpectrogramSegments(Dataset[Item]):
    """Segments of spectrograms of mixtures, with the dominant source of each bin and its weight in the loss.

    Item: `(magnitude (N, F), {"dominant": (N, F) int64, "weights": (N, F)})`, N = `frames`.

    `dominant` is the index of the loudest source in each bin. `weights` are 0 in silent bins. In other bins they are 1
    (`weights="active"`, as in Hershey et al. 2016) or the magnitude (`weights="magnitude"`, similar to Wang et al.
    2018). One segment is cut from each mixture, at a random position that changes from pass to pass. An item raises
    BadInput if its mixture has fewer than `frames` frames.

    With `sources`, the target also has what the losses of masks need:

    - "mixture" (N, F): the magnitude of the mixture, as in the input
    - "sources" (C, N, F): the magnitudes of the sources
    - "cosine" (C, N, F): the cosine of the phase difference between source and mixture; 0 where one of them is 0

    A whole batch is computed at once if the `DataLoader` makes batches (`__getitems__`). The values are the same.

    Example: segments of 20 frames from mixtures of synthetic voices.

        >>> from repro.datasets.mixtures import SpeechMixtures
        >>> from repro.datasets.voices import SyntheticVoices
        >>> voices = SyntheticVoices("test", speakers=2, utterances=1, seconds=0.5)
        >>> mixtures = SpeechMixtures(voices, size=4, seconds=0.5)
        >>> magnitude, target = SpectrogramSegments(mixtures, frames=20)[0]
        >>> magnitude.shape, target["dominant"].shape, target["weights"].unique().tolist()
        (torch.Size([20, 129]), torch.Size([20, 129]), [0.0, 1.0])
        >>> _, more = SpectrogramSegments(mixtures, frames=20, sources=True)[0]
        >>> list(more), more["sources"].shape
        (['dominant', 'weights', 'mixture', 'sources', 'cosine'], torch.Size([2, 20, 129]))
    """

    def __init__(
        self,
        mixtures: Annotated[Any, DATASETS],
        frames: int = 100,
        weights: Literal["active", "magnitude"] = "active",
        sources: bool = False,
        seed: int = 0,
    ) -> None:
        self.mixtures = self.source = mixtures
        self.frames, self.weights, self.sources, self.seed = frames, weights, sources, seed
        self.stft, self.epoch = STFT(), 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the segments of pass `epoch`, and its mixtures if they change from pass to pass."""
        self.epoch = epoch
        if hasattr(self.mixtures, "set_epoch"):
            self.mixtures.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.mixtures)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """The items of a batch, computed together; a `DataLoader` calls it."""
        many = getattr(self.mixtures, "__getitems__", None)
        mixed = many(indices) if many else [self.mixtures[index] for index in indices]
        pieces = [self._piece(index, *item) for index, item in zip(indices, mixed, strict=True)]
        group = max(1, TOGETHER // self.frames)
        return [
            item for first in range(0, len(pieces), group) for item in self._computed(pieces[first : first + group])
        ]

    def _computed(self, pieces: list[Tensor]) -> list[Item]:
        """The items of B segments, from the samples (1 + C, T) of each."""
        spectrograms = self._transformed(torch.stack(pieces))  # (B, 1 + C, N, F)
        power = spectrograms.real.square() + spectrograms.imag.square()  # complex abs() takes five times as long
        magnitude = power[:, 0].sqrt()
        target = {"dominant": loudest(power[:, 1:]), "weights": self._weights(magnitude)}
        if self.sources:
            target |= {"mixture": magnitude, **phase_targets(spectrograms, power)}
        return [(one, {name: value[row] for name, value in target.items()}) for row, one in enumerate(magnitude)]

    def _piece(self, index: int, inputs: dict[str, Any], sources: Tensor) -> Tensor:
        """The samples (1 + C, T) under the windows of a segment of mixture `index`."""
        length, hop, half = sources.shape[-1], self.stft.hop_length, self.stft.n_fft // 2
        found = 1 + length // hop if length > half else 0
        if found < self.frames:
            raise wrong_value(self, "frames", self.frames, f"at most {found}, the number of frames of mixture {index}")
        start = int(np.random.default_rng((self.seed, self.epoch, index)).integers(found - self.frames + 1))
        kept = reflected(start * hop - half, (start + self.frames - 1) * hop + half, length)
        return torch.cat([inputs["mixture"][None, kept], sources[:, kept]])

    def _transformed(self, pieces: Tensor) -> Tensor:
        """The STFT (..., N, F) of pieces (..., T) without reflection at their ends: window n begins at n hops."""
        frames = pieces.unfold(-1, self.stft.n_fft, self.stft.hop_length)
        return torch.fft.rfft(frames * WINDOWS[self.stft.window](self.stft.n_fft))

    def _weights(self, magnitude: Tensor) -> Tensor:
        active = (magnitude > magnitude.amax((1, 2), keepdim=True) * 10 ** (-SILENCE_DB / 20)).float()
        return active if self.weights == "active" else active * magnitude

    def fingerprint(self) -> str:
        """Digest of the mixtures and the parameters."""
        parameters = f"{self.mixtures.fingerprint()} {self.frames} {self.weights} {self.sources} {self.seed}"
        return hashlib.sha256(parameters.encode()).hexdigest()[:16]


def reflected(begin: int, end: int, length: int) -> slice | Tensor:
    """The places of the samples `begin` to `end` of a waveform that is reflected at both ends, as in the STFT."""
    if begin >= 0 and end <= length:
        return slice(begin, end)
    places, last = torch.arange(begin, end).abs(), length - 1
    return last - (last - places).abs()


def loudest(power: Tensor) -> Tensor:
    """The index (B, N, F) of the largest `power` (B, C, N, F); ties go to the first. 50 times faster than argmax(1)."""
    best = power[:, 0]
    index = torch.zeros_like(best, dtype=torch.int64)
    for source in range(1, power.shape[1]):
        index = torch.where(power[:, source] > best, source, index)
        best = torch.maximum(best, power[:, source])
    return index


def phase_targets(spectrograms: Tensor, power: Tensor) -> dict[str, Tensor]:
    """Magnitudes of the sources and cosines of their phase to the mixture, from both spectrograms (B, 1 + C, N, F)."""
    mixture, sources = spectrograms[:, :1], spectrograms[:, 1:]
    product = mixture.real * sources.real + mixture.imag * sources.imag  # |x| |s| cos(difference of the phases)
    magnitudes = power.sqrt()
    norm = magnitudes[:, :1] * magnitudes[:, 1:]
    return {"sources": magnitudes[:, 1:], "cosine": (product / norm.clamp_min(TINY)).clamp(-1, 1)}
