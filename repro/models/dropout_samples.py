"""Monte Carlo dropout: probabilities of a classifier from several random dropout masks.

With dropout in the test, each pass through the network uses other weights. The spread of the answers says how unsure
the network is. Source: Gal and Ghahramani 2016, *Dropout as a Bayesian approximation*.

Letters: T passes, B items of a batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

ROUNDED = 0.01
"""By how much the sum of a row may differ from 1 and still be a sum of probabilities."""


def samples(network: nn.Module, inputs: Tensor, passes: int, seed: int = 0) -> Tensor:
    """Probabilities (T, B, K) of `passes` dropout masks, for inputs (B, ...). All other layers are in eval mode.

    The masks depend on `seed` and on the place of an item in its batch. The random state of torch and the mode of the
    network stay as they are. Of an `nn.Sequential`, the layers before the first dropout are computed once.

    A model that has its own `dropout_samples(inputs, passes, seed)` is asked instead.

    Example:

        >>> network = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 2))
        >>> found = samples(network, torch.rand(4, 3), passes=5)
        >>> found.shape, bool((found[0] == found[1]).all()), torch.allclose(found.sum(2), torch.ones(5, 4))
        (torch.Size([5, 4, 2]), False, True)
    """
    own = getattr(network, "dropout_samples", None)
    if callable(own):
        found: Tensor = own(inputs, passes, seed)
        return found
    with active(network), torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        before, after = _split(network)
        shared = before(inputs)
        return torch.stack([probabilities(after(shared)) for _ in range(passes)])


def has_dropout(network: nn.Module) -> bool:
    """Whether the network has a layer of dropout that does something, or has its own `dropout_samples`.

    >>> has_dropout(nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.0)))
    False
    """
    layers = (layer for layer in network.modules() if isinstance(layer, _DropoutNd))
    return hasattr(network, "dropout_samples") or any(layer.p > 0 for layer in layers)


def probabilities(outputs: Tensor) -> Tensor:
    """The probabilities (B, K) that a classifier's outputs (B, K) mean.

    They are the outputs, if these are between 0 and 1 and each row has the sum 1; otherwise the softmax of each row.

    >>> probabilities(torch.tensor([[0.25, 0.75]])), probabilities(torch.tensor([[1.0, 1.0]]))
    (tensor([[0.2500, 0.7500]]), tensor([[0.5000, 0.5000]]))
    """
    sums = outputs.sum(dim=-1)
    done = bool((outputs >= 0).all()) and bool(((sums - 1).abs() <= ROUNDED).all())
    return outputs if done else outputs.softmax(dim=-1)


@contextmanager
def active(network: nn.Module) -> Iterator[None]:
    """Within the `with`, the dropout layers are in training mode and all others in eval mode."""
    modes = {layer: layer.training for layer in network.modules()}
    network.eval()
    for layer in modes:
        if isinstance(layer, _DropoutNd):
            layer.train()
    try:
        yield
    finally:
        for layer, mode in modes.items():
            layer.training = mode


def _split(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The layers before the first one with dropout, and the others."""
    if not isinstance(network, nn.Sequential) or type(network).forward is not nn.Sequential.forward:
        return nn.Identity(), network
    layers = list(network)
    random = (at for at, layer in enumerate(layers) if any(isinstance(one, _DropoutNd) for one in layer.modules()))
    first = next(random, len(layers))
    return nn.Sequential(*layers[:first]), nn.Sequential(*layers[first:])
