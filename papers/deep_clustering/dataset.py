"""Mixtures that are chosen by the distance of the two pitches."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Any

import torch
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, wrong_value


@DATASETS.register
class PitchDistance(Dataset[tuple[dict[str, Any], torch.Tensor]]):
    """The mixtures of two synthetic voices whose mean pitches are `least` to `most` semitones apart.

    Item: as of `mixtures`, a `datasets.SpeechMixtures` of `datasets.SyntheticVoices`, in the same order. Raises
    BadInput if its mixtures do not have two sources, or if no mixture is in the range.

    Example: of twelve mixtures of four voices, those with distant pitches.

        >>> from repro.datasets.mixtures import SpeechMixtures
        >>> from repro.datasets.voices import SyntheticVoices
        >>> voices = SyntheticVoices("test", speakers=4, utterances=1, seconds=0.5)
        >>> mixtures = SpeechMixtures(voices, size=12, seconds=0.5)
        >>> near, far = PitchDistance(mixtures, most=6.0), PitchDistance(mixtures, least=6.0)
        >>> len(near) + len(far)
        12
    """

    def __init__(self, mixtures: Annotated[Any, DATASETS], least: float = 0.0, most: float = math.inf) -> None:
        if mixtures.num_sources != 2:
            raise wrong_value(mixtures, "num_sources", mixtures.num_sources, "2")
        self.mixtures = self.source = mixtures
        self.illustrate = mixtures.illustrate
        self.least, self.most = least, most
        self.chosen = [index for index in range(len(mixtures)) if least <= self._semitones(index) < most]
        if not self.chosen:
            raise BadInput(f"no mixture has pitches that are {least:g} to {most:g} semitones apart")

    def _semitones(self, index: int) -> float:
        corpus = self.mixtures.corpus
        one, other = (corpus.voice(corpus.speaker_of[part.utterance]).f0 for part in self.mixtures.parts(index))
        return abs(12 * math.log2(one / other))

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], torch.Tensor]:
        item: tuple[dict[str, Any], torch.Tensor] = self.mixtures[self.chosen[index]]
        return item

    def fingerprint(self) -> str:
        """Digest of the mixtures and of which ones are chosen."""
        return hashlib.sha256(f"{self.mixtures.fingerprint()} {self.chosen}".encode()).hexdigest()[:16]
