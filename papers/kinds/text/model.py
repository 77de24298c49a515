"""A bag of word embeddings, as an example of a paper's own model.

Letters: B texts of a batch, L words of a text, K classes.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import MODELS, wrong_value


@MODELS.register
class MeanEmbedding(nn.Module):
    """Mean of the word embeddings, then a linear model: `forward(numbers (B, L)) -> scores (B, K)` (Section 3).

    The number 0 is padding, which does not count. `words`: how many numbers there are. `embedding`: length of the
    vector of a word. `classes`: K. Raises BadInput if one of them is below 1.

    Example:

        >>> MeanEmbedding(words=10)(torch.tensor([[2, 5, 7, 0]])).shape
        torch.Size([1, 2])
    """

    def __init__(self, words: int, embedding: int = 32, classes: int = 2) -> None:
        super().__init__()
        for name, value in (("words", words), ("embedding", embedding), ("classes", classes)):
            if value < 1:
                raise wrong_value(self, name, value, "a whole number above 0")
        self.embed = nn.EmbeddingBag(words, embedding, mode="mean", padding_idx=0)
        self.out = nn.Linear(embedding, classes)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return self.out(self.embed(numbers))
