"""Recordings with noise, and the same recordings without it.

Letters: T samples.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from torch.utils.data import Dataset

from repro.registry import DATASETS, wrong_value


@DATASETS.register
class NoisyRecordings(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """The loudest `seconds` of each recording of `source`, with white noise (Section 2).

    Item: `(noisy (1, T), clean (1, T))`, float32. Shorter recordings are padded with zeros. `source`: a dataset of
    `(samples, label)` with a `sample_rate`. `decibels`: the energy of the clean samples over that of the noise, in dB.
    The noise of an item depends only on `seed` and on the index of the item. Raises BadInput if `seconds` is not
    above 0, or `decibels` is not finite.

    Example:

        >>> from repro.datasets.voices import SyntheticVoices
        >>> noisy, clean = NoisyRecordings(SyntheticVoices("test", 1, 1), seconds=0.5, decibels=0.0)[0]
        >>> noisy.shape, torch.allclose(clean.norm(), (noisy - clean).norm())
        (torch.Size([1, 4000]), True)
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], seconds: float = 1.0, decibels: float = 5.0, seed: int = 0
    ) -> None:
        if not 0 < seconds < math.inf:
            raise wrong_value(self, "seconds", seconds, "a number above 0")
        if not math.isfinite(decibels):
            raise wrong_value(self, "decibels", decibels, "a finite number")
        self.source, self.seconds, self.decibels, self.seed = source, seconds, decibels, seed
        self.samples = max(1, round(seconds * source.sample_rate))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        clean = loudest(self.source[index][0], self.samples)
        random = torch.Generator().manual_seed(self.seed * len(self) + index)
        noise = torch.randn(clean.shape, generator=random)
        level = clean.norm() / noise.norm() * 10 ** (-self.decibels / 20)
        return (clean + level * noise)[None], clean[None]

    def fingerprint(self) -> str:
        """That of the source, with the settings."""
        return f"{self.source.fingerprint()}+{self.seconds}:{self.decibels}:{self.seed}"


def loudest(recording: torch.Tensor, samples: int) -> torch.Tensor:
    """The `samples` consecutive samples with the most energy; a shorter recording ends with zeros."""
    padded = torch.nn.functional.pad(recording, (0, max(0, samples - len(recording))))
    energy = torch.nn.functional.pad(padded.double().square().cumsum(0), (1, 0))
    start = int((energy[samples:] - energy[:-samples]).argmax())
    return padded[start : start + samples]
