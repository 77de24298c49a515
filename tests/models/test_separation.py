"""Tests of the embedding network and of the separation."""

from __future__ import annotations

import functools
from typing import Literal

import pytest
import torch

from repro.audio.stft import STFT
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.losses.clustering import DeepClustering
from repro.metrics.separation import IdealBinaryMask, SISDRImprovement
from repro.models.separation import EmbeddingNetwork, cluster, masks
from repro.testing import check_model, check_trainer
from repro.trainers.supervised import Supervised


@pytest.fixture(scope="module")
def mixtures() -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("train", speakers=4, utterances=2, seconds=2.0), size=8, seconds=1.5)


def test_battery() -> None:
    check_model(EmbeddingNetwork(hidden=6, embedding=4, frequencies=9), inputs=torch.rand(3, 11, 9))


def test_embeddings_are_unit_vectors_whatever_the_level() -> None:
    network, magnitude = EmbeddingNetwork(hidden=6, embedding=4, frequencies=9), torch.rand(2, 11, 9)
    unit = network(magnitude)
    assert torch.allclose(unit.norm(dim=-1), torch.ones(2, 11, 9), atol=1e-5)
    assert torch.allclose(network(magnitude * 100), unit, atol=1e-4)


def test_clusters_of_perfect_embeddings_are_the_ideal_mask(mixtures: SpeechMixtures) -> None:
    """With one-hot sources as embeddings, the result is the ideal mask. This tests clustering, masks and inverse."""
    inputs, sources = mixtures[0]
    dominant = STFT()(sources).abs().argmax(0)
    spectrogram = STFT()(inputs["mixture"])
    distances = cluster(torch.nn.functional.one_hot(dominant).float(), spectrogram.abs(), 2, len(spectrogram))
    estimate = STFT().inverse(masks(distances, "binary") * spectrogram, sources.shape[-1])
    ours = SISDRImprovement()(estimate, sources, inputs)
    assert ours == pytest.approx(IdealBinaryMask(SISDRImprovement())(estimate, sources, inputs), abs=1e-4)


@pytest.mark.parametrize("kind", ["binary", "soft"])
@pytest.mark.parametrize("number", [2, 3])
def test_estimates_add_up_to_the_mixture(
    mixtures: SpeechMixtures, kind: Literal["binary", "soft"], number: int
) -> None:
    inputs, _ = mixtures[1]
    estimate = EmbeddingNetwork(hidden=6, embedding=4, masks=kind).estimate({**inputs, "num_sources": number})
    assert estimate.shape == (number, len(inputs["mixture"]))
    assert torch.allclose(estimate.sum(0), inputs["mixture"], atol=1e-5)


def test_soft_masks_are_nearest_first() -> None:
    """A soft mask is largest for the cluster of the binary mask, and 0.5 at equal distances."""
    distances = torch.rand(3, 5, 7)
    soft, binary = masks(distances, "soft"), masks(distances, "binary")
    assert torch.equal(soft.argmax(0), binary.argmax(0)) and bool((soft < 1).all())
    assert torch.allclose(masks(torch.ones(2, 1, 1), "soft"), torch.full((2, 1, 1), 0.5))


def test_one_batch_can_be_overfitted(mixtures: SpeechMixtures) -> None:
    """If network, loss and targets fit together, the network memorises a few segments."""
    data = SpectrogramSegments(mixtures, frames=20, weights="magnitude")
    trainer = Supervised(steps=1, batch_size=2, optimizer=functools.partial(torch.optim.Adam, lr=5e-3), clip_norm=1.0)
    torch.manual_seed(0)
    check_trainer(trainer, EmbeddingNetwork(hidden=32, embedding=8), DeepClustering(), data, steps=200, ratio=0.4)
