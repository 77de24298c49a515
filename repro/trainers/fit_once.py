"""A trainer for models without gradient steps: nearest neighbours, least squares, support vectors."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from repro.errors import BadInput
from repro.registry import TRAINERS, name_of


@TRAINERS.register
class FitOnce:
    """Give the whole training set to `model.fit(inputs (N, ...), target (N,))`, once. N items.

    The loss and the validation set have no part in it; an experiment with this trainer names neither.
    """

    def fit(self, model: nn.Module, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int) -> dict[str, Any]:
        """Fit `model` in place; see `repro.trainers` for the contract."""
        if not callable(getattr(model, "fit", None)):
            raise BadInput(f"{name_of(self)} needs a model with fit(inputs, target); {type(model).__name__} has none")
        began = time.perf_counter()
        inputs, target = zip(*DataLoader(train, batch_size=1000, generator=torch.Generator()), strict=True)
        model.fit(torch.cat(inputs), torch.cat(target))  # type: ignore[operator]  # a part of any kind
        return {"steps": 1, "items_per_second": round(len(train) / (time.perf_counter() - began), 1), "curves": {}}
