"""Adversarial training against a loop written out, its curves, and what it refuses."""

from __future__ import annotations

import copy
import functools
import logging
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from repro.datasets.latent import LatentGrid
from repro.errors import BadInput
from repro.losses.adversarial import LeastSquares, NonSaturating, Translation
from repro.metrics import Identity
from repro.models.adversarial import Adversarial as Pair
from repro.testing import same
from repro.trainers.adversarial import Adversarial, mean_target
from repro.trainers.measured import Measured
from repro.trainers.two_networks import distance
from repro.training.finite import NotFinite
from tests.trainers.pairs import (
    ACCURACY,
    ADAM,
    ITEMS,
    SGD,
    SIDE,
    STEPS,
    Convolutional,
    dense,
    fit,
    images,
    pair,
)


@pytest.mark.parametrize("simultaneous", [True, False])
@pytest.mark.parametrize("every", [1, 3])
def test_it_is_the_loop_written_out(tmp_path: Path, every: int, simultaneous: bool) -> None:
    """Full batches without dropout, so that the order of the items does not matter."""
    given = {"batch_size": ITEMS, "generator_every": every, "simultaneous": simultaneous}
    _, found = fit(tmp_path / "ours", pair(True, 0.0), **given)
    model, (noise, real) = pair(True, 0.0), images().tensors
    optimizers = {name: SGD(getattr(model, name).parameters()) for name in ("generator", "discriminator")}
    cross_entropy = nn.functional.binary_cross_entropy_with_logits
    for number in range(1, STEPS + 1):
        fake = model.generator(noise)
        before = copy.deepcopy(model.discriminator)
        right, wrong = model.discriminator(real, noise), model.discriminator(fake.detach(), noise)
        optimizers["discriminator"].zero_grad()
        (cross_entropy(right, torch.ones_like(right)) + cross_entropy(wrong, torch.zeros_like(wrong))).backward()
        optimizers["discriminator"].step()
        if number % every == 0:
            again = (before if simultaneous else model.discriminator)(fake, noise)
            optimizers["generator"].zero_grad()
            cross_entropy(again, torch.ones_like(again)).backward()
            optimizers["generator"].step()
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(found[name], weight, atol=1e-5, rtol=1e-4, msg=name)


def test_validations_change_nothing_and_metrics_are_measured(tmp_path: Path) -> None:
    class Distance:
        identity = Identity("Distance", "lower", "")

        def __call__(self, estimate: Tensor, target: Tensor, inputs: Any) -> float:
            return float((estimate - target).abs().mean())

    plain, one = fit(tmp_path / "a", pair(True))
    data, model = images(), pair(True)
    inner = Adversarial(STEPS, 8, SGD, SGD, valid_every=5, shown={"grid": LatentGrid(rows=2, columns=2, size=4)})
    torch.manual_seed(1)
    (tmp_path / "b").mkdir()
    measured = Measured(inner, [Distance()], data).fit(model, NonSaturating(), data, data, tmp_path / "b", 3)
    assert same(one, dict(model.state_dict()))
    assert [step for step, _ in measured["curves"]["Distance"]] == [5, 10]
    assert [step for step, _ in measured["curves"]["valid"]] == [5, 10]
    assert {name: measured["curves"][name] for name in plain["curves"]} == plain["curves"]
    assert sorted(path.name for path in (tmp_path / "b" / "samples").iterdir()) == ["grid-10.png", "grid-5.png"]


def test_a_step_of_one_network_leaves_the_other(tmp_path: Path) -> None:
    still = functools.partial(torch.optim.SGD, lr=0.0)
    before = dict(pair().named_parameters())
    for name, other in (("generator", "discriminator"), ("discriminator", "generator")):
        _, after = fit(tmp_path / name, **{f"{name}_optimizer": still})
        assert {key.partition(".")[0] for key in before if not torch.equal(before[key], after[key])} == {other}


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_nan_names_the_network(tmp_path: Path, network: str) -> None:
    class Bad(NonSaturating):
        def generator(self, fake: Tensor) -> Tensor:
            return super().generator(fake) * (math.nan if network == "generator" else 1)

        def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
            return super().discriminator(real, fake) * (math.nan if network == "discriminator" else 1)

    with pytest.raises(NotFinite) as stopped:
        fit(tmp_path / "run", loss=Bad())
    assert any(network in note for note in stopped.value.__notes__)
    assert len(list((tmp_path / "run" / "checkpoints").glob("failed-*"))) == 1


def test_nan_gradient_names_the_weight(tmp_path: Path) -> None:
    model = pair()
    weight = model.generator[0].weight
    weight.register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(NotFinite, match=r"step 1: the gradient of 'generator\.0\.weight'"):
        fit(tmp_path / "run", model)


def test_curves_say_how_diverse_samples_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    still = dict.fromkeys(
        ("generator_optimizer", "discriminator_optimizer"), functools.partial(torch.optim.SGD, lr=0.0)
    )

    class Copies(nn.Module):
        """A generator with the same image for all noise (size 0), or as diverse as the real ones (size 1)."""

        def __init__(self, size: float) -> None:
            super().__init__()
            self.size, self.weight = size, nn.Parameter(torch.zeros(1))

        def forward(self, noise: Tensor) -> Tensor:
            return self.size * images().tensors[1][: len(noise)] + self.weight

    caplog.set_level(logging.WARNING, "repro")
    for size, said in ((1.0, 0), (0.0, 1)):
        caplog.clear()
        history, _ = fit(tmp_path / str(size), Pair(Copies(size), Convolutional(False)), **still, batch_size=12)
        assert history["curves"]["diversity"][-1][1] == pytest.approx(size, abs=0.15)
        assert sum("collapse" in record.message for record in caplog.records) == said


def test_accuracy_is_the_share_of_pairs_in_the_right_order(tmp_path: Path) -> None:
    class Brightness(nn.Module):
        def __init__(self, sign: float) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([sign]))

        def forward(self, shown: Tensor, inputs: Any) -> Tensor:
            return self.weight * shown.flatten(1).mean(1)

    still = dict.fromkeys(
        ("generator_optimizer", "discriminator_optimizer"), functools.partial(torch.optim.SGD, lr=0.0)
    )
    for sign, expected in ((1.0, 1.0), (-1.0, 0.0), (0.0, 0.5)):
        model = pair()
        model.generator[4].bias.data.fill_(-100.0)  # black samples
        model.discriminator = Brightness(sign)
        history, _ = fit(tmp_path / str(sign), model, **still)
        assert {value for _, value in history["curves"][ACCURACY]} == {expected}


def test_a_generator_learns_the_mean_of_the_data(tmp_path: Path) -> None:
    class Judge(nn.Linear):
        def forward(self, shown: Tensor, inputs: Any = None) -> Tensor:
            return super().forward(torch.cat([shown, shown**2], 1))

    torch.manual_seed(0)
    data = TensorDataset(torch.randn(512, 1), 3 + 0.5 * torch.randn(512, 1))
    model, adam = Pair(nn.Linear(1, 1), Judge(2, 1)), functools.partial(torch.optim.Adam, lr=0.04, betas=(0.5, 0.9))
    Adversarial(300, 64, adam, adam).fit(model, NonSaturating(), data, None, tmp_path, 0)
    made = model(torch.randn(2000, 1)).detach()
    assert made.mean().item() == pytest.approx(3.0, abs=0.3)


def test_a_distance_alone_is_learned_as_with_supervised(tmp_path: Path) -> None:
    """With a discriminator that is always undecided, the generator minimises the distance."""
    frozen = functools.partial(torch.optim.SGD, lr=0.0)
    model = pair(dropout=0.0)
    for weight in model.discriminator.parameters():
        nn.init.zeros_(weight)
    loss = Translation(LeastSquares(), weight=1.0)
    history, _ = fit(tmp_path, model, loss, steps=100, discriminator_optimizer=frozen, generator_optimizer=ADAM)
    curve = [value for _, value in history["curves"]["train"]]
    assert curve[-1] - 0.5 < 0.8 * (curve[0] - 0.5)  # the least-squares loss of the score 0 is 0.5


def test_the_mean_and_the_distance_of_images() -> None:
    random = torch.rand(40, 1, SIDE, SIDE)
    data = [(index, one) for index, one in enumerate(random)]
    torch.testing.assert_close(mean_target(data), random.mean(0))
    direct = [float((random[n] - random[(n - 1) % 40]).double().norm()) for n in range(40)]
    assert distance(random).item() == pytest.approx(sum(direct) / 40, rel=1e-6)


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("steps", [0, -1, 1.0, math.inf]),
        ("batch_size", [0, ITEMS + 1, 2.0]),
        ("generator_every", [0, STEPS + 1, 0.5]),
        ("valid_every", [-1, 0.5]),
        ("workers", [-1]),
    ],
)
def test_bad_values_are_refused(tmp_path: Path, parameter: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(BadInput) as refused:
            fit(tmp_path, **{parameter: value})
        assert refused.value.parameter == parameter


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    data, frozen = images(), dense()
    frozen.discriminator.requires_grad_(False)
    trainer = Adversarial(1, 8, SGD, SGD)
    for model, loss in (
        (nn.Linear(1, 1), NonSaturating()),
        (pair(), nn.MSELoss()),
        (frozen, NonSaturating()),
        (Pair(nn.Linear(4, 2), Convolutional(False)), NonSaturating()),
    ):
        with pytest.raises(BadInput):
            trainer.fit(model, loss, data, data, tmp_path, 0)
    for more in ({"valid_every": 1}, {"generator_schedule": torch.optim.lr_scheduler.ReduceLROnPlateau}):
        with pytest.raises(BadInput):
            Adversarial(1, 8, SGD, SGD, **more).fit(pair(), NonSaturating(), data, None, tmp_path, 0)
    with pytest.raises(BadInput):
        Adversarial(1, 8, SGD, SGD, shown={"grid": LatentGrid()})
