"""Noise, and test sets with items from outside."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from repro.datasets.digits import Digits
from repro.datasets.out_of_distribution import InAndOut, Noise
from repro.errors import BadInput
from repro.metrics.detection import OUTSIDE
from repro.testing import check_dataset


def test_the_battery() -> None:
    check_dataset(Noise(size=5, kind="normal", shape=(3, 4)))
    check_dataset(InAndOut(Digits("test"), [Noise(size=20, kind="uniform")]))


@pytest.mark.parametrize(("kind", "law"), [("normal", scipy.stats.norm()), ("uniform", scipy.stats.uniform())])
def test_noise_has_its_distribution_and_independent_values(kind: str, law: object) -> None:
    noise = Noise(size=400, kind=kind, shape=(1, 5, 5))  # type: ignore[arg-type]
    values = torch.stack([noise[index][0] for index in range(400)]).double().flatten(1).numpy()
    assert scipy.stats.kstest(values.ravel(), law.cdf).pvalue > 0.001  # type: ignore[attr-defined]
    correlations = np.corrcoef(values.T)[np.triu_indices(25, 1)]
    assert np.abs(correlations).max() < 5 / 400**0.5


def test_an_item_depends_on_seed_and_index_alone() -> None:
    few, many, other = (Noise(size, "normal", seed=seed) for size, seed in ((3, 0), (9, 0), (3, 1)))
    assert torch.equal(few[2][0], many[2][0]) and not torch.equal(few[2][0], other[2][0])
    assert few.fingerprint() != other.fingerprint()


def test_the_items_are_those_of_the_parts_and_the_outside_has_no_class() -> None:
    digits, train = Digits("test"), Digits("train")
    noise = Noise(size=2, kind="normal")
    both = InAndOut(digits, [noise, train])
    assert len(both) == len(digits) + 2 + len(train)
    for index in (0, len(digits) - 1):
        assert torch.equal(both[index][0], digits[index][0]) and both[index][1] == digits[index][1]
    place = len(digits)
    assert torch.equal(both[place + 1][0], noise[1][0]) and torch.equal(both[place + 2][0], train[0][0])
    assert {both[index][1] for index in (place, place + 1, place + 2, len(both) - 1)} == {OUTSIDE}
    assert both.fingerprint() != InAndOut(digits, [train, noise]).fingerprint()


def test_wrong_parameters_are_one_line() -> None:
    for make in (lambda: Noise(0, "normal"), lambda: Noise(1, "pink"), lambda: InAndOut(Digits("test"), [])):  # type: ignore[arg-type]
        with pytest.raises(BadInput, match="expected") as caught:
            make()
        assert "\n" not in str(caught.value)
