"""The experiment that a config describes: data, model, loss, trainer, metrics.

A config lists these parts, like the method section of a paper:

    experiment.train = @train/datasets.SpeechMixtures()
    experiment.model = @models.EmbeddingNetwork()
    experiment.loss = @losses.DeepClustering()
    experiment.trainer = @trainers.Supervised()
    experiment.test = {'unseen': @test/datasets.SpeechMixtures()}
    experiment.metrics = [@metrics.SISDRImprovement()]

`test` is a dict of test sets by name, because a paper may measure one model on several test sets. `data` names the
data that a role must have, for example `{'test': 'mnist/test'}`. Its values are fingerprints, or variants of data sets
in the catalogue. A run whose data have another fingerprint stops with an error.

- `binding`: read the statements of a config, bind them in gin, build the experiment.
- `importing`, `statements`, `error_place`: import the parts, check every statement, find the line of an error.
- `preflight`: the checks before a training. `answerable`: whether a paper's configs have what its claims ask for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Annotated, Any

import gin

from repro.errors import BadInput
from repro.metrics import Identity
from repro.record import Measurement
from repro.registry import DATASETS, LOSSES, METRICS, MODELS, PARTS, TRAINERS, name_of
from repro.training import processes


@dataclass
class Experiment:
    """The parts of one config, as objects. A paper without training leaves out model, loss, trainer and train.

    Raises BadInput if there is no metric or no test set, if a metric has no identity, if two metrics have the same
    name, if `batch` is below 1, or if `examples` is below 0.
    Raises BadInput too if a test set is empty or is called `train` or `valid`.

    Example: the estimate of an experiment without a model is the input itself.

        >>> from repro.datasets.digits import Digits
        >>> from repro.metrics.classification import Accuracy
        >>> tiny = Experiment(test={"digits": Digits("test", size=8)}, metrics=[Accuracy()])
        >>> sorted(tiny.datasets()), tiny.estimate(0.5)
        (['digits'], 0.5)
    """

    test: Annotated[dict[str, Any], DATASETS]
    metrics: Annotated[list[Any], METRICS]
    model: Annotated[Any, MODELS] = None
    train: Annotated[Any, DATASETS] = None
    valid: Annotated[Any, DATASETS] = None
    loss: Annotated[Any, LOSSES] = None
    trainer: Annotated[Any, TRAINERS] = None
    examples: int = 0  # number of items of the first test set that the record shows
    batch: int = 1  # number of test items per forward pass, if the model has no `estimate`
    data: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.metrics or not self.test:
            raise BadInput("experiment needs at least one of metrics and one of test")
        for metric in self.metrics:
            if not isinstance(getattr(metric, "identity", None), Identity):
                raise BadInput(f"{name_of(metric)} has no identity", expected="identity = repro.metrics.Identity(...)")
        names = [metric.identity.name for metric in self.metrics]
        if twice := {name for name in names if names.count(name) > 1}:
            raise BadInput(f"experiment.metrics has two that are called {min(twice)}", expected="one of each")
        for name, least in (("batch", 1), ("examples", 0)):
            if (value := getattr(self, name)) < least:
                raise BadInput(f"experiment.{name} is {value}", expected=f"a whole number from {least}")
        if taken := {"train", "valid"} & set(self.test):
            raise BadInput(
                f"experiment.test has a test set '{min(taken)}'", expected="a name other than train and valid"
            )
        if empty := [name for name, dataset in self.test.items() if len(dataset) == 0]:
            raise BadInput(f"experiment.test '{empty[0]}' has no items")

    def datasets(self) -> dict[str, Any]:
        """Every dataset by its role: `train`, `valid`, and the test sets by their names."""
        named = {"train": self.train, "valid": self.valid, **self.test}
        return {role: dataset for role, dataset in named.items() if dataset is not None}

    def fit(self, folder: Any, order_seed: int) -> dict[str, Any]:
        """Train the model if the config names a trainer; returns the trainer's history, or {} without a trainer."""
        if self.trainer is None:
            return {}
        return dict(self.trainer.fit(self.model, self.loss, self.train, self.valid, folder, order_seed))

    def measure(self, show: Callable[[Iterable[int], str], Iterable[int]]) -> list[Measurement]:
        """Compute every metric on every item of every test set.

        If the run has several processes, each computes its share; every item is computed once.
        `show(indices, name)` must return the indices again; it can draw a progress bar. Raises FloatingPointError if a
        value is not finite.
        """
        found = []
        for name, dataset in self.test.items():
            indices = processes.share(len(dataset), self.batch)
            rows = processes.merged(dict(zip(indices, self._rows(dataset, show(indices, name)), strict=True)))
            for metric, values in zip(self.metrics, zip(*rows, strict=True), strict=True):
                found.append(Measurement(name, metric.identity.name, asdict(metric.identity), _of_set(metric, values)))
        return found

    def _rows(self, dataset: Any, indices: Iterable[int]) -> Iterator[list[Any]]:
        """What all metrics return for each item, computed `batch` items at a time."""
        waiting = iter(indices)
        while chosen := list(itertools.islice(waiting, self.batch)):
            inputs, targets = zip(*(dataset[index] for index in chosen), strict=True)
            for estimate, target, given in zip(self._answers(dataset, inputs), targets, inputs, strict=True):
                yield [_of_item(metric, metric(estimate, target, given)) for metric in self.metrics]

    def _answers(self, dataset: Any, inputs: Sequence[Any]) -> Iterable[Any]:
        """The model's output for each item; a pair of outputs if the inputs of the dataset are pairs."""
        if getattr(dataset, "paired", False):
            return zip(*map(self.estimates, zip(*inputs, strict=True)), strict=True)
        return self.estimates(inputs)

    def estimate(self, inputs: Any) -> Any:
        """The model's output for one item."""
        return next(iter(self.estimates([inputs])))

    def estimates(self, inputs: Sequence[Any]) -> Iterable[Any]:
        """The model's output for each item: from `model.estimate` if the model has it, otherwise from `forward`.

        Without a model, the output is the input.
        """
        if self.model is None:
            return inputs
        import torch
        from torch.utils.data import default_collate

        from repro.training.device import moved

        self.model.eval()
        with torch.inference_mode():
            if hasattr(self.model, "estimate"):
                return [self.model.estimate(given) for given in inputs]
            device = next((p.device for p in self.model.parameters()), None)
            return self.model(moved(default_collate(list(inputs)), device)).detach().cpu()


def _of_item(metric: Any, value: Any) -> Any:
    """What a metric returns for one item: a number, or anything for a metric of the whole test set."""
    return value if hasattr(metric, "contributions") else _number(metric, value)


def _of_set(metric: Any, values: Sequence[Any]) -> list[float]:
    """The value of every item in a record, from what the metric returned for each."""
    if not hasattr(metric, "contributions"):
        return list(values)
    found = [_number(metric, value) for value in metric.contributions(values)]
    if len(found) != len(values):
        said = f"{name_of(metric)}.contributions returned {len(found)} values for {len(values)} items"
        raise BadInput(said, expected="one value for each item")
    return found


def _number(metric: Any, value: Any) -> float:
    """The value of one item with nine digits, as a record has it. Raises FloatingPointError if it is not finite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        said = f"{name_of(metric)} returned a {type(value).__name__} for an item"
        raise BadInput(said, expected="a float, for example float(value)")
    if not math.isfinite(value):
        raise FloatingPointError(f"{metric.identity.name} of an item is {value}")
    return float(f"{value:.9g}")


def streams(seed: int) -> dict[str, int]:
    """Derive independent seeds for `model`, `order` and `dropout` from the seed of the run.

    Example:

        >>> sorted(streams(0)), streams(0) == streams(0), streams(0) == streams(1)
        (['dropout', 'model', 'order'], True, False)
    """
    import numpy as np

    names = ("model", "order", "dropout")
    spawned = np.random.SeedSequence(seed).spawn(len(names))
    return {name: int(s.generate_state(1)[0]) for name, s in zip(names, spawned, strict=True)}


PARTS["experiment"] = Experiment
experiment = gin.configurable("experiment")(Experiment)
