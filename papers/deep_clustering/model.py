"""The embedding network, and the separation it allows (Sections 2 and 3).

Letters: B batch, N frames, F frequencies, D embedding, C sources, T samples.
"""

from __future__ import annotations

from typing import Any

import torch
from sklearn.cluster import KMeans
from torch import nn

from repro.audio.stft import STFT
from repro.registry import MODELS

LOUD_DB = 40.0  # k-means learns from the bins within this of the loudest one; all bins are then assigned


@MODELS.register
class EmbeddingNetwork(nn.Module):
    """`layers` BLSTM layers of `hidden` cells each way and one linear layer to `embedding` values a bin.

    `forward(magnitude (B, N, F)) -> (B, N, F, D)`, every D-vector of unit norm (Equation 1 needs it).
    """

    def __init__(
        self, hidden: int = 600, layers: int = 2, embedding: int = 40, frequencies: int = 129, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.embedding, self.stft = embedding, STFT()
        self.blstm = nn.LSTM(frequencies, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)
        self.linear = nn.Linear(2 * hidden, embedding * frequencies)

    def forward(self, magnitude: torch.Tensor) -> torch.Tensor:
        level = magnitude.square().mean((1, 2), keepdim=True).sqrt() + 1e-8
        features = torch.log10(magnitude / level + 1e-3) + 1  # about zero mean, unit spread, whatever the level
        hidden, _ = self.blstm(features)
        raw = self.linear(hidden).unflatten(-1, (self.embedding, -1))  # (B, N, D, F): the norm runs over rows
        unit = raw * torch.rsqrt(raw.square().sum(2, keepdim=True) + 1e-12)
        return unit.transpose(2, 3)

    @torch.no_grad()
    def estimate(self, inputs: dict[str, Any]) -> torch.Tensor:
        """`{"mixture": (T,), "num_sources": C} -> (C, T)`: cluster the embeddings, mask the mixture (Section 3)."""
        mixture = inputs["mixture"].to(self.linear.weight.device)
        spectrogram = self.stft(mixture)
        magnitude = spectrogram.abs()
        labels = cluster(self(magnitude.unsqueeze(0))[0], magnitude, inputs["num_sources"])
        masks = torch.stack([labels == source for source in range(inputs["num_sources"])])  # (C, N, F)
        return self.stft.inverse(masks * spectrogram, len(mixture)).cpu()


def cluster(embeddings: torch.Tensor, magnitude: torch.Tensor, num_sources: int) -> torch.Tensor:
    """The cluster (N, F) of each bin, by k-means over the whole utterance ("global"), its means from loud bins."""
    loud = magnitude > magnitude.max() * 10 ** (-LOUD_DB / 20)
    rows = embeddings.flatten(0, 1).cpu()
    means = KMeans(num_sources, n_init=5, random_state=0).fit(rows[loud.flatten().cpu()].numpy())
    return torch.from_numpy(means.predict(rows.numpy())).view(magnitude.shape).to(magnitude.device)
