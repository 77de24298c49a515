"""Measure metrics while another trainer trains: their values become learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import nn

from repro.errors import BadInput
from repro.experiment import Experiment
from repro.registry import DATASETS, METRICS, TRAINERS, name_of, wrong_value
from repro.training import metrics_log


@TRAINERS.register
class Measured:
    """Train with `trainer`, and compute `metrics` on `items` after each of its validations.

    The values are in the history as curves, in `metrics.jsonl` and in TensorBoard, by the metric's name. They change
    nothing in the training. `trainer`: one that validates, such as `@trainers.Supervised()`. `items`: a dataset like a
    test set, of data that are kept for validation. `batch`: items per forward pass, if the model has no `estimate`.

    Raises BadInput if there is no metric or no item, if a metric is called "train" or "valid", or if the trainer has
    `valid_every = 0`.

    Example: the accuracy of a model with two classes, after every second step.

        >>> import functools
        >>> from repro.metrics.classification import Accuracy
        >>> from repro.trainers.supervised import Supervised
        >>> data = [(torch.tensor([float(x)]), torch.tensor(int(x > 3))) for x in range(8)]
        >>> inner = Supervised(4, 8, functools.partial(torch.optim.SGD, lr=0.1), valid_every=2)
        >>> trainer = Measured(inner, [Accuracy()], data)
        >>> history = trainer.fit(nn.Linear(1, 2), nn.CrossEntropyLoss(), data, data, Path("."), order_seed=0)
        >>> [step for step, accuracy in history["curves"]["Accuracy"]]
        [2, 4]
    """

    def __init__(
        self,
        trainer: Annotated[Any, TRAINERS],
        metrics: Annotated[Sequence[Any], METRICS],
        items: Annotated[Any, DATASETS],
        batch: int = 1,
    ) -> None:
        self.trainer, self.batch = trainer, batch
        # all by position: gin takes the arguments that are left out, or that have a keyword, from the config
        none = (None,) * 5  # model, train, valid, loss, trainer
        self.experiment = Experiment({"items": items}, list(metrics), *none, 0, batch, {})
        if not getattr(trainer, "valid_every", 1):
            raise wrong_value(trainer, "valid_every", 0, f"a number of steps, because {name_of(self)} measures then")
        names = {metric.identity.name for metric in metrics}
        if taken := names & {*metrics_log.LOSSES}:
            raise BadInput(f"a metric of {name_of(self)} is called {min(taken)!r}, like a curve of the loss")

    def fit(self, model: nn.Module, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int) -> dict[str, Any]:
        """Train `model` in place. `repro.trainers` describes the arguments and the result."""
        self.experiment.model = model
        with metrics_log.at_validations(self._values):
            return dict(self.trainer.fit(model, loss, train, valid, folder, order_seed))

    def _values(self) -> dict[str, float]:
        """The mean of each metric. The random state of torch and the mode of the model stay as they are."""
        training = self.experiment.model.training
        with torch.random.fork_rng():
            found = self.experiment.measure(lambda indices, name: indices)
        self.experiment.model.train(training)
        return {one.metric: one.mean for one in found}
