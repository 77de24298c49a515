"""Mixtures of speech: made on the fly from a corpus of single voices, or read from wsj0-2mix on disk.

Letters: C sources, T samples. An item is `({"mixture": (T,), "num_sources": C}, sources (C, T))`, and the mixture is
exactly the sum of the sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.audio.files import read_audio
from repro.audio.show import illustrate
from repro.datasets import mirror
from repro.errors import BadInput
from repro.registry import DATASETS

Item = tuple[dict[str, Any], torch.Tensor]
FRAME = 256  # samples of the frames in which activity is measured: 32 ms at 8 kHz
ACTIVE_DB = 40.0  # a frame this far below the loudest is a pause
LEVEL = 0.05  # RMS of a source in its active frames, before its gain: about -26 dB of full scale


def active_rms(samples: torch.Tensor) -> float:
    """RMS of `samples (T,)` over the frames within 40 dB of the loudest; 0 for silence."""
    frames = torch.nn.functional.pad(samples, (0, -len(samples) % FRAME)).view(-1, FRAME)
    power = frames.pow(2).mean(1)
    return float(power[power >= power.max() * 10 ** (-ACTIVE_DB / 10)].mean().sqrt())


@DATASETS.register
class SpeechMixtures(Dataset[Item]):
    """Random mixtures of `num_sources` different speakers of `corpus`, after the recipe of wsj0-2mix.

    Every source is first set to one active level (files of a corpus may differ 26-fold), then spread over a relative
    level drawn from (0, `level_db`] dB, the first source the loudest, and summed. `corpus` items are
    `(samples, speaker)` with a `speaker_of` list. Excerpts of `seconds` are cut at random places; a shorter
    utterance is padded with silence. Mixture i is a function of `(seed, i)`: the set is fixed, as the paper's is. With
    `fresh` it is a function of `(seed, epoch, i)`: every pass mixes anew, for a corpus too small to be heard twice.
    """

    illustrate = staticmethod(illustrate)

    def __init__(
        self,
        corpus: Annotated[Any, DATASETS],
        size: int,
        num_sources: int = 2,
        seconds: float = 2.4,
        level_db: float = 5.0,
        fresh: bool = False,
        seed: int = 0,
    ) -> None:
        self.corpus, self.size, self.num_sources, self.seed = corpus, size, num_sources, seed
        self.length = round(seconds * corpus.sample_rate)
        self.level_db, self.fresh, self.epoch = level_db, fresh, 0
        spoken: dict[int, list[int]] = {}
        for index, speaker in enumerate(corpus.speaker_of):
            spoken.setdefault(speaker, []).append(index)
        self.utterances = [spoken[speaker] for speaker in sorted(spoken)]  # by speaker
        self.gains: dict[int, float] = {}  # of each utterance, to the common level
        if num_sources > len(self.utterances):
            raise BadInput(
                f"datasets.SpeechMixtures.num_sources is {num_sources}; the corpus has {len(self.utterances)} speakers"
            )

    def set_epoch(self, epoch: int) -> None:
        """Choose the mixtures of pass `epoch`; of no effect unless `fresh`."""
        self.epoch = epoch if self.fresh else 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < self.size:
            raise IndexError(index)
        random = np.random.default_rng((self.seed, self.epoch, index))
        speakers = random.choice(len(self.utterances), self.num_sources, replace=False)
        excerpts = [self._excerpt(self.utterances[speaker], random) for speaker in speakers]
        span = self.level_db * (1 - random.random())  # (0, level_db]
        gains = torch.linspace(span / 2, -span / 2, self.num_sources)
        sources = torch.stack(excerpts) * (10 ** (gains / 20)).unsqueeze(1)
        return {"mixture": sources.sum(0), "num_sources": self.num_sources}, sources

    def _excerpt(self, utterances: list[int], random: np.random.Generator) -> torch.Tensor:
        """`length` samples of one of `utterances` at the common level, not all pause."""
        chosen = utterances[int(random.integers(len(utterances)))]
        samples, _ = self.corpus[chosen]
        if chosen not in self.gains:
            level = active_rms(samples)
            if level == 0:
                raise ValueError(f"utterance {chosen} of the corpus is silent: it cannot be set to a level")
            self.gains[chosen] = LEVEL / level
        spare = max(len(samples) - self.length, 0)
        for _ in range(20):
            start = int(random.integers(spare + 1))
            excerpt = samples[start : start + self.length] * self.gains[chosen]
            if float(excerpt.square().mean()) > (LEVEL / 10) ** 2:
                break
        else:
            raise ValueError(f"utterance {chosen} of the corpus is nearly all pause: no excerpt of it can be used")
        return torch.nn.functional.pad(excerpt, (0, self.length - len(excerpt)))

    def fingerprint(self) -> str:
        """Digest of the corpus, the parameters, and every mixture (of a `fresh` set: the first 8 of the first pass)."""
        parameters = (self.size, self.num_sources, self.length, self.level_db, self.fresh, self.seed)
        epoch, self.epoch = self.epoch, 0
        items = (self[index] for index in range(min(8, self.size) if self.fresh else self.size))
        digest = _digest(items, f"{self.corpus.fingerprint()} {parameters}")
        self.epoch = epoch
        return digest


@DATASETS.register
class WSJ0Mix(Dataset[Item]):
    """wsj0-2mix (or -3mix) as its makers lay it out: `<root>/wav8k/min/{tr,cv,tt}/{mix,s1,s2}/*.wav`.

    `root` is a folder of the mirror. `size` is how many mixtures the split must hold (20,000, 5,000 and 3,000 in the
    paper): another count means another variant of the data, and is refused.
    """

    illustrate = staticmethod(illustrate)

    def __init__(
        self, split: Literal["tr", "cv", "tt"], size: int, root: str = "wsj0-2mix", num_sources: int = 2
    ) -> None:
        self.num_sources, self.sample_rate = num_sources, 8000
        self.folder = mirror.folder(root) / "wav8k" / "min" / split
        self.names = sorted(path.name for path in (self.folder / "mix").glob("*.wav"))
        if len(self.names) != size:
            raise BadInput(f"{self.folder}/mix holds {len(self.names)} wav files; expected {size}")
        missing = [path for name in self.names for path in self._sources(name) if not path.is_file()]
        if missing:
            raise BadInput(f"{missing[0]} is missing, the first of {len(missing)} missing files")

    def _sources(self, name: str) -> list[Path]:
        return [self.folder / f"s{number}" / name for number in range(1, self.num_sources + 1)]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Item:
        name = self.names[index]
        sources = torch.stack([read_audio(path, self.sample_rate) for path in self._sources(name)])
        mixture = read_audio(self.folder / "mix" / name, self.sample_rate)
        return {"mixture": mixture, "num_sources": self.num_sources}, sources

    def fingerprint(self) -> str:
        """Digest of every name, and of eight mixtures spread over the split with their sources."""
        step = max(len(self) // 8, 1)
        return _digest((self[index] for index in range(0, len(self), step)), " ".join(self.names))


def _digest(items: Iterable[Item], parameters: str) -> str:
    digest = hashlib.sha256(parameters.encode())
    for inputs, sources in items:
        for samples in (inputs["mixture"], sources):
            digest.update((samples * 32768).round().to(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:16]
