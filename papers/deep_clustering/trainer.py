"""nussl's training, as a baseline: the same mixtures and batches as with `Supervised`, and nussl's loss and steps.

Letters: B batch, N frames, F frequencies, C sources.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, default_collate

from papers.deep_clustering.model import as_nussl, nussl
from repro.errors import BadInput
from repro.registry import TRAINERS, name_of, wrong_value
from repro.trainers import optim as optim  # so that a config with this trainer can name torch's optimizers
from repro.trainers.loop import Loop

LOSS = {"DeepClusteringLoss": {"weight": 1.0}}  # as in nussl's recipe


@TRAINERS.register
class NusslTrainer:
    """Train `models.NusslDeepClustering` with nussl: its `TrainClosure`, its `DeepClusteringLoss`, its ignite engines.

    The items are those of `datasets.SpectrogramSegments`, in the order that `Supervised` would use. Each batch is
    converted to nussl's dictionary. The experiment names no loss. As in nussl's recipe, the model ends with the weights
    of the best validation.

    - `steps`, `batch_size`: number of steps, and items per step.
    - `optimizer`: from torch. `schedule`: advances after each validation, as `ReduceLROnPlateau` does.
    - `clip_norm`: largest norm of the gradient; None: it is not clipped.
    - `valid_every`: steps between validations; 0: none.

    `fit` raises BadInput if the model is another one, if `steps` or `batch_size` is out of range, or if `valid_every`
    is set without a validation set. It raises NotFinite if a gradient is NaN. Source: the recipe
    `recipes/wham/deep_clustering.py` of nussl.

    Example: two steps.

        >>> import functools
        >>> from repro.datasets.spectrograms import SpectrogramSegments
        >>> from papers.deep_clustering.model import NusslDeepClustering
        >>> from repro.datasets.mixtures import SpeechMixtures
        >>> from repro.datasets.voices import SyntheticVoices
        >>> voices = SyntheticVoices("train", speakers=2, utterances=1, seconds=0.5)
        >>> data = SpectrogramSegments(SpeechMixtures(voices, size=4, seconds=0.5), frames=20)
        >>> trainer = NusslTrainer(2, 2, functools.partial(torch.optim.Adam, lr=1e-3))
        >>> trainer.fit(NusslDeepClustering(4, 2), None, data, None, Path("."), order_seed=0)["steps"]
        2
    """

    def __init__(
        self,
        steps: int,
        batch_size: int,
        optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Callable[..., Any] | None = None,
        clip_norm: float | None = None,
        valid_every: int = 0,
    ) -> None:
        self.steps, self.batch_size = steps, batch_size
        self.optimizer, self.schedule = optimizer, schedule
        self.clip_norm, self.valid_every = clip_norm, valid_every

    def fit(self, model: nn.Module, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int) -> dict[str, Any]:
        """Train `model` in place; resume from the newest checkpoint in `folder`. See `repro.trainers`."""
        if not hasattr(model, "network"):
            raise BadInput(f"{name_of(self)} cannot train {name_of(model)}", expected="@models.NusslDeepClustering()")
        if self.valid_every and valid is None:
            raise wrong_value(self, "valid_every", self.valid_every, "0, or an experiment.valid")
        return _Fit(self, model, train, valid, folder, order_seed).run()


class _Fit:
    """One training: nussl's engines, and what is called at their events."""

    def __init__(
        self, trainer: NusslTrainer, model: Any, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> None:
        self.trainer, self.valid = trainer, valid
        self.model = model.to("cuda" if torch.cuda.is_available() else "cpu")
        self.optimizer = trainer.optimizer(model.parameters())
        self.schedule = trainer.schedule(self.optimizer) if trainer.schedule else None
        state = {"optimizer": self.optimizer, "schedule": self.schedule}
        self.loop = Loop(trainer, model, None, train, folder, order_seed, **state)
        self.norm: torch.Tensor | None = None  # of the gradient, before clipping
        self.engine, self.validator = self._engines()

    def run(self) -> dict[str, Any]:
        """Do the remaining steps; returns the history."""
        with self.loop:
            if self.loop.done < self.trainer.steps:
                batches = (dictionary(*batch) for _, batch in self.loop)
                self.engine.run(batches, epoch_length=self.trainer.steps - self.loop.done)
                next(batches, None)  # ends the last step
        return self.loop.history()

    def _engines(self) -> tuple[Any, Any]:
        train = nussl().ml.train
        closures = (
            train.closures.TrainClosure(LOSS, self.optimizer, self.model.network),
            train.closures.ValidationClosure(LOSS, self.model.network),
        )
        engine, validator = train.create_train_and_validation_engines(*closures, device="cuda")  # if there is one
        for one in (engine, validator):
            one.logger.setLevel(logging.CRITICAL)  # otherwise a line for each validation; errors are raised anyway
        engine.add_event_handler(train.BackwardsEvents.BACKWARDS_COMPLETED, self._before_step)
        engine.add_event_handler(train.trainer.Events.ITERATION_COMPLETED, self._after_step)
        return engine, validator

    def _before_step(self, engine: Any) -> None:
        # nussl does not pass the loss here. If it is not finite, neither are the gradients.
        self.loop.check(torch.zeros(()))
        if self.trainer.clip_norm is not None:
            self.norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.trainer.clip_norm)

    def _after_step(self, engine: Any) -> None:
        self.loop.log(torch.tensor(engine.state.output["loss"]), self.optimizer.param_groups[0]["lr"], self.norm)
        every = self.trainer.valid_every
        if every and self.loop.done % every == 0:
            score = self._score()
            if self.schedule:
                self.schedule.step(score)
            self.loop.validated(score)

    def _score(self) -> float:
        size = min(self.trainer.batch_size, len(self.valid))
        batches = DataLoader(self.valid, size, collate_fn=_collated, generator=torch.Generator())
        self.validator.run(batches)
        return fmean(self.validator.state.iter_history["loss"])  # over the batches, as in nussl


def dictionary(magnitude: torch.Tensor, target: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A batch of `datasets.SpectrogramSegments` as nussl's networks and losses expect it.

    Keys: `mix_magnitude` (B, N, F, 1), `weights` (B, N, F, 1) and `ideal_binary_mask` (B, N, F, 1, C). The axis of
    length 1 is that of the channels.

    >>> batch = dictionary(torch.rand(2, 5, 129), {"dominant": torch.eye(5, 129).long().expand(2, -1, -1),
    ...                                            "weights": torch.rand(2, 5, 129)})
    >>> batch["weights"].shape, batch["ideal_binary_mask"].shape
    (torch.Size([2, 5, 129, 1]), torch.Size([2, 5, 129, 1, 2]))
    """
    return {
        "mix_magnitude": as_nussl(magnitude),
        "ideal_binary_mask": nn.functional.one_hot(target["dominant"]).unsqueeze(3).float(),
        "weights": target["weights"].sqrt().unsqueeze(3),  # nussl's loss multiplies the rows by them
    }


def _collated(items: list[Any]) -> dict[str, torch.Tensor]:
    return dictionary(*default_collate(items))
