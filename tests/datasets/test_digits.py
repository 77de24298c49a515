"""The digits that stand in for MNIST where nothing can be downloaded: real, and upscaled as torch does it."""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits

from repro.datasets.digits import Digits
from repro.testing import check_dataset


@pytest.mark.parametrize("split", ["train", "test"])
def test_digits(split: str) -> None:
    digits = Digits(split)
    check_dataset(digits)
    image, digit = digits[0]
    assert image.shape == (1, 28, 28) and image.dtype == torch.float32 and 0 <= image.min() < image.max() <= 1
    assert digit == int(digits.labels[0])
    assert torch.equal(torch.stack([image for image, _ in digits.__getitems__([3, 1])])[1], digits[1][0])


def test_the_splits_are_all_of_the_bundled_digits_once() -> None:
    found = torch.cat([Digits("train", size=8).images, Digits("test", size=8).images])
    assert torch.equal(found, torch.from_numpy(load_digits().images * 255 / 16 + 0.5).floor().to(torch.uint8))
    assert torch.equal(
        torch.cat([Digits("train").labels, Digits("test").labels]), torch.from_numpy(load_digits().target).long()
    )


@pytest.mark.parametrize("size", [8, 9, 28, 32])
def test_upscaling_is_the_bilinear_one_of_torch(size: int) -> None:
    ink = torch.from_numpy(load_digits().images[1500:]).unsqueeze(1)
    ours = Digits("test", size).images
    theirs = torch.nn.functional.interpolate(ink, (size, size), mode="bilinear", align_corners=False)
    assert torch.allclose(ours.double(), theirs.squeeze(1) * 255 / 16, rtol=0, atol=0.5 + 1e-9)  # rounded to a byte


def test_the_fingerprint_is_of_split_and_size() -> None:
    assert len({Digits(split, size).fingerprint() for split in ("train", "test") for size in (8, 28)}) == 4


def test_a_size_that_would_lose_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="size is 7; expected a number of pixels from 8"):
        Digits("train", size=7)
