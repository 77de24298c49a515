"""The checks of two networks find planted faults, and let sound ones pass."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.losses.adversarial import LeastSquares, Minimax, NonSaturating, Translation, WassersteinGP
from repro.models.adversarial import Adversarial, DenseGenerator, MaxoutDiscriminator
from repro.testing.adversarial import check_training


def pair() -> Adversarial:
    torch.manual_seed(0)
    generator = DenseGenerator(noise=3, hidden=[8], shape=(1, 4, 4))
    return Adversarial(generator, MaxoutDiscriminator(layers=[(4, 2)], shape=(1, 4, 4)))


def check(model: Any, loss: Any) -> None:
    check_training(model, loss, torch.randn(3, 3), torch.rand(3, 1, 4, 4))


@pytest.mark.parametrize(
    "loss", [Minimax(), NonSaturating(), LeastSquares(), WassersteinGP(), Translation(WassersteinGP()), nn.L1Loss()]
)
def test_sound_parts_pass(loss: Any) -> None:
    check(pair(), loss)


class Logarithm(NonSaturating):
    """Overflows: a sigmoid of a large score is 1, and the logarithm of 1 - 1 is infinite."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()


class Vector(NonSaturating):
    def generator(self, fake: Tensor) -> Tensor:
        return nn.functional.softplus(-fake)


class Unbounded(NonSaturating):
    def penalty(self, judge: Any, real: Tensor, fake: Tensor) -> Tensor:
        return judge(real).sum() * math.inf


@pytest.mark.parametrize("loss", [Logarithm(), Vector(), Unbounded()])
def test_a_loss_that_is_not_finite_or_no_scalar_is_found(loss: Any) -> None:
    with pytest.raises(AssertionError):
        check(pair(), loss)


def test_a_weight_without_gradient_is_found() -> None:
    for name in ("generator", "discriminator"):
        model = pair()
        getattr(model, name).spare = nn.Linear(1, 1)
        with pytest.raises(AssertionError, match="spare"):
            check(model, NonSaturating())


def test_images_of_another_shape_are_found() -> None:
    with pytest.raises(AssertionError):
        check_training(pair(), NonSaturating(), torch.randn(3, 3), torch.rand(3, 1, 5, 5))
