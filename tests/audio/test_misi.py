"""Tests of MISI on magnitudes of synthetic voices."""

from __future__ import annotations

import itertools

import pytest
import torch

from repro.audio.misi import consistent, misi
from repro.audio.stft import STFT
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.voices import SyntheticVoices
from repro.metrics.separation import SISDR

SETTINGS = {"speakers": 4, "utterances": 1, "seconds": 1.0}


@pytest.fixture(scope="module", params=[2, 3])
def sources(request: pytest.FixtureRequest) -> torch.Tensor:
    voices = SyntheticVoices("train", **SETTINGS)
    return SpeechMixtures(voices, size=1, num_sources=request.param, seconds=1.0)[0][1]


def test_without_iterations_the_phase_is_that_of_the_mixture(sources: torch.Tensor) -> None:
    stft, mixture = STFT(), sources.sum(0)
    magnitudes, spectrogram = stft(sources).abs(), stft(mixture)
    expected = stft.inverse(torch.polar(magnitudes, spectrogram.angle().expand_as(magnitudes)), len(mixture))
    assert torch.allclose(misi(mixture, magnitudes, stft, 0), expected, atol=1e-5)


def test_the_error_of_the_sum_goes_down(sources: torch.Tensor) -> None:
    stft, mixture = STFT(), sources.sum(0)
    magnitudes = stft(sources).abs()
    errors = [float((misi(mixture, magnitudes, stft, count).sum(0) - mixture).norm()) for count in range(8)]
    assert all(after < before for before, after in itertools.pairwise(errors))
    assert errors[-1] < errors[0] / 3


def test_true_magnitudes_give_better_estimates_than_the_phase_of_the_mixture(sources: torch.Tensor) -> None:
    stft, mixture = STFT(), sources.sum(0)
    rough, one, ten = (SISDR()(misi(mixture, stft(sources).abs(), stft, count), sources, {}) for count in (0, 1, 10))
    assert ten > one + 3 > rough + 4  # dB


def test_true_sources_stay(sources: torch.Tensor) -> None:
    """One source with its own phase is a fixed point."""
    stft, one = STFT(), sources[:1]
    assert torch.allclose(misi(one[0], stft(one).abs(), stft, 4), one, atol=1e-5)


def test_order_and_level(sources: torch.Tensor) -> None:
    stft, mixture = STFT(), sources.sum(0)
    magnitudes = stft(sources).abs()
    found = misi(mixture, magnitudes, stft, 2)
    assert torch.allclose(misi(mixture, magnitudes.flip(0), stft, 2), found.flip(0), atol=1e-5)
    assert torch.allclose(misi(4 * mixture, 4 * magnitudes, stft, 2), 4 * found, atol=1e-4)


def test_consistent_estimates_add_up(sources: torch.Tensor) -> None:
    mixture, estimates = sources.sum(0), torch.randn(sources.shape)
    shared = consistent(estimates, mixture)
    assert torch.allclose(shared.sum(0), mixture, atol=1e-5)
    assert torch.allclose(consistent(shared, mixture), shared, atol=1e-6)
    assert torch.allclose(shared - estimates, (shared - estimates)[:1].expand_as(shared), atol=1e-6)


def test_silence() -> None:
    assert not misi(torch.zeros(2000), torch.zeros(2, 32, 129), STFT(), 3).any()
