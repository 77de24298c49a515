"""Random mixtures of speech from a corpus of single voices.

Letters: C sources, T samples.

An item is `({"mixture": (T,), "num_sources": C}, sources (C, T))`. The mixture is exactly the sum of the sources.

A corpus is a dataset whose items are `(samples (T,), anything)`. It has `speaker_of`, the speaker of each item, and a
`sample_rate` in Hz. It may have `names`. The module `mixture_lists` reads mixtures from a list, and `layouts` reads
mixtures from wav files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.data.sound_panels import illustrate
from repro.errors import BadInput
from repro.registry import DATASETS, wrong_value

Item = tuple[dict[str, Any], torch.Tensor]
FRAME = 256  # samples per frame when measuring activity: 32 ms at 8 kHz
ACTIVE_DB = 40.0  # a frame this far below the loudest is a pause
LEVEL = 0.05  # RMS of a source in its active frames, before its gain: about -26 dB of full scale


def active_rms(samples: torch.Tensor) -> float:
    """RMS of `samples (T,)` over the active frames, which are within 40 dB of the loudest one; 0 for silence."""
    frames = torch.nn.functional.pad(samples, (0, -len(samples) % FRAME)).view(-1, FRAME)
    power = frames.pow(2).mean(1)
    return float(power[power >= power.max() * 10 ** (-ACTIVE_DB / 10)].mean().sqrt())


class Part(NamedTuple):
    """One source of a mixture: the index of the utterance, its first sample, and its gain."""

    utterance: int
    start: int
    gain: float  # linear


class Excerpt(NamedTuple):
    """A segment of an utterance, scaled to the common level: samples `(T,)`, not padded yet."""

    utterance: int
    start: int
    samples: torch.Tensor


@DATASETS.register
class SpeechMixtures(Dataset[Item]):
    """Random mixtures of `num_sources` different speakers of `corpus`, with the levels of wsj0-2mix.

    Item: `({"mixture": (T,), "num_sources": C}, sources (C, T))`. T is `seconds` times the sample rate of the corpus.

    First every utterance is scaled to the same level in its active frames, because files of a corpus can differ by a
    factor of 26. Then a level difference is drawn uniformly from (0, `level_db`] dB. The first source is the loudest,
    the last is softer by this difference. Segments are cut at random positions. A shorter utterance is padded with
    silence.

    Mixture i depends on `(seed, i)` only, so the set is fixed. With `fresh` it depends on `(seed, epoch, i)`: every
    pass has new mixtures, which helps if the corpus is small.

    Raises BadInput if the corpus has fewer than `num_sources` speakers, or if a size is below 1. An item raises
    BadInput if its utterance is silent or nearly all pause.

    Example: ten mixtures of two synthetic voices.

        >>> from repro.datasets.voices import SyntheticVoices
        >>> voices = SyntheticVoices("test", speakers=2, utterances=1, seconds=0.5)
        >>> mixtures = SpeechMixtures(voices, size=10, seconds=0.25)
        >>> inputs, sources = mixtures[0]
        >>> sources.shape, bool((inputs["mixture"] == sources.sum(0)).all())
        (torch.Size([2, 2000]), True)
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
        self.corpus = self.source = corpus
        self.size, self.num_sources, self.seed = size, num_sources, seed
        self.sample_rate, self.length = corpus.sample_rate, round(seconds * corpus.sample_rate)
        self.level_db, self.fresh, self.epoch = level_db, fresh, 0
        spoken: dict[Any, list[int]] = {}
        for index, speaker in enumerate(corpus.speaker_of):
            spoken.setdefault(speaker, []).append(index)
        self.utterances = [spoken[speaker] for speaker in sorted(spoken)]  # by speaker
        self.gains: dict[int, float] = {}  # by utterance: the gain that brings it to the common level
        if num_sources > len(self.utterances):
            most = f"at most {len(self.utterances)}, the number of speakers of the corpus"
            raise wrong_value(self, "num_sources", num_sources, most)
        for name, value in {"size": size, "num_sources": num_sources, "seconds": self.length}.items():
            if value < 1:
                raise wrong_value(self, name, value, "at least 1 (seconds: at least one sample)")

    def set_epoch(self, epoch: int) -> None:
        """Choose the mixtures of pass `epoch`, counted from 0. Without `fresh` this has no effect."""
        self.epoch = epoch if self.fresh else 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """The items of a batch, computed together; a `DataLoader` calls it."""
        drawn = [self._draw(index) for index in indices]
        sources = torch.zeros(len(drawn), self.num_sources, self.length)
        for row, (excerpts, _) in enumerate(drawn):
            for padded, one in zip(sources[row], excerpts, strict=True):
                padded[: len(one.samples)] = one.samples
        sources *= torch.stack([gains for _, gains in drawn]).unsqueeze(2)
        mixtures = zip(sources.sum(1), sources, strict=True)
        return [({"mixture": mixture, "num_sources": self.num_sources}, parts) for mixture, parts in mixtures]

    def parts(self, index: int) -> list[Part]:
        """The sources of mixture `index`: utterance, first sample and gain of each, as a list stores them."""
        excerpts, gains = self._draw(index)
        levels = [self.gains[one.utterance] * gain for one, gain in zip(excerpts, gains.tolist(), strict=True)]
        return [Part(one.utterance, one.start, level) for one, level in zip(excerpts, levels, strict=True)]

    def _draw(self, index: int) -> tuple[list[Excerpt], torch.Tensor]:
        """The segments of mixture `index`, and their relative gains `(C,)`."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        random = np.random.default_rng((self.seed, self.epoch, index))
        speakers = random.choice(len(self.utterances), self.num_sources, replace=False)
        excerpts = [self._excerpt(self.utterances[speaker], random) for speaker in speakers]
        span = self.level_db * (1 - random.random())  # (0, level_db]
        return excerpts, 10 ** (torch.linspace(span / 2, -span / 2, self.num_sources) / 20)

    def _excerpt(self, utterances: list[int], random: np.random.Generator) -> Excerpt:
        """At most `length` samples of one of `utterances`, at the common level, and not only a pause."""
        chosen = utterances[int(random.integers(len(utterances)))]
        samples = self.corpus[chosen][0]
        if chosen not in self.gains:
            level = active_rms(samples)
            if level == 0:
                raise BadInput(f"{called(self.corpus, chosen)} is silent, so it cannot be scaled to a level")
            self.gains[chosen] = LEVEL / level
        spare = max(len(samples) - self.length, 0)
        for _ in range(20):
            start = int(random.integers(spare + 1))
            excerpt = samples[start : start + self.length] * self.gains[chosen]
            if float(excerpt.square().mean()) > (LEVEL / 10) ** 2:
                return Excerpt(chosen, start, excerpt)
        raise BadInput(f"{called(self.corpus, chosen)} is almost completely silent, so no excerpt of it can be used")

    def fingerprint(self) -> str:
        """Digest of the corpus, the parameters and every mixture. With `fresh`: the first 8 of the first pass."""
        parameters = (self.size, self.num_sources, self.length, self.level_db, self.fresh, self.seed)
        epoch, self.epoch = self.epoch, 0
        items = (self[index] for index in range(min(8, self.size) if self.fresh else self.size))
        found = digest(items, f"{self.corpus.fingerprint()} {parameters}")
        self.epoch = epoch
        return found


def called(corpus: Any, index: int) -> str:
    """The name of item `index` of a corpus for an error message."""
    kind = type(corpus).__name__
    return f"{corpus.names[index]} of {kind}" if hasattr(corpus, "names") else f"utterance {index} of {kind}"


def digest(items: Iterable[Item], parameters: str) -> str:
    """Digest, 16 hexadecimal digits, of `parameters` and of all samples rounded to 16 bits."""
    found = hashlib.sha256(parameters.encode())
    for inputs, sources in items:
        for samples in (inputs["mixture"], sources):
            found.update((samples * 32768).round().to(torch.int16).numpy().tobytes())
    return found.hexdigest()[:16]
