"""The reader of the slices, the ranges of the configs, and the training on the smoke config's data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from papers.ronneberger2015.dataset import SLICES, Membranes
from repro import config
from repro.errors import BadInput
from repro.experiment import binding
from repro.testing import check_dataset, needs

FOLDER = Path(__file__).parents[1]
CONFIGS = sorted(path for path in (FOLDER / "configs").glob("*.gin"))
RANGE = re.compile(r"(train|valid|test)/datasets\.Membranes\.(first|last) = (\d+)")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The published files, with 30 small slices; the folder is returned."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    folder = tmp_path / "isbi2012"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(SLICES):
        for kind, pixels in (
            ("image", random.integers(0, 256, (8, 9))),
            ("label", 255 * random.integers(0, 2, (8, 9))),
        ):
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{kind}-{number:02}.png")
    return folder


def test_cells_are_1_and_membranes_0(written: Path) -> None:
    image, mask = Membranes(first=3, last=4)[1]
    grey, label = (np.asarray(Image.open(written / f"{kind}-04.png")) for kind in ("image", "label"))
    np.testing.assert_allclose(image[0].numpy() * 255, grey, atol=1e-4)
    np.testing.assert_array_equal(mask.numpy(), label == 255)
    assert Membranes(3, 4).names == ["slice 3", "slice 4"]


def test_contract(written: Path) -> None:
    check_dataset(Membranes(first=2, last=4))


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (0, 30), (5, 4), (0.0, 3), (0, 3.0)])
def test_wrong_ranges_are_refused(written: Path, first: Any, last: Any) -> None:
    with pytest.raises(BadInput):
        Membranes(first, last)


@pytest.mark.parametrize(
    ("kind", "pixels"),
    [
        ("image", np.zeros((8, 9, 3), np.uint8)),
        ("label", np.zeros((9, 8), np.uint8)),
        ("label", np.full((8, 9), 128, np.uint8)),
        ("label", None),
        ("image", b"no image"),
    ],
)
def test_a_corrupt_slice_is_found_before_training(written: Path, kind: str, pixels: Any) -> None:
    """A run computes all fingerprints before it trains."""
    path = written / f"{kind}-17.png"
    if pixels is None:
        path.write_bytes(path.read_bytes()[:60])
    elif isinstance(pixels, bytes):
        path.write_bytes(pixels)
    else:
        Image.fromarray(pixels).save(path)
    with pytest.raises(BadInput) as refused:
        Membranes(0, 29).fingerprint()
    assert str(path) in str(refused.value)


def ranges(path: Path) -> dict[str, range]:
    """The slices of each role of a config, as text of it and of its includes."""
    found = {(role, end): int(number) for role, end, number in RANGE.findall(config.read(path).text)}
    return {role: range(found[role, "first"], found[role, "last"] + 1) for role in {role for role, _ in found}}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_no_slice_is_in_two_roles(path: Path) -> None:
    """Nor are the last slice of a role and the first of another one neighbours."""
    if "datasets.Membranes()" not in config.read(path).text:
        pytest.skip("this config has no slices")
    found = ranges(path)
    assert set(found) == {"train", "valid", "test"}
    for role, slices in found.items():
        others = {number for other, them in found.items() if other != role for number in them}
        assert not {number + step for number in slices for step in (-1, 0, 1)} & others


@needs("isbi2012/test")
def test_the_real_slices_have_cells_of_four_fifths() -> None:
    mask = torch.stack([mask for _, mask in Membranes(0, 29)])
    assert mask.shape == (30, 512, 512)
    assert 0.75 < float(mask.float().mean()) < 0.81


@needs("isbi2012/test")
def test_training_and_test_data_are_those_of_the_config() -> None:
    built = binding.build(config.read(FOLDER / "configs" / "unet.gin"))
    assert {role: len(one) for role, one in built.datasets().items()} == {"train": 19, "valid": 3, "test": 6}
    image, target = built.train[0]
    assert image.shape == (1, 128, 128) and set(target) == {"mask", "weight"}
