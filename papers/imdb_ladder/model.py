"""Classifiers of reviews, the ladder's rungs that are trained from scratch.

B reviews, L tokens of each, V words, E numbers in the embedding of a word, C = 2 classes. All take `ids (B, L)`, where
0 is padding behind a review, and give scores `(B, C)`. How much padding there is changes none of them.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import MODELS

CLASSES = 2


@MODELS.register
class BagOfWords(nn.Module):
    """A linear model of the counts of the words, or with `hidden` units a perceptron with one hidden layer.

    The sum of the rows of a weight matrix over a review's tokens is the product of its counts (V,) with that matrix: no
    vector of counts is ever made. The weights begin as those of `nn.Linear(V, ...)` do.
    """

    def __init__(self, words: int, hidden: int = 0) -> None:
        super().__init__()
        width = hidden or CLASSES
        self.weights = nn.EmbeddingBag(words, width, mode="sum", padding_idx=0)
        bound = words**-0.5
        nn.init.uniform_(self.weights.weight, -bound, bound)
        self.bias = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(hidden, CLASSES)) if hidden else nn.Identity()

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.weights(ids) + self.bias)


@MODELS.register
class WordEmbeddings(nn.Module):
    """The mean of the embeddings of a review's words, (B, E), and a linear model of it."""

    def __init__(self, words: int, embedding: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.embed = nn.EmbeddingBag(words, embedding, mode="mean", padding_idx=0)
        self.out = nn.Sequential(nn.Dropout(dropout), nn.Linear(embedding, CLASSES))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.embed(ids))


@MODELS.register
class Cnn(nn.Module):
    """Filters over the embeddings of 3, 4 and 5 words in a row, their largest answer in the review, and a linear model.

    `filters`: of each width. As many zeros as a filter is wide, less one, stand before and behind a review, so that a
    short one has windows too.
    """

    def __init__(
        self,
        words: int,
        embedding: int = 64,
        filters: int = 64,
        widths: tuple[int, ...] = (3, 4, 5),
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.embed = _embedding(words, embedding)
        self.filters = nn.ModuleList(nn.Conv1d(embedding, filters, width, padding=width - 1) for width in widths)
        self.out = nn.Sequential(nn.Dropout(dropout), nn.Linear(filters * len(widths), CLASSES))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embed(ids).transpose(1, 2)  # (B, E, L)
        there = (ids != 0).unsqueeze(1).to(x.dtype)  # (B, 1, L)
        return self.out(torch.cat([self._largest(convolve, x, there) for convolve in self.filters], 1))

    @staticmethod
    def _largest(convolve: nn.Module, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """The largest answer (B, filters) of the windows that begin or end within the review; 0 is the least."""
        width = convolve.kernel_size[0]
        answers = convolve(x).relu()  # (B, filters, L + width - 1)
        seen = nn.functional.pad(there, (0, width - 1))
        seen = nn.functional.max_pool1d(nn.functional.pad(seen, (width - 1, 0)), width, 1)  # any word in the window
        return (answers * seen).amax(2)


@MODELS.register
class Rnn(nn.Module):
    """A bidirectional LSTM of `hidden` cells each way, its largest outputs over a review (B, 2 hidden), a linear model.

    The way back reads each review from its own last word, so that no cell sees padding before words. Two LSTMs of one
    way each do that several times as fast on a CPU as one of two ways on packed sequences.
    """

    def __init__(self, words: int, embedding: int = 64, hidden: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.embed = _embedding(words, embedding)
        self.there = nn.LSTM(embedding, hidden, batch_first=True)
        self.back = nn.LSTM(embedding, hidden, batch_first=True)
        self.out = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * hidden, CLASSES))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        lengths, places = (ids != 0).sum(1, keepdim=True), torch.arange(ids.shape[1], device=ids.device)
        turned = ids.gather(1, torch.where(places < lengths, lengths - 1 - places, places))
        ways = zip((self.there, self.back), (ids, turned), strict=True)
        return self.out(torch.cat([self._largest(lstm(self.embed(given))[0], given) for lstm, given in ways], 1))

    @staticmethod
    def _largest(outputs: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """The largest of the outputs (B, L, hidden) at the words; they all lie above -1."""
        return outputs.masked_fill((ids == 0).unsqueeze(2), -1.0).amax(1)


@MODELS.register
class Transformer(nn.Module):
    """An encoder from scratch: embeddings of words and places, `layers` layers, the mean over words, a linear model.

    `length`: the most tokens that it has places for; `heads` must divide `embedding`.
    """

    def __init__(
        self, words: int, length: int, embedding: int = 64, heads: int = 2, layers: int = 1, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.embed = _embedding(words, embedding)
        self.place = nn.Parameter(0.1 * torch.randn(length, embedding))  # little beside the words: they say most
        self.layers = nn.ModuleList(EncoderLayer(embedding, heads) for _ in range(layers))
        self.norm, self.drop = nn.LayerNorm(embedding), nn.Dropout(dropout)
        self.out = nn.Linear(embedding, CLASSES)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        words = ids != 0
        words[:, 0] = True  # a review without a word is one of padding: attention to nothing gives NaN
        x = self.drop(self.embed(ids) + self.place[: ids.shape[1]])
        for layer in self.layers:
            x = layer(x, words)
        weights = words.unsqueeze(2).to(x.dtype)  # (B, L, 1)
        return self.out(self.drop((self.norm(x) * weights).sum(1) / weights.sum(1)))


class EncoderLayer(nn.Module):
    """Attention over a review's words, then two layers of 2 E and E units, each added to what it is given.

    The norm comes first (Xiong et al. 2020), which needs no warm-up of the learning rate. `nn.TransformerEncoderLayer`
    does the same; without dropout of the attention's weights, never made as a whole here, a step takes a fifth.
    """

    def __init__(self, embedding: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(embedding), nn.LayerNorm(embedding)
        self.query_key_value = nn.Linear(embedding, 3 * embedding)
        self.mix = nn.Linear(embedding, embedding)
        self.units = nn.Sequential(nn.Linear(embedding, 2 * embedding), nn.ReLU(), nn.Linear(2 * embedding, embedding))

    def forward(self, x: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """x: (B, L, E); words (B, L) bool: where there is one. Returns (B, L, E)."""
        split = self.query_key_value(self.first(x)).unflatten(2, (3, self.heads, -1))  # (B, L, 3, heads, E / heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # (B, heads, L, E / heads) each
        found = nn.functional.scaled_dot_product_attention(query, key, value, words[:, None, None])
        x = x + self.mix(found.transpose(1, 2).flatten(2))
        return x + self.units(self.second(x))


def _embedding(words: int, embedding: int) -> nn.Embedding:
    """A tenth of torch's own beginning, standard deviation 1: a word is then soon what it is trained to be."""
    made = nn.Embedding(words, embedding, padding_idx=0)
    with torch.no_grad():
        made.weight.mul_(0.1)
    return made
