"""The losses of adversarial training against their equations in float64, and at their known optima."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.losses.adversarial import LeastSquares, Minimax, NonSaturating, Translation, WassersteinGP
from repro.trainers.supervised import Supervised

LOSSES = [Minimax(), NonSaturating(), LeastSquares(), WassersteinGP()]
REAL, FAKE = [3, 1, 4], [1, 3, 4]  # how many real images and samples there are at each of three points


def sigmoid(score: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-score)))


def scores() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(6, 1, 3, 3, dtype=torch.float64), torch.randn(6, 1, 3, 3, dtype=torch.float64)


def equations(s: np.ndarray, t: np.ndarray) -> dict[str, tuple[float, float]]:
    """The loss of the discriminator and of the generator, as the papers print them."""
    entropy = -np.log(sigmoid(s)).mean() - np.log(1 - sigmoid(t)).mean()
    return {
        "Minimax": (entropy, np.log(1 - sigmoid(t)).mean()),
        "NonSaturating": (entropy, -np.log(sigmoid(t)).mean()),
        "LeastSquares": (((s - 1) ** 2).mean() / 2 + (t**2).mean() / 2, ((t - 1) ** 2).mean() / 2),
        "WassersteinGP": (t.mean() - s.mean(), -t.mean()),
    }


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_equations_in_float64(loss: Any) -> None:
    real, fake = scores()
    found = loss.discriminator(real, fake).item(), loss.generator(fake).item()
    assert found == pytest.approx(equations(real.numpy(), fake.numpy())[type(loss).__name__], rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("size", [1e4, -1e4, 0.0])
def test_losses_and_gradients_are_finite_for_large_scores(loss: Any, size: float) -> None:
    for other in (1e4, -1e4):
        real, fake = torch.full((2, 1), size, requires_grad=True), torch.full((2, 1), other, requires_grad=True)
        (loss.discriminator(real, fake) + loss.generator(fake)).backward()
        assert real.grad is not None and fake.grad is not None
        assert bool(real.grad.isfinite().all() & fake.grad.isfinite().all())


def at_points(score: Tensor) -> tuple[Tensor, Tensor]:
    """The scores of all real images and of all samples, from the score of each point."""
    return score.repeat_interleave(torch.tensor(REAL)), score.repeat_interleave(torch.tensor(FAKE))


@pytest.mark.parametrize("loss", LOSSES[:3], ids=lambda loss: type(loss).__name__)
def test_the_best_discriminator_is_p_over_p_plus_q(loss: Any) -> None:
    p, q = (torch.tensor(counts, dtype=torch.float64) / 8 for counts in (REAL, FAKE))
    best = p / (p + q)
    score = (best if isinstance(loss, LeastSquares) else best.logit()).requires_grad_()
    value = loss.discriminator(*at_points(score))
    (slope,) = torch.autograd.grad(value, score)
    assert float(slope.abs().max()) < 1e-12
    for change in torch.eye(3, dtype=torch.float64) * 0.1:
        assert all(loss.discriminator(*at_points(score + sign * change)) > value for sign in (1, -1))


def test_the_value_of_the_game_is_minus_log_4_at_the_optimum() -> None:
    value = -Minimax().discriminator(torch.zeros(5), torch.zeros(5))
    assert value.item() == pytest.approx(-math.log(4))


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0, 4.0])
def test_penalty_of_a_linear_judge(slope: float) -> None:
    weight = torch.full((12,), slope / math.sqrt(12), dtype=torch.float64, requires_grad=True)
    real, fake = torch.randn(5, 3, 2, 2, dtype=torch.float64), torch.randn(5, 3, 2, 2, dtype=torch.float64)
    value = WassersteinGP(weight=7.0).penalty(lambda images: images.flatten(1) @ weight, real, fake)
    value.backward()
    assert weight.grad is not None and bool(weight.grad.isfinite().all())
    assert value.item() == pytest.approx(7 * (slope - 1) ** 2, abs=1e-4)
    assert weight.grad.sum().item() == pytest.approx(14 * (slope - 1) * math.sqrt(12) * (slope > 0), abs=1e-3)


def test_penalty_is_at_points_between_a_real_image_and_its_sample() -> None:
    """The gradient of x^2 / 2 is x: the penalty at a point x is (|x| - 1)^2, and torch's random state chooses it."""
    real, fake = torch.full((500, 1), 3.0), torch.full((500, 1), 5.0)
    judge, loss = (lambda images: images.square() / 2), WassersteinGP(weight=1.0)
    torch.manual_seed(0)
    first = loss.penalty(judge, real, fake)
    other = loss.penalty(judge, real, fake)
    torch.manual_seed(0)
    again = loss.penalty(judge, real, fake)
    assert first == again != other
    assert first.item() == pytest.approx((4**3 - 2**3) / 3 / 2, rel=0.05)  # the mean of (x - 1)^2 over [3, 5]


def test_translation_adds_the_weighted_distance_of_isola() -> None:
    real, fake = scores()
    image, target = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    loss = Translation(NonSaturating(), weight=100.0)
    assert loss.discriminator(real, fake) == NonSaturating().discriminator(real, fake)
    assert loss.generator(fake) == NonSaturating().generator(fake)
    expected = 100 * np.abs(image.numpy() - target.numpy()).mean(dtype=np.float64)
    assert loss.distance(image, target).item() == pytest.approx(expected, rel=1e-6)
    assert loss(image, target) == loss.distance(image, target)
    squared = Translation(LeastSquares(), reconstruction=nn.MSELoss(), weight=2.0)
    assert squared.distance(image, target).item() == pytest.approx(2 * ((image - target) ** 2).mean().item())
    assert not hasattr(loss, "penalty") and hasattr(Translation(WassersteinGP()), "penalty")


@pytest.mark.parametrize("weight", [0.0, -1.0, math.inf, math.nan, True, "1"])
def test_a_weight_out_of_range_is_refused(weight: Any) -> None:
    for make in (WassersteinGP, lambda weight: Translation(NonSaturating(), weight=weight)):
        with pytest.raises(BadInput) as refused:
            make(weight=weight)
        assert refused.value.parameter == "weight"


def test_wrong_combinations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        Translation(nn.L1Loss())
    data = [(torch.zeros(1), torch.zeros(1))]
    with pytest.raises(BadInput):
        Supervised(1, 1, torch.optim.SGD).fit(nn.Linear(1, 1), NonSaturating(), data, None, tmp_path, 0)
    with pytest.raises(BadInput, match="scores alone"):  # the distance of the inner one would be lost
        Translation(Translation(NonSaturating()))
