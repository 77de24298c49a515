"""Targets with boxes: their checks, the geometry against pixels that are counted, and the datasets that make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from repro.datasets.boxes import NONE, BoxesOfMasks, PaddedBoxes, area, checked, intersection, iou, kept, split
from repro.datasets.shapes import Shapes
from repro.errors import BadInput
from repro.testing import check_dataset

CORNERS = st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(1, 9)] * 2).map(
    lambda one: [one[0], one[1], one[0] + one[2], one[1] + one[3]]
)


class Listed:
    """Boxes of images, as a dataset."""

    def __init__(self, *targets: Any) -> None:
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, Any]:
        return torch.zeros(3, 8, 8), self.targets[index]

    def fingerprint(self) -> str:
        return "a fingerprint"


def boxes(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def painted(box: list[int]) -> np.ndarray:
    image = np.zeros((20, 20), dtype=bool)
    image[box[1] : box[3], box[0] : box[2]] = True
    return image


@given(CORNERS, CORNERS)
def test_areas_are_those_of_painted_pixels(one: list[int], other: list[int]) -> None:
    first, second = painted(one), painted(other)
    assert float(area(boxes(one))) == first.sum()
    assert float(intersection(boxes(one), boxes(other))) == (first & second).sum()
    assert float(iou(boxes(one), boxes(other))) == pytest.approx((first & second).sum() / (first | second).sum())


def test_a_box_without_area_overlaps_nothing() -> None:
    nothing = boxes([3, 3, 3, 5], [5, 5, 3, 3])
    assert iou(nothing, boxes([0, 0, 9, 9])).tolist() == [0, 0]
    assert iou(nothing, nothing).tolist() == [0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        boxes([0, 0, 4, 4]).long(),
        boxes([0, 0, 4, 4]).double(),
        torch.zeros(4),
        torch.zeros(1, 5),
        [[0.0, 0.0, 4.0, 4.0]],
        boxes([0, 0, 4, 4], [4, 0, 4, 4]),
        boxes([0, 5, 4, 4]),
        boxes([-1, 0, 4, 4]),
        boxes([0, 0, 11, 4]),
        boxes([0, 0, 4, 9]),
        boxes([0, 0, 4, float("nan")]),
        boxes([0, 0, float("inf"), 4]),
    ],
)
def test_what_is_no_box_is_refused_with_its_place(wrong: Any) -> None:
    with pytest.raises(BadInput) as refused:
        checked(wrong, height=8, width=10, place="images/cat.jpg")
    assert refused.value.where == "images/cat.jpg" and "\n" not in str(refused.value)


def test_boxes_of_an_image_pass() -> None:
    for right in (boxes([0, 0, 10, 8]), boxes()):
        assert checked(right, height=8, width=10, place="here") is right


@pytest.mark.parametrize(
    "wrong", [3, torch.zeros(4), torch.zeros(2, 3), {"boxes": boxes([0, 0, 1, 1])}, {"boxes": boxes(), "classes": [0]}]
)
def test_another_target_is_refused(wrong: Any) -> None:
    if isinstance(wrong, dict) and "classes" in wrong:
        wrong["classes"] = torch.zeros(1)
    with pytest.raises(BadInput):
        split(wrong)


def test_images_with_different_numbers_of_boxes_make_a_batch() -> None:
    given = [boxes([0, 0, 4, 4], [1, 1, 2, 3]), boxes(), {"boxes": boxes([2, 2, 5, 5]), "classes": torch.tensor([1])}]
    _, target = next(iter(DataLoader(PaddedBoxes(Listed(*given), most=2), batch_size=3)))
    assert target["classes"].tolist() == [[0, 0], [NONE, NONE], [1, NONE]]
    for number, one in enumerate(given):
        found = kept({name: value[number] for name, value in target.items()})
        assert torch.equal(found[0], split(one)[0]) and torch.equal(found[1], split(one)[1])


def test_more_boxes_than_rows_are_refused() -> None:
    with pytest.raises(BadInput):
        PaddedBoxes(Listed(boxes([0, 0, 4, 4], [1, 1, 2, 3])), most=1)[0]


def test_a_box_outside_its_image_is_refused_with_its_item() -> None:
    with pytest.raises(BadInput) as refused:
        PaddedBoxes(Listed(boxes(), boxes([0, 0, 9, 8])), most=1)[1]
    assert "item 1" in refused.value.where


@pytest.mark.parametrize("wrong", [0, -1, 1.0, True, float("nan")])
def test_wrong_numbers_are_refused(wrong: Any) -> None:
    with pytest.raises(BadInput):
        PaddedBoxes(Shapes(items=3, task="box"), most=wrong)
    with pytest.raises(BadInput):
        BoxesOfMasks(Shapes(items=3, task="mask"), classes=wrong)


def test_boxes_of_masks_are_around_each_class_that_is_there() -> None:
    mask = torch.zeros(8, 8, dtype=torch.int64)
    mask[:2, :4] = torch.tensor([[0, 2, 2, -1], [0, 0, 2, -1]])
    target = BoxesOfMasks(Listed(mask), classes=3)[0][1]
    assert target["classes"].tolist() == [NONE, 1, NONE]
    assert target["boxes"][1].tolist() == [1, 0, 3, 2]


def test_boxes_of_masks_need_masks() -> None:
    with pytest.raises(BadInput):
        BoxesOfMasks(Shapes(items=3, task="class"))[0]


def test_contract() -> None:
    check_dataset(PaddedBoxes(Shapes(items=4, task="box"), most=3))
    check_dataset(BoxesOfMasks(Shapes(items=4, task="mask")))
    assert not hasattr(BoxesOfMasks(Shapes(task="mask")), "set_epoch")
    different = {
        PaddedBoxes(Shapes(items=4, seed=seed, task="box"), most=most).fingerprint()
        for seed in (0, 1)
        for most in (1, 2)
    }
    assert len(different) == 4


def test_panels_have_the_true_and_the_found_boxes(tmp_path: Path) -> None:
    source = BoxesOfMasks(Shapes(items=3, task="mask"))
    image, target = source[0]
    found = {"boxes": target["boxes"] + 1, "scores": torch.tensor([0.9]), "classes": torch.tensor([0])}
    panels = source.illustrate(image, target, found, tmp_path / "test-0")
    assert [len(panel["boxes"]) for panel in panels if "boxes" in panel] == [1, 1]
    assert (tmp_path / "test-0.jpg").is_file()
