"""Each check of `repro.testing` passes for a good part and fails for each defect, with its message."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, get_worker_info

from repro import testing
from repro.metrics import Identity
from repro.trainers.supervised import Supervised


class Points(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """A good dataset: x and 2x, with different numbers in each epoch."""

    def __init__(self, size: int = 6) -> None:
        self.size, self.epoch = size, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        x = torch.rand(1, generator=torch.Generator().manual_seed(1000 * self.epoch + index))
        return x, 2 * x

    def fingerprint(self) -> str:
        return str(self.size)


class Restless(Points):
    def __getitem__(self, index: int) -> Any:
        return torch.rand(1), torch.zeros(1)


class Sequential(Points):
    """An item that depends on the items read before."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def __getitem__(self, index: int) -> Any:
        return torch.rand(1, generator=self.generator), torch.zeros(1)


class PerWorker(Points):
    def __getitem__(self, index: int) -> Any:
        worker = get_worker_info()
        return super().__getitem__(index + (0 if worker is None else worker.id))


class Passing(Points):
    """An epoch that depends on the epochs before."""

    def set_epoch(self, epoch: int) -> None:
        self.epoch += epoch + 1


class Triples(Points):
    def __getitem__(self, index: int) -> Any:
        return (*super().__getitem__(index), 0)


class Unstable(Points):
    def fingerprint(self) -> str:
        return str(id(self))


class Local(Points):
    def __init__(self) -> None:
        super().__init__()
        self.make = lambda: 0


@pytest.mark.parametrize(("dataset", "words"), [
    (Restless, "differs between two reads"), (Sequential, "differs between two reads"),
    (PerWorker, "differs between two workers"), (Passing, "epoch 0 differs after epoch 1"),
    (Triples, "an item is not"), (Unstable, "the fingerprint differs"), (Local, "does not pickle"),
    (functools.partial(Points, 0), "empty"),
])  # fmt: skip
def test_a_broken_dataset_is_caught(dataset: Callable[[], Any], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        testing.check_dataset(dataset())


def test_a_good_dataset_passes() -> None:
    testing.check_dataset(Points())


class Net(nn.Module):
    """A good model; each broken model changes one thing."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.outer, self.dropout = nn.Linear(3, 4), nn.Linear(4, 2), nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(self.dropout(torch.tanh(self.inner(x))))


class BatchNorm(Net):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(super().forward(x))


class Shared(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x + 0.1 * x.roll(1, 0))


class Idle(Net):
    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Parameter(torch.ones(1))


class Detached(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(self.inner(x).detach())


class Normed(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x / x.norm(dim=-1, keepdim=True))


class Lambda(Net):
    def __init__(self) -> None:
        super().__init__()
        self.activation = lambda x: x


class Pooled(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[:1]


@pytest.mark.parametrize(("model", "words"), [
    (BatchNorm, "depends on its batch"), (Shared, "depends on its batch"),
    (Idle, "parameter spare gets no gradient"), (Detached, "parameter inner.weight gets no gradient"),
    (Normed, "the output for zeros is not finite"), (Lambda, "does not pickle"), (Pooled, "one row per item"),
])  # fmt: skip
def test_a_broken_model_is_caught(model: type[nn.Module], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        testing.check_model(model(), torch.randn(5, 3, generator=torch.Generator().manual_seed(1)))


def test_a_good_model_passes() -> None:
    testing.check_model(Net(), torch.randn(5, 3, generator=torch.Generator().manual_seed(1)))


class Loss(nn.Module):
    """A good loss, or a broken one with another formula (a string, because that can be pickled)."""

    def __init__(self, formula: str = "(output - target).pow(2).mean()") -> None:
        super().__init__()
        self.formula = formula

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> Any:
        return eval(self.formula, {"output": output, "target": target})


class Unpicklable(Loss):
    def __init__(self) -> None:
        super().__init__()
        self.weight = lambda x: x


@pytest.mark.parametrize(("loss", "words"), [
    (Loss("(output - target).pow(2).mean() / target.pow(2).mean()"), "the loss of silence is (inf|nan)"),
    (Loss("(output / output.norm() - target).pow(2).mean()"), "the loss of zeros is nan"),
    (Loss("(output - target).pow(2).mean(1).var(correction=0) / (len(output) - 1.0 + 0 * output.sum())"), "one item"),
    (Loss("output.pow(2).sum().sqrt()"), "the gradient for zeros is not finite"),
    (Loss("(output - target).pow(2).mean(1)"), "not a scalar"), (Unpicklable(), "does not pickle"),
])  # fmt: skip
def test_a_broken_loss_is_caught(loss: nn.Module, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        testing.check_loss(loss, torch.randn(4, 3), torch.randn(4, 3))


def test_a_good_loss_passes() -> None:
    testing.check_loss(Loss(), torch.randn(4, 3), torch.randn(4, 3))


class Metric:
    """A good metric."""

    identity: Any = Identity("m", better="lower")

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> Any:
        return float((estimate - target).abs().mean())


class Anonymous(Metric):
    identity: ClassVar = {"name": "m", "better": "lower"}


class Tensorial(Metric):
    def __call__(self, estimate: Any, target: Any, inputs: Any) -> Any:
        return (estimate - target).abs().mean()


class Infinite(Metric):
    def __call__(self, estimate: Any, target: Any, inputs: Any) -> Any:
        return float("nan")


class Greedy(Metric):
    def __call__(self, estimate: Any, target: Any, inputs: Any) -> Any:
        return float(estimate.sub_(target).abs().mean())


class Counting(Metric):
    count = 0

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> Any:
        type(self).count += 1
        return float(self.count)


@pytest.mark.parametrize(("metric", "words"), [
    (Anonymous, "the identity is a dict"),
    (Tensorial, "not a finite float"), (Infinite, "not a finite float"), (Greedy, "changes its arguments"),
    (Counting, "differs between two calls"),
])  # fmt: skip
def test_a_broken_metric_is_caught(metric: type, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        testing.check_metric(metric(), torch.ones(3), torch.full((3,), 0.5), torch.zeros(3))


def test_an_identity_has_a_name_and_a_direction() -> None:
    for wrong in ({"name": ""}, {"better": "up"}):
        with pytest.raises(ValueError, match=r"empty name|expected 'higher' or 'lower'"):
            Identity(**({"name": "m", "better": "lower"} | wrong))


def test_a_good_metric_passes() -> None:
    testing.check_metric(Metric(), torch.ones(3), torch.full((3,), 0.5), torch.zeros(3))


def trainer(cls: type = Supervised, lr: float = 0.3) -> Any:
    return cls(steps=1, batch_size=4, optimizer=functools.partial(torch.optim.SGD, lr=lr))


class Deaf(Supervised):
    def step(self, model: nn.Module, loss: nn.Module, batch: Any) -> torch.Tensor:
        return super().step(model, loss, batch) * 0 + 1


class Short(Supervised):
    def fit(self, *words: Any, **more: Any) -> dict[str, Any]:
        self.steps //= 2
        return super().fit(*words, **more)


@pytest.mark.parametrize(("made", "words"), [
    (lambda: trainer(lr=0.0), "one batch is not overfitted"), (lambda: trainer(Deaf), "one batch is not overfitted"),
    (lambda: trainer(Short), "steps of 50"),
])  # fmt: skip
def test_a_broken_trainer_is_caught(made: Callable[[], Any], words: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(AssertionError, match=words):
        testing.check_trainer(made(), nn.Linear(1, 1), nn.MSELoss(), Points(), steps=50)


def test_a_good_trainer_passes_and_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    made = trainer()
    testing.check_trainer(made, nn.Linear(1, 1), nn.MSELoss(), Points(), steps=50)
    assert made.steps == 1


def test_same_is_equal_bit_for_bit() -> None:
    one = {"a": (torch.ones(2), 3), "b": [torch.zeros(1)]}
    assert testing.same(one, {"b": [torch.zeros(1)], "a": (torch.ones(2), 3)})
    for other in (
        {"a": (torch.ones(2), 4), "b": []},
        {"a": (torch.ones(2).double(), 3), "b": [torch.zeros(1)]},
        {"a": (torch.ones(2) + 1e-7, 3), "b": [torch.zeros(1)]},
    ):
        assert not testing.same(one, other)
