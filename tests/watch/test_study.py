"""Drift of real images, texts and sounds raises an alarm; `study.main` measures the table of the guide."""

from __future__ import annotations

import pytest

from repro.testing import needs
from tests.watch import study


@needs("fsdd")
@pytest.mark.slow
def test_a_speaker_never_heard() -> None:
    found = study.sounds()
    assert found.accuracy[1] < found.accuracy[0]
    assert study.rate(found, 50, drifted=True, logs=20) >= 0.9
    assert study.rate(found, 50, drifted=False, logs=60) <= 0.05


@needs("imdb")
@needs("reviews/movie-test")
@pytest.mark.slow
def test_short_reviews() -> None:
    found = study.texts("MR")
    assert found.accuracy[1] < found.accuracy[0]
    assert study.rate(found, 20, drifted=True, logs=20) >= 0.9
    assert study.rate(found, 50, drifted=False, logs=60) <= 0.05


@needs("mnist")
@pytest.mark.slow
def test_moved_digits_are_only_found_in_large_windows() -> None:
    found = study.images("moved")
    assert found.accuracy[1] < found.accuracy[0]
    assert study.rate(found, 10, drifted=True, logs=40) < 0.3
    assert study.rate(found, 200, drifted=True, logs=20) >= 0.9
    assert study.rate(found, 50, drifted=False, logs=60) <= 0.07
