"""What a config describes: test items answered together are answered as one by one."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import torch
from torch import nn

from repro.errors import BadInput
from repro.experiment import Experiment
from repro.losses import standard
from repro.metrics import Identity


class Points:
    def __getitem__(self, index: int) -> tuple[dict[str, Any], float]:
        return {"x": torch.full((3,), float(index)), "weight": index}, index / 7

    def __len__(self) -> int:
        return 10


class Gap:
    identity = Identity("Gap", better="lower")

    def __call__(self, estimate: torch.Tensor, target: float, inputs: Any) -> float:
        return float(estimate.sum()) - target + inputs["weight"]


class Sums(nn.Module):
    """Counts the batches that it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.seen = nn.Linear(3, 2), []

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        self.seen.append(len(inputs["x"]))
        return self.layer(inputs["x"]) * inputs["weight"].unsqueeze(1)


def plain(indices: Iterable[int], name: str) -> Iterable[int]:
    return indices


@pytest.mark.parametrize(("batch", "seen"), [(1, [1] * 10), (4, [4, 4, 2]), (10, [10]), (64, [10])])
def test_items_are_answered_in_batches(batch: int, seen: list[int]) -> None:
    torch.manual_seed(0)
    model = Sums()
    (together,) = Experiment({"test": Points()}, [Gap()], model, batch=batch).measure(plain)
    assert model.seen == seen
    (alone,) = Experiment({"test": Points()}, [Gap()], model).measure(plain)
    assert together.values == pytest.approx(alone.values, rel=1e-5) and len(alone.values) == 10


def test_a_model_with_an_estimate_of_its_own_is_asked_item_by_item() -> None:
    model = Sums()
    model.estimate = lambda inputs: torch.tensor(float(inputs["weight"]))  # type: ignore[assignment]
    (found,) = Experiment({"test": Points()}, [Gap()], model, batch=4).measure(plain)
    assert found.values == pytest.approx([2 * item - item / 7 for item in range(10)]) and model.seen == []


def test_progress_sees_each_item_once() -> None:
    told = []
    Experiment({"a": Points(), "b": Points()}, [Gap()], Sums(), batch=3).measure(
        lambda indices, name: (told.append((name, index)) or index for index in indices)
    )
    assert told == list(itertools.product("ab", range(10)))


class Middle:
    """The median of the test set: a metric that is no mean over items."""

    identity = Identity("Middle", better="higher")

    def __call__(self, estimate: torch.Tensor, target: float, inputs: Any) -> tuple[int, float]:
        return inputs["weight"], target

    def contributions(self, items: Sequence[tuple[int, float]]) -> list[float]:
        return [statistics.median(target for _, target in items)] * len(items)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_metric_of_the_whole_test_set_sees_all_items_at_once(batch: int) -> None:
    whole, gap = Experiment({"test": Points()}, [Middle(), Gap()], Sums(), batch=batch).measure(plain)
    assert whole.values == [round(4.5 / 7, 9)] * 10 and len(gap.values) == 10


def test_a_metric_of_the_whole_test_set_gives_one_number_for_each_item() -> None:
    class Short(Middle):
        def contributions(self, items: Sequence[tuple[int, float]]) -> list[float]:
            return [1.0]

    with pytest.raises(BadInput, match=r"Short.contributions returned 1 .* 10 items"):
        Experiment({"test": Points()}, [Short()], Sums()).measure(plain)


class Pairs(Points):
    paired = True

    def __getitem__(self, index: int) -> tuple[Any, float]:
        inputs, target = super().__getitem__(index)
        return (inputs, {**inputs, "weight": -inputs["weight"]}), target


class Opposite:
    identity = Identity("Opposite", better="higher")

    def __call__(self, estimate: tuple[torch.Tensor, torch.Tensor], target: float, inputs: Any) -> float:
        assert inputs[0]["weight"] == -inputs[1]["weight"]
        return float(torch.equal(estimate[0], -estimate[1]))


@pytest.mark.parametrize("batch", [1, 4])
def test_a_paired_test_set_has_two_answers_per_item(batch: int) -> None:
    (found,) = Experiment({"test": Pairs()}, [Opposite()], Sums(), batch=batch).measure(plain)
    assert found.values == [1.0] * 10


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match=r"experiment.batch is 0; expected a whole number from 1"):
        Experiment({"test": Points()}, [Gap()], batch=0)


def test_torch_losses_can_be_named(paper: Any) -> None:
    """`@losses.MSELoss()` in place of the template's own gives the same numbers."""
    from repro import run

    assert standard.LOSSES["MSELoss"] is nn.MSELoss
    theirs = paper.config("theirs", "import repro.losses.standard\nexperiment.loss = @losses.MSELoss()\n")
    mine = paper.config("mine", "")
    (one, _), (other, _) = run.run(theirs), run.run(mine)
    assert one.measurements[0].values == pytest.approx(other.measurements[0].values)
