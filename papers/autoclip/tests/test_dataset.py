"""Tests of mixtures that are padded to the length of a training segment."""

from __future__ import annotations

import pytest
import torch

from papers.autoclip.dataset import AutoclipPadded
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset

FRAMES, SAMPLES = 400, 25536  # as in configs/wsj0_2mix.gin


@pytest.fixture(scope="module")
def short() -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("test", speakers=2, utterances=1, seconds=1.0), size=2, seconds=1.0)


def test_battery(short: SpeechMixtures) -> None:
    check_dataset(AutoclipPadded(short, 9000))


def test_a_short_mixture_is_long_enough_for_a_segment(short: SpeechMixtures) -> None:
    with pytest.raises(BadInput, match="frames is 400"):
        SpectrogramSegments(AutoclipPadded(short, SAMPLES - 1), FRAMES)[0]
    magnitude, _ = SpectrogramSegments(AutoclipPadded(short, SAMPLES), FRAMES)[0]
    assert magnitude.shape == (FRAMES, 129)


def test_zeros_are_added_at_the_end_only(short: SpeechMixtures) -> None:
    inputs, sources = short[0]
    more, padded = AutoclipPadded(short, 9000)[0]
    assert torch.equal(padded[:, :8000], sources) and not padded[:, 8000:].any()
    assert torch.equal(more["mixture"], padded.sum(0)) and more["num_sources"] == inputs["num_sources"]
    same, _ = AutoclipPadded(short, 100)[0]
    assert torch.equal(same["mixture"], inputs["mixture"])
