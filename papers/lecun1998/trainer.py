"""Training by gradient, after which the last layer is replaced by something that is fitted once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from torch import nn

from repro.registry import TRAINERS
from repro.trainers.fit_once import FitOnce


@TRAINERS.register
class ThenFit:
    """Train with `trainer`, then give the whole training set to `model.fit(inputs (N, ...), target (N,))`, once."""

    def __init__(self, trainer: Annotated[Any, TRAINERS]) -> None:
        self.trainer = trainer

    def fit(
        self, model: nn.Module, loss: nn.Module, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> dict[str, Any]:
        """The history is that of the training; see `repro.trainers` for the contract."""
        history: dict[str, Any] = self.trainer.fit(model, loss, train, valid, folder, order_seed)
        FitOnce().fit(model, loss, train, valid, folder, order_seed)
        return history
