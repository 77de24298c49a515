"""Mixtures that are not shorter than a training segment.

Letters: C sources, T samples.
"""

from __future__ import annotations

from typing import Annotated, Any

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
