"""What the network learns from: segments of spectrograms, and which source dominates each bin (Section 2).

Letters: N frames, F frequencies, C sources.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.audio.stft import STFT
from repro.errors import BadInput
from repro.registry import DATASETS

Spectrogram = tuple[torch.Tensor, torch.Tensor]  # magnitude (N, F) float32, dominant source (N, F) int8
SILENCE_DB = 40.0  # a bin this far below the loudest of its mixture belongs to nobody


@DATASETS.register
class DominantSources(Dataset[tuple[torch.Tensor, dict[str, torch.Tensor]]]):
    """Item: `(magnitude (N, F), {"dominant": (N, F) int64, "weights": (N, F)})`, N = `frames`.

    `dominant` is the index of the loudest source of each bin. `weights` are 0 in silent bins; elsewhere 1
    ("active", the paper's), or the bin's share of the magnitude ("magnitude", so that loud bins count more, as Wang
    et al. 2018). One segment is cut from each mixture, at a place that changes from pass to pass. With `cache` the
    spectrograms are kept in memory (about 0.6 kB a frame): a step then waits for no STFT.
    """

    def __init__(
        self,
        mixtures: Annotated[Any, DATASETS],
        frames: int = 100,
        weights: Literal["active", "magnitude"] = "active",
        cache: bool = False,
        seed: int = 0,
    ) -> None:
        self.mixtures, self.frames, self.weights, self.seed = mixtures, frames, weights, seed
        self.cache: dict[int, Spectrogram] | None = {} if cache else None
        self.stft, self.epoch = STFT(), 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the segments of pass `epoch`."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.mixtures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        magnitude, dominant = self._spectrogram(index)
        if len(magnitude) < self.frames:
            raise BadInput(f"datasets.DominantSources.frames is {self.frames}; mixture {index} has {len(magnitude)} frames")
        start = int(np.random.default_rng((self.seed, self.epoch, index)).integers(len(magnitude) - self.frames + 1))
        magnitude = magnitude[start:start + self.frames]
        target = {"dominant": dominant[start:start + self.frames].long(), "weights": self._weights(magnitude)}
        return magnitude, target

    def _spectrogram(self, index: int) -> Spectrogram:
        if self.cache is not None and index in self.cache:
            return self.cache[index]
        inputs, sources = self.mixtures[index]
        found = self.stft(inputs["mixture"]).abs(), self.stft(sources).abs().argmax(0).to(torch.int8)
        if self.cache is not None:
            self.cache[index] = found
        return found

    def _weights(self, magnitude: torch.Tensor) -> torch.Tensor:
        active = (magnitude > magnitude.max() * 10 ** (-SILENCE_DB / 20)).float()
        return active if self.weights == "active" else active * magnitude

    def fingerprint(self) -> str:
        """That of the mixtures: the spectrograms follow from them."""
        return str(self.mixtures.fingerprint())
