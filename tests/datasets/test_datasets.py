"""Synthetic voices, and mixtures that are made on the fly. Corpora on disk: datasets/test_recordings.py."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch

from repro.audio.stft import STFT
from repro.datasets.mixtures import SpeechMixtures, active_rms
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset


def test_voices_pass_the_battery() -> None:
    check_dataset(SyntheticVoices("train", speakers=2, utterances=2, seconds=0.5))


def test_splits_share_no_voice_and_one_voice_is_one() -> None:
    train, test = (SyntheticVoices(split, speakers=30, utterances=1) for split in ("train", "test"))
    ours, others = ({train.voice(i).f0 for i in range(30)}, {test.voice(i).f0 for i in range(30)})
    assert len(ours) == len(others) == 30 and not ours & others
    assert train.voice(3).f0 == SyntheticVoices("train", speakers=5, utterances=7).voice(3).f0


@pytest.mark.parametrize("speaker", range(4))
def test_a_voice_has_its_pitch(speaker: int) -> None:
    """The strongest period of the loudest part, by autocorrelation, is near the voice's own."""
    corpus = SyntheticVoices("test", speakers=4, utterances=1, seconds=3.0)
    samples, expected = corpus[speaker][0].numpy(), corpus.voice(speaker).f0
    found = [pitch(samples[start : start + 512]) for start in loud_starts(samples)]
    octaves = np.log2(np.median(found) / expected)
    assert abs(octaves) < 0.5, f"{np.median(found):.0f} Hz for a voice of {expected:.0f} Hz"


def loud_starts(samples: np.ndarray) -> list[int]:
    frames = samples[: len(samples) // 512 * 512].reshape(-1, 512)
    return [int(index) * 512 for index in np.argsort((frames**2).mean(1))[-15:]]


def pitch(frame: np.ndarray) -> float:
    correlation = scipy.signal.correlate(frame, frame)[len(frame) - 1 :]
    shortest, longest = 8000 // 400, 8000 // 70
    return 8000 / (shortest + int(np.argmax(correlation[shortest:longest])))


def test_voices_are_sparse_like_speech() -> None:
    """Few bins hold most of the energy, so that a binary mask can separate."""
    corpus = SyntheticVoices("test", speakers=4, utterances=1)
    for index in range(4):
        power = STFT()(corpus[index][0]).abs().square().flatten().sort(descending=True).values
        assert int((power.cumsum(0) < 0.9 * power.sum()).sum()) < 0.1 * len(power)


def test_mixtures_are_of_different_speakers_at_one_level() -> None:
    corpus = SyntheticVoices("train", speakers=3, utterances=2, seconds=1.5)
    mixtures = SpeechMixtures(corpus, size=5, num_sources=3, seconds=1.5)
    check_dataset(mixtures)
    inputs, sources = mixtures[0]
    assert sources.shape == (3, 12000) and inputs["num_sources"] == 3
    levels = [active_rms(source) for source in sources]
    assert levels == sorted(levels, reverse=True) and levels[0] / levels[2] < 10 ** (5 / 20) * 1.01
    with pytest.raises(BadInput, match="num_sources is 4; expected at most 3, the number of speakers"):
        SpeechMixtures(corpus, size=1, num_sources=4)


def test_the_fingerprint_is_of_everything_that_is_measured() -> None:
    """One other sample in one utterance that is used, another seed, another level: another fingerprint."""

    def mixtures(corpus: SyntheticVoices, **changed: float) -> SpeechMixtures:
        return SpeechMixtures(corpus, **{"size": 12, "seconds": 1.0, **changed})  # type: ignore[arg-type]

    plain, spoilt = (SyntheticVoices("test", speakers=4, utterances=2, seconds=1.0) for _ in range(2))
    spoilt[3][0][4000] += 0.5
    ours = mixtures(plain).fingerprint()
    assert ours == mixtures(SyntheticVoices("test", speakers=4, utterances=2, seconds=1.0)).fingerprint()
    others = [mixtures(spoilt), mixtures(plain, seed=1), mixtures(plain, level_db=4.0), mixtures(plain, fresh=True)]
    assert len({ours, *(other.fingerprint() for other in others)}) == 5


def test_active_rms_ignores_pauses() -> None:
    tone = torch.sin(torch.arange(8192) * 0.3)
    paused = torch.cat([tone, torch.zeros(8192)])
    assert active_rms(paused) == pytest.approx(active_rms(tone), rel=1e-3) == pytest.approx(0.5**0.5, rel=0.01)
    assert active_rms(torch.zeros(4096)) == 0.0


class Corpus:
    """Utterances as they are given, 8 kHz."""

    sample_rate = 8000

    def __init__(self, *utterances: torch.Tensor) -> None:
        self.utterances, self.speaker_of = utterances, [f"speaker {index}" for index in range(len(utterances))]
        self.names = [f"utterance-{index}" for index in range(len(utterances))]

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.utterances[index], index

    def fingerprint(self) -> str:
        return "by hand"


NOISE = torch.randn(16000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (torch.zeros(16000), "utterance-1 of Corpus is silent, so it cannot be scaled to a level"),
        (torch.cat([NOISE[:256], torch.zeros(10**7)]), "utterance-1 of Corpus is almost completely silent"),
    ],
)
def test_what_cannot_be_mixed_is_named(spoilt: torch.Tensor, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        SpeechMixtures(Corpus(NOISE, spoilt), size=1, seconds=0.5)[0]


def test_an_empty_corpus_and_an_empty_set_are_refused() -> None:
    with pytest.raises(BadInput, match="num_sources is 2; expected at most 0, the number of speakers"):
        SpeechMixtures(Corpus(), size=1)
    for wrong in ({"size": 0}, {"size": 1, "seconds": 0.0}, {"size": 1, "num_sources": 0}):
        with pytest.raises(BadInput, match=f"{list(wrong)[-1]} is 0; expected at least 1"):
            SpeechMixtures(Corpus(NOISE, NOISE), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("num_sources", [2, 3])
def test_the_parts_of_a_mixture_are_what_it_is_made_of(num_sources: int) -> None:
    """From the corpus, the starts and the gains alone, by hand."""
    corpus = SyntheticVoices("train", speakers=4, utterances=2, seconds=1.5)
    mixtures = SpeechMixtures(corpus, size=6, num_sources=num_sources, seconds=2.0)  # longer than any: padded
    shorter = SpeechMixtures(corpus, size=6, num_sources=num_sources, seconds=0.7)
    for made in (mixtures, shorter):
        for index in range(6):
            parts, sources = made.parts(index), made[index][1]
            assert len({corpus.speaker_of[part.utterance] for part in parts}) == num_sources
            for part, source in zip(parts, sources, strict=True):
                samples = corpus[part.utterance][0][part.start :][: len(source)] * part.gain
                assert torch.allclose(source[: len(samples)], samples, atol=1e-6)
                assert not source[len(samples) :].any()
