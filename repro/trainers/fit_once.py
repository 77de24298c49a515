"""A trainer for models without gradient steps: nearest neighbours, least squares, support vectors.

Letters: N items.
"""

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
    """Call `model.fit(inputs (N, ...), target (N,))` once, with the complete training set.

    It uses neither a loss nor a validation set, so the experiment names neither. Raises BadInput if the model has no
    `fit`.

    Example:

        >>> class Mean(nn.Module):
        ...     def fit(self, inputs, target):
        ...         self.mean = inputs.mean()
        >>> data = [(torch.tensor([1.0]), 0), (torch.tensor([3.0]), 1)]
        >>> model = Mean()
        >>> history = FitOnce().fit(model, None, data, None, Path("."), order_seed=0)
        >>> model.mean, history["steps"]
        (tensor(2.), 1)
    """

    def fit(self, model: nn.Module, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int) -> dict[str, Any]:
        """Fit `model` in place. `repro.trainers` describes the arguments and the result."""
        if not callable(getattr(model, "fit", None)):
            raise BadInput(f"{name_of(self)} needs a model with fit(inputs, target); {type(model).__name__} has none")
        began = time.perf_counter()
        inputs, target = zip(*DataLoader(train, batch_size=1000, generator=torch.Generator()), strict=True)
        model.fit(torch.cat(inputs), torch.cat(target))  # type: ignore[operator]  # a part of any kind
        return {"steps": 1, "items_per_second": round(len(train) / (time.perf_counter() - began), 1), "curves": {}}
