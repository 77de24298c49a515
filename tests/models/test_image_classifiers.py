"""Image classifiers: their sizes by formula, the identity path, hooks of their ReLU, and what they refuse."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from repro.errors import BadInput
from repro.models.image_classifiers import Inverted, MobileNetBlocks, PreActivationResNet, Residual, SmallCNN
from repro.testing import check_model


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_small_network_has_the_parameters_of_its_layers() -> None:
    maps = [3, 5, 10, 20]
    convolutions = sum(9 * old * new + 2 * new for old, new in pairwise(maps))
    assert size(SmallCNN(classes=4, width=5, blocks=3)) == convolutions + 20 * 4 + 4


def test_the_residual_network_has_the_parameters_of_its_layers() -> None:
    def block(old: int, new: int) -> int:
        shortcut = old * new if old != new else 0
        return 2 * old + 9 * old * new + 2 * new + 9 * new * new + shortcut

    expected = 27 * 6 + block(6, 6) + block(6, 6) + block(6, 12) + 2 * 12 + 12 * 3 + 3
    assert size(PreActivationResNet(classes=3, width=6, blocks=(2, 1))) == expected


def test_mobile_blocks_have_the_parameters_of_their_layers() -> None:
    def separable(old: int, new: int) -> int:
        return 9 * old + 2 * old + old * new + 2 * new

    def inverted(old: int, new: int) -> int:
        inner = 4 * old
        return old * inner + 2 * inner + 9 * inner + 2 * inner + inner * new + 2 * new

    for block, count in (("separable", separable), ("inverted", inverted)):
        model = MobileNetBlocks(classes=3, width=8, blocks=(1, 2), block=block)  # type: ignore[arg-type]
        assert size(model) == 27 * 8 + 16 + count(8, 8) + count(8, 16) + count(16, 16) + 16 * 3 + 3


def test_a_separable_block_is_cheaper_than_a_convolution() -> None:
    """Howard et al. 2017, equation 5: the share of the multiplications is 1 / new + 1 / 9."""
    model = MobileNetBlocks(classes=2, width=32, blocks=(1,), block="separable")
    weights = [layer.weight.numel() for layer in model.features[3] if isinstance(layer, nn.Conv2d)]
    assert sum(weights) / (9 * 32 * 32) == pytest.approx(1 / 32 + 1 / 9)


@pytest.mark.parametrize("block", [Residual(6, 6, 1, "batch"), Inverted(6, 6, 1, 3, "batch")])
def test_a_block_that_adds_nothing_is_the_identity(block: nn.Module) -> None:
    last = [module for module in block.modules() if isinstance(module, nn.Conv2d)][-1]
    nn.init.zeros_(last.weight)
    maps = torch.randn(2, 6, 7, 9)
    assert torch.equal(block(maps), maps)


def test_a_chain_of_blocks_passes_gradients_unchanged_if_they_add_nothing() -> None:
    """He et al. 2016, equation 5: the gradient has a term that no weight multiplies."""
    chain = nn.Sequential(*(Residual(4, 4, 1, "batch") for _ in range(20)))
    for block in chain:
        nn.init.zeros_(block.second[-1].weight)
    maps = torch.randn(1, 4, 5, 5, requires_grad=True)
    gradient = torch.randn(1, 4, 5, 5)
    chain(maps).backward(gradient)
    assert torch.equal(maps.grad, gradient)  # type: ignore[arg-type]


MODELS: list[Any] = [
    lambda norm: SmallCNN(classes=3, channels=1, width=4, blocks=3, norm=norm),
    lambda norm: PreActivationResNet(classes=3, channels=1, width=4, blocks=(1, 1), norm=norm),
    lambda norm: MobileNetBlocks(classes=3, channels=1, width=4, blocks=(1, 1), norm=norm),
    lambda norm: MobileNetBlocks(classes=3, channels=1, width=4, blocks=(1, 1), block="separable", norm=norm),
]


@pytest.mark.parametrize("made", MODELS)
def test_contract(made: Any) -> None:
    check_model(made("group"), inputs=torch.rand(3, 1, 18, 21))


@pytest.mark.parametrize("made", MODELS)
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_images_of_any_size_and_relus_that_keep_their_input(made: Any, norm: str) -> None:
    model = made(norm).eval()
    for side in (1, 5, 32):
        assert model(torch.rand(2, 1, side, side)).shape == (2, 3)
    relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    calls: list[nn.Module] = []
    for relu in relus:
        assert not relu.inplace
        relu.register_forward_hook(lambda module, given, output: calls.append(module))
    model(torch.rand(1, 1, 32, 32))
    assert len(calls) == len(relus) == len(set(calls))


@pytest.mark.parametrize(
    ("cls", "wrong"),
    [
        *((SmallCNN, {name: value}) for name in ("width", "blocks", "channels") for value in (0, -1, 1.0, True)),
        *((SmallCNN, {"classes": value}) for value in (1, float("nan"), float("inf"))),
        (SmallCNN, {"norm": "layer"}),
        *((PreActivationResNet, {"blocks": value}) for value in ((), (0,), (1.0,), 3, "22")),
        *((MobileNetBlocks, {"blocks": value}) for value in ((), (-1,), 3)),
        (MobileNetBlocks, {"block": "dense"}),
        (MobileNetBlocks, {"expansion": 0}),
    ],
)
def test_a_wrong_value_is_refused_by_name(cls: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        cls(**{"classes": 3, **wrong})
    assert refused.value.parameter == next(iter(wrong))
