"""Measuring: each metric is tried before the training, an error names its test set, and examples are spread in rank."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro import record as records
from repro import run
from repro.errors import BadInput
from repro.run.measuring import spread

PICKY = '''
import random
import numpy as np
import torch
from repro.metrics import Identity
from repro.registry import METRICS, MODELS, wrong_value

@MODELS.register
class Remembering(torch.nn.Module):
    """Answers as it did the first time."""
    def __init__(self) -> None:
        super().__init__()
        self.line, self.first = torch.nn.Linear(1, 1), None

    def forward(self, x):
        return self.line(x)

    def estimate(self, x):
        self.first = self.line(x) if self.first is None else self.first
        return self.first

@METRICS.register
class Picky:
    """Draws random numbers, and does what `fault` says."""
    identity = Identity("Picky", better="lower")

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    def __call__(self, estimate, target, inputs) -> float:
        torch.rand(3), random.random(), np.random.rand()
        if self.fault == "shape":
            return float(estimate @ torch.ones(3, 3, 3))
        if self.fault == "value":
            raise wrong_value(self, "fault", self.fault, "another one")
        return float("nan") if self.fault == "nan" else float(abs(estimate - target))
'''


MODEL = '''
from torch import nn
from repro.datasets.digits import Digits
from repro.registry import DATASETS, MODELS

@DATASETS.register
class ShownDigits(Digits):
    """Digits that the record shows by their class."""
    @staticmethod
    def illustrate(inputs, target, estimate, stem):
        return [{"truth": str(int(target)), "answer": str(int(estimate.argmax()))}]

@MODELS.register
class Pixels(nn.Module):
    """Ten pixels of an image as the scores of the classes."""
    def forward(self, x):
        return x.flatten(1)[:, 400:410]
'''

PIXELS = """
import MODULE
import repro.metrics.calibration
import repro.metrics.classification
experiment.test = {'test': @datasets.ShownDigits()}
datasets.ShownDigits.split = 'test'
datasets.ShownDigits.size = 60
experiment.model = @models.Pixels()
experiment.metrics = [@metrics.METRIC()]
experiment.examples = 6
"""


@pytest.fixture
def picky(paper: Any) -> Any:
    """`picky(fault)`: a config whose second metric has this fault."""
    module = paper.module("picky", PICKY)

    def config(fault: str = "", more: str = "") -> Path:
        both = "experiment.metrics = [@metrics.SquaredError(), @metrics.Picky()]"
        return paper.config("picky", f"import {module}\n{both}\nmetrics.Picky.fault = {fault!r}\n{more}", "smoke.gin")

    return config


@pytest.mark.parametrize("fault", ["shape", "value"])
def test_a_metric_that_cannot_score_an_item_stops_the_run_before_the_training(picky: Any, fault: str) -> None:
    config = picky(fault)
    with pytest.raises(BadInput) as stopped:
        run.run(config)
    assert "test set 'test'" in str(stopped.value) and "Picky" in str(stopped.value)
    assert stopped.value.where.startswith(f"papers/{config.parents[1].name}/configs/picky.gin") or fault == "shape"
    assert not list(Path("runs").rglob("checkpoints")), "nothing was trained"


def test_a_value_that_is_not_finite_names_its_test_set(picky: Any) -> None:
    """It stops the run after the training: the answers of a model without training may be anything."""
    with pytest.raises(FloatingPointError, match=r"Picky of an item is nan, test set 'test'"):
        run.run(picky("nan"))
    assert list(Path("runs").rglob("checkpoints"))


@pytest.mark.parametrize("model", ["", "experiment.model = @models.Remembering()"])
def test_trying_a_metric_changes_no_number(picky: Any, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """Not even that of a model that keeps its first answer."""
    config = picky("", model)
    found, _ = run.run(config)
    monkeypatch.setattr("repro.run.measuring.tried", lambda *_: None)
    other, _ = run.run(config, publish=True)
    assert found.curves == other.curves
    assert [one.values for one in found.measurements] == [one.values for one in other.measurements]


@pytest.mark.parametrize(("metric", "by"), [("Accuracy", "Accuracy"), ("CalibrationError", None)])
def test_examples_are_spread_in_the_first_metric_that_gives_each_item_a_value(
    paper: Any, metric: str, by: str | None
) -> None:
    """Without such a metric they are the first items."""
    text = PIXELS.replace("METRIC", metric).replace("MODULE", paper.module("pixels", MODEL))
    found, path = run.run(paper.config("digits", text, base=""))
    items = [row["item"] for row in found.examples]
    assert [row.get("by") for row in records.read(path).examples] == [by] * 6
    if by is None:
        assert items == [*range(6)]
    else:
        assert items == spread(found.measurements[0].values, 6, "higher")
        right = [found.measurements[0].values[item] for item in items]
        assert right[1:3] == [0.0, 1.0], "the worst and the best come after the median"


@given(st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40), st.integers(1, 50))
def test_spread_has_the_ends_and_even_ranks(values: list[float], number: int) -> None:
    chosen = spread(values, number, "higher")
    assert len(chosen) == len({*chosen}) == min(number, len(values))
    ranked = sorted(range(len(values)), key=lambda place: values[place])
    ranks = sorted(ranked.index(place) for place in chosen)
    gaps = [after - before for before, after in itertools.pairwise(ranks)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert not gaps or (ranks[0], ranks[-1]) == (0, len(values) - 1)
    assert spread([-value for value in values], number, "lower") == chosen
