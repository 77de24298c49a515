"""Datasets with masks: border weights, generated cells, windows around pixels, and files of images."""

from __future__ import annotations

import io
import math
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from repro.datasets.border_weights import BorderWeights
from repro.datasets.cells import Cells
from repro.datasets.image_files import contents, read_image, read_mask
from repro.datasets.windows_of_images import PixelWindows
from repro.errors import BadInput
from repro.testing import check_dataset


def by_the_formula(mask: np.ndarray, w0: float, sigma: float) -> np.ndarray:
    """Equation 2 with the distance of every pixel to every pixel of every object."""
    objects, count = ndimage.label(mask > 0)
    pixels = np.argwhere(np.ones(mask.shape, bool))
    away = [
        np.linalg.norm(pixels[:, None] - np.argwhere(objects == n)[None], axis=2).min(1) for n in range(1, count + 1)
    ]
    d1, d2 = np.sort(away, axis=0)[:2].reshape(2, *mask.shape)
    shares = {label: (mask[mask >= 0] == label).mean() for label in np.unique(mask[mask >= 0])}
    balance = np.vectorize(lambda label: 1 / (len(shares) * shares[label]) if label >= 0 else 0.0)(mask)
    return balance + w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2)) * (mask == 0)


@pytest.mark.parametrize(("w0", "sigma"), [(10.0, 5.0), (3.0, 1.5), (0.0, 5.0)])
def test_border_weights_are_equation_2(w0: float, sigma: float) -> None:
    image, mask = Cells(count=1, size=40, cells=5)[0]
    mask[3:6, 3:9] = -1
    weight = BorderWeights([(image, mask)], w0, sigma)[0][1]["weight"]
    np.testing.assert_allclose(weight.numpy(), by_the_formula(mask.numpy(), w0, sigma), atol=1e-4)


@pytest.mark.parametrize("value", [0, 1, -1])
def test_border_weights_of_one_object_or_none_are_finite(value: int) -> None:
    weight = BorderWeights([(torch.rand(1, 6, 6), torch.full((6, 6), value))])[0][1]["weight"]
    assert weight.tolist() == [[max(0.0, float(value >= 0))] * 6] * 6


def test_contracts() -> None:
    check_dataset(Cells(count=3, size=24))
    check_dataset(BorderWeights(Cells(count=3, size=24)))
    check_dataset(PixelWindows(Cells(count=3, size=24), size=7, count=20))


def test_cells_are_regions_with_a_dark_membrane_between_them() -> None:
    for image, mask in Cells(count=4, size=64, cells=9):
        assert ndimage.label(mask.numpy() == 1)[1] in range(4, 10)
        assert image[0][mask == 0].mean() + 0.2 < image[0][mask == 1].mean()
    assert Cells(2, seed=0).fingerprint() != Cells(2, seed=1).fingerprint() == Cells(2, seed=1).fingerprint()


def test_windows_have_their_pixel_in_the_middle_and_classes_equally_often() -> None:
    source = [(torch.arange(n, n + 60.0).reshape(1, 6, 10), torch.zeros(6, 10).long()) for n in (0, 100)]
    source[0][1][2, 3] = source[1][1][5, 9] = 1
    source[0][1][0] = -1
    source = [(torch.stack([image[0], mask.float()]), mask) for image, mask in source]
    windows = PixelWindows(source, size=5, count=400)
    assert windows.places[1].tolist() == [[0, 2, 3], [1, 5, 9]]
    found = [windows[n] for n in range(400)]
    assert all(int(window[1, 2, 2]) == label for window, label in found)
    assert 160 < sum(label for _, label in found) < 240
    by_place = {
        int(image[0, row, column]): (image, row, column) for image, _ in source for row, column in np.ndindex(6, 10)
    }
    for window, _ in found[:50]:
        image, row, column = by_place[int(window[0, 2, 2])]
        wide = np.pad(image.numpy(), ((0, 0), (2, 2), (2, 2)), mode="reflect")
        np.testing.assert_array_equal(window.numpy(), wide[:, row : row + 5, column : column + 5])
    windows.set_epoch(1)
    assert any(not torch.equal(windows[n][0], found[n][0]) for n in range(5))


@pytest.mark.parametrize(
    ("part", "given"),
    [
        *[(BorderWeights, {"source": [], "w0": value}) for value in (-1, math.inf, math.nan)],
        *[(BorderWeights, {"source": [], "sigma": value}) for value in (0, -1, math.inf, math.nan)],
        *[(PixelWindows, {"source": [], "count": 1, "size": value}) for value in (0, 4, 3.0)],
        *[(PixelWindows, {"source": [], "size": 3, "count": value}) for value in (0, 1.5)],
        (PixelWindows, {"source": [], "size": 3, "count": 1, "seed": -1}),
        *[(Cells, {"count": value}) for value in (0, 1.0)],
        *[(Cells, {"count": 1, name: value}) for name, value in (("size", 7), ("cells", 1), ("seed", -1))],
        *[(Cells, {"count": 1, "noise": value}) for value in (-1, math.nan, math.inf)],
    ],
)
def test_wrong_values_are_refused(part: Any, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        part(**given)
    assert f"{part.__name__}.{[*given][-1]}" in str(refused.value)


@pytest.mark.parametrize("part", [BorderWeights, lambda source: PixelWindows(source, size=3, count=2)])
def test_a_source_without_masks_is_refused(part: Any) -> None:
    with pytest.raises(BadInput):
        part([(torch.rand(1, 4, 4), 3)])[0]


def test_a_source_without_a_class_is_refused() -> None:
    with pytest.raises(BadInput):
        PixelWindows([(torch.rand(1, 4, 4), torch.full((4, 4), -1))], size=3, count=2)[0]


def png(pixels: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(file, format="PNG", **options)
    return file.getvalue()


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image",
        png(GREY)[:-30],
        png(GREY)[:40],
        png(GREY)[:50] + b"\0\0\0\0" + png(GREY)[54:],
        png(np.dstack(3 * [GREY])),
        png(GREY.astype(np.uint16)),
        png(GREY > 3),
    ],
    ids=["empty", "text", "truncated", "header alone", "damaged", "RGB", "16 bits", "1 bit"],
)
def test_a_bad_image_is_refused_with_its_file(content: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        read_image(content, "images/7.png")
    assert refused.value.where == "images/7.png"


@pytest.mark.parametrize("mask", [GREY[:2], GREY.T, np.full((3, 4), 2, np.uint8)])
def test_a_bad_mask_is_refused_with_its_file(mask: np.ndarray) -> None:
    with pytest.raises(BadInput) as refused:
        read_mask(png(mask), "labels/7.png", (3, 4), {0, 1, 255})
    assert refused.value.where == "labels/7.png"


def test_good_files_are_read_from_a_folder_and_from_a_tar(tmp_path: Path) -> None:
    (tmp_path / "all" / "a").mkdir(parents=True)
    names = ["a/1.png", "a/0.png"]
    for number, name in enumerate(names):
        (tmp_path / "all" / name).write_bytes(png(GREY + number))
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(tmp_path / "all" / "a", "./a")
    for place in (tmp_path / "all", tmp_path / "all.tar"):
        found = contents(place, names)
        assert list(found) == [f"{place}/{name}" for name in names]
        for number, (where, content) in enumerate(found.items()):
            np.testing.assert_array_equal(read_image(content, where), GREY + number)
        with pytest.raises(BadInput, match=r"b\.png"):
            contents(place, [*names, "b.png"])
    np.testing.assert_array_equal(read_mask(png(GREY), "", (3, 4), range(12)), GREY)
    assert read_image(png(np.dstack(3 * [GREY])), "", mode="RGB").shape == (3, 4, 3)
    (tmp_path / "bad.tar").write_bytes((tmp_path / "all.tar").read_bytes()[:700])
    with pytest.raises(BadInput):
        contents(tmp_path / "bad.tar", names)
