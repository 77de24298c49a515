"""Classifiers of reviews that are trained from scratch.

Letters: B reviews, L tokens per review, V words, E numbers per word embedding, C = 2 classes.

All models map `ids (B, L)` to scores `(B, C)`. In `ids`, 0 is padding after a review. The amount of padding does not
change the scores.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import MODELS

CLASSES = 2


@MODELS.register
class BagOfWords(nn.Module):
    """Bag of words: a linear model of the word counts, or a perceptron with one hidden layer of `hidden` units.

    `forward(ids (B, L)) -> scores (B, C)`. `words`: V. The product of the counts (V,) with a weight matrix is the sum
    of the matrix rows over the tokens of the review. So the model never builds the vector of counts. The initial
    weights have the distribution of `nn.Linear(V, ...)`.

    Example: the order of the words does not matter.

        >>> model = BagOfWords(words=10)
        >>> torch.allclose(model(torch.tensor([[2, 5, 7, 0]])), model(torch.tensor([[7, 2, 5, 0]])))
        True
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
    """Mean of the word embeddings of a review, then a linear model.

    `forward(ids (B, L)) -> scores (B, C)`. `words`: V. `embedding`: E.

    Example:

        >>> WordEmbeddings(words=10)(torch.tensor([[2, 5, 7, 0]])).shape
        torch.Size([1, 2])
    """

    def __init__(self, words: int, embedding: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.embed = nn.EmbeddingBag(words, embedding, mode="mean", padding_idx=0)
        self.out = nn.Sequential(nn.Dropout(dropout), nn.Linear(embedding, CLASSES))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.embed(ids))


@MODELS.register
class Cnn(nn.Module):
    """Convolutional network over word embeddings, with max pooling over the review and a linear model.

    `forward(ids (B, L)) -> scores (B, C)`. `words`: V. `embedding`: E. `widths`: the widths of the filters in words.
    `filters`: number of filters per width. A review is padded with width - 1 zeros on both sides, so that a short
    review has windows too.

    Example:

        >>> Cnn(words=10)(torch.tensor([[2, 5, 7, 0]])).shape
        torch.Size([1, 2])
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
        """The largest output (B, filters) over the windows that overlap the review; at least 0, because of the ReLU."""
        width = convolve.kernel_size[0]
        answers = convolve(x).relu()  # (B, filters, L + width - 1)
        seen = nn.functional.pad(there, (0, width - 1))
        seen = nn.functional.max_pool1d(nn.functional.pad(seen, (width - 1, 0)), width, 1)  # 1 if it has a word
        return (answers * seen).amax(2)


@MODELS.register
class Rnn(nn.Module):
    """Bidirectional LSTM with `hidden` cells per direction, max pooling over the review (B, 2 hidden), a linear model.

    `forward(ids (B, L)) -> scores (B, C)`. `words`: V. `embedding`: E. The backward direction starts at the last word
    of each review, so that it does not read padding before words. The model has one LSTM per direction. On a CPU this
    is several times faster than one bidirectional LSTM on packed sequences.

    Example:

        >>> Rnn(words=10, hidden=4)(torch.tensor([[2, 5, 7, 0]])).shape
        torch.Size([1, 2])
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
        """The largest outputs (B, hidden) over the words, from outputs (B, L, hidden), which are all above -1."""
        return outputs.masked_fill((ids == 0).unsqueeze(2), -1.0).amax(1)


@MODELS.register
class Transformer(nn.Module):
    """Transformer encoder trained from scratch, then the mean over the words and a linear model.

    `forward(ids (B, L)) -> scores (B, C)`. `words`: V. `length`: the largest L. `embedding`: E, a multiple of `heads`.
    `layers`: number of encoder layers. The positions have trained embeddings.

    Example:

        >>> Transformer(words=10, length=4, embedding=8)(torch.tensor([[2, 5, 7, 0]])).shape
        torch.Size([1, 2])
    """

    def __init__(
        self, words: int, length: int, embedding: int = 64, heads: int = 2, layers: int = 1, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.embed = _embedding(words, embedding)
        self.place = nn.Parameter(0.1 * torch.randn(length, embedding))  # small: words matter more
        self.layers = nn.ModuleList(EncoderLayer(embedding, heads) for _ in range(layers))
        self.norm, self.drop = nn.LayerNorm(embedding), nn.Dropout(dropout)
        self.out = nn.Linear(embedding, CLASSES)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        words = ids != 0
        words[:, 0] = True  # for a review without words: attention over nothing would be NaN
        x = self.drop(self.embed(ids) + self.place[: ids.shape[1]])
        for layer in self.layers:
            x = layer(x, words)
        weights = words.unsqueeze(2).to(x.dtype)  # (B, L, 1)
        return self.out(self.drop((self.norm(x) * weights).sum(1) / weights.sum(1)))


class EncoderLayer(nn.Module):
    """Encoder layer: attention over the words, then two layers with 2 E and E units, each with a residual connection.

    The layer norm comes first (Xiong et al. 2020), so that the learning rate needs no warm-up. The result is that of
    `nn.TransformerEncoderLayer` without dropout. A step takes a fifth of its time, because the matrix of attention
    weights is never stored.
    """

    def __init__(self, embedding: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(embedding), nn.LayerNorm(embedding)
        self.query_key_value = nn.Linear(embedding, 3 * embedding)
        self.mix = nn.Linear(embedding, embedding)
        self.units = nn.Sequential(nn.Linear(embedding, 2 * embedding), nn.ReLU(), nn.Linear(2 * embedding, embedding))

    def forward(self, x: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """x (B, L, E), words (B, L) bool, True where there is a word -> (B, L, E)."""
        split = self.query_key_value(self.first(x)).unflatten(2, (3, self.heads, -1))  # (B, L, 3, heads, E / heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # (B, heads, L, E / heads) each
        found = nn.functional.scaled_dot_product_attention(query, key, value, words[:, None, None])
        x = x + self.mix(found.transpose(1, 2).flatten(2))
        return x + self.units(self.second(x))


def _embedding(words: int, embedding: int) -> nn.Embedding:
    """An embedding with initial standard deviation 0.1 instead of torch's 1, so that training changes it faster."""
    made = nn.Embedding(words, embedding, padding_idx=0)
    with torch.no_grad():
        made.weight.mul_(0.1)
    return made
