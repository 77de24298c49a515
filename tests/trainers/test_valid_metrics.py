"""Metrics at each validation: they are logged, resumed without gaps, and do not change the training."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.data import TensorDataset

from repro import interruption
from repro.errors import BadInput
from repro.metrics import Identity
from repro.trainers.measured import Measured
from repro.trainers.supervised import Supervised


class Distance:
    """The distance of the estimate from the target, and every model output that it met."""

    identity = Identity("Distance", better="lower")

    def __init__(self) -> None:
        self.seen: list[float] = []

    def __call__(self, estimate: torch.Tensor, target: torch.Tensor, inputs: torch.Tensor) -> float:
        self.seen.append(float((estimate - target).abs()))
        return self.seen[-1]


def line(items: int, seed: int) -> TensorDataset:
    x = torch.rand(items, 1, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, 3 * x + 1)


def fit(
    folder: Path, metrics: Sequence[Any] = (), items: Any = None, valid_every: int = 5
) -> tuple[dict[str, Any], nn.Module]:
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.5), nn.Linear(8, 1))  # dropout uses the global random state
    optimizer = functools.partial(torch.optim.SGD, lr=0.05)
    trainer: Any = Supervised(20, 8, optimizer, valid_every=valid_every)
    if metrics:
        trainer = Measured(trainer, metrics, line(3, 2) if items is None else items)
    return trainer.fit(model, nn.MSELoss(), line(32, 0), line(8, 1), folder, 0), model


def test_a_metric_has_a_value_at_each_validation_that_is_its_mean_over_the_items(tmp_path: Path) -> None:
    metric, items = Distance(), line(3, 2)
    history, _ = fit(tmp_path / "a", [metric], items)
    points = history["curves"]["Distance"]
    assert [step for step, _ in points] == [5, 10, 15, 20] == [step for step, _ in history["curves"]["valid"]]
    assert len(metric.seen) == 4 * len(items)
    means = [sum(metric.seen[start : start + 3]) / 3 for start in range(0, 12, 3)]
    assert [value for _, value in points] == pytest.approx(means, abs=1e-6)


def test_metrics_do_not_change_the_training(tmp_path: Path) -> None:
    (plain, one), (measured, other) = fit(tmp_path / "a"), fit(tmp_path / "b", [Distance()])
    assert measured["curves"].pop("Distance")
    assert plain["curves"] == measured["curves"]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_resumed_training_has_the_same_curve(tmp_path: Path) -> None:
    class Stopping(Distance):
        def __call__(self, *arguments: Any) -> float:
            if len(self.seen) == 4:  # in the second validation
                self.seen.append(0.0)
                raise KeyboardInterrupt
            return super().__call__(*arguments)

    whole, _ = fit(tmp_path / "a", [Distance()])
    with pytest.raises((KeyboardInterrupt, interruption.Interrupted)):
        fit(tmp_path / "b", [Stopping()])
    resumed, _ = fit(tmp_path / "b", [Distance()])
    assert resumed["curves"] == whole["curves"]
    rows = [json.loads(row) for row in (tmp_path / "b" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if row["curve"] == "Distance"] == [5, 10, 15, 20]


def test_tensorboard_has_the_metric(tmp_path: Path) -> None:
    history, _ = fit(tmp_path / "a", [Distance()])
    events = EventAccumulator(str(tmp_path / "a" / "tensorboard")).Reload()
    shown = [[event.step, event.value] for event in events.Scalars("valid/Distance")]
    assert shown == [pytest.approx(point, abs=1e-5) for point in history["curves"]["Distance"]]


def test_a_trainer_that_never_validates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        fit(tmp_path / "a", [Distance()], valid_every=0)
    assert refused.value.parameter == "valid_every"


def test_a_training_that_ends_before_its_first_validation_has_no_curve(tmp_path: Path) -> None:
    history, _ = fit(tmp_path / "a", [Distance()], valid_every=21)
    assert list(history["curves"]) == ["train"]


def test_it_measures_nothing_after_its_training(tmp_path: Path) -> None:
    metric = Distance()
    fit(tmp_path / "a", [metric])
    count = len(metric.seen)
    fit(tmp_path / "b")
    assert len(metric.seen) == count


@pytest.mark.parametrize("name", ["train", "valid"])
def test_a_metric_with_the_name_of_a_loss_curve_is_refused(tmp_path: Path, name: str) -> None:
    metric = Distance()
    metric.identity = Identity(name, better="lower")
    with pytest.raises(BadInput):
        fit(tmp_path / "a", [metric])
