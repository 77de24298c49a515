"""The schedule of Goodfellow et al. 2014, against its formulas."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from repro.errors import BadInput
from repro.registry import PARTS
from repro.trainers.schedules import RisingMomentum


def optimizer(lr: float = 0.1, momentum: float = 0.5) -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=momentum)


def run(count: int, start: int = 0, state: Any = None, **more: Any) -> tuple[list[tuple[float, float]], Any]:
    """Rate and momentum before each step, and the states after the last one."""
    sgd = optimizer()
    schedule = RisingMomentum(sgd, **more)
    if state:
        sgd.load_state_dict(state[0])
        schedule.load_state_dict(state[1])
    seen = []
    for _ in range(start, count):
        seen.append((sgd.param_groups[0]["lr"], sgd.param_groups[0]["momentum"]))
        sgd.step()
        schedule.step()
    return seen, (sgd.state_dict(), schedule.state_dict())


def test_rate_and_momentum_follow_their_formulas() -> None:
    seen, _ = run(30, momentum=0.7, steps=20, factor=1.1, least=0.01)
    for number, (rate, momentum) in enumerate(seen):
        assert rate == pytest.approx(max(0.1 / 1.1**number, 0.01))
        assert momentum == pytest.approx(0.5 + 0.2 * min(number / 20, 1))


def test_it_resumes_to_the_bit() -> None:
    whole, _ = run(12, steps=8, factor=1.05)
    first, state = run(5, steps=8, factor=1.05)
    rest, _ = run(12, 5, state, steps=8, factor=1.05)
    assert first + rest == whole


def test_a_config_names_it_like_those_of_torch() -> None:
    made = PARTS["repro.trainers.schedules.RisingMomentum"](steps=3)(optimizer())
    assert isinstance(made, RisingMomentum) and made.steps == 3


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("momentum", [-0.1, 1.0, math.nan]),
        ("steps", [0, 2.0, math.inf]),
        ("factor", [0.9, math.inf, math.nan]),
        ("least", [-1.0, math.inf]),
    ],
)
def test_bad_values_are_refused(parameter: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(BadInput) as refused:
            RisingMomentum(optimizer(), **{parameter: value})
        assert refused.value.parameter == parameter
    with pytest.raises(BadInput):
        RisingMomentum(torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))]))
