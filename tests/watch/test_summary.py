"""The summary of an input: each number from its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from repro.errors import BadInput
from repro.watch.log import summary


def test_an_image() -> None:
    image = np.random.default_rng(0).random((1, 5, 7))
    found = summary(torch.from_numpy(image))
    expected = [image.mean(), image.std(), image.min(), image.max(), 5, 7]
    assert list(found.values()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("hertz", [200.0, 1000.0, 3500.0])
def test_the_centroid_of_a_tone_is_its_frequency(hertz: float) -> None:
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(4000) / 8000)
    found = summary(tone, sample_rate=8000)
    assert found["centroid"] == pytest.approx(hertz, abs=1)
    assert found["rms"] == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)
    assert found["seconds"] == 0.5


def test_silence_has_a_centroid() -> None:
    assert summary(np.zeros(100), sample_rate=8000)["centroid"] == 0


def test_words_that_the_model_does_not_know() -> None:
    found = summary("Dull, DULL film: xyzzy!", vocabulary={"dull", "film"})
    assert found == {"words": 4, "characters": 23, "unseen": 0.25}
    assert "unseen" not in summary("a film")


@pytest.mark.parametrize("wrong", ["", " !? ", np.zeros(0), np.zeros((2, 2, 2, 2)), np.array([np.nan]), None, {"a": 1}])
def test_what_is_no_input_is_refused(wrong: Any) -> None:
    with pytest.raises(BadInput):
        summary(wrong)


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf")])
def test_a_sample_rate_must_be_above_0(rate: float) -> None:
    with pytest.raises(BadInput):
        summary(np.ones(10), sample_rate=rate)
