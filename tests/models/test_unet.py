"""U-Net: shapes, tiles, the published sizes and the initial weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from repro.errors import BadInput
from repro.models.unet import UNet, mirrored
from repro.testing import check_model

PADDINGS = ("valid", "same")


def made(padding: Any, depth: int = 2, **kwargs: Any) -> UNet:
    torch.manual_seed(0)
    return UNet(1, 3, depth=depth, width=4, padding=padding, **kwargs).eval()


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("size", [(64, 48), (61, 83), (33, 130)])
def test_tiles_give_the_scores_of_the_whole_image(padding: Any, depth: int, size: tuple[int, int]) -> None:
    model = made(padding, depth, tile=16).double()  # so that the difference is not that of rounding
    image = torch.rand(1, *size, dtype=torch.float64)
    with torch.inference_mode():
        whole = model(image[None])[0]
        assert whole.std() > 0.01
        torch.testing.assert_close(model.estimate(image), whole, rtol=0, atol=1e-10)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 31), (40, 40)])
def test_an_image_of_any_size_gets_a_score_per_pixel(padding: Any, size: tuple[int, int]) -> None:
    image = torch.rand(2, 1, *size)
    assert made(padding)(image).shape == (2, 3, *size)
    assert made(padding).estimate(image[0]).shape == (3, *size)


def test_sizes_and_number_of_weights_are_those_of_the_paper() -> None:
    """Figure 1: an input of 572 gives 388; 31,030,658 weights for two classes, as the layers of the figure have."""
    assert UNet(1, 2, depth=4, width=1).margin == (572 - 388) // 2
    layers = [(1, 64), (64, 64)]
    for level in range(4):
        fine, coarse = 64 * 2**level, 128 * 2**level
        layers += [(fine, coarse), (coarse, coarse), (coarse, fine), (fine, fine)]
    convolutions = sum(9 * into * out + out for into, out in layers)
    ups = sum(4 * 2 * width * width + width for width in (64, 128, 256, 512))
    with torch.device("meta"):
        published = UNet(1, 2)
    assert sum(weight.numel() for weight in published.parameters()) == convolutions + ups + 64 * 2 + 2
    with torch.device("meta"):
        encoded = published.encode(torch.empty(1, 1, 572, 572))
        assert published._decode(encoded).shape == (1, 2, 388, 388)
    assert [tuple(found.shape[1:]) for found in encoded] == [
        (64, 568, 568),
        (128, 280, 280),
        (256, 136, 136),
        (512, 64, 64),
        (1024, 28, 28),
    ]


@pytest.mark.parametrize("depth", [1, 2])
def test_valid_scores_see_only_real_pixels_within_the_margin(depth: int) -> None:
    """A score depends on the pixels up to `margin` away, and on those that the max pooling takes together with them."""
    model = made("valid", depth)
    for weight in model.parameters():
        weight.data.abs_()  # no gradient is 0 by chance
    size = 4 * model.margin + 4
    reach = set()
    for middle in range(size // 2, size // 2 + 2**depth):
        image = torch.rand(1, 1, size, size, requires_grad=True)
        model(image)[0, :, middle, middle].sum().backward()
        assert image.grad is not None
        reach.add(int((torch.nonzero(image.grad[0, 0].abs().sum(1))[:, 0] - middle).abs().max()))
    assert model.margin <= max(reach) <= model.margin + 2**depth - 1


@pytest.mark.parametrize("layer", [0, 1])
def test_initial_weights_have_the_variance_of_the_paper(layer: int) -> None:
    torch.manual_seed(0)
    model = UNet(1, 2, depth=1, width=64)
    found = model.encoder.contracting[1][2 * layer].weight if layer else model.up[0].weight
    inputs = 128 * 9 if layer else 128
    assert float(found.detach().std()) == pytest.approx(math.sqrt(2 / inputs), rel=0.02)
    assert all(
        float(bias.detach().abs().max()) == 0 for name, bias in model.named_parameters() if name.endswith("bias")
    )


@pytest.mark.parametrize("sides", [(2, 3), (0, 0), (9, 14)])
def test_mirrored_is_the_reflection_of_numpy(sides: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((4, 5))
    wanted = np.pad(image, (sides, sides[::-1]), mode="reflect")
    np.testing.assert_array_equal(mirrored(torch.from_numpy(image), sides, sides[::-1]).numpy(), wanted)


@pytest.mark.parametrize("padding", PADDINGS)
def test_contract(padding: Any) -> None:
    check_model(made(padding, dropout=0.5), torch.rand(3, 1, 20, 20))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("channels", "classes", "depth", "width") for value in (0, -1, 1.5, math.inf)],
        *[("dropout", value) for value in (-0.1, 1.0, math.nan)],
        *[("tile", value) for value in (0, -4, 6, 8.0)],
        ("padding", "mirror"),
    ],
)
def test_wrong_values_are_refused(name: str, value: Any) -> None:
    with pytest.raises(BadInput) as refused:
        UNet(**{"channels": 1, "classes": 2, "depth": 2, name: value})
    assert f"UNet.{name}" in str(refused.value)
