"""Training data: segments of spectrograms, and the dominant source of each bin.

We could not read the PDF of the paper. We read the segment length and the silence threshold in public code for it.

Letters: N frames, F frequencies, C sources, T samples.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.audio.stft import STFT
from repro.registry import DATASETS, wrong_value

SILENCE_DB = 40.0  # a bin this far below the loudest bin of its segment is silent and belongs to no source


@DATASETS.register
class DominantSources(Dataset[tuple[torch.Tensor, dict[str, torch.Tensor]]]):
    """Segments of spectrograms with the dominant source of each bin, for `losses.DeepClustering`.

    Item: `(magnitude (N, F), {"dominant": (N, F) int64, "weights": (N, F)})`, N = `frames`.

    `dominant` is the index of the loudest source in each bin. `weights` are 0 in silent bins. In other bins they are 1
    (`weights="active"`, as in the paper) or the magnitude (`weights="magnitude"`, similar to Wang et al. 2018). One
    segment is cut from each mixture, at a random position that changes from pass to pass. An item raises BadInput if
    its mixture has fewer than `frames` frames.

    Example: segments of 20 frames from mixtures of synthetic voices.

        >>> from repro.datasets.mixtures import SpeechMixtures
        >>> from repro.datasets.voices import SyntheticVoices
        >>> voices = SyntheticVoices("test", speakers=2, utterances=1, seconds=0.5)
        >>> magnitude, target = DominantSources(SpeechMixtures(voices, size=4, seconds=0.5), frames=20)[0]
        >>> magnitude.shape, target["dominant"].shape, target["weights"].unique().tolist()
        (torch.Size([20, 129]), torch.Size([20, 129]), [0.0, 1.0])
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
        """Choose the segments of pass `epoch`, and its mixtures if they change from pass to pass."""
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
        """Squared magnitudes (1 + C, N, F) of a segment of `waveforms (1 + C, T)`. It transforms only the segment."""
        hop, window = self.stft.hop_length, self.stft.n_fft
        spare = 1 + waveforms.shape[1] // hop - self.frames
        if spare < 0:
            found = spare + self.frames
            raise wrong_value(self, "frames", self.frames, f"at most {found}, the number of frames of mixture {index}")
        start = int(np.random.default_rng((self.seed, self.epoch, index)).integers(spare + 1))
        before = min(start, window // hop)  # frames whose windows overlap the segment's first one
        piece = waveforms[:, (start - before) * hop : (start + self.frames) * hop + window]
        spectrogram = self.stft(piece)[:, before : before + self.frames]
        return spectrogram.real.square() + spectrogram.imag.square()  # complex abs() takes five times as long

    def _weights(self, magnitude: torch.Tensor) -> torch.Tensor:
        active = (magnitude > magnitude.max() * 10 ** (-SILENCE_DB / 20)).float()
        return active if self.weights == "active" else active * magnitude

    def fingerprint(self) -> str:
        """Digest of the mixtures and the parameters."""
        parameters = f"{self.mixtures.fingerprint()} {self.frames} {self.weights} {self.seed}"
        return hashlib.sha256(parameters.encode()).hexdigest()[:16]


def loudest(power: torch.Tensor) -> torch.Tensor:
    """The index (N, F) of the largest `power (C, N, F)`; ties go to the first. Like argmax(0), 10 times faster."""
    index, best = torch.zeros(power.shape[1:], dtype=torch.int64), power[0]
    for source in range(1, len(power)):
        index[power[source] > best] = source
        best = torch.maximum(best, power[source])
    return index
