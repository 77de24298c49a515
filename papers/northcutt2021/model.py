"""The networks of our own: two convolutions for pictures, and a linear model of n-grams for reviews.

Letters: B items of a batch, C channels, H rows, W columns, L tokens of a review, K classes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import nn

from repro.registry import MODELS, wrong_value


@MODELS.register
class TwoConvolutions(nn.Sequential):
    """Two convolutions and two linear layers: `forward(images (B, 1, H, W)) -> scores (B, K)`.

    Each convolution (5 x 5) is followed by 2 x 2 max pooling and a ReLU. Table 1 names a "2-conv CNN" for MNIST; its
    sizes are not printed. `channels`: of the two convolutions. `hidden`: units of the first linear layer. `side`: H and
    W, from 16.

        >>> TwoConvolutions(classes=10)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        classes: int = 10,
        channels: tuple[int, int] = (10, 20),
        hidden: int = 50,
        dropout: float = 0.25,
        side: int = 28,
    ) -> None:
        if side < 16:
            raise wrong_value(self, "side", side, "a number of pixels from 16")
        first, second = channels
        rest = ((side - 4) // 2 - 4) // 2
        super().__init__(
            *(nn.Conv2d(1, first, 5), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Conv2d(first, second, 5), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(second * rest * rest, hidden), nn.ReLU()),
            *(nn.Dropout(dropout), nn.Linear(hidden, classes)),
        )


@MODELS.register
class NGrams(nn.Module):
    """Logistic regression on the words and pairs of words of a review, each weighted by its log-count ratio.

    `fit(ids (B, L), target (B,))`, for `trainers.FitOnce`; then `forward(ids (B, L)) -> scores (B, 2)`. An n-gram
    counts once per review. `buckets`: n-grams are hashed into so many features. `strength`: C, the inverse of the
    penalty on the weights. 0 in `ids` is padding. Source: Wang and Manning 2012 (NB-SVM, here with the logistic loss).

        >>> model, ids = NGrams(buckets=64), torch.tensor([[2, 3, 0], [4, 5, 0], [2, 6, 0], [4, 7, 0]])
        >>> model.fit(ids, torch.tensor([0, 1, 0, 1]))
        >>> model(ids).argmax(1).tolist()
        [0, 1, 0, 1]
    """

    weights: torch.Tensor
    bias: torch.Tensor

    def __init__(self, buckets: int = 2**18, strength: float = 1.0) -> None:
        super().__init__()
        if not 0 < strength < math.inf:
            raise wrong_value(self, "strength", strength, "a number above 0")
        self.buckets, self.strength = buckets, strength
        self.register_buffer("weights", torch.zeros(buckets, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros((), dtype=torch.float64))

    def fit(self, ids: torch.Tensor, target: torch.Tensor) -> None:
        """Fit the weights in place. The result depends on no random number."""
        from sklearn.linear_model import LogisticRegression

        x, positive = self._present(ids), target.numpy() == 1
        p, q = (np.asarray(x[rows].sum(axis=0)).ravel() + 1 for rows in (positive, ~positive))
        ratio = np.log(p / p.sum()) - np.log(q / q.sum())
        found = LogisticRegression(C=self.strength, solver="liblinear").fit(x.multiply(ratio).tocsr(), positive)
        self.weights.copy_(torch.from_numpy(found.coef_[0] * ratio))
        self.bias.copy_(torch.as_tensor(found.intercept_[0]))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        score = torch.from_numpy(self._present(ids.cpu()) @ self.weights.cpu().numpy()).to(self.bias) + self.bias
        return torch.stack([torch.zeros_like(score), score], 1)

    def _present(self, ids: torch.Tensor) -> sparse.csr_matrix:
        """Which n-grams each review has, (B, buckets), 1 or 0."""
        words = ids.numpy().astype(np.int64)  # (B, L)
        pairs = np.where(words[:, 1:] > 0, words[:, :-1] * 1_000_003 + words[:, 1:] * 7919 + 17, 0)
        grams = np.concatenate([words, pairs], axis=1)
        rows, places = np.nonzero(grams)
        return _ones(rows, grams[rows, places] % self.buckets, (len(words), self.buckets))


def _ones(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], shape: tuple[int, int]) -> sparse.csr_matrix:
    x = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    x.sum_duplicates()
    x.data[:] = 1.0
    return x
