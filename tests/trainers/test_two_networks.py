"""What two networks cannot be trained with: optimizers, schedules, losses, pictures and images that do not fit."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import lr_scheduler
from torch.utils.data import TensorDataset

from repro.datasets.latent import LatentGrid
from repro.errors import BadInput
from repro.losses.adversarial import NonSaturating, WassersteinGP
from repro.testing import same
from repro.trainers.adversarial import Adversarial
from repro.trainers.schedules import RisingMomentum
from tests.trainers.pairs import ADAM, SGD, STEPS, fit, images, pair


def cycle(steps: int) -> Any:
    return functools.partial(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=steps)


@pytest.mark.parametrize(
    "optimizer",
    [
        functools.partial(torch.optim.SGD, lr=-1.0),
        functools.partial(torch.optim.Adam, betas=(2.0, 0.9)),
        torch.optim.LBFGS,
        NonSaturating,
        lambda weights: None,
    ],
)
def test_optimizers_that_cannot_be_used_are_refused(tmp_path: Path, optimizer: Any) -> None:
    with pytest.raises(BadInput, match=r"^trainers\.Adversarial\.generator_optimizer is "):
        fit(tmp_path, generator_optimizer=optimizer)


@pytest.mark.parametrize(
    "schedule",
    [
        functools.partial(RisingMomentum, factor=0.5),
        functools.partial(RisingMomentum, momentum=1.0),
        functools.partial(lr_scheduler.StepLR, step_size=0),
        functools.partial(lr_scheduler.ExponentialLR, gamma=-3.0),
        cycle(STEPS - 1),
        functools.partial(torch.optim.Adam, lr=0.1),
    ],
)
def test_schedules_that_cannot_be_used_are_refused(tmp_path: Path, schedule: Any) -> None:
    with pytest.raises(BadInput):
        fit(tmp_path, discriminator_schedule=schedule)
    with pytest.raises(BadInput):
        fit(tmp_path / "adam", generator_schedule=RisingMomentum, generator_optimizer=ADAM)


def test_a_schedule_as_long_as_the_steps_of_its_optimizer_is_enough(tmp_path: Path) -> None:
    history, _ = fit(tmp_path, discriminator_schedule=cycle(STEPS), generator_schedule=cycle(4), generator_every=3)
    assert history["steps"] == STEPS


class Changed(NonSaturating):
    """Its loss of the generator goes through `change`."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.change = change

    def generator(self, fake: Tensor) -> Any:
        return self.change(super().generator(fake))


@pytest.mark.parametrize("change", [lambda x: x.expand(3), lambda x: 3.0, lambda x: None, lambda x: x.detach()])
def test_a_loss_that_is_no_scalar_with_a_gradient_is_refused(tmp_path: Path, change: Any) -> None:
    with pytest.raises(BadInput, match="generator"):
        fit(tmp_path, loss=Changed(change))


def test_a_generator_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    model = pair()
    model.generator.register_forward_hook(lambda part, given, made: made.detach())
    with pytest.raises(BadInput, match="no weight of the generator"):
        fit(tmp_path, model)


def test_losses_that_are_called_otherwise_are_refused(tmp_path: Path) -> None:
    class Other(WassersteinGP):
        def penalty(self, judge: Any) -> Any: ...  # type: ignore[override]

    class Half:
        def discriminator(self, real: Tensor, fake: Tensor) -> Any: ...

    data = images()
    for loss in (Other(), Half()):
        with pytest.raises(BadInput, match=r"expected (penalty|generator)"):
            Adversarial(1, 8, SGD, SGD).fit(pair(), loss, data, None, tmp_path, 0)


@pytest.mark.parametrize("kind", [torch.float64, torch.uint8])
def test_images_of_another_type_are_refused(tmp_path: Path, kind: Any) -> None:
    noise, real = images().tensors
    with pytest.raises(BadInput, match="type"):
        fit(tmp_path, data=TensorDataset(noise, (255 * real).to(kind)))


@pytest.mark.parametrize("shown", [LatentGrid(size=4), {"Two Words": LatentGrid(size=4)}, {"a": 3}, {"a": []}, {3: 3}])
def test_what_cannot_be_shown_is_refused(tmp_path: Path, shown: Any) -> None:
    with pytest.raises(BadInput, match=r"shown"):
        fit(tmp_path, shown=shown, valid_every=4)


def test_pictures_are_tried_before_the_training_and_change_nothing(tmp_path: Path) -> None:
    _, plain = fit(tmp_path / "plain")
    _, drawn = fit(tmp_path / "drawn", shown={"grid": LatentGrid(size=4)}, valid_every=STEPS)
    assert same(plain, drawn)

    wide = pair()
    wide.generator.append(torch.nn.Flatten())
    with pytest.raises(BadInput, match="cannot be drawn"):
        fit(tmp_path / "wide", wide, shown={"grid": LatentGrid(size=4)}, valid_every=STEPS)
    assert not (tmp_path / "wide" / "metrics.jsonl").exists()


def test_a_validation_that_never_comes_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "repro")
    fit(tmp_path, valid_every=STEPS + 1)
    assert any("valid_every" in record.message for record in caplog.records)
