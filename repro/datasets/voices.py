"""A corpus of synthetic voices (`repro.datasets.babble`): the embedded default, which needs no data and no licence.

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
    """Utterances of synthetic people; item = (samples (T,) float32, speaker).

    All is a function of (seed, split, speaker, utterance). Two splits never share a person, yet draw from one
    population. A speaker is a number below `speakers` within its split.

    Args:
        split: any name, such as "train", "validation", "test".
        speakers, utterances: at least 1; their product is the length, speaker by speaker.
        seconds: of every utterance.
        sample_rate: in Hz.
        seed: of the whole corpus.
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
        """The person behind a number."""
        return draw_voice(self._generator(speaker, 0))

    def fingerprint(self) -> str:
        """sha256 of the parameters and of the first, middle and last utterance at 16 bits.

        16 bits, because the last bits of a float depend on the maths library of the machine.
        """
        parameters = (self.split, self.speakers, self.utterances, self.seconds, self.sample_rate, self.seed)
        digest = hashlib.sha256(repr(parameters).encode())
        for index in (0, len(self) // 2, len(self) - 1):
            digest.update((self[index][0] * 32767).round().to(torch.int16).numpy().tobytes())
        return digest.hexdigest()

    def _generator(self, speaker: int, utterance: int) -> np.random.Generator:
        key = (zlib.crc32(self.split.encode()), speaker, utterance)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
