"""LibriSpeech at 8 kHz, one utterance of each of 251 speakers, read from the mirror (`librispeech_8k`).

An excerpt of train-clean-100 (Panayotov et al. 2015, CC BY 4.0) as the Resemblyzer repository ships it (commit
15d828e, `audio_data/librispeech_train-clean-100`), resampled from 16 kHz. `metadata.csv` splits it by speaker:
203 train, 24 val, 24 test, no speaker in two splits.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tarfile
from functools import cached_property
from typing import Literal

import torch
from torch.utils.data import Dataset

from repro.audio.files import read_audio
from repro.datasets import mirror
from repro.errors import BadInput
from repro.registry import DATASETS

ARCHIVE = "train-clean-100_8k_flac.tar"


@DATASETS.register
class LibriSpeech8k(Dataset[tuple[torch.Tensor, int]]):
    """Item: `(samples (T,) float32, speaker int)`, 1.6 to 17 s at 8 kHz, levels as recorded (they differ 26-fold)."""

    sample_rate = 8000

    def __init__(self, split: Literal["train", "val", "test"]) -> None:
        self.split = split
        self.folder = mirror.folder("librispeech_8k")
        for name in ("metadata.csv", ARCHIVE):
            if not (self.folder / name).is_file():
                raise BadInput(f"{self.folder} holds no {name}")
        with (self.folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
            self.rows = [row for row in csv.DictReader(file) if row["split"] == split]
        self.speaker_of = [int(row["speaker"]) for row in self.rows]

    @cached_property
    def _utterances(self) -> list[torch.Tensor]:
        with tarfile.open(self.folder / ARCHIVE) as archive:
            return [self._decode(archive, row) for row in self.rows]

    def _decode(self, archive: tarfile.TarFile, row: dict[str, str]) -> torch.Tensor:
        try:
            member = archive.extractfile(row["file"])
        except KeyError:
            member = None
        if member is None:
            raise ValueError(f"{ARCHIVE} holds no file {row['file']}")
        return read_audio(io.BytesIO(member.read()), self.sample_rate)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self._utterances[index], self.speaker_of[index]

    def fingerprint(self) -> str:
        """Digest of the decoded samples of the whole split, as 16-bit integers."""
        digest = hashlib.sha256()
        for samples in self._utterances:
            digest.update((samples * 32768).round().to(torch.int16).numpy().tobytes())
        return digest.hexdigest()[:16]
