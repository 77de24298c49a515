"""The detector of boxes: its geometry, suppression against the definition, and a training on generated shapes."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.datasets.boxes import BoxesOfMasks, iou
from repro.datasets.shapes import Shapes
from repro.errors import BadInput
from repro.losses.boxes import BoxLoss, GeneralisedIoU
from repro.metrics.boxes import BoxIoU
from repro.models.boxes import BoxHead, boxes_of, locations, suppressed
from repro.models.unet import UNet
from repro.testing import check_model
from repro.trainers.supervised import Supervised


class Halving(nn.Module):
    """A small encoder: three maps, each half as large as the one before."""

    widths = (4, 6, 8)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Maps()


class Maps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(*ends, 3, padding=1) for ends in ((3, 4), (4, 6), (6, 8)))

    def forward(self, image: Tensor) -> list[Tensor]:
        found = [self.layers[0](image).relu()]
        for layer in self.layers[1:]:
            found.append(layer(nn.functional.avg_pool2d(found[-1], 2)).relu())
        return found


def test_contract() -> None:
    torch.manual_seed(0)
    check_model(BoxHead(Halving(), classes=2), inputs=torch.rand(3, 3, 32, 24))
    check_model(BoxHead(UNet(3, 2, depth=2, width=4, padding="same")), inputs=torch.rand(2, 3, 32, 32))


@pytest.mark.parametrize(("level", "stride"), [(0, 1), (1, 2), (2, 4), (-1, 4), (-3, 1)])
def test_a_location_is_in_the_middle_of_its_pixels(level: int, stride: int) -> None:
    with torch.no_grad():
        found = BoxHead(Halving(), level=level)(torch.rand(2, 3, 16, 32))
    assert found["scores"].shape == (2, 1, 16 // stride, 32 // stride) and found["stride"].tolist() == [stride] * 2
    assert bool((found["distances"] > 0).all())
    places = locations(found)[0]
    assert places[0, 0].tolist() == [stride / 2] * 2
    assert places[-1, -1].tolist() == [32 - stride / 2, 16 - stride / 2]
    box = boxes_of(found)[1, -1, 0]
    away = found["distances"][1, :, -1, 0] * stride
    x, y = places[-1, 0]
    assert box.tolist() == pytest.approx(
        [float(x - away[0]), float(y - away[1]), float(x + away[2]), float(y + away[3])]
    )


def direct(boxes: Tensor, scores: Tensor, classes: Tensor, overlap: float) -> list[int]:
    """Take the best box that is left, drop all that overlap it, and repeat."""
    left, kept = list(range(len(boxes))), []
    while left:
        best = max(left, key=lambda one: (float(scores[one]), -one))
        kept.append(best)
        left = [
            one
            for one in left
            if one != best and (classes[one] != classes[best] or float(iou(boxes[one], boxes[best])) <= overlap)
        ]
    return kept


@pytest.mark.parametrize("seed", range(20))
def test_suppression_is_its_definition(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    corner, sides = torch.rand((2, 30, 2), generator=random)
    boxes = torch.cat([corner, corner + 0.2 + sides], -1)
    scores = torch.randint(0, 12, (30,), generator=random) / 12  # some are equal
    classes = torch.randint(0, 2, (30,), generator=random)
    for overlap in (0.0, 0.3, 0.6, 1.0):
        assert suppressed(boxes, scores, classes, overlap).tolist() == direct(boxes, scores, classes, overlap)


def test_suppression_of_nothing() -> None:
    assert len(suppressed(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0), 0.5)) == 0


def test_found_boxes_are_in_the_image_and_in_the_order_of_their_scores() -> None:
    torch.manual_seed(0)
    model = BoxHead(Halving(), classes=3, least=0.0, overlap=0.9, most=7).eval()
    found = model.estimate(torch.rand(3, 16, 24))
    assert {name: tuple(one.shape) for name, one in found.items()} == {"boxes": (7, 4), "scores": (7,), "classes": (7,)}
    assert found["scores"].tolist() == sorted(found["scores"].tolist(), reverse=True)
    assert bool((found["boxes"] >= 0).all()) and bool((found["boxes"] <= torch.tensor([24, 16, 24, 16])).all())


def test_score_is_the_probability_times_the_centreness() -> None:
    torch.manual_seed(0)
    model = BoxHead(Halving(), classes=2, least=0.0, overlap=1.0, most=1000).eval()
    image = torch.rand(3, 8, 8)
    given = model(image[None])
    expected = (given["scores"].sigmoid() * given["centreness"].sigmoid()).flatten()
    assert torch.allclose(model.estimate(image)["scores"], expected.sort(descending=True).values)


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": 3},
        {"level": -4},
        {"level": 1.0},
        *({name: value} for name in ("classes", "layers", "most") for value in (0, -1, 1.5)),
        *({name: value} for name in ("least", "overlap") for value in (-0.1, 1.1, float("nan"), float("inf"))),
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        BoxHead(Halving(), **wrong)


@pytest.mark.parametrize("size", [(30, 32), (32, 33)])
def test_sides_that_are_no_multiple_of_the_stride_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(BadInput):
        BoxHead(Halving())(torch.rand(1, 3, *size))


def test_it_learns_where_shapes_are(tmp_path: Path) -> None:
    torch.manual_seed(0)
    train, test = (BoxesOfMasks(Shapes(items=items, task="mask", seed=seed)) for items, seed in ((60, 0), (30, 1)))
    model = BoxHead(UNet(3, 2, depth=2, width=8, padding="same"), layers=1)
    adam = functools.partial(torch.optim.Adam, lr=3e-3)
    Supervised(80, 10, adam).fit(model, BoxLoss(GeneralisedIoU()), train, None, tmp_path, order_seed=0)
    model.eval()
    with torch.no_grad():
        values = [BoxIoU()(model.estimate(image), target, image) for image, target in test]
    assert sum(values) / len(values) > 0.5
