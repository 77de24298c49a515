"""A network whose dropout stays on in the test, so that it is a source of noise.

Letters: B items of a batch.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from repro.models.dropout_samples import active, has_dropout
from repro.registry import MODELS, name_of, wrong_value


@MODELS.register
class WithDropout(nn.Module):
    """`network`, with dropout in the test as in the training: `forward(inputs (B, ...))` is what `network` gives.

    For a generator that was trained with dropout: its samples differ by the dropout mask, not only by their noise. In
    the test, the masks depend on the inputs of the batch alone, so the same batch gives the same answer, and each item
    has another mask. The random state of torch stays as it is. Raises BadInput for a network without dropout.

    Example:

        >>> network = nn.Sequential(nn.Linear(3, 64), nn.Dropout(0.5))
        >>> model, inputs = WithDropout(network).eval(), torch.ones(2, 3)
        >>> bool((model(inputs)[0] == model(inputs)[1]).all()), bool((model(inputs) == model(inputs)).all())
        (False, True)
    """

    def __init__(self, network: Annotated[Any, MODELS]) -> None:
        super().__init__()
        if not isinstance(network, nn.Module) or not has_dropout(network):
            raise wrong_value(self, "network", name_of(network), "a network with dropout above 0")
        self.network = network

    def forward(self, inputs: Any) -> Any:
        if self.training:
            return self.network(inputs)
        with active(self.network), torch.random.fork_rng():
            torch.manual_seed(seed_of(inputs))
            return self.network(inputs)


def seed_of(inputs: Any) -> int:
    """A seed that depends on the numbers in `inputs`: a tensor, or a list or dict of tensors.

    >>> seed_of(torch.zeros(2)) == seed_of({"noise": torch.zeros(2)}), seed_of(torch.zeros(2)) == seed_of(torch.ones(2))
    (True, False)
    """
    digest = hashlib.sha256()
    for leaf in tree_leaves(inputs):
        digest.update(leaf.detach().cpu().numpy().tobytes() if isinstance(leaf, Tensor) else repr(leaf).encode())
    return int.from_bytes(digest.digest()[:7], "big")
