"""Classes in turn: every class equally often, whatever the images are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

from papers.mirza2014.dataset import ClassesInTurn
from repro.datasets.digits import Digits
from repro.datasets.latent import Latent
from repro.errors import BadInput
from repro.testing import check_dataset

DIGITS = Digits("test", size=8)


def test_each_class_is_as_frequent() -> None:
    dataset = ClassesInTurn(DIGITS)
    counts = Counter(label for _, label in map(dataset.__getitem__, range(290)))
    assert counts == dict.fromkeys(range(10), 29)
    assert Counter(label for _, label in map(DIGITS.__getitem__, range(290))) != counts, "the images themselves are not"


def test_the_images_stay_and_latent_takes_the_classes() -> None:
    dataset = ClassesInTurn(DIGITS)
    check_dataset(dataset)
    assert all(torch.equal(dataset[n][0], DIGITS[n][0]) for n in (0, 5, 296))
    inputs, _ = Latent(dataset, labels=True, classes=10)[13]
    assert isinstance(inputs, dict) and int(inputs["label"].argmax()) == 3
    assert len({DIGITS.fingerprint(), dataset.fingerprint(), ClassesInTurn(DIGITS, 5).fingerprint()}) == 3


@pytest.mark.parametrize("classes", [0, 1, -3, 2.5, True, None])
def test_a_wrong_number_of_classes_is_named(classes: Any) -> None:
    with pytest.raises(BadInput, match=r"ClassesInTurn.classes is .*; expected a whole number from 2"):
        ClassesInTurn(DIGITS, classes)
