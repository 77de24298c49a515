"""A model that answers each item with a network that has not been trained on it.

Letters: F folds, B items of a batch.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Annotated, Any

import torch
from torch import nn

from repro.errors import BadInput
from repro.registry import MODELS, name_of, wrong_value


@MODELS.register
class OutOfSample(nn.Module):
    """F copies of `network`, one for each fold: `forward(inputs (B, ...)) -> output (B, ...)` asks the right one.

    Each item is in one fold. `trainers.CrossValidated` trains the network of a fold on the items of all other folds.
    In the test, an item is answered by the network of its fold, so its answer is always *out of sample*. While the
    model trains (`model.train()`), the answer is the mean of all networks.

    The fold of an item depends on its inputs and on the seed of the run, and on nothing else. So equal items are in the
    same fold, and no network has seen a copy of an item that it answers. The sizes of the folds differ a little.
    `folds`: F, from 2. All networks start with the same weights. Raises BadInput for fewer folds, and for inputs that
    are not a tensor.

    Example: a network of three numbers in two folds.

        >>> model = OutOfSample(nn.Linear(3, 2), folds=2).eval()
        >>> inputs = torch.rand(5, 3)
        >>> model(inputs).shape
        torch.Size([5, 2])
        >>> one = model.networks[model.fold(inputs[0])]
        >>> torch.allclose(model(inputs)[0], one(inputs)[0])
        True
    """

    salt: torch.Tensor

    def __init__(self, network: Annotated[Any, MODELS], folds: int = 5) -> None:
        super().__init__()
        if folds < 2:
            raise wrong_value(self, "folds", folds, "a whole number from 2")
        self.networks = nn.ModuleList(copy.deepcopy(network) for _ in range(folds))
        self.register_buffer("salt", torch.randint(2**62, ()))  # so that every seed has other folds

    def key(self, inputs: Any) -> int:
        """A number that only items with bit-identical inputs share (a digest of 64 bits)."""
        if not isinstance(inputs, torch.Tensor):
            raise BadInput(f"{name_of(self)} got an item that is a {type(inputs).__name__}", expected="a tensor")
        content = inputs.detach().cpu().contiguous().numpy().tobytes()
        return int.from_bytes(hashlib.blake2b(content, digest_size=8, key=str(int(self.salt)).encode()).digest())

    def fold(self, inputs: torch.Tensor) -> int:
        """The fold of an item, from 0 to F - 1: the index of the network that answers it."""
        return self.key(inputs) % len(self.networks)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training:
            return torch.stack([network(inputs) for network in self.networks]).mean(0)
        folds = [self.fold(one) for one in inputs]
        asked = {fold: [place for place, at in enumerate(folds) if at == fold] for fold in sorted(set(folds))}
        answers = torch.cat([self.networks[fold](inputs[places]) for fold, places in asked.items()])
        order = [place for places in asked.values() for place in places]
        return answers[torch.argsort(torch.tensor(order, device=answers.device))]
