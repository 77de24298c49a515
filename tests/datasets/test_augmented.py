"""Augmentations move image, mask and weights alike, and depend only on seed, pass and index."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from repro.datasets.augmented import Augmented, Crop, Elastic, Flip, Rotate
from repro.datasets.border_weights import BorderWeights
from repro.datasets.cells import Cells
from repro.errors import BadInput
from repro.testing import check_dataset

ALL = (Flip(vertical=True), Crop(size=20), Rotate(degrees=180), Elastic(sd=4.0))


def places(rows: int, columns: int) -> torch.Tensor:
    """An image whose two channels are the row and the column of each pixel, as shares."""
    down, right = np.indices((rows, columns)) / 64
    return torch.from_numpy(np.stack([down, right])).float()


@pytest.mark.parametrize("augmentation", ALL, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_image_mask_and_weights_move_alike(augmentation: Any, size: tuple[int, int]) -> None:
    """The mask has a label per block; in the changed image, a pixel's own channels say from which block it came."""
    image = places(*size)
    mask = ((image[0] * 64) // 8 * 8 + (image[1] * 64) // 8).long()
    target = {"mask": mask, "weight": image[0].clone(), "class": 7}
    moved, changed = augmentation(image, target, np.random.default_rng(3))
    assert changed["class"] == 7 and changed["mask"].dtype == torch.int64
    assert changed["mask"].shape == changed["weight"].shape == moved.shape[1:]
    torch.testing.assert_close(changed["weight"], moved[0])
    row, column = moved * 64
    middle = ((row % 8 - 3.5).abs() < 2) & ((column % 8 - 3.5).abs() < 2)  # away from the borders of the blocks
    assert middle.sum() > 20
    assert bool((changed["mask"] == (row // 8 * 8 + column // 8).long())[middle].all())


@pytest.mark.parametrize("augmentation", ALL, ids=lambda one: type(one).__name__)
def test_a_class_stays_and_labels_are_not_mixed(augmentation: Any) -> None:
    image = places(32, 32)
    assert augmentation(image, 3, np.random.default_rng(0))[1] == 3
    mask = torch.where(torch.rand(32, 32) < 0.5, -1, 6)
    assert set(augmentation(image, mask, np.random.default_rng(0))[1].unique().tolist()) == {-1, 6}


@pytest.mark.parametrize("augmentation", ALL, ids=lambda one: type(one).__name__)
def test_two_draws_differ_and_one_repeats(augmentation: Any) -> None:
    image = torch.rand(1, 32, 32)
    first, again = (augmentation(image, 0, np.random.default_rng(0))[0] for _ in range(2))
    assert torch.equal(first, again)
    assert any(not torch.equal(first, augmentation(image, 0, np.random.default_rng(seed))[0]) for seed in range(1, 9))


def test_elastic_is_a_bicubic_displacement_by_scipy() -> None:
    """Compared with scipy on the same displacement, away from the border."""
    image = torch.from_numpy(ndimage.gaussian_filter(np.random.default_rng(0).random((64, 64)), 2.0)).float()[None]
    deformed, _ = Elastic(sd=3.0)(image, 0, np.random.default_rng(1))
    drawn = np.random.default_rng(1).normal(0.0, 3.0, (1, 2, 3, 3)).astype(np.float32)
    away = torch.nn.functional.interpolate(torch.from_numpy(drawn), (64, 64), mode="bicubic", align_corners=True)[0]
    assert np.allclose(away[:, [0, 0, -1], [0, -1, -1]], drawn[0][:, [0, 0, -1], [0, -1, -1]], atol=1e-5)
    where = np.indices((64, 64)) + away.numpy()
    wanted = ndimage.map_coordinates(image[0].numpy(), where, order=1, mode="mirror")
    np.testing.assert_allclose(deformed[0].numpy(), wanted, atol=1e-4)


def test_displacements_have_the_standard_deviation() -> None:
    """The displacement of the corner pixel, read from an image that is its own row."""
    rows = (torch.arange(201.0)[:, None] / 200).expand(1, 201, 201)
    found = [float(Elastic(sd=10.0)(rows, 0, np.random.default_rng(n))[0][0, 100, 100]) * 200 for n in range(400)]
    assert np.mean(found) == pytest.approx(100, abs=2)
    assert np.std(found) == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("degrees", [0.5, 30.0, 180.0])
def test_rotation_angles_are_in_the_range_and_keep_the_centre(degrees: float) -> None:
    image = places(33, 33)
    for seed in range(20):
        turned = Rotate(degrees)(image, 0, np.random.default_rng(seed))[0] * 64 - 16
        right = turned[:, 16, 17]  # the vector from the centre to its right neighbour
        assert float(right.norm()) == pytest.approx(1, abs=1e-3)
        assert abs(math.degrees(math.atan2(right[0], right[1]))) <= degrees + 0.1


def test_a_pass_repeats_and_the_next_one_differs() -> None:
    augmented = Augmented(Cells(count=3, size=32), list(ALL), seed=5)
    first = [image for image, _ in augmented]
    augmented.set_epoch(1)
    assert not torch.equal(augmented[0][0], first[0])
    augmented.set_epoch(0)
    assert all(torch.equal(augmented[n][0], first[n]) for n in (2, 0, 1))
    assert not torch.equal(Augmented(Cells(count=3, size=32), list(ALL), seed=6)[0][0], first[0])


def test_a_source_that_changes_from_pass_to_pass_does_so() -> None:
    source = Augmented(Cells(count=1, size=32), [Crop(size=20)])
    first, outer = source[0][0], Augmented(source, [])
    assert torch.equal(outer[0][0], first)
    outer.set_epoch(1)
    assert not torch.equal(outer[0][0], first)


def test_contract() -> None:
    check_dataset(Augmented(BorderWeights(Cells(count=3, size=32)), list(ALL)))


def test_the_fingerprint_has_every_parameter() -> None:
    source = Cells(count=2, size=32)
    settings: list[Any] = [[], [Flip()], [Flip(vertical=True)], [Crop(9)], [Crop(10)], [Elastic(9.0)], [Elastic(8.0)]]
    prints = {Augmented(source, given).fingerprint() for given in settings}
    assert len(prints | {Augmented(source, [], seed=1).fingerprint()}) == len(settings) + 1


@pytest.mark.parametrize(
    ("part", "given"),
    [
        *[(Crop, {"size": value}) for value in (0, -1, 2.0, math.inf)],
        *[(Rotate, {"degrees": value}) for value in (0, -1, 181, math.nan, math.inf)],
        *[(Elastic, {"sd": value}) for value in (0, -1, math.nan, math.inf)],
        *[(Elastic, {"points": value}) for value in (1, 0, 2.5)],
        *[(Augmented, {"source": [], "augmentations": [], "seed": value}) for value in (-1, 0.5)],
    ],
)
def test_wrong_values_are_refused(part: Any, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        part(**given)
    assert f"{part.__name__}.{[*given][-1]}" in str(refused.value)


def test_an_item_that_does_not_fit_is_refused() -> None:
    image = torch.rand(1, 8, 9)
    with pytest.raises(BadInput):
        Flip()(image, torch.zeros(9, 8), np.random.default_rng(0))
    with pytest.raises(BadInput):
        Crop(size=9)(image, 0, np.random.default_rng(0))
