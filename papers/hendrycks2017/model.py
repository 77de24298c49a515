"""The two classifiers: a perceptron with GELU units for digits, and the mean of word vectors for reviews.

Letters: B items of a batch, L words per review, V words of the vocabulary, E numbers per word vector.
"""

from __future__ import annotations

import itertools
from typing import Literal

import torch
from torch import nn

from repro.registry import MODELS, wrong_value

PIXELS, DIGITS, CLASSES = 28 * 28, 10, 2
GELU_GAIN = 0.425  # the mean square of a GELU unit's output for a normal input, in the authors' code


@MODELS.register
class GeluPerceptron(nn.Sequential):
    """Perceptron with GELU units, of Section 3.1: `forward(images (B, 1, 28, 28)) -> scores (B, 10)`.

    `hidden`: units per hidden layer. The weights of each unit have length 1, divided by the root of a gain for the
    layer's input and one for its output (1 for pixels and scores). The paper cites its reference 2016c for this; the
    gains are those of the authors' code. Biases are 0.

    Example:

        >>> GeluPerceptron(hidden=(8,))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(self, hidden: tuple[int, ...] = (256, 256, 256)) -> None:
        sizes = [PIXELS, *hidden, DIGITS]
        layers = [nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
        for number, layer in enumerate(layers):
            before, after = number > 0, number < len(hidden)
            _initialise(layer, sum(GELU_GAIN if is_gelu else 1.0 for is_gelu in (before, after)))
        units = itertools.chain.from_iterable((layer, nn.GELU()) for layer in layers)
        super().__init__(nn.Flatten(), *list(units)[:-1])


@MODELS.register
class MeanOfWords(nn.Module):
    """Linear classifier of the mean of the word vectors of a review, of Section 3.2.1.

    `forward(ids (B, L)) -> scores (B, 2)`. In `ids`, 0 is padding and 1 to V are words. `words`: V. `embedding`: E.
    `padding`: "counted" takes the mean over all L places, with a vector for padding too, as the authors' code does. So
    the fewer words a review has, the nearer is its mean to that vector. "left out": the mean over the words alone.
    Raises BadInput for another `padding`.

    Example:

        >>> MeanOfWords(words=9)(torch.tensor([[2, 5, 0, 0]])).shape
        torch.Size([1, 2])
    """

    def __init__(self, words: int, embedding: int = 50, padding: Literal["counted", "left out"] = "counted") -> None:
        super().__init__()
        if padding not in ("counted", "left out"):
            raise wrong_value(self, "padding", padding, "'counted' or 'left out'")
        skipped = 0 if padding == "left out" else None
        self.mean = nn.EmbeddingBag(words + 1, embedding, mode="mean", padding_idx=skipped)
        vectors = torch.randn(words + 1, embedding)
        with torch.no_grad():
            self.mean.weight.copy_(vectors / vectors.norm(dim=0))  # each of the E numbers has length 1 over the words
        self.out = nn.Linear(embedding, CLASSES)
        _initialise(self.out, 1.0)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.mean(ids))


def _initialise(layer: nn.Linear, gain: float) -> None:
    """Normal weights, scaled so that those of each unit have the length 1 / sqrt(gain); biases of 0."""
    weights = torch.randn_like(layer.weight)
    with torch.no_grad():
        layer.weight.copy_(weights / weights.norm(dim=1, keepdim=True) / gain**0.5)
        layer.bias.zero_()
