"""The core's datasets: synthetic voices, LibriSpeech from the mirror, and mixtures of either."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch

from repro.audio.stft import STFT
from repro.datasets import mirror
from repro.datasets.librispeech import LibriSpeech8k
from repro.datasets.mixtures import SpeechMixtures, active_rms
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.metrics.separation import IdealBinaryMask, SISDRImprovement
from repro.testing import check_dataset

needs_mirror = pytest.mark.skipif(
    not (os.environ.get("REPRO_MIRROR") and (Path(os.environ["REPRO_MIRROR"]) / "librispeech_8k").is_dir()),
    reason="REPRO_MIRROR names no folder with librispeech_8k/",
)


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
    with pytest.raises(BadInput, match="num_sources is 4; the corpus has 3 speakers"):
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


@needs_mirror
def test_librispeech_is_split_by_speaker() -> None:
    splits = {split: LibriSpeech8k(split) for split in ("train", "val", "test")}  # type: ignore[arg-type]
    assert {split: len(data) for split, data in splits.items()} == {"train": 203, "val": 24, "test": 24}
    speakers = [set(data.speaker_of) for data in splits.values()]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 251


@needs_mirror
def test_real_speech_mixes_at_one_level() -> None:
    corpus = LibriSpeech8k("test")
    check_dataset(corpus)
    levels = [active_rms(corpus[index][0]) for index in range(len(corpus))]
    assert max(levels) / min(levels) > 3  # as recorded: 12 dB within one split
    mixtures = SpeechMixtures(corpus, size=10, seconds=2.4)
    check_dataset(mixtures)
    ceiling = IdealBinaryMask(SISDRImprovement())
    values = [ceiling(sources, sources, inputs) for inputs, sources in (mixtures[i] for i in range(10))]
    assert 8 < np.mean(values) < 18  # 13.5 dB on wsj0-2mix (nussl's oracle)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "REPRO_MIRROR is not set; expected the path of a folder that holds librispeech_8k/"),
        ("/nonexistent", "REPRO_MIRROR is /nonexistent, which is no folder"),
    ],
)
def test_a_missing_mirror_is_said(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    monkeypatch.setenv("REPRO_MIRROR", value)
    with pytest.raises(BadInput, match=message):
        LibriSpeech8k("test")


def test_a_mirror_without_the_set_names_the_nearest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "librispeech_16k").mkdir()
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path))
    with pytest.raises(BadInput, match=r"no folder librispeech_8k in .*; did you mean 'librispeech_16k'\?"):
        mirror.folder("librispeech_8k")
