"""Keep the weights of the best validation (early stopping)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from repro.files import disk

log = logging.getLogger("repro")


class Best:
    """Keep the weights with the lowest validation loss, and stop the training if the loss does not improve.

    patience: number of validations without improvement before the training stops; 0: it never stops. It writes
    `best.safetensors` and `last.safetensors` to `folder`; load them with `safetensors.torch.load_model`.

    Example:

        >>> model = nn.Linear(1, 1)
        >>> best = Best(model, Path("."), patience=1)
        >>> best.keep(10, 0.5)
        >>> best.keep(20, 0.7)
        >>> best.stopped, best.score
        (True, 0.5)
    """

    def __init__(self, model: nn.Module, folder: Path, patience: int = 0) -> None:
        self.model, self.folder, self.patience = model, folder, patience
        self.score, self.waited, self.step = float("inf"), 0, 0
        self.weights: dict[str, torch.Tensor] = {}

    def keep(self, number: int, score: float) -> None:
        """Call this after the validation of step `number`. It keeps the weights if `score` is the lowest so far."""
        self.step, self.waited = number, 0 if score < self.score else self.waited + 1
        if score < self.score:
            self.score = score
            self.weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
            write_weights(self.model, self.folder / "best.safetensors")
        if self.stopped:
            log.info("stopped at step %d: no improvement in %d validations", number, self.patience)

    @property
    def stopped(self) -> bool:
        """Whether the training must stop: `patience` validations brought no improvement."""
        return bool(self.patience) and self.waited >= self.patience

    def close(self) -> None:
        """Write the last weights, then load the best ones into the model."""
        write_weights(self.model, self.folder / "last.safetensors")
        if self.weights:
            self.model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "waited": self.waited, "step": self.step, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.score, self.waited, self.step = state["score"], state["waited"], state["step"]
        self.weights = state["weights"]


def write_weights(model: nn.Module, path: Path) -> None:
    """Write the weights of `model` to `path`. Weights that two modules share are written once. Raises DiskFull."""
    seen: dict[tuple[int, torch.Size], str] = {}
    tensors = {}
    for name, tensor in model.state_dict().items():
        if tensor.numel() == 0 or seen.setdefault((tensor.data_ptr(), tensor.shape), name) == name:
            tensors[name] = tensor.detach().to("cpu", copy=True).contiguous()
    disk.write(path, save(tensors))
