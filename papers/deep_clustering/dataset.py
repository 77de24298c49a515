"""What the network learns from: segments of spectrograms, and which source dominates each bin.

Letters: N frames, F frequencies, C sources.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.audio.stft import STFT
from repro.errors import BadInput
from repro.registry import DATASETS

SILENCE_DB = 40.0  # a bin this far below the loudest of its segment belongs to nobody


@DATASETS.register
class DominantSources(Dataset[tuple[torch.Tensor, dict[str, torch.Tensor]]]):
    """Item: `(magnitude (N, F), {"dominant": (N, F) int64, "weights": (N, F)})`, N = `frames`.

    `dominant` is the index of the loudest source of each bin. `weights` are 0 in silent bins; elsewhere 1
    ("active", the paper's), or the bin's magnitude ("magnitude", so that loud bins count more, as Wang et al. 2018).
    One segment is cut from each mixture, at a place that changes from pass to pass.
    """

    def __init__(
        self,
        mixtures: Annotated[Any, DATASETS],
        frames: int = 100,
        weights: Literal["active", "magnitude"] = "active",
        seed: int = 0,
    ) -> None:
        self.mixtures = self.source = mixtures
        self.frames, self.weights, self.seed = frames, weights, seed
        self.stft, self.epoch = STFT(), 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the segments of pass `epoch`, and its mixtures where they change."""
        self.epoch = epoch
        if hasattr(self.mixtures, "set_epoch"):
            self.mixtures.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.mixtures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        inputs, sources = self.mixtures[index]
        power = self._power(torch.cat([inputs["mixture"].unsqueeze(0), sources]), index)  # (1 + C, N, F)
        magnitude = power[0].sqrt()
        return magnitude, {"dominant": loudest(power[1:]), "weights": self._weights(magnitude)}

    def _power(self, waveforms: torch.Tensor, index: int) -> torch.Tensor:
        """Squared magnitudes of a segment of `waveforms (1 + C, T)`; only the segment is transformed."""
        hop, window = self.stft.hop_length, self.stft.n_fft
        spare = 1 + waveforms.shape[1] // hop - self.frames
        if spare < 0:
            found = spare + self.frames
            raise BadInput(f"datasets.DominantSources.frames is {self.frames}; mixture {index} has {found}")
        start = int(np.random.default_rng((self.seed, self.epoch, index)).integers(spare + 1))
        before = min(start, window // hop)  # frames whose windows reach into the segment's first one
        piece = waveforms[:, (start - before) * hop : (start + self.frames) * hop + window]
        spectrogram = self.stft(piece)[:, before : before + self.frames]
        return spectrogram.real.square() + spectrogram.imag.square()  # complex abs() costs five times as much

    def _weights(self, magnitude: torch.Tensor) -> torch.Tensor:
        active = (magnitude > magnitude.max() * 10 ** (-SILENCE_DB / 20)).float()
        return active if self.weights == "active" else active * magnitude

    def fingerprint(self) -> str:
        """Digest of the mixtures and of how segments are cut from them."""
        parameters = f"{self.mixtures.fingerprint()} {self.frames} {self.weights} {self.seed}"
        return hashlib.sha256(parameters.encode()).hexdigest()[:16]


def loudest(power: torch.Tensor) -> torch.Tensor:
    """The index (N, F) of the largest of `power (C, N, F)`, the first of equals: argmax(0), but 10 times as fast."""
    index, best = torch.zeros(power.shape[1:], dtype=torch.int64), power[0]
    for source in range(1, len(power)):
        index[power[source] > best] = source
        best = torch.maximum(best, power[source])
    return index
