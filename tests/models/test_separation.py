"""Tests of the networks for separation, of clustering and of masks."""

from __future__ import annotations

import functools
from typing import Any, Literal

import numpy as np
import pytest
import torch

from repro.audio.nussl import import_nussl
from repro.audio.stft import STFT
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.losses.clustering import DeepClustering
from repro.metrics.separation import IdealBinaryMask, SISDRImprovement
from repro.models.separation import ChimeraNetwork, EmbeddingNetwork, MaskNetwork, cluster, masks
from repro.testing import check_model, check_trainer
from repro.trainers.supervised import Supervised


@pytest.fixture(scope="module")
def mixtures() -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("train", speakers=4, utterances=2, seconds=2.0), size=8, seconds=1.5)


class Flat(torch.nn.Module):
    """A network with two heads whose outputs are one tensor (B, ...)."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, magnitude: torch.Tensor) -> torch.Tensor:
        return torch.cat([output.flatten(1) for output in self.network(magnitude).values()], 1)


SMALL: dict[str, Any] = {"hidden": 6, "layers": 2, "frequencies": 9}
NETWORKS = {
    "embeddings": EmbeddingNetwork(embedding=4, **SMALL),
    "GRU and sigmoid": EmbeddingNetwork(embedding=4, cell="GRU", activation="sigmoid", **SMALL),
    "tanh": EmbeddingNetwork(embedding=4, activation="tanh", **SMALL),
    "masks": MaskNetwork(num_sources=3, **SMALL),
    "masks, GRU": MaskNetwork(cell="GRU", **SMALL),
    "chimera": Flat(ChimeraNetwork(embedding=4, **SMALL)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_battery(name: str) -> None:
    check_model(NETWORKS[name], inputs=torch.rand(3, 11, 9))


@pytest.mark.parametrize("name", NETWORKS)
def test_level_does_not_matter(name: str) -> None:
    magnitude = torch.rand(2, 11, 9)
    assert torch.allclose(NETWORKS[name](magnitude * 100), NETWORKS[name](magnitude), atol=1e-4)


def test_heads_of_the_chimera() -> None:
    network = ChimeraNetwork(embedding=4, num_sources=3, activation="sigmoid", **SMALL)
    output = network(torch.rand(2, 11, 9))
    assert output["masks"].shape == (2, 3, 11, 9) and output["embeddings"].shape == (2, 11, 9, 4)
    assert bool(((output["masks"] > 0) & (output["masks"] < 1)).all())
    assert torch.allclose(output["embeddings"].norm(dim=-1), torch.ones(2, 11, 9), atol=1e-5)
    assert bool((output["embeddings"] >= 0).all())  # a sigmoid is never negative


def test_embeddings_are_unit_vectors() -> None:
    unit = EmbeddingNetwork(embedding=4, **SMALL)(torch.rand(2, 11, 9))
    assert torch.allclose(unit.norm(dim=-1), torch.ones(2, 11, 9), atol=1e-5)


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


def test_local_clustering_of_one_chunk_is_global(mixtures: SpeechMixtures) -> None:
    network = EmbeddingNetwork(hidden=6, embedding=4)
    whole = network.estimate(mixtures[2][0])
    network.clustering, network.frames = "local", 188  # 12,000 samples
    assert torch.equal(network.estimate(mixtures[2][0]), whole)
    network.frames = 40
    assert not torch.equal(network.estimate(mixtures[2][0]), whole)


def test_local_clustering_sees_one_chunk() -> None:
    embeddings, magnitude = torch.nn.functional.normalize(torch.randn(100, 9, 4), dim=-1), torch.ones(100, 9)
    found = cluster(embeddings, magnitude, 2, frames=40)
    for start in (0, 40, 80):
        piece = slice(start, start + 40)
        assert torch.equal(found[:, piece], cluster(embeddings[piece], magnitude[piece], 2, frames=100))


@pytest.mark.parametrize("misi", [0, 3])
@pytest.mark.parametrize("kind", [MaskNetwork, ChimeraNetwork])
def test_equal_masks_share_the_mixture(mixtures: SpeechMixtures, kind: Any, misi: int) -> None:
    network = kind(hidden=6, misi=misi)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)  # all masks are 0.5
    inputs, _ = mixtures[3]
    assert torch.allclose(network.estimate(inputs), inputs["mixture"].expand(2, -1) / 2, atol=1e-5)


def test_estimates_are_seeded(mixtures: SpeechMixtures) -> None:
    network, state = EmbeddingNetwork(hidden=6, embedding=4), torch.get_rng_state()
    first = network.estimate(mixtures[4][0])
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(5)
    assert torch.equal(network.estimate(mixtures[4][0]), first)


@pytest.mark.parametrize("network", [EmbeddingNetwork(6, embedding=4), MaskNetwork(6, misi=2)])
def test_silence_stays_silent(network: Any) -> None:
    assert not network.estimate({"mixture": torch.zeros(2000), "num_sources": 2}).any()


def test_another_number_of_sources_is_refused() -> None:
    with pytest.raises(BadInput) as error:
        MaskNetwork(6, num_sources=2).estimate({"mixture": torch.randn(2000), "num_sources": 3})
    assert (error.value.parameter, error.value.value) == ("num_sources", 2)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [(MaskNetwork, "misi", -1), (ChimeraNetwork, "misi", -1), (EmbeddingNetwork, "frames", 0)],
)
def test_a_value_out_of_range_is_refused(kind: Any, name: str, value: int) -> None:
    with pytest.raises(BadInput) as error:
        kind(**{name: value})
    assert (error.value.parameter, error.value.value) == (name, value)


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        EmbeddingNetwork(6).estimate({"mixture": torch.full((2000,), torch.nan), "num_sources": 2})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("network", [EmbeddingNetwork(6, embedding=4, masks="soft"), MaskNetwork(6, misi=2)])
def test_a_gpu_gives_the_estimates_of_the_cpu(mixtures: SpeechMixtures, network: Any) -> None:
    here = network.estimate(mixtures[5][0])
    there = network.cuda().estimate(mixtures[5][0])
    assert there.device.type == "cpu" and torch.allclose(there, here, atol=1e-3)


def test_separation_is_that_of_nussl(mixtures: SpeechMixtures) -> None:
    """The same embeddings: our masks are nussl's in nearly all bins, and the same masks give the same audio."""
    nussl, mixture = import_nussl(), mixtures[0][0]["mixture"]
    parameters = nussl.STFTParams(window_length=256, hop_length=64, window_type="sqrt_hann")
    signal = nussl.AudioSignal(audio_data_array=mixture.numpy()[None], sample_rate=8000, stft_params=parameters)
    magnitude = torch.from_numpy(signal.stft()).abs()[..., 0].T.float()  # (N, F)
    random = torch.Generator().manual_seed(0)
    owner = torch.randint(2, magnitude.shape, generator=random)
    noise = 0.15 * torch.randn(*magnitude.shape, 4, generator=random)
    embeddings = torch.nn.functional.normalize(torch.eye(4)[owner] + noise, dim=-1)
    theirs = nussl.separation.base.ClusteringSeparationBase(
        signal, 2, percentile=50, mask_type="binary", n_init=5, random_state=0
    )
    theirs.extract_features = lambda: embeddings.transpose(0, 1).unsqueeze(2).numpy()  # (F, N, 1, D)
    theirs._preprocess_audio_signal()
    found = torch.stack([torch.from_numpy(mask.mask)[..., 0].T for mask in theirs.run()]).float()
    ours = masks(cluster(embeddings, magnitude, 2, len(magnitude)), "binary")
    agree = max(float((ours == found).float().mean()), float((ours.flip(0) == found).float().mean()))
    assert agree > 0.999
    audio = torch.from_numpy(np.stack([one.audio_data[0] for one in theirs.make_audio_signals()])).float()
    spectrogram = STFT()(mixture)
    again = STFT().inverse(found[:, : len(spectrogram)] * spectrogram, len(mixture))
    assert torch.allclose(again[:, 512:-512], audio[:, 512:-512], atol=1e-4)  # nussl pads the ends with zeros


def test_one_batch_can_be_overfitted(mixtures: SpeechMixtures) -> None:
    """If network, loss and targets fit together, the network memorises a few segments."""
    data = SpectrogramSegments(mixtures, frames=20, weights="magnitude")
    trainer = Supervised(steps=1, batch_size=2, optimizer=functools.partial(torch.optim.Adam, lr=5e-3), clip_norm=1.0)
    torch.manual_seed(0)
    check_trainer(trainer, EmbeddingNetwork(hidden=32, embedding=8), DeepClustering(), data, steps=150, ratio=0.4)
