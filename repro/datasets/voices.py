"""A corpus of synthetic voices (`repro.datasets.babble`), which needs no download and no licence.

Letters: T samples.
"""

from __future__ import annotations

import hashlib
import zlib

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.datasets.babble import Voice, draw_voice, synthesise
from repro.registry import DATASETS


@DATASETS.register
class SyntheticVoices(Dataset[tuple[torch.Tensor, int]]):
    """Utterances of synthetic speakers, generated on demand.

    Item: `(samples (T,) float32, speaker int)`. An utterance depends only on `(seed, split, speaker, utterance)`. Two
    splits have no speaker in common, but their speakers come from the same population. Within a split, a speaker is a
    number below `speakers`.

    split: any name, such as "train", "validation", "test". speakers, utterances: at least 1; the dataset has
    `speakers * utterances` items, sorted by speaker. seconds: length of every utterance, at least 0.1. sample_rate: in
    Hz. seed: of the complete corpus. Raises ValueError if a value is too small.

    Example:

        >>> voices = SyntheticVoices("test", speakers=2, utterances=3, seconds=0.5)
        >>> samples, speaker = voices[5]
        >>> len(voices), samples.shape, speaker
        (6, torch.Size([4000]), 1)
    """

    def __init__(
        self,
        split: str = "train",
        speakers: int = 40,
        utterances: int = 20,
        seconds: float = 3.0,
        sample_rate: int = 8000,
        seed: int = 0,
    ) -> None:
        if min(speakers, utterances) < 1 or seconds < 0.1:
            raise ValueError(f"speakers={speakers}, utterances={utterances}, seconds={seconds}: at least 1, 1 and 0.1")
        self.split, self.speakers, self.utterances = split, speakers, utterances
        self.seconds, self.sample_rate, self.seed = seconds, sample_rate, seed
        self.speaker_of = [speaker for speaker in range(speakers) for _ in range(utterances)]
        self._made: dict[int, torch.Tensor] = {}

    def __len__(self) -> int:
        return len(self.speaker_of)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        if index not in self._made:
            speaker, utterance = divmod(index, self.utterances)
            rng = self._generator(speaker, 1 + utterance)
            samples = synthesise(rng, self.voice(speaker), self.seconds, self.sample_rate)
            self._made[index] = torch.from_numpy(samples.astype(np.float32))
        return self._made[index], self.speaker_of[index]

    def voice(self, speaker: int) -> Voice:
        """The parameters of the voice of `speaker`."""
        return draw_voice(self._generator(speaker, 0))

    def fingerprint(self) -> str:
        """SHA-256 of the parameters and of three utterances: the first, the middle and the last.

        The samples are rounded to 16 bits, because the last bits of a float depend on the machine's maths library.
        """
        parameters = (self.split, self.speakers, self.utterances, self.seconds, self.sample_rate, self.seed)
        digest = hashlib.sha256(repr(parameters).encode())
        for index in (0, len(self) // 2, len(self) - 1):
            digest.update((self[index][0] * 32767).round().to(torch.int16).numpy().tobytes())
        return digest.hexdigest()

    def _generator(self, speaker: int, utterance: int) -> np.random.Generator:
        key = (zlib.crc32(self.split.encode()), speaker, utterance)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
