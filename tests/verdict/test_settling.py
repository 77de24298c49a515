"""How many more seeds would settle an inconclusive claim: that many do, and one fewer does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from repro.claim import Claim
from repro.record import Measurement, Record
from repro.verdict import judge

VALUE = Claim("c", "says", "where", "M", "configs/own.gin", value=0.5, tolerance=0.1, because="so", items="fixed")
ABOVE = replace(VALUE, value=None, tolerance=None, above=0.5)
IDENTITY = {"name": "m", "better": "higher"}


def study(mean: float, spread: float, seeds: int) -> list[Record]:
    """Seeds with exactly this mean and standard deviation, one item each."""
    shape = np.arange(seeds) - (seeds - 1) / 2
    means = mean + spread * shape / shape.std(ddof=1)
    measured = [Measurement("test", "M", IDENTITY, [float(one)]) for one in means]
    return [Record("p", "own", seed, "d", [one]) for seed, one in enumerate(measured)]


@pytest.mark.parametrize("claim", [VALUE, ABOVE, replace(VALUE, value_seeds=30, value_spread=0.01)])
@pytest.mark.parametrize("mean", [0.56, 0.57, 0.58])
@pytest.mark.parametrize("spread", [0.05, 0.08])
def test_so_many_more_seeds_settle_it_and_one_fewer_does_not(claim: Claim, mean: float, spread: float) -> None:
    verdict = judge(claim, study(mean, spread, 3))
    assert verdict.outcome == "inconclusive" and verdict.more_seeds
    assert judge(claim, study(mean, spread, 3 + verdict.more_seeds)).outcome != "inconclusive"
    assert judge(claim, study(mean, spread, 2 + verdict.more_seeds)).outcome == "inconclusive"


def test_one_seed_needs_another_to_know_the_spread() -> None:
    one = study(0.5, 0.1, 2)[:1]
    assert judge(replace(VALUE, seeds=1), one).more_seeds == 1


def test_a_mean_at_the_border_is_not_settled_by_more_seeds() -> None:
    assert judge(VALUE, study(0.6, 0.1, 3)).more_seeds == 0
    assert (
        judge(
            ABOVE, [replace(found, measurements=study(0.5, 0.1, 3)[1].measurements) for found in study(0.5, 0.1, 3)]
        ).more_seeds
        == 0
    )


def test_a_settled_claim_asks_for_no_seeds() -> None:
    for mean in (0.5, 0.9):
        assert judge(VALUE, study(mean, 0.001, 3)).more_seeds is None
