"""Noise for a generator: its distribution, what it depends on, and the pictures of samples."""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torch import nn
from torch.utils.data import DataLoader

from repro.datasets import sample_pictures
from repro.datasets.digits import Digits
from repro.datasets.latent import Latent, LatentGrid, drawn
from repro.errors import BadInput
from repro.testing import check_dataset, same

DIGITS = Digits("test", size=8)


@pytest.mark.parametrize("more", [{}, {"kind": "cube", "labels": True, "classes": 10}, {"kind": "uniform"}])
def test_it_is_a_dataset(more: dict[str, Any]) -> None:
    check_dataset(Latent(DIGITS, size=7, **more))
    check_dataset(LatentGrid(rows=2, columns=3, size=7, walk=True))


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        ("normal", stats.norm()),
        ("uniform", stats.uniform(-math.sqrt(3), 2 * math.sqrt(3))),
        ("cube", stats.uniform(0, 1)),
    ],
)
def test_noise_has_its_distribution(kind: Any, law: Any) -> None:
    noise = torch.stack([Latent(DIGITS, size=50, kind=kind)[index][0] for index in range(200)])
    assert stats.kstest(noise.flatten().numpy(), law.cdf).pvalue > 1e-3
    between = np.corrcoef(noise.numpy().T)
    assert np.abs(between - np.eye(50)).max() < 0.4  # the numbers of an item are independent


def test_noise_depends_on_seed_item_and_epoch() -> None:
    data = Latent(DIGITS, size=5)
    first = data[3][0]
    assert torch.equal(first, Latent(DIGITS, size=5)[3][0])
    assert not torch.equal(first, Latent(DIGITS, size=5, seed=1)[3][0]) and not torch.equal(first, data[4][0])
    data.set_epoch(1)
    later = data[3][0]
    data.set_epoch(0)
    assert not torch.equal(first, later) and torch.equal(first, data[3][0])


def test_images_and_labels_are_those_of_the_source() -> None:
    data = Latent(DIGITS, labels=True, classes=10)
    for index in (0, 5, 100):
        inputs, image = data[index]
        assert torch.equal(image, DIGITS[index][0])
        assert inputs["label"].argmax() == DIGITS[index][1] and inputs["label"].sum() == 1
    inputs, images = next(iter(DataLoader(data, 6)))
    assert inputs["noise"].shape == (6, 100) and inputs["label"].shape == (6, 10) and images.shape == (6, 1, 8, 8)
    assert same([data[index] for index in (4, 2)], data.__getitems__([4, 2]))


def test_fingerprint_changes_with_everything_that_changes_the_items() -> None:
    made = [
        *(Latent(DIGITS), Latent(DIGITS, size=99), Latent(DIGITS, kind="cube"), Latent(DIGITS, seed=1)),
        *(Latent(DIGITS, labels=True, classes=10), Latent(Digits("train", size=8))),
        *(LatentGrid(), LatentGrid(rows=9), LatentGrid(walk=True), LatentGrid(seed=1), LatentGrid(classes=10)),
    ]
    assert len({one.fingerprint() for one in made}) == len(made)
    assert Latent(DIGITS).fingerprint() == Latent(Digits("test", size=8)).fingerprint()


def test_noise_is_not_pickled() -> None:
    data = Latent(DIGITS, size=1000)
    before = data[0][0]
    assert len(pickle.dumps(data)) - len(pickle.dumps(DIGITS)) < 10_000
    assert torch.equal(pickle.loads(pickle.dumps(data))[0][0], before)


def test_a_walk_goes_in_equal_steps_between_two_points() -> None:
    walk = torch.stack([noise for noise, _ in LatentGrid(rows=3, columns=5, size=4, walk=True)]).view(3, 5, 4)
    ends = drawn("normal", (3, 2, 4), (0,))
    weights = torch.linspace(0, 1, 5)[None, :, None]
    torch.testing.assert_close(walk, (1 - weights) * ends[:, :1] + weights * ends[:, 1:])


def test_a_row_of_the_grid_has_one_class() -> None:
    grid = LatentGrid(rows=10, columns=3, classes=10)
    assert [int(inputs["label"].argmax()) for inputs, _ in grid] == [row for row in range(10) for _ in range(3)]  # type: ignore[call-overload, index]


@pytest.mark.parametrize(
    ("make", "parameter", "values"),
    [
        (Latent, "size", [0, 1.0, -1]),
        (Latent, "kind", ["gaussian"]),
        (Latent, "seed", [-1, 0.5]),
        (Latent, "classes", [10, -1]),
        (Latent, "labels", [1]),
        (LatentGrid, "rows", [0, math.inf]),
        (LatentGrid, "columns", [1, 2.0]),
        (LatentGrid, "walk", [0]),
    ],
)
def test_bad_values_are_refused(make: Any, parameter: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(BadInput) as refused:
            make(**{"source": DIGITS} if make is Latent else {}, **{parameter: value})
        assert refused.value.parameter == parameter
    with pytest.raises(BadInput):
        [Latent(DIGITS, labels=True, classes=5)[index] for index in range(20)]


def shown(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_a_picture_has_the_images_in_rows() -> None:
    images = torch.arange(6).float().view(6, 1, 1, 1).expand(6, 1, 4, 4) / 5
    grid = shown(sample_pictures.picture(images, columns=3))
    assert grid.shape == (8, 12, 3)
    expected = np.round(255 * np.arange(6) / 5).reshape(2, 3)
    np.testing.assert_allclose(grid[2::4, 2::4, 0], expected, atol=1)


def test_colours_survive_and_places_that_are_left_are_black() -> None:
    images = torch.zeros(2, 3, 4, 4)
    images[0, 0], images[1, 2] = 1.0, 1.0
    grid = shown(sample_pictures.picture(images[[0, 1, 0]], columns=2))
    assert grid[1, 1].tolist() == [255, 0, 0] and grid[1, 5].tolist() == [0, 0, 255] and grid[5, 5].tolist() == [0] * 3


def test_a_picture_of_noise_is_small() -> None:
    torch.manual_seed(0)
    for channels in (1, 3):
        data = sample_pictures.picture(torch.rand(100, channels, 28, 28))
        assert len(data) <= sample_pictures.LIMIT and min(shown(data).shape[:2]) >= 70
    with pytest.raises(BadInput):
        sample_pictures.picture(torch.rand(3, 2, 28, 28))


@pytest.mark.parametrize("validations", [1, 5, 6, 7, 40])
def test_at_most_six_pictures_the_last_of_the_last_validation(validations: int, tmp_path: Path) -> None:
    pictures = sample_pictures.SamplePictures({"a": LatentGrid(rows=1, columns=2, size=4)}, tmp_path, validations, 10)
    model = nn.Sequential(nn.Linear(4, 4), nn.Unflatten(1, (1, 2, 2)))
    for number in range(1, validations + 1):
        pictures.draw(model, 10 * number)
    steps = sorted(int(path.stem.partition("-")[2]) for path in (tmp_path / "samples").iterdir())
    assert len(steps) == min(validations, 6) and steps[-1] == 10 * validations
    pictures.forget(steps[-1] - 1)
    assert len(list((tmp_path / "samples").iterdir())) == len(steps) - 1


def test_the_record_gets_the_pictures_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    for name in ("walk-20", "samples-100", "samples-20", "other.txt"):
        (tmp_path / "samples" / f"{name}.png").write_bytes(sample_pictures.picture(torch.rand(4, 1, 5, 5)))
    (tmp_path / "examples").mkdir()
    inputs, image = Latent(DIGITS)[0]
    first = Latent.illustrate(inputs, image, image, tmp_path / "examples" / "test-0")
    second = Latent.illustrate(inputs, image, image, tmp_path / "examples" / "test-1")
    labels = [panel["label"] for panel in first]
    assert labels[2:] == ["samples after 20 steps", "samples after 100 steps", "walk after 20 steps"]
    assert len(second) == 2
    written = {path.name for path in (tmp_path / "examples").iterdir()}
    assert written == {panel["image"] for panel in first + second}


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a.b", "1"])
def test_a_name_that_is_not_one_of_a_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        sample_pictures.SamplePictures({name: LatentGrid()}, tmp_path, 1, 1)


@pytest.mark.parametrize("label", ["three", 2.5, -1, True, None, torch.zeros(2), torch.tensor(2.5)])
def test_labels_that_are_no_class_are_refused(label: Any) -> None:
    with pytest.raises(BadInput, match="label"):
        Latent([(torch.zeros(1, 2, 2), label)], labels=True, classes=10)[0]


@pytest.mark.parametrize("label", [3, torch.tensor(3), np.int64(3), np.array(3)])
def test_labels_of_other_libraries_are_classes(label: Any) -> None:
    inputs, _ = Latent([(torch.zeros(1, 2, 2), label)], labels=True, classes=10)[0]
    assert inputs["label"].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_items_that_are_no_pair_are_refused() -> None:
    for item in (torch.zeros(2, 2), "ab", (torch.zeros(1),), (1, 2, 3)):
        with pytest.raises(BadInput, match="pair"):
            Latent([item])[0]
    for source in (None, 3):
        with pytest.raises(BadInput) as refused:
            Latent(source)
        assert refused.value.parameter == "source"


def test_noise_that_does_not_fit_into_memory_is_refused() -> None:
    for make in (lambda: LatentGrid(rows=10**9), lambda: Latent(Digits("test"), size=10**12)):
        with pytest.raises(BadInput, match="GiB"):
            make()


def test_what_cannot_be_shown_is_found_before_the_training(tmp_path: Path) -> None:
    pictures = sample_pictures.SamplePictures({"grid": LatentGrid(size=3)}, tmp_path, 1, 1)
    made = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Unflatten(1, (1, 2, 2)))
    state = torch.get_rng_state()
    pictures.check(made)
    assert made.training
    assert torch.equal(torch.get_rng_state(), state)
    assert not list(tmp_path.iterdir())
    with pytest.raises(BadInput):
        pictures.check(nn.Linear(3, 4))
