"""Tests of the parts of this paper, with the checks of repro.testing."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch

from papers.kinds.sound.dataset import NoisyRecordings, loudest
from papers.kinds.sound.loss import NegativeRatio
from papers.kinds.sound.model import NoiseMask
from repro.datasets.fsdd import Fsdd
from repro.datasets.voices import SyntheticVoices
from repro.testing import check_dataset, check_loss, check_model, check_trainer, needs
from repro.trainers.supervised import Supervised

VOICES = SyntheticVoices("train", speakers=2, utterances=4, seconds=0.3)


@pytest.mark.parametrize("decibels", [-5.0, 0.0, 20.0])
def test_the_noise_has_the_level_that_is_asked_for(decibels: float) -> None:
    data = NoisyRecordings(VOICES, seconds=0.4, decibels=decibels)  # longer than the recordings
    check_dataset(data)
    noisy, clean = (part.double() for part in data[3])
    assert noisy.shape == (1, 3200)
    assert abs(20 * math.log10(clean.norm() / (noisy - clean).norm()) - decibels) < 1e-3


def test_the_loudest_part_is_taken() -> None:
    recording = torch.tensor([0.0, 1.0, 0.0, -3.0, 2.0, 0.0])
    assert loudest(recording, 2).tolist() == [-3.0, 2.0]
    assert loudest(recording, 8).tolist() == [*recording.tolist(), 0.0, 0.0]


def test_model() -> None:
    check_model(NoiseMask(hidden=8), inputs=torch.randn(4, 1, 2000))


def test_a_mask_of_ones_changes_nothing() -> None:
    model, noisy = NoiseMask(hidden=2), torch.randn(2, 1, 2001)
    torch.nn.init.zeros_(model.out.weight)
    torch.nn.init.constant_(model.out.bias, 50.0)
    assert torch.allclose(model(noisy), noisy, atol=1e-4)


def test_loss_is_the_formula() -> None:
    estimate, clean = torch.randn(2, 3, 1, 50)
    check_loss(NegativeRatio(), estimate, clean)
    first, second = estimate.numpy().astype(float), clean.numpy().astype(float)
    wanted = -10 * np.log10((second**2).sum(-1) / ((first - second) ** 2).sum(-1)).mean()
    assert abs(NegativeRatio()(estimate, clean).item() - wanted) < 1e-4


def test_the_model_learns_to_remove_noise() -> None:
    trainer = Supervised(steps=1, batch_size=4, optimizer=functools.partial(torch.optim.Adam, lr=0.01))
    check_trainer(trainer, NoiseMask(hidden=8), NegativeRatio(), NoisyRecordings(VOICES, seconds=0.2, decibels=0.0))


@needs("fsdd/test")
def test_the_real_recordings() -> None:
    """Skipped if the data is not on this machine."""
    check_dataset(NoisyRecordings(Fsdd("test"), decibels=0.0))
