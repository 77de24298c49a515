"""Tests of the preprocessing, compared with scipy's affine maps, on digits that need no download."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from papers.lecun1998.dataset import Deskewed, Distorted, Framed, Subsampled, cropped, moved, stacked, uniforms, upright
from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.testing import check_dataset


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))


@pytest.fixture
def digits() -> Digits:
    return Digits("test")


@pytest.mark.parametrize("part", [Deskewed, Subsampled, Distorted, Framed])
def test_battery(part: Any, digits: Digits) -> None:
    dataset = part(digits)
    check_dataset(dataset)
    assert dataset.source is digits
    assert dataset.fingerprint() != part(Digits("train")).fingerprint() != digits.fingerprint()


def lean(image: Any) -> float:
    """The slant of the ink, in pixels sideways per pixel of height, from numpy's covariance."""
    rows, columns = np.nonzero(image)
    spread = np.cov(rows, columns)
    return spread[0, 1] / spread[0, 0]


def test_deskewing_is_the_shear_of_scipy(digits: Digits) -> None:
    images = np.asarray(digits.images[:40])
    for image, ours in zip(images, upright(images), strict=True):
        slope, middle = lean(image), np.nonzero(image)[0].mean()
        shear = np.array([[1, 0], [slope, 1]])  # input column = column + slope * (row - middle)
        theirs = ndimage.affine_transform(image.astype(float), shear, offset=[0, -slope * middle], order=1)
        assert np.abs(theirs - ours).max() <= 0.5 + 1e-6


def test_deskewed_digits_hardly_lean(digits: Digits) -> None:
    """A small slant is left, because interpolation adds ink at the edges."""
    before = [abs(lean(image)) for image in np.asarray(digits.images)]
    after = [abs(lean(image)) for image in upright(np.asarray(digits.images))]
    assert np.mean(after) < 0.2 * np.mean(before)


def test_deskewed_images_have_the_size_of_the_paper(digits: Digits) -> None:
    assert Deskewed(digits)[0][0].shape == (1, 20, 20)
    assert Subsampled(digits)[0][0].shape == (1, 16, 16)


@given(top=st.integers(0, 20), left=st.integers(0, 20), height=st.integers(1, 8), width=st.integers(1, 8))
def test_cropping_keeps_the_ink_and_puts_it_into_the_middle(top: int, left: int, height: int, width: int) -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, top : top + height, left : left + width] = 9
    found = cropped(image, 20)[0]
    assert found.shape == (20, 20) and found.sum() == image.sum()
    rows, columns = np.nonzero(found)
    assert abs(rows.min() + rows.max() - 19) <= 1 and abs(columns.min() + columns.max() - 19) <= 1


def test_an_empty_image_stays_empty() -> None:
    empty = np.zeros((2, 28, 28), np.uint8)
    assert not upright(empty).any() and not cropped(empty, 20).any()


@settings(max_examples=10, deadline=None)
@given(amounts=st.tuples(*[st.floats(-low, low) for low in (3.0, 3.0, 0.2, 0.2, 0.4)]))
def test_moved_is_the_affine_map_of_scipy(amounts: tuple[float, ...]) -> None:
    image = np.pad(np.asarray(Digits("test").images[3]) / 255.0, 8)  # in a wide frame, so that no ink leaves it
    right, down, scale, squeeze, shear = amounts
    wide, high = np.exp(-scale - squeeze), np.exp(squeeze - scale)
    centre = (len(image) - 1) / 2
    matrix = np.array([[high, 0], [shear, wide]])  # from (row, column) of the output to that of the input
    offset = centre - matrix @ [centre, centre] - [down, right]
    theirs = ndimage.affine_transform(image, matrix, offset=offset, order=1)
    ours = moved(torch.tensor(image)[None, None].float(), torch.tensor([amounts]).float())[0, 0].numpy()
    assert np.abs(ours - theirs).max() < 1e-4


def test_distortions_change_from_pass_to_pass_and_not_with_the_batch(digits: Digits) -> None:
    dataset = Distorted(digits)
    together, _ = stacked(dataset, [4, 7, 9])
    assert torch.equal(together[1], dataset[7][0])
    dataset.set_epoch(1)
    again, _ = stacked(dataset, [4, 7, 9])
    assert not torch.equal(together, again)
    other, _ = stacked(Distorted(digits, seed=1), [4, 7, 9])
    assert not torch.equal(together, other)


def test_no_strength_is_no_distortion_and_more_is_more(digits: Digits) -> None:
    everything = range(len(digits))
    given, _ = stacked(digits, everything)
    apart = [(stacked(Distorted(digits, strength), everything)[0] - given).abs().mean() for strength in (0.0, 1.0, 2.0)]
    assert apart[0] < 1e-6 < apart[1] < apart[2]


def test_uniforms_are_uniform_and_independent() -> None:
    drawn = np.stack([uniforms(seed, epoch, np.arange(2000), 3) for seed in (0, 1) for epoch in (0, 1)])
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    columns = np.concatenate([block.T for block in drawn])  # (12, 2000): different seeds, epochs and parts
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 5 / np.sqrt(2000)
    assert abs(np.corrcoef(drawn[0, :-1, 0], drawn[0, 1:, 0])[0, 1]) < 5 / np.sqrt(2000)


def test_a_frame_has_the_levels_of_paper_and_ink(digits: Digits) -> None:
    plain, framed = digits[0][0], Framed(digits, size=32)[0][0]
    assert framed.shape == (1, 32, 32)
    assert torch.allclose(framed[:, 2:30, 2:30], plain * 1.275 - 0.1)
    assert framed[0, 0, 0] == pytest.approx(-0.1)
    assert Framed(digits)[0][0].shape == plain.shape


def test_a_frame_smaller_than_the_image_is_refused(digits: Digits) -> None:
    with pytest.raises(BadInput, match="size is 20; expected at least 28"):
        Framed(digits, size=20)[0]
