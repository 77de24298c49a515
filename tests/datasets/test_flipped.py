"""Labels that are wrong on purpose: as many as asked for, always the same, and never the true one."""

from __future__ import annotations

from collections import Counter

import pytest

from repro.datasets.digits import Digits
from repro.datasets.flipped import FlippedLabels
from repro.errors import BadInput
from repro.testing import check_dataset

DIGITS = Digits("test", size=8)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_share_is_wrong_and_every_other_item_is_as_it_was(share: float) -> None:
    flipped, told = (FlippedLabels(DIGITS, 10, share, told=told) for told in (False, True))
    wrong = [index for index in range(len(DIGITS)) if flipped[index][1] != DIGITS[index][1]]
    assert len(wrong) == round(share * len(DIGITS))
    assert [index for index in range(len(DIGITS)) if told[index][1]["wrong"]] == wrong
    assert all(told[index][1]["label"] == flipped[index][1] for index in range(len(DIGITS)))


def test_wrong_labels_are_spread_over_all_other_classes() -> None:
    flipped = FlippedLabels([(0, 1)] * 4000, classes=5, share=0.99)  # type: ignore[arg-type]
    counts = Counter(flipped[index][1] for index in flipped.steps)
    assert set(counts) == {0, 2, 3, 4} and min(counts.values()) > 800


def test_seeds_differ_and_the_dataset_passes_its_check() -> None:
    one, other = (FlippedLabels(DIGITS, 10, seed=seed) for seed in (0, 1))
    assert one.steps.keys() != other.steps.keys() and one.fingerprint() != other.fingerprint()
    check_dataset(one)


@pytest.mark.parametrize(("classes", "share", "name"), [(10, 0.0, "share"), (10, 1.0, "share"), (1, 0.1, "classes")])
def test_bad_input_is_named(classes: int, share: float, name: str) -> None:
    with pytest.raises(BadInput) as caught:
        FlippedLabels(DIGITS, classes, share)
    assert caught.value.parameter == name
