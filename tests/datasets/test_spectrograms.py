"""Tests of the training segments: what is in an item, and a batch against its items."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from repro.audio.stft import STFT
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import TOGETHER, SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset, same


@pytest.fixture(scope="module")
def mixtures() -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("train", speakers=4, utterances=2, seconds=2.0), size=6, seconds=1.5)


def test_battery(mixtures: SpeechMixtures) -> None:
    check_dataset(SpectrogramSegments(mixtures, frames=20, sources=True))


def test_dominant_source_is_the_loudest(mixtures: SpeechMixtures) -> None:
    data = SpectrogramSegments(mixtures, frames=188)  # the complete segment: 12,000 samples, 64 per frame
    magnitude, target = data[0]
    inputs, sources = mixtures[0]
    one, two = STFT()(sources).abs()
    assert torch.allclose(magnitude, STFT()(inputs["mixture"]).abs(), atol=1e-5)
    assert torch.equal(target["dominant"].bool(), two > one)


def test_a_segment_is_cut_from_the_whole_spectrogram(mixtures: SpeechMixtures) -> None:
    """Only the segment is transformed. Away from its ends, this equals a part of the complete spectrogram."""
    whole = STFT()(mixtures[2][0]["mixture"]).abs()
    data = SpectrogramSegments(mixtures, frames=20)
    for epoch in range(20):
        data.set_epoch(epoch)
        segment = data[2][0]
        errors = [float((whole[start : start + 20] - segment).abs().max()) for start in range(len(whole) - 19)]
        assert min(errors) < 1e-4
    data.set_epoch(0)


def test_silent_bins_have_no_weight(mixtures: SpeechMixtures) -> None:
    magnitude, target = SpectrogramSegments(mixtures, frames=100)[1]
    loud = 20 * torch.log10(magnitude / magnitude.max()) > -40
    assert torch.equal(target["weights"].bool(), loud)
    _, by_magnitude = SpectrogramSegments(mixtures, frames=100, weights="magnitude")[1]
    assert torch.allclose(by_magnitude["weights"], magnitude * loud)


def test_segments_change_from_pass_to_pass(mixtures: SpeechMixtures) -> None:
    data = SpectrogramSegments(mixtures, frames=20)
    before = [data[index][0] for index in range(6)]
    data.set_epoch(1)
    assert any(not torch.equal(one, data[index][0]) for index, one in enumerate(before))


def test_a_segment_longer_than_the_mixture_is_refused(mixtures: SpeechMixtures) -> None:
    with pytest.raises(BadInput, match="frames is 500; expected at most 188"):
        SpectrogramSegments(mixtures, frames=500)[0]


@pytest.mark.parametrize("sources", [False, True])
def test_a_batch_has_the_items(mixtures: SpeechMixtures, sources: bool) -> None:
    data = SpectrogramSegments(mixtures, frames=188, sources=sources)  # both ends of the mixture are in the segment
    order = [3, 0, 5, 1, 2, 4, 3]  # more frames than are transformed at once
    assert len(order) * 188 > TOGETHER
    assert same(data.__getitems__(order), [data[index] for index in order])


def test_a_loader_gives_the_items(mixtures: SpeechMixtures) -> None:
    data = SpectrogramSegments(mixtures, frames=20, weights="magnitude")
    magnitude, target = next(iter(DataLoader(data, batch_size=3)))
    for row in range(3):
        assert torch.equal(magnitude[row], data[row][0])
        assert all(torch.equal(target[name][row], value) for name, value in data[row][1].items())


def test_targets_of_masks_are_of_the_same_segment(mixtures: SpeechMixtures) -> None:
    data = SpectrogramSegments(mixtures, frames=188, sources=True)
    magnitude, target = data[0]
    inputs, sources = mixtures[0]
    mixture, separate = STFT()(inputs["mixture"]), STFT()(sources)
    assert torch.equal(target["mixture"], magnitude)
    assert torch.allclose(target["sources"], separate.abs(), atol=1e-5)
    difference = mixture.angle() - separate.angle()
    loud = (mixture.abs() > 1e-3) & (separate.abs() > 1e-3)  # the phase of a quiet bin is rounding noise
    assert torch.allclose(target["cosine"][loud], difference.cos()[loud], atol=1e-3)


def test_sources_in_phase_add_up_to_the_mixture(mixtures: SpeechMixtures) -> None:
    """The projections of the sources on the mixture add up to its magnitude, because the sources add up to it."""
    magnitude, target = SpectrogramSegments(mixtures, frames=100, sources=True)[1]
    assert torch.allclose((target["sources"] * target["cosine"]).sum(0), magnitude, atol=1e-4)


def test_silence_has_finite_targets() -> None:
    class Silence:
        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> Any:
            return {"mixture": torch.zeros(4000), "num_sources": 2}, torch.zeros(2, 4000)

    magnitude, target = SpectrogramSegments(Silence(), frames=20, sources=True)[0]
    assert not magnitude.any() and not any(bool(value.any()) for value in target.values())
