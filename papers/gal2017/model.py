"""The network of the paper: the example of Keras for MNIST at that time."""

from __future__ import annotations

from torch import nn

from repro.registry import MODELS, wrong_value


@MODELS.register
class KerasExample(nn.Sequential):
    """Convolutions with dropout: images (B, 1, 28, 28) -> logits (B, K). K is `classes`, from 2.

    Two convolutions of `kernels` kernels of 4 x 4 with ReLU, 2 x 2 max pooling, dropout 0.25, a dense layer of 128
    units with ReLU, dropout 0.5, a dense layer (Section 5). As in Keras, weights are uniform with the limit
    sqrt(6 / (inputs + outputs)) and biases are 0 (Glorot and Bengio 2010). Raises BadInput for other numbers than whole
    ones from 1.

    Example:

        >>> import torch
        >>> network = KerasExample()
        >>> network(torch.rand(2, 1, 28, 28)).shape, sum(one.numel() for one in network.parameters())
        (torch.Size([2, 10]), 513994)
    """

    def __init__(self, kernels: int = 32, units: int = 128, classes: int = 10) -> None:
        for name, value, least in (("kernels", kernels, 1), ("units", units, 1), ("classes", classes, 2)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise wrong_value(self, name, value, f"a whole number from {least}")
        super().__init__(
            *(nn.Conv2d(1, kernels, 4), nn.ReLU(), nn.Conv2d(kernels, kernels, 4), nn.ReLU()),
            *(nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(), nn.Linear(kernels * 11 * 11, units), nn.ReLU()),
            *(nn.Dropout(0.5), nn.Linear(units, classes)),
        )
        for layer in self:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
