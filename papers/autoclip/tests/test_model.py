"""Tests of the network that is trained on waveforms, and of the excerpts that it is trained with."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import default_collate

from papers.autoclip.dataset import AutoclipExcerpts
from papers.autoclip.model import AutoclipWaveformNetwork
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.losses.waveforms import SNRLoss
from repro.models.separation import MaskNetwork
from repro.testing import check_dataset, check_model


@pytest.fixture(scope="module")
def excerpts() -> AutoclipExcerpts:
    voices = SyntheticVoices("test", speakers=3, utterances=1, seconds=1.0)
    return AutoclipExcerpts(SpeechMixtures(voices, size=4, seconds=1.0), samples=2000)


def test_battery(excerpts: AutoclipExcerpts) -> None:
    check_dataset(excerpts)
    check_model(AutoclipWaveformNetwork(MaskNetwork(hidden=4, layers=1)), torch.randn(3, 2000))


def test_an_excerpt_is_a_part_of_mixture_and_sources(excerpts: AutoclipExcerpts) -> None:
    mixture, sources = excerpts[1]
    assert torch.allclose(mixture, sources.sum(0), atol=1e-6)
    whole = excerpts.mixtures[1][0]["mixture"].unfold(0, 2000, 1)
    assert bool((whole == mixture).all(1).any())


def test_a_mixture_that_is_too_short_is_refused(excerpts: AutoclipExcerpts) -> None:
    with pytest.raises(BadInput, match="samples is 9000"):
        AutoclipExcerpts(excerpts.mixtures, samples=9000)[0]


def test_the_estimate_is_the_output_of_the_training(excerpts: AutoclipExcerpts) -> None:
    network, (mixture, _) = AutoclipWaveformNetwork(MaskNetwork(hidden=4, layers=1)), excerpts[0]
    network.eval()
    separated = network.estimate({"mixture": mixture, "num_sources": 2})
    torch.testing.assert_close(network(mixture.unsqueeze(0))[0], separated, rtol=1e-4, atol=1e-5)


def test_the_loss_of_one_batch_falls(excerpts: AutoclipExcerpts) -> None:
    torch.manual_seed(0)
    network, loss = AutoclipWaveformNetwork(MaskNetwork(hidden=16, layers=1)), SNRLoss()
    mixture, sources = default_collate([excerpts[index] for index in range(2)])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    values = []
    for _ in range(60):
        optimizer.zero_grad()
        value = loss(network(mixture), sources)
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    assert values[-1] < values[0] - 3  # dB
