"""A part that raises, or a metric that returns no number, is a finding of one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

LATE = """
import torch
from repro.metrics import Identity
from repro.registry import DATASETS, METRICS, MODELS


@MODELS.register
class Late(torch.nn.Module):
    def __init__(self, always=True):
        super().__init__()
        self.always, self.inner = always, torch.nn.Linear(4, 3)

    def forward(self, x):
        if self.always or not self.training:
            raise KeyError("two\\nlines")
        return self.inner(x)


@METRICS.register
class Late:
    identity = Identity("Late", better="higher")

    def __call__(self, estimate, target, inputs):
        return target.missing


@DATASETS.register
class Late:
    def __init__(self, text=False):
        self.text = text

    def __len__(self):
        return 40

    def __getitem__(self, index):
        if not self.text:
            raise OSError("no such item")
        return torch.ones(4), "text"
"""
LATE_BINDINGS = {
    "model": ["experiment.model = @models.Late()"],
    "eval": ["experiment.model = @models.Late()", "models.Late.always = False"],
    "metric": ["experiment.metrics = [@metrics.Late()]"],
    "data": ["experiment.train = @train/datasets.Late()"],
    "target": ["experiment.train = @train/datasets.Late()", "train/datasets.Late.text = True"],
}
ODD = """
import numpy as np
import torch
from repro.metrics import Identity
from repro.registry import METRICS


@METRICS.register
class Odd:
    identity = Identity("Odd", better="higher")

    def __call__(self, estimate, target, inputs):
        return {value}
"""


def _set(*bindings: str) -> list[str]:
    return [word for binding in bindings for word in ("--set", binding)]


@pytest.mark.parametrize(("part", "check"), [
    ("model", "finite"), ("eval", "leakage"), ("metric", "overfit"), ("data", "batch"), ("target", "finite"),
])  # fmt: skip
def test_an_exception_of_a_part_is_a_finding_of_one_line(
    sound: Path, paper: Any, repro: Any, part: str, check: str
) -> None:
    module = paper.module("late", LATE)
    code, out, err = repro("debug", sound, *_set(f"import {module}", *LATE_BINDINGS[part]))
    first = next(line for line in out.splitlines() if line.startswith("FAULT"))
    assert code == 1 and check in first and "Traceback" not in out + err
    assert "late.py:" in first or part == "target"


@pytest.mark.parametrize("value", ["None", "'high'", "torch.ones(3)", "torch.tensor(0.5)", "True", "[1.0]"])
def test_a_metric_that_returns_no_number_is_a_finding(look: Any, paper: Any, value: str) -> None:
    module = paper.module("odd", ODD.format(value=value))
    found = look("overfit", f"import {module}", "experiment.metrics = [@metrics.Odd()]")
    assert found.ok is False and "'Odd'" in found.says and "\n" not in found.says


@pytest.mark.parametrize("value", ["1", "0.5", "np.float32(0.5)"])
def test_a_metric_may_return_any_real_number(look: Any, paper: Any, value: str) -> None:
    module = paper.module("fine", ODD.format(value=value))
    assert look("overfit", f"import {module}", "experiment.metrics = [@metrics.Odd()]").ok
