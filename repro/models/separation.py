"""Recurrent networks that separate a mixture by masks on its spectrogram.

Letters: B batch, N frames, F frequencies, D embedding, C sources, T samples.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from repro.audio.misi import misi as reconstruct
from repro.audio.stft import STFT
from repro.models.kmeans import kmeans, squared_distances
from repro.registry import MODELS, wrong_value

LOUD_DB = 40.0  # k-means uses the bins within this distance of the loudest bin; then all bins are assigned
SHARPNESS = 2.0  # factor of the squared distances in soft masks; chosen on validation mixtures

Cell = Literal["LSTM", "GRU"]
Activation = Literal["none", "sigmoid", "tanh"]
ACTIVATIONS = {"none": nn.Identity, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


@MODELS.register
class EmbeddingNetwork(nn.Module):
    """Deep clustering network: `layers` BLSTM layers with `hidden` cells per direction, and a linear layer.

    `forward(magnitude (B, N, F)) -> (B, N, F, D)`, with D = `embedding`. Every D-vector has norm 1. `estimate`
    separates a mixture: it clusters the embeddings by k-means and masks the mixture's spectrogram.

    `frequencies`: F, 129 for the default STFT. `masks`: "binary" gives each bin to its cluster. "soft" shares a bin
    between the clusters according to its distances to their means, similar to nussl. So a bin between two clusters is
    not given completely to the wrong one. `cell`: "GRU" replaces the LSTM cells. `activation`: applied to the output of
    the linear layer, before the norm. `clustering`: "global" clusters the bins of the complete utterance. "local"
    clusters each chunk of `frames` frames alone. The order of the sources then differs between chunks at random;
    `metrics.BestChunkOrder` measures what a perfect order would give. Source: Hershey et al. 2016.

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
        cell: Cell = "LSTM",
        activation: Activation = "none",
        clustering: Literal["global", "local"] = "global",
        frames: int = 100,
    ) -> None:
        super().__init__()
        self.embedding, self.masks, self.stft = embedding, masks, STFT()
        self.clustering, self.frames = clustering, frames
        if frames < 1:
            raise wrong_value(self, "frames", frames, "at least 1")
        self.blstm = recurrent(cell, frequencies, hidden, layers, dropout)
        self.linear = nn.Linear(2 * hidden, embedding * frequencies)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, magnitude: Tensor) -> Tensor:
        hidden, _ = self.blstm(log_features(magnitude))
        return unit_vectors(self.activation(self.linear(hidden)), self.embedding)

    @torch.no_grad()
    def estimate(self, inputs: dict[str, Any]) -> Tensor:
        """Separate one mixture: `{"mixture": (T,), "num_sources": C} -> (C, T)`."""
        mixture = inputs["mixture"].to(self.linear.weight.device)
        spectrogram = self.stft(mixture)
        magnitude = spectrogram.abs()
        frames = self.frames if self.clustering == "local" else len(magnitude)
        distances = cluster(self(magnitude.unsqueeze(0))[0], magnitude, inputs["num_sources"], frames)
        return self.stft.inverse(masks(distances, self.masks) * spectrogram, len(mixture)).cpu()


@MODELS.register
class MaskNetwork(nn.Module):
    """Mask inference network: `layers` recurrent layers, a linear layer, and a sigmoid.

    `forward(magnitude (B, N, F)) -> masks (B, C, N, F)` in [0, 1], with C = `num_sources`. The masks of a bin need not
    add up to 1. `estimate` multiplies them with the spectrogram of the mixture.

    `misi`: iterations of `repro.audio.misi`; 0 uses the phase of the mixture. The other parameters are those of
    `EmbeddingNetwork`. Raises BadInput if `misi` is below 0, and `estimate` for another number of sources.

    Example: an untrained network.

        >>> model = MaskNetwork(hidden=4)
        >>> model(torch.rand(3, 5, 129)).shape
        torch.Size([3, 2, 5, 129])
        >>> model.estimate({"mixture": torch.randn(2000), "num_sources": 2}).shape
        torch.Size([2, 2000])
    """

    def __init__(
        self,
        hidden: int = 600,
        layers: int = 4,
        num_sources: int = 2,
        frequencies: int = 129,
        dropout: float = 0.0,
        cell: Cell = "LSTM",
        misi: int = 0,
    ) -> None:
        super().__init__()
        self.num_sources, self.misi, self.stft = num_sources, misi, STFT()
        _check_misi(self)
        self.blstm = recurrent(cell, frequencies, hidden, layers, dropout)
        self.linear = nn.Linear(2 * hidden, num_sources * frequencies)

    def forward(self, magnitude: Tensor) -> Tensor:
        hidden, _ = self.blstm(log_features(magnitude))
        return sigmoid_masks(self.linear(hidden), self.num_sources)

    def estimate(self, inputs: dict[str, Any]) -> Tensor:
        """Separate one mixture: `{"mixture": (T,), "num_sources": C} -> (C, T)`."""
        return masked(self, self, inputs)


@MODELS.register
class ChimeraNetwork(nn.Module):
    """Network with two heads on the same recurrent layers: embeddings and masks.

    `forward(magnitude (B, N, F)) -> {"embeddings": (B, N, F, D), "masks": (B, C, N, F)}`, as from `EmbeddingNetwork`
    and `MaskNetwork`, with the same parameters. `estimate` uses only the masks.

    Example: an untrained network.

        >>> model = ChimeraNetwork(hidden=4, embedding=3)
        >>> {name: tuple(output.shape) for name, output in model(torch.rand(2, 5, 129)).items()}
        {'embeddings': (2, 5, 129, 3), 'masks': (2, 2, 5, 129)}
        >>> model.estimate({"mixture": torch.randn(2000), "num_sources": 2}).shape
        torch.Size([2, 2000])
    """

    def __init__(
        self,
        hidden: int = 600,
        layers: int = 4,
        embedding: int = 20,
        num_sources: int = 2,
        frequencies: int = 129,
        dropout: float = 0.0,
        cell: Cell = "LSTM",
        activation: Activation = "none",
        misi: int = 0,
    ) -> None:
        super().__init__()
        self.embedding, self.num_sources, self.misi, self.stft = embedding, num_sources, misi, STFT()
        _check_misi(self)
        self.blstm = recurrent(cell, frequencies, hidden, layers, dropout)
        self.linear = nn.Linear(2 * hidden, embedding * frequencies)
        self.mask_linear = nn.Linear(2 * hidden, num_sources * frequencies)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, magnitude: Tensor) -> dict[str, Tensor]:
        hidden, _ = self.blstm(log_features(magnitude))
        embeddings = unit_vectors(self.activation(self.linear(hidden)), self.embedding)
        return {"embeddings": embeddings, "masks": sigmoid_masks(self.mask_linear(hidden), self.num_sources)}

    def estimate(self, inputs: dict[str, Any]) -> Tensor:
        """Separate one mixture: `{"mixture": (T,), "num_sources": C} -> (C, T)`."""
        return masked(self, lambda magnitude: self(magnitude)["masks"], inputs)


def _check_misi(model: MaskNetwork | ChimeraNetwork) -> None:
    if model.misi < 0:
        raise wrong_value(model, "misi", model.misi, "the number of iterations, or 0 for the phase of the mixture")


def recurrent(cell: Cell, frequencies: int, hidden: int, layers: int, dropout: float) -> nn.RNNBase:
    """`layers` bidirectional layers with `hidden` cells per direction: (B, N, F) -> (B, N, 2 * hidden)."""
    kind = {"LSTM": nn.LSTM, "GRU": nn.GRU}[cell]
    return kind(frequencies, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)


def log_features(magnitude: Tensor) -> Tensor:
    """Log magnitudes (B, N, F) with mean about 0 and spread about 1, whatever the level of the item."""
    level = magnitude.square().mean((1, 2), keepdim=True).sqrt() + 1e-8
    return torch.log10(magnitude / level + 1e-3) + 1


def unit_vectors(raw: Tensor, embedding: int) -> Tensor:
    """Vectors (B, N, F, D) of norm 1 from (B, N, D * F)."""
    vectors = raw.unflatten(-1, (embedding, -1))  # (B, N, D, F): the norm is over D
    unit = vectors * torch.rsqrt(vectors.square().sum(2, keepdim=True) + 1e-12)
    return unit.transpose(2, 3)


def sigmoid_masks(raw: Tensor, num_sources: int) -> Tensor:
    """Masks (B, C, N, F) in [0, 1] from (B, N, C * F)."""
    return torch.sigmoid(raw).unflatten(-1, (num_sources, -1)).transpose(1, 2)


@torch.no_grad()
def masked(model: MaskNetwork | ChimeraNetwork, predict: Any, inputs: dict[str, Any]) -> Tensor:
    """Separate one mixture by the masks (1, C, N, F) that `predict` returns for its magnitude (1, N, F)."""
    if int(inputs["num_sources"]) != model.num_sources:
        expected = f"{int(inputs['num_sources'])}, the number of sources in this mixture"
        raise wrong_value(model, "num_sources", model.num_sources, expected)
    mixture = inputs["mixture"].to(model.linear.weight.device)
    spectrogram = model.stft(mixture)
    found = predict(spectrogram.abs().unsqueeze(0))[0]  # (C, N, F)
    if model.misi:
        return reconstruct(mixture, found * spectrogram.abs(), model.stft, model.misi).cpu()
    return model.stft.inverse(found * spectrogram, len(mixture)).cpu()


def cluster(embeddings: Tensor, magnitude: Tensor, num_sources: int, frames: int) -> Tensor:
    """Cluster the loud bins by k-means; returns the squared distances (C, N, F) of all bins to the cluster means.

    embeddings: (N, F, D). magnitude: (N, F). Each chunk of `frames` frames is clustered alone.
    """
    loud = magnitude > magnitude.max() * 10 ** (-LOUD_DB / 20)
    chunks = zip(embeddings.split(frames), loud.split(frames), strict=True)
    return torch.cat([_distances(chunk, heard, num_sources) for chunk, heard in chunks], 1)


def _distances(embeddings: Tensor, loud: Tensor, num_sources: int) -> Tensor:
    """Squared distances (C, N, F) to the means of clusters of the loud bins (N, F) of one chunk (N, F, D)."""
    rows = embeddings.flatten(0, 1)  # (N F, D)
    heard = rows[loud.flatten()] if int(loud.sum()) >= num_sources else rows  # if nearly silent, all bins
    return squared_distances(rows, kmeans(heard, num_sources)).view(num_sources, *loud.shape)


def masks(distances: Tensor, kind: str) -> Tensor:
    """Masks (C, N, F) that sum to 1 over the sources, from squared distances (C, N, F). `kind`: "binary" or "soft"."""
    if kind == "soft":
        return torch.softmax(-SHARPNESS * distances, 0)
    nearest = distances == distances.amin(0)  # argmin takes 100 times as long
    return (nearest & (nearest.cumsum(0) == 1)).to(distances.dtype)  # a tie goes to the first
