"""Tests that both versions of a network have the same scores, gradients, and weights after a hundred steps."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import default_collate

from papers.mnist_quickstart.model import CNNByHand, CNNInTorch, PerceptronByHand, PerceptronInTorch
from papers.mnist_quickstart.trainer import SGDByHand
from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.testing import check_model, check_trainer
from repro.trainers.supervised import Supervised

STEPS = 100
TWINS = [(PerceptronInTorch, PerceptronByHand), (CNNInTorch, CNNByHand)]


class As(Digits):
    """The digits with another floating-point type."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__("train")
        self.dtype = dtype

    def __getitems__(self, indices: list[int]) -> list[tuple[torch.Tensor, int]]:
        return [(image.to(self.dtype), digit) for image, digit in super().__getitems__(indices)]


def made(model: type, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return model()


def trained(model: torch.nn.Module, trainer: Any, dtype: torch.dtype, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    return trainer.fit(model, torch.nn.CrossEntropyLoss(), As(dtype), None, folder, order_seed=3)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("twins", TWINS)
def test_twins_agree_after_a_hundred_steps(
    twins: tuple[type, type], dtype: torch.dtype, tolerance: float, tmp_path: Path
) -> None:
    """With the same initial weights and batches, all weights and the learning curves are equal."""
    in_torch, by_hand = (made(model).to(dtype) for model in twins)
    schedule = functools.partial(torch.optim.lr_scheduler.LinearLR, start_factor=1.0, end_factor=0.0, total_iters=STEPS)
    sgd = functools.partial(torch.optim.SGD, lr=0.05, momentum=0.9)
    theirs = trained(in_torch, Supervised(STEPS, 10, sgd, schedule), dtype, tmp_path / "torch")
    ours = trained(by_hand, SGDByHand(STEPS, 10, lr=0.05, momentum=0.9), dtype, tmp_path / "hand")
    start = made(twins[0]).to(dtype).state_dict()
    for (name, one), other in zip(in_torch.state_dict().items(), by_hand.state_dict().values(), strict=True):
        assert (one - start[name]).abs().max() > 0.01, f"{name} has not been trained"
        assert (one - other).abs().max() < tolerance, name
    for (_, one), (_, other) in zip(ours["curves"]["train"], theirs["curves"]["train"], strict=True):
        assert one == pytest.approx(other, abs=max(tolerance, 2e-6))  # curves have six decimals


@pytest.mark.parametrize("twins", TWINS)
def test_twins_give_the_same_scores_and_gradients(twins: tuple[type, type]) -> None:
    images, digits = default_collate([Digits("test")[index] for index in range(8)])
    found = []
    for model in map(made, twins):
        given = images.double().requires_grad_()
        scores = model.double()(given)
        torch.nn.functional.cross_entropy(scores, digits).backward()
        found.append([scores, given.grad, *(parameter.grad for parameter in model.parameters())])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", [model for twins in TWINS for model in twins])
def test_models(model: type) -> None:
    check_model(made(model), torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(1)))


def test_the_trainer_by_hand_overfits_one_batch() -> None:
    check_trainer(SGDByHand(1, 50, lr=0.05, momentum=0.9), made(PerceptronByHand), torch.nn.Identity(), Digits("train"))


def test_no_hidden_layer_is_a_linear_classifier() -> None:
    model = PerceptronInTorch(hidden=())
    one, other = torch.rand(2, 1, 1, 28, 28)
    assert torch.allclose(model(one + other), model(one) + model(other), atol=1e-5)  # its biases start at 0


@pytest.mark.parametrize("model", [PerceptronInTorch, CNNInTorch])
@pytest.mark.parametrize("gain", [0.0, 1.0, 20.0])
def test_first_weights_have_the_deviation_that_is_asked_for(model: type, gain: float) -> None:
    torch.manual_seed(0)
    for parameter in model(gain=gain).parameters():
        inputs = parameter[0].numel() if parameter.ndim > 1 else 1
        wanted = gain / inputs**0.5 if parameter.ndim > 1 else 0.0
        assert parameter.std().item() == pytest.approx(wanted, rel=0.15)


@pytest.mark.parametrize(
    ("steps", "batch_size", "words"),
    [(1, 1501, "batch_size is 1501; expected 1 to 1500"), (0, 10, "steps is 0; expected a whole number from 1")],
)
def test_what_cannot_be_trained_is_refused(steps: int, batch_size: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=words):
        SGDByHand(steps, batch_size, lr=0.1).fit(PerceptronByHand(), None, Digits("train"), None, tmp_path, 0)


@pytest.mark.parametrize("channels", [(), (4, 4, 4)])
def test_convolutions_that_leave_no_pixel_are_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected one or two numbers"):
        CNNInTorch(channels)
