"""Tests of the choice of mixtures by pitch."""

from __future__ import annotations

import math

import pytest
import torch

from papers.deep_clustering.dataset import PitchDistance
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset


@pytest.fixture(scope="module")
def mixtures() -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("test", speakers=6, utterances=1, seconds=0.5), size=30, seconds=0.5)


def test_battery(mixtures: SpeechMixtures) -> None:
    check_dataset(PitchDistance(mixtures, least=3.0))


@pytest.mark.parametrize("border", [0.0, 2.0, 6.0])
def test_every_mixture_is_on_one_side_of_a_border(mixtures: SpeechMixtures, border: float) -> None:
    chosen = []
    for limits in ({"most": border}, {"least": border}):
        try:
            chosen += PitchDistance(mixtures, **limits).chosen
        except BadInput:
            assert border == 0.0  # no distance is below 0
    assert sorted(chosen) == list(range(30))


def test_the_distance_is_that_of_the_two_voices(mixtures: SpeechMixtures) -> None:
    far = PitchDistance(mixtures, least=6.0)
    for index, place in enumerate(far.chosen):
        speakers = {mixtures.corpus.speaker_of[part.utterance] for part in mixtures.parts(place)}
        low, high = sorted(mixtures.corpus.voice(speaker).f0 for speaker in speakers)
        assert high / low >= math.sqrt(2)  # six semitones
        assert torch.equal(far[index][1], mixtures[place][1])


def test_other_mixtures_are_refused(mixtures: SpeechMixtures) -> None:
    with pytest.raises(BadInput):
        PitchDistance(mixtures, least=100.0)
    with pytest.raises(BadInput):
        PitchDistance(SpeechMixtures(mixtures.corpus, size=2, num_sources=3, seconds=0.5))
