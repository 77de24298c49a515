"""Train by gradient, then fit a replacement for the last layer once.

Letters: N items.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from torch import nn

from repro.registry import TRAINERS
from repro.trainers.fit_once import FitOnce


@TRAINERS.register
class ThenFit:
    """Train with `trainer`, then call `model.fit(inputs (N, ...), target (N,))` once, with the complete training set.

    The history is that of `trainer`. Raises BadInput if the model has no `fit`.

    Example: a LeNet-4, trained for two steps; then nearest neighbours replace its last layer.

        >>> import functools, torch
        >>> from papers.lecun1998.dataset import Framed
        >>> from papers.lecun1998.loss import SquaredTargets
        >>> from papers.lecun1998.model.neighbours import NetworkNeighbours
        >>> from papers.lecun1998.model.networks import LeNet4
        >>> from repro.datasets.digits import Digits
        >>> from repro.trainers.supervised import Supervised
        >>> data = Framed(Digits("test"), size=32)
        >>> trainer = ThenFit(Supervised(2, 10, functools.partial(torch.optim.SGD, lr=0.01)))
        >>> model = NetworkNeighbours(LeNet4())
        >>> trainer.fit(model, SquaredTargets(), data, None, Path("."), order_seed=0)["steps"]
        2
        >>> model.eval()(data[0][0][None]).shape
        torch.Size([1, 10])
    """

    def __init__(self, trainer: Annotated[Any, TRAINERS]) -> None:
        self.trainer = trainer

    def fit(
        self, model: nn.Module, loss: nn.Module, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> dict[str, Any]:
        """Train and fit `model` in place. `repro.trainers` describes the arguments and the result."""
        history: dict[str, Any] = self.trainer.fit(model, loss, train, valid, folder, order_seed)
        FitOnce().fit(model, loss, train, valid, folder, order_seed)
        return history
