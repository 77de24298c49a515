"""Generated shapes and the tasks of images with masks: class, mask and box say the same of an image."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.utils.data import default_collate

from repro.datasets import image_tasks
from repro.datasets.shapes import Shapes
from repro.errors import BadInput
from repro.testing import check_dataset


@pytest.mark.parametrize("task", image_tasks.TASKS)
def test_contract_and_default_batches(task: Any) -> None:
    shapes = Shapes(items=6, size=24, task=task)
    check_dataset(shapes)
    images, targets = default_collate([shapes[index] for index in range(4)])
    assert images.shape == (4, 3, 24, 24)
    expected = {"class": (4,), "mask": (4, 24, 24), "box": (4, 1, 4)}
    given = targets if task == "class_and_mask" else {task: targets}
    assert all(tuple(given[name].shape) == expected[name] for name in given)


def test_the_tasks_agree() -> None:
    sets = {task: Shapes(items=12, size=40, task=task, seed=3) for task in image_tasks.TASKS}
    for index in range(12):
        label, mask, boxes, both = (sets[task][index][1] for task in image_tasks.TASKS)
        assert both["class"] == label == index % 3 and torch.equal(both["mask"], mask)
        ((rows, columns),) = ndimage.find_objects((mask == 1).numpy().astype(int))
        assert boxes.tolist() == [[columns.start, rows.start, columns.stop, rows.stop]]
        assert set(mask.unique().tolist()) == {-1, 0, 1}
        assert 0.03 < float((mask == 1).float().mean()) < 0.3


def test_the_areas_are_those_of_the_shapes() -> None:
    """The area of disc, square and triangle, with half of the outline, against the square of their width."""
    ratios = {0: math.pi / 4, 1: 1.0, 2: 0.5}
    for index in range(9):
        label, mask = index % 3, Shapes(items=9, size=128, task="mask")[index][1]
        x0, y0, x1, y1 = image_tasks.box_around((mask != 0).long())[0].tolist()
        area = float((mask == 1).sum() + (mask == -1).sum() / 2)
        assert area / ((x1 - x0) * (y1 - y0)) == pytest.approx(ratios[label], abs=0.06)


def test_the_pixels_depend_on_the_seed_and_on_nothing_else() -> None:
    assert Shapes(seed=1).fingerprint() == Shapes(seed=1).fingerprint() != Shapes(seed=2).fingerprint()
    assert Shapes(task="mask").fingerprint() != Shapes(task="box").fingerprint()
    assert torch.equal(Shapes(items=3)[1][0], Shapes(items=9)[1][0])


def test_a_shape_differs_from_its_ground() -> None:
    """Otherwise nothing could be learned."""
    shapes = Shapes(items=30, size=48, task="mask")
    apart = []
    for image, mask in shapes:
        means = [image[:, mask == value].mean(1) for value in (0, 1)]
        apart.append(float((means[0] - means[1]).abs().max()))
    assert np.median(apart) > 0.2


@pytest.mark.parametrize("task", image_tasks.TASKS)
def test_illustrate_writes_what_its_panels_name(task: Any, tmp_path: Path) -> None:
    shapes = Shapes(items=1, task=task)
    image, target = shapes[0]
    estimate = {
        "class": torch.tensor([0.1, 0.7, 0.2]),
        "mask": torch.rand(2, 32, 32),
        "box": {"boxes": target, "scores": torch.tensor([0.9])},
        "class_and_mask": {"scores": torch.tensor([0.1, 0.7, 0.2]), "maps": {"Gradient": torch.rand(32, 32)}},
    }[task]
    panels = shapes.illustrate(image, target, estimate, tmp_path / "0")
    files = {panel[key] for panel in panels for key in ("image", "over") if isinstance(panel.get(key), str)}
    assert files and all((tmp_path / name).stat().st_size < 15_000 for name in files)


def test_a_mask_without_object_has_no_box() -> None:
    with pytest.raises(BadInput):
        image_tasks.box_around(torch.tensor([[0, -1]]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("items", value) for value in (0, -1, 2.0, True, math.nan)),
        *(("size", value) for value in (15, 0, 32.0, math.inf)),
        *(("seed", value) for value in (-1, 0.5)),
        *(("task", value) for value in ("boxes", "", None)),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(BadInput) as refused:
        Shapes(**{name: value})
    assert refused.value.parameter == name
