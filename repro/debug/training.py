"""Train a config for fewer steps, with its learning-rate schedule compressed into these steps."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from repro import testing
from repro.debug import Batch


def train_briefly(batch: Batch, model: Any, items: Any, batch_size: int, steps: int) -> list[float]:
    """Train `model` in place on `items` for `steps` steps with the config's trainer; returns the losses.

    Raises FloatingPointError if the loss is not finite.
    """
    own = batch.built.trainer
    trainer = testing.shortened(own, steps, batch_size)
    if getattr(own, "schedule", None) is not None:
        trainer.schedule = Schedule(own.schedule, own.steps / steps)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        history = trainer.fit(model, batch.built.loss, items, None, Path(folder), order_seed=0)
    return [value for _, value in history["curves"]["train"]]


class Schedule:
    """A learning-rate schedule that runs `pace` times as fast, so that a short training includes its warm-up."""

    def __init__(self, make: Any, pace: float) -> None:
        self.make, self.pace = make, pace

    def __call__(self, optimizer: torch.optim.Optimizer) -> Any:
        self.own, self.steps, self.advanced = self.make(optimizer), 0, 0
        # ReduceLROnPlateau does nothing without validations, and the trainer recognises it by its type
        return self.own if isinstance(self.own, ReduceLROnPlateau) else self

    def state_dict(self) -> dict[str, Any]:
        return {"own": self.own.state_dict(), "steps": self.steps, "advanced": self.advanced}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.own.load_state_dict(state["own"])
        self.steps, self.advanced = state["steps"], state["advanced"]

    def step(self) -> None:
        """Called once per step of the short training. It advances the real schedule by `pace` steps on average."""
        self.steps += 1
        while self.advanced < int(self.steps * self.pace):
            self.own.step()
            self.advanced += 1
