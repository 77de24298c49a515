"""Mixtures that are not shorter than a training segment, and excerpts of waveforms.

Letters: C sources, T samples.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.registry import DATASETS, wrong_value

Item = tuple[dict[str, Any], torch.Tensor]


@DATASETS.register
class AutoclipPadded(Dataset[Item]):
    """Mixtures with zeros at their end, so that each has at least `samples` samples.

    Item: as that of `mixtures`, `({"mixture": (T,), "num_sources": C}, sources (C, T))`, with T >= `samples`. A mixture
    that is long enough is not changed. Raises BadInput if `samples` is below 1. Source: Seetharaman et al. 2020,
    Section 4.3: "Mixtures that are too short are padded with zeros to the required length."

    Example: half a second of speech, padded to one second.

        >>> from repro.datasets.mixtures import SpeechMixtures
        >>> from repro.datasets.voices import SyntheticVoices
        >>> voices = SyntheticVoices("test", speakers=2, utterances=1, seconds=0.5)
        >>> inputs, sources = AutoclipPadded(SpeechMixtures(voices, size=1, seconds=0.5), samples=8000)[0]
        >>> inputs["mixture"].shape, sources.shape, bool(sources[:, 4000:].any())
        (torch.Size([8000]), torch.Size([2, 8000]), False)
    """

    def __init__(self, mixtures: Annotated[Any, DATASETS], samples: int) -> None:
        self.mixtures = self.source = mixtures
        self.samples = samples
        if samples < 1:
            raise wrong_value(self, "samples", samples, "at least 1")

    def set_epoch(self, epoch: int) -> None:
        """Choose the mixtures of pass `epoch`, if they change from pass to pass."""
        if hasattr(self.mixtures, "set_epoch"):
            self.mixtures.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.mixtures)

    def __getitem__(self, index: int) -> Item:
        inputs, sources = self.mixtures[index]
        missing = (0, max(0, self.samples - sources.shape[-1]))
        mixture = torch.nn.functional.pad(inputs["mixture"], missing)
        return {**inputs, "mixture": mixture}, torch.nn.functional.pad(sources, missing)

    def fingerprint(self) -> str:
        """Digest of the mixtures and of `samples`."""
        return f"{self.mixtures.fingerprint()}-{self.samples}"


@DATASETS.register
class AutoclipExcerpts(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Excerpts of mixtures as waveforms, for `losses.SNRLoss`.

    Item: `(mixture (T,), sources (C, T))`, T = `samples`. The position is random and changes from pass to pass. An item
    raises BadInput if its mixture is shorter. Source: Seetharaman et al. 2020, Section 4.3.

    Example: a quarter of a second of a mixture.

        >>> from repro.datasets.mixtures import SpeechMixtures
        >>> from repro.datasets.voices import SyntheticVoices
        >>> voices = SyntheticVoices("test", speakers=2, utterances=1, seconds=0.5)
        >>> mixture, sources = AutoclipExcerpts(SpeechMixtures(voices, size=1, seconds=0.5), samples=2000)[0]
        >>> mixture.shape, sources.shape
        (torch.Size([2000]), torch.Size([2, 2000]))
    """

    def __init__(self, mixtures: Annotated[Any, DATASETS], samples: int, seed: int = 0) -> None:
        self.mixtures = self.source = mixtures
        self.samples, self.seed, self.epoch = samples, seed, 0
        if samples < 1:
            raise wrong_value(self, "samples", samples, "at least 1")

    def set_epoch(self, epoch: int) -> None:
        """Choose the positions of pass `epoch`, and its mixtures if they change from pass to pass."""
        self.epoch = epoch
        if hasattr(self.mixtures, "set_epoch"):
            self.mixtures.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.mixtures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        inputs, sources = self.mixtures[index]
        spare = sources.shape[-1] - self.samples
        if spare < 0:
            found = f"at most {sources.shape[-1]}, the samples of mixture {index}"
            raise wrong_value(self, "samples", self.samples, found)
        start = int(np.random.default_rng((self.seed, self.epoch, index)).integers(spare + 1))
        end = start + self.samples
        return inputs["mixture"][start:end], sources[:, start:end]

    def fingerprint(self) -> str:
        """Digest of the mixtures and the parameters."""
        return f"{self.mixtures.fingerprint()}-{self.samples}-{self.seed}"
