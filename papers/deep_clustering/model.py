"""The embedding network, and separation by clustering its embeddings.

We could not read the PDF of the paper. We read in a blog post that it has two BLSTM layers and a linear layer. The
default sizes (600 cells, 40 dimensions) are from memory.

Letters: B batch, N frames, F frequencies, D embedding, C sources, T samples.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from sklearn.cluster import KMeans
from torch import nn

from repro.audio.nussl import import_nussl
from repro.audio.stft import STFT, WINDOWS
from repro.errors import BadInput
from repro.registry import MODELS

LOUD_DB = 40.0  # k-means uses the bins within this distance of the loudest bin; then all bins are assigned
SHARPNESS = 2.0  # factor of the squared distances in soft masks; chosen on validation mixtures


@MODELS.register
class EmbeddingNetwork(nn.Module):
    """Deep clustering network: `layers` BLSTM layers with `hidden` cells per direction, and a linear layer.

    `forward(magnitude (B, N, F)) -> (B, N, F, D)`, with D = `embedding`. Every D-vector has norm 1. `estimate`
    separates a mixture: it clusters the embeddings by k-means and masks the mixture's spectrogram.

    `frequencies`: F, 129 for the default STFT. `masks`: "binary" gives each bin to its cluster. "soft" shares a bin
    between the clusters according to its distances to their means, similar to nussl. So a bin between two clusters is
    not given completely to the wrong one. Source: Hershey et al. 2016.

    Example: an untrained network.

        >>> model = EmbeddingNetwork(hidden=4, embedding=3)
        >>> model(torch.rand(2, 5, 129)).shape
        torch.Size([2, 5, 129, 3])
        >>> model.estimate({"mixture": torch.randn(2000), "num_sources": 2}).shape
        torch.Size([2, 2000])
    """

    def __init__(
        self,
        hidden: int = 600,
        layers: int = 2,
        embedding: int = 40,
        frequencies: int = 129,
        dropout: float = 0.0,
        masks: Literal["binary", "soft"] = "binary",
    ) -> None:
        super().__init__()
        self.embedding, self.masks, self.stft = embedding, masks, STFT()
        self.blstm = nn.LSTM(frequencies, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)
        self.linear = nn.Linear(2 * hidden, embedding * frequencies)

    def forward(self, magnitude: torch.Tensor) -> torch.Tensor:
        level = magnitude.square().mean((1, 2), keepdim=True).sqrt() + 1e-8
        features = torch.log10(magnitude / level + 1e-3) + 1  # mean about 0 and spread about 1, at every level
        hidden, _ = self.blstm(features)
        raw = self.linear(hidden).unflatten(-1, (self.embedding, -1))  # (B, N, D, F): the norm is over D
        unit = raw * torch.rsqrt(raw.square().sum(2, keepdim=True) + 1e-12)
        return unit.transpose(2, 3)

    @torch.no_grad()
    def estimate(self, inputs: dict[str, Any]) -> torch.Tensor:
        """Separate one mixture: `{"mixture": (T,), "num_sources": C} -> (C, T)`."""
        mixture = inputs["mixture"].to(self.linear.weight.device)
        spectrogram = self.stft(mixture)
        magnitude = spectrogram.abs()
        distances = cluster(self(magnitude.unsqueeze(0))[0], magnitude, inputs["num_sources"])
        return self.stft.inverse(masks(distances, self.masks) * spectrogram, len(mixture)).cpu()


def cluster(embeddings: torch.Tensor, magnitude: torch.Tensor, num_sources: int) -> torch.Tensor:
    """Cluster the loud bins by k-means; returns the squared distances (C, N, F) of all bins to the cluster means.

    embeddings: (N, F, D). magnitude: (N, F). There is one clustering for the complete utterance, not one per segment.
    """
    loud = (magnitude > magnitude.max() * 10 ** (-LOUD_DB / 20)).flatten()
    rows = embeddings.flatten(0, 1)  # (N F, D)
    heard = rows[loud] if int(loud.sum()) >= num_sources else rows  # for nearly silent mixtures, use all bins
    found = KMeans(num_sources, n_init=5, random_state=0).fit(heard.cpu().numpy())
    means = torch.from_numpy(found.cluster_centers_).to(rows)
    return torch.cdist(means, rows).square().view(num_sources, *magnitude.shape)


def masks(distances: torch.Tensor, kind: str) -> torch.Tensor:
    """Masks (C, N, F) that sum to 1 over the sources, from squared distances (C, N, F). `kind`: "binary" or "soft"."""
    if kind == "soft":
        return torch.softmax(-SHARPNESS * distances, 0)
    sources = torch.arange(len(distances), device=distances.device)[:, None, None]
    return (distances.argmin(0) == sources).to(distances.dtype)


# --- nussl's network, as a baseline -------------------------------------------------------------------------------

SAMPLE_RATE = 8000  # in Hz; nussl's signals have a rate
WINDOW, HOP = 256, 64  # samples: 32 ms and 8 ms, the defaults of nussl and of `STFT`
ACTIVATION = ["sigmoid", "unit_norm"]  # of the embeddings, in nussl's recipe for deep clustering


@MODELS.register
class NusslDeepClustering(nn.Module):
    """nussl's network and nussl's separation, as a baseline for `EmbeddingNetwork`. `trainers.NusslTrainer` trains it.

    `forward(magnitude (B, N, F)) -> (B, N, F, D)`, with D = `embedding`. F is 129, as in `STFT`. `estimate` separates a
    mixture with `nussl.separation.deep.DeepClustering`.

    The network is `nussl.ml.networks.builders.build_recurrent_dpcl`: decibels, batch normalisation over all bins,
    `layers` BLSTM layers with `hidden` cells per direction, and a linear layer. Then a sigmoid and a division by the
    norm, so the embeddings have no negative number. In training, an item's output depends on its batch, because of the
    batch normalisation.

    The separation has nussl's defaults: k-means on the 10 % loudest bins, and soft masks from the distances to the
    means. The random state of k-means is fixed; its number of starts is the default of the installed scikit-learn.

    Raises BadInput if nussl is not installed. Source: the recipe `recipes/wham/deep_clustering.py` of nussl.

    Example: an untrained network.

        >>> model = NusslDeepClustering(hidden=4, embedding=3)
        >>> model(torch.rand(2, 5, 129)).shape
        torch.Size([2, 5, 129, 3])
        >>> model.eval().estimate({"mixture": torch.randn(2000), "num_sources": 2}).shape
        torch.Size([2, 2000])
    """

    def __init__(self, hidden: int = 600, layers: int = 4, embedding: int = 20, dropout: float = 0.3) -> None:
        super().__init__()
        build = nussl().ml.networks.builders.build_recurrent_dpcl
        self.network = nussl().ml.SeparationModel(
            build(WINDOW // 2 + 1, hidden, layers, True, dropout, embedding, ACTIVATION)
        )

    def forward(self, magnitude: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = self.network({"mix_magnitude": as_nussl(magnitude)})["embedding"]
        return embedding.squeeze(3)  # nussl's axis of channels

    def estimate(self, inputs: dict[str, Any]) -> torch.Tensor:
        """Separate one mixture: `{"mixture": (T,), "num_sources": C} -> (C, T)`."""
        signal = nussl().AudioSignal(audio_data_array=inputs["mixture"].cpu().numpy(), sample_rate=SAMPLE_RATE)
        separator = nussl().separation.deep.DeepClustering(signal, inputs["num_sources"], random_state=0)
        self._load_into(separator)
        return torch.stack([torch.from_numpy(one.audio_data[0]) for one in separator()]).float()

    def _load_into(self, separator: Any) -> None:
        """Do what `separator.load_model` does with a file, with the network in memory."""
        transforms = nussl().datasets.transforms
        separator.model, separator.device = self.network, next(self.network.parameters()).device
        separator.transform = transforms.Compose(
            [transforms.MagnitudeSpectrumApproximation(), transforms.ToSeparationModel()]
        )
        parameters = nussl().STFTParams(window_length=WINDOW, hop_length=HOP, window_type="sqrt_hann")
        separator.metadata.update(sample_rate=SAMPLE_RATE, num_channels=1, stft_params=parameters)


def nussl() -> Any:
    """The nussl package. Raises BadInput, with the command that installs it, if it is not there."""
    try:
        return import_nussl()
    except ImportError as error:
        raise BadInput(f"this part needs nussl: {error}") from error


def as_nussl(magnitude: torch.Tensor) -> torch.Tensor:
    """Magnitudes (..., F) of `STFT` in nussl's scale, and with its axis of channels: (..., F, 1)."""
    return (magnitude / WINDOWS["sqrt_hann"](WINDOW).sum().item()).unsqueeze(-1)  # nussl divides by the window's sum
