"""Checks for the two networks and the loss of an adversarial training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from repro.testing.parts import apply, check_loss, check_model, dead_parameters, seeded

LARGE = 1e4  # a score that a discriminator may reach


def check_training(model: Any, loss: Any, inputs: Any, target: Any) -> None:
    """Check a model and a loss for a batch: `check_model` and `check_loss`, or `check_pair` for two networks.

    >>> from torch import nn
    >>> check_training(nn.Linear(4, 2), nn.MSELoss(), torch.rand(3, 4), torch.rand(3, 2))
    """
    if hasattr(model, "judge"):
        check_pair(model, loss, inputs, target)
        return
    check_model(model, inputs)
    with torch.no_grad():
        output = model(inputs)
    check_loss(loss, output, target)


def check_pair(model: Any, loss: Any, inputs: Any, target: Tensor) -> None:
    """Check a model like `models.Adversarial`, and its loss of scores or of images.

    The generator must pass `check_model`. Every parameter of the discriminator must get a gradient from the scores of
    real images `target` (B, ...). The losses must be finite scalars with finite gradients, also for large scores.

    >>> from repro.losses.adversarial import LeastSquares
    >>> from repro.models.adversarial import Adversarial, DenseGenerator, MaxoutDiscriminator
    >>> model = Adversarial(DenseGenerator(noise=3, hidden=[8]), MaxoutDiscriminator(layers=[(4, 2)]))
    >>> check_pair(model, LeastSquares(), torch.randn(3, 3), torch.rand(3, 1, 28, 28))
    """
    check_model(model.generator, inputs)
    model.train().zero_grad()
    fake = seeded(model, inputs)
    assert fake.shape == target.shape, f"an image has the shape {tuple(fake.shape)}, a real one {tuple(target.shape)}"
    scores = model.judge(target, inputs)
    assert len(scores) == len(target), "the discriminator does not have one row of scores per item"
    (scores * torch.randn(scores.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    for name, why in dead_parameters(model.discriminator).items():
        raise AssertionError(f"parameter discriminator.{name} gets no gradient ({why})")
    if not hasattr(loss, "discriminator"):
        check_loss(loss, fake.detach(), target)
        return
    for size in (0.0, 1.0, LARGE, -LARGE):
        real, made = (apply(scores, lambda x, by=by: (x + by).detach().requires_grad_()) for by in (size, -size))
        _check_scalar("discriminator", loss.discriminator(real, made), real, made)
        _check_scalar("generator", loss.generator(made), made)
    if hasattr(loss, "penalty"):
        value = loss.penalty(lambda images: model.judge(images, inputs), target, fake.detach())
        _check_scalar("penalty", value, *model.discriminator.parameters())


def _check_scalar(name: str, value: Tensor, *given: Tensor) -> None:
    assert value.shape == (), f"the loss '{name}' is not a scalar"
    slopes = torch.autograd.grad(value, given, allow_unused=True)
    finite = all(bool(one.isfinite().all()) for one in slopes if one is not None)
    assert bool(value.isfinite()) and finite, f"the loss '{name}' or its gradient is not finite"
