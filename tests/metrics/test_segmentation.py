"""Metrics of masks against direct counts, scikit-image, and cases whose value is known."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from repro.datasets.cells import Cells
from repro.errors import BadInput
from repro.metrics.segmentation import Dice, IoU, PixelError, RandError, WarpingError
from repro.metrics.warping import SIMPLE, warped
from repro.testing import check_metric

CHALLENGE = (PixelError, RandError, WarpingError)


def scores_of(cell: Any) -> torch.Tensor:
    """Scores whose softmax gives a cell the probability `cell` (H, W)."""
    cell = torch.as_tensor(np.asarray(cell, dtype=np.float64)).clamp(1e-6, 1 - 1e-6)
    return torch.stack([torch.zeros_like(cell), torch.logit(cell)])


def value(metric: Any, cell: Any, mask: Any) -> float:
    """The value of one image for the probability of a cell (H, W)."""
    return float(metric.contributions([metric(scores_of(cell), torch.as_tensor(np.asarray(mask)).long(), None)])[0])


def drawn(seed: int, size: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A mask, and an answer with borders that moved, some merged cells and some noise."""
    mask = (Cells(count=1, size=size, cells=12, seed=seed)[0][1].numpy() == 1).astype(int)
    noise = np.random.default_rng(seed).normal(0, 0.6, mask.shape)
    return mask, ndimage.gaussian_filter(mask + noise, 1.0) > 0.55


@pytest.mark.parametrize("of", [0, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_dice_and_iou_are_those_of_sets(of: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    answer, mask = random.integers(0, 3, (9, 8)), random.integers(-1, 3, (9, 8))
    scores = torch.nn.functional.one_hot(torch.from_numpy(answer), 3).movedim(-1, 0).float()
    places = {place for place in np.ndindex(9, 8) if mask[place] >= 0}
    found, true = ({p for p in places if grid[p] == of} for grid in (answer, mask))
    target = torch.from_numpy(mask)
    assert IoU(of)(scores, target, None) == pytest.approx(len(found & true) / len(found | true))
    assert Dice(of)(scores, {"mask": target}, None) == pytest.approx(2 * len(found & true) / (len(found) + len(true)))


@pytest.mark.parametrize("metric", [Dice, IoU])
def test_a_class_that_is_absent_and_not_found_has_the_value_1(metric: Any) -> None:
    scores = torch.stack([torch.ones(3, 4), torch.zeros(3, 4)])
    assert metric(1)(scores, torch.zeros(3, 4).long(), None) == 1.0
    assert metric(1)(scores, torch.full((3, 4), -1), None) == 1.0
    assert metric(1)(scores, torch.ones(3, 4).long(), None) == 0.0
    assert metric(1)(1 - scores, torch.zeros(3, 4).long(), None) == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_rand_error_is_that_of_scikit_image(seed: int) -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="needs scikit-image: pip install '.[test]'")
    mask, answer = drawn(seed)
    labels = ndimage.label(mask)[0], ndimage.label(answer)[0]
    wanted = metrics.adapted_rand_error(*labels)[0]
    assert 0 < wanted < 1
    assert value(RandError(), answer, mask) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_rand_error_counts_pairs_of_pixels(seed: int) -> None:
    mask, answer = drawn(seed, size=16)
    mask[4:6, 4:6] = -1
    true, found = ndimage.label(mask == 1)[0], ndimage.label(answer)[0]
    pixels = np.argwhere(true)
    pairs = list(itertools.combinations(map(tuple, pixels), 2))
    same = [(true[a] == true[b], found[a] == found[b]) for a, b in pairs]
    both = sum(x and y for x, y in same)
    precision, recall = both / sum(y for _, y in same), both / sum(x for x, _ in same)
    wanted = 1 - 2 * precision * recall / (precision + recall)
    assert value(RandError(), answer, mask) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("metric", CHALLENGE)
def test_the_truth_has_no_error(metric: Any) -> None:
    mask, _ = drawn(0)
    assert value(metric(), mask, mask) == 0.0


@pytest.mark.parametrize("metric", CHALLENGE)
@pytest.mark.parametrize("label", [-1, 0, 1])
@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_empty_and_full_masks_have_a_defined_value(metric: Any, label: int, answer: float) -> None:
    found = value(metric(), np.full((6, 7), answer), np.full((6, 7), label))
    assert math.isfinite(found) and 0 <= found <= 1
    if label in (-1, answer):
        assert found == 0.0


def test_pixel_error_leaves_out_what_does_not_count() -> None:
    mask = np.array([[0, 1, -1, 1]])
    assert value(PixelError(), [[1.0, 1.0, 0.0, 1.0]], mask) == pytest.approx(1 / 3)


def topology(cell: np.ndarray) -> tuple[int, int]:
    """The number of cells, and that of membranes including all that is outside."""
    wide = np.pad(cell, 1)
    return ndimage.label(wide)[1], ndimage.label(~wide, structure=np.ones((3, 3)))[1]


def test_a_change_of_a_simple_pixel_keeps_the_topology_and_of_another_one_does_not() -> None:
    """All 256 neighbourhoods: the numbers are the same before and after, if and only if the pixel is simple.

    In its own 3 x 3 square, a pixel that is not simple may keep both numbers only if its neighbours are joined outside.
    """
    places = [place for place in np.ndindex(3, 3) if place != (1, 1)]
    for code in range(256):
        square = np.zeros((3, 3), dtype=bool)
        for bit, place in enumerate(places):
            square[place] = code >> bit & 1
        with_pixel = square.copy()
        with_pixel[1, 1] = True
        if SIMPLE[code]:
            assert topology(square) == topology(with_pixel)


@pytest.mark.parametrize("seed", range(5))
def test_warping_keeps_cells_and_holes_and_comes_nearer(seed: int) -> None:
    mask, answer = drawn(seed)
    found = warped(mask == 1, answer)
    assert topology(found) == topology(mask == 1)
    assert (found != answer).sum() <= ((mask == 1) != answer).sum()
    assert not ((found != (mask == 1)) & (found != answer)).any()  # only wanted pixels are changed


@pytest.mark.parametrize("shift", [(0, 1), (1, 0), (1, 1), (-1, 1)])
def test_a_shift_has_no_warping_error(shift: tuple[int, int]) -> None:
    mask = np.zeros((40, 40), dtype=int)
    mask[6:33, 6:33] = Cells(count=1, size=27, cells=5)[0][1].numpy()
    regions, count = ndimage.label(mask)
    sizes = ndimage.sum_labels(mask, regions, range(1, count + 1))
    mask = np.isin(regions, 1 + np.flatnonzero(sizes > 30)).astype(int)
    moved = np.roll(mask, shift, (0, 1))
    assert value(PixelError(), moved, mask) > 0.02
    assert value(WarpingError(), moved, mask) == 0.0
    far = np.roll(mask, (-2, 3), (0, 1))
    assert value(WarpingError(), far, mask) < 0.05 * value(PixelError(), far, mask)


def test_a_merger_costs_the_pixels_that_would_separate_the_cells() -> None:
    mask = np.ones((9, 9), dtype=int)
    mask[:, 4] = 0
    merged = mask.copy()
    merged[3:6, 4] = 1
    assert value(WarpingError(), merged, mask) == pytest.approx(3 / 81)  # the three pixels of the gap
    split = np.ones((9, 9), dtype=int)
    assert value(WarpingError(), mask, split) == pytest.approx(1 / 81)  # a cut from both sides misses its last pixel


def test_the_best_threshold_is_that_of_the_whole_set() -> None:
    mask = torch.ones(1, 4).long()
    scores = [scores_of(np.full((1, 4), p)) for p in (0.35, 0.6)]
    zero = torch.zeros(1, 4).long()
    metric = PixelError(thresholds=[0.3, 0.5])
    rows = [metric(scores[0], mask, None), metric(scores[1], mask, None), metric(scores[0], zero, None)]
    assert rows == [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    assert metric.contributions(rows) == [0.0, 0.0, 1.0]
    assert metric.contributions([*rows[1:], rows[2]]) == [0.0, 0.0, 0.0]


def test_names_have_what_changes_the_number() -> None:
    names = [part(t).identity for part in CHALLENGE for t in ((0.5,), (0.4,), (0.3, 0.5))]
    assert len(set(names)) == 9
    assert len({one.name for one in names}) == 6
    assert Dice(1).identity != Dice(2).identity != IoU(2).identity


@pytest.mark.parametrize("metric", [Dice(1), IoU(0), *(part() for part in CHALLENGE), PixelError([0.2, 0.7])])
def test_contract(metric: Any) -> None:
    mask, answer = drawn(0)
    check_metric(metric, scores_of(answer), torch.from_numpy(mask), None)


@pytest.mark.parametrize(
    ("part", "given"),
    [
        *[(part, {"of": value}) for part in (Dice, IoU) for value in (-1, 1.0)],
        *[(part, {"thresholds": v}) for part in CHALLENGE for v in ([], [0], [1], [0.5, -1], [math.nan], [math.inf])],
    ],
)
def test_wrong_values_are_refused(part: Any, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        part(**given)
    assert f"{part.__name__}.{next(iter(given))}" in str(refused.value)


@pytest.mark.parametrize("metric", [Dice(2), IoU(2), *(part() for part in CHALLENGE)])
def test_scores_that_do_not_fit_are_refused(metric: Any) -> None:
    with pytest.raises(BadInput):
        metric(torch.zeros(2 if isinstance(metric, Dice | IoU) else 3, 4, 4), torch.zeros(4, 4).long(), None)
    with pytest.raises(BadInput):
        metric(torch.zeros(3 if isinstance(metric, Dice | IoU) else 2, 4, 4), torch.zeros(4, 5).long(), None)
