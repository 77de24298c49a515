"""Tests of mixtures with the levels of wsj0-2mix, and of the training segments."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch

from papers.deep_clustering.dataset import DominantSources
from repro.audio.stft import STFT
from repro.datasets.layouts import WSJ0Mix
from repro.datasets.mixtures import SpeechMixtures, active_rms
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset


@pytest.fixture(scope="module")
def mixtures() -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("train", speakers=4, utterances=2, seconds=2.0), size=6, seconds=1.5)


def test_battery(mixtures: SpeechMixtures) -> None:
    check_dataset(DominantSources(mixtures, frames=20))


def test_dominant_source_is_the_loudest(mixtures: SpeechMixtures) -> None:
    data = DominantSources(mixtures, frames=188)  # the complete segment: 12,000 samples, 64 per frame
    magnitude, target = data[0]
    inputs, sources = mixtures[0]
    one, two = STFT()(sources).abs()
    assert torch.allclose(magnitude, STFT()(inputs["mixture"]).abs(), atol=1e-5)
    assert torch.equal(target["dominant"].bool(), two > one)


def test_a_segment_is_cut_from_the_whole_spectrogram(mixtures: SpeechMixtures) -> None:
    """Only the segment is transformed. Away from its ends, this equals a part of the complete spectrogram."""
    whole = STFT()(mixtures[2][0]["mixture"]).abs()
    data = DominantSources(mixtures, frames=20)
    for epoch in range(20):
        data.set_epoch(epoch)
        segment = data[2][0]
        errors = [float((whole[start : start + 20] - segment).abs().max()) for start in range(len(whole) - 19)]
        assert min(errors) < 1e-4
    data.set_epoch(0)


def test_silent_bins_have_no_weight(mixtures: SpeechMixtures) -> None:
    magnitude, target = DominantSources(mixtures, frames=100)[1]
    loud = 20 * torch.log10(magnitude / magnitude.max()) > -40
    assert torch.equal(target["weights"].bool(), loud)
    _, by_magnitude = DominantSources(mixtures, frames=100, weights="magnitude")[1]
    assert torch.allclose(by_magnitude["weights"], magnitude * loud)


def test_segments_change_from_pass_to_pass(mixtures: SpeechMixtures) -> None:
    data = DominantSources(mixtures, frames=20)
    before = [data[index][0] for index in range(6)]
    data.set_epoch(1)
    assert any(not torch.equal(one, data[index][0]) for index, one in enumerate(before))


def test_a_segment_longer_than_the_mixture_is_refused(mixtures: SpeechMixtures) -> None:
    with pytest.raises(BadInput, match="frames is 500; expected at most 188"):
        DominantSources(mixtures, frames=500)[0]


def wsj0(root: Path, split: str, count: int, sources: int = 2) -> None:
    """Write `count` mixtures in the layout of wsj0-2mix. The mixture is the sum of the sources."""
    folder = root / "wsj0-2mix" / "wav8k" / "min" / split
    for number in range(count):
        parts = 0.1 * torch.randn(sources, 4000 + 100 * number, generator=torch.Generator().manual_seed(number))
        for name, samples in {"mix": parts.sum(0), **{f"s{i + 1}": part for i, part in enumerate(parts)}}.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / name / f"u{number}_1.5_v{number}_-1.5.wav", samples.numpy(), 8000, subtype="FLOAT")


def test_wsj0_layout_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wsj0(tmp_path, "tt", count=3)
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path))
    data = WSJ0Mix("tt", size=3)
    check_dataset(data)
    inputs, sources = data[2]
    assert sources.shape == (2, 4200) and inputs["num_sources"] == 2
    assert torch.allclose(inputs["mixture"], sources.sum(0), atol=1e-6)
    check_dataset(DominantSources(data, frames=30))


def test_another_variant_of_wsj0_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wsj0(tmp_path, "tt", count=3)
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path))
    with pytest.raises(BadInput, match="contains 3 wav files; expected 3000"):
        WSJ0Mix("tt", size=3000)
    next((tmp_path / "wsj0-2mix/wav8k/min/tt/s2").iterdir()).unlink()
    with pytest.raises(BadInput, match=r"s2/u.* is missing, the first of 1"):
        WSJ0Mix("tt", size=3)


def test_levels_are_those_of_wsj0_2mix() -> None:
    corpus = SyntheticVoices("train", speakers=6, utterances=2, seconds=2.0)
    for index in range(len(corpus)):
        corpus[index][0].mul_(26 ** (index / (len(corpus) - 1)))  # as much as in a real corpus
    mixtures = SpeechMixtures(corpus, size=60, seconds=2.0)
    ratios = []
    for index in range(len(mixtures)):
        inputs, sources = mixtures[index]
        assert torch.allclose(inputs["mixture"], sources.sum(0))
        ratios.append(20 * torch.log10(torch.tensor(active_rms(sources[0]) / active_rms(sources[1]))))
    spread = torch.stack(ratios)
    assert float(spread.min()) > -0.01 and float(spread.max()) <= 5.01  # complete utterances have exact levels
    assert float(spread.min()) < 1 and float(spread.max()) > 4  # uniform over (0, 5]
