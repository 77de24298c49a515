"""Panels of images with masks, boxes and maps: what is in the pictures, and the numbers next to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.data.mask_panels import EXTRA, LARGEST, LONGEST, MISSED, show_boxes, show_maps, show_mask, write_image

PET, SKY, IMAGE = (230, 159, 0), (86, 180, 233), np.full((3, 20, 30), 0.5)


def scores(answer: np.ndarray, many: int = 2) -> np.ndarray:
    """Scores (K, H, W) whose highest class is `answer`."""
    return np.eye(many)[answer].transpose(2, 0, 1)


def pixels(path: Path) -> np.ndarray:
    """The red, green, blue and opacity (H, W, 4) of a picture."""
    return np.asarray(Image.open(path).convert("RGBA")).astype(int)


def test_missed_and_extra_pixels_have_their_colour_and_their_share(tmp_path: Path) -> None:
    mask, answer = np.zeros((20, 30), int), np.zeros((20, 30), int)
    mask[:10, :15], answer[:10, 5:20], mask[15:] = 1, 1, -1
    image, truth, found, wrong = show_mask(IMAGE, mask, scores(answer), tmp_path / "test-0", ("ground", "pet"))
    assert [one["label"] for one in (image, truth, found, wrong)] == ["image", "truth", "answer", "difference"]
    assert {one.get("over") for one in (truth, found, wrong)} == {image["image"]}
    assert {name: share for name, _, share in truth["colours"]} == {"not counted": 0.25, "pet": 0.25}
    assert wrong["colours"][1:] == [["missed", MISSED, pytest.approx(50 / 600, rel=1e-3)],
                                    ["extra", EXTRA, pytest.approx(50 / 600, rel=1e-3)]]  # fmt: skip
    seen = pixels(tmp_path / wrong["image"])
    assert tuple(seen[2, 2, :3]) == (255, 176, 0) and tuple(seen[2, 17, :3]) == (47, 107, 255)
    assert seen[2, 10, 3] == 0 and seen[12, 2, 3] == 0, "right pixels are transparent"
    assert (pixels(tmp_path / truth["image"])[..., 3] > 0).tolist() == (mask != 0).tolist()


def test_classes_have_their_own_colours_and_a_confusion_of_two_is_another_class(tmp_path: Path) -> None:
    mask = np.zeros((20, 30), int)
    mask[5:10], mask[10:15] = 1, 2
    answer = np.where(mask == 2, 1, mask)
    _, truth, _, wrong = show_mask(IMAGE[:1], {"mask": mask, "weight": 0}, scores(answer, 3), tmp_path / "test-1")
    seen = pixels(tmp_path / truth["image"])
    assert tuple(seen[7, 3, :3]) == PET and tuple(seen[12, 3, :3]) == SKY
    assert [row[0] for row in wrong["colours"]] == ["another class"]


def test_a_class_without_a_name_is_shown_by_its_number(tmp_path: Path) -> None:
    mask = np.full((20, 30), 2)
    _, truth, *_ = show_mask(IMAGE[:1], mask, scores(mask, 3), tmp_path / "test-0", ("ground", "pet"))
    assert [row[0] for row in truth["colours"]] == ["class 2"]


@pytest.mark.parametrize("shape", [(20, 31), (1, 20, 30)])
def test_a_mask_of_another_size_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        show_mask(IMAGE, np.zeros(shape, int), scores(np.zeros((20, 30), int)), tmp_path / "test-0")


@pytest.mark.parametrize("size", [(512, 512), (300, 100), (64, 256)])
def test_pictures_are_small_and_in_proportion(tmp_path: Path, size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    smooth = np.kron(random.random((size[0] // 4, size[1] // 4)), np.ones((4, 4)))
    mask = (smooth > 0.8).astype(int)
    panels = show_mask(smooth[None], mask, scores(mask), tmp_path / "test-0")
    for panel in panels:
        path = tmp_path / panel["image"]
        wide, high = Image.open(path).size
        assert max(wide, high) <= LONGEST
        assert wide / high == pytest.approx(size[1] / size[0], rel=0.02)
        assert path.stat().st_size <= 1.5 * LARGEST


def test_an_image_of_noise_is_saved_in_a_lower_quality(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((3, 128, 128))
    name = write_image(noise, tmp_path / "test-0")
    assert (tmp_path / name).stat().st_size <= LARGEST
    assert abs(pixels(tmp_path / name)[..., :3].mean() / 255 - noise.mean()) < 0.01


def test_each_true_box_counts_once(tmp_path: Path) -> None:
    found = {"boxes": [[0, 0, 10, 11], [0, 0, 10, 10], [15, 0, 29, 19]], "scores": [0.8, 0.9, 0.31]}
    _, truth, answer = show_boxes(IMAGE, [[0, 0, 10, 10], [15, 0, 20, 5]], found, tmp_path / "test-0")
    assert truth["size"] == [30, 20]
    assert [row[-1] for row in truth["boxes"]] == [1, 0], "the second true box is missed"
    assert [(row[5], row[6]) for row in answer["boxes"]] == [(0.9, 1), (0.8, 0), (0.31, 0)]


def test_the_class_of_a_box_must_be_right(tmp_path: Path) -> None:
    box = [[0, 0, 10, 10]]
    target, found = {"boxes": box, "classes": [1]}, {"boxes": box, "scores": [0.9], "classes": [0]}
    _, truth, answer = show_boxes(IMAGE, target, found, tmp_path / "test-0", ("cat", "dog"))
    assert (truth["boxes"][0][4:], answer["boxes"][0][4:]) == (["dog", None, 0], ["cat", 0.9, 0])


def test_the_best_box_is_drawn_whatever_its_score_and_padding_is_not(tmp_path: Path) -> None:
    found = {"boxes": [[0, 0, 9, 9], [0, 0, 5, 5]], "scores": [0.02, 0.01]}
    _, truth, answer = show_boxes(IMAGE, [[-1, -1, -1, -1], [np.nan] * 4], found, tmp_path / "test-0")
    assert truth["boxes"] == []
    assert [row[5] for row in answer["boxes"]] == [0.02]
    empty = {"boxes": np.zeros((0, 4)), "scores": np.zeros(0)}
    assert show_boxes(IMAGE, np.zeros((0, 4)), empty, tmp_path / "test-1")[2]["boxes"] == []


def test_a_map_is_drawn_with_the_outline_of_the_mask(tmp_path: Path) -> None:
    mask, heat = np.zeros((20, 30), int), np.zeros((20, 30))
    mask[5:15, 10:20], heat[10, 15], heat[2, 2] = 1, 4.0, 0.0
    estimate = {"scores": [0.1, np.nan, 0.9], "maps": {"GradCAM": heat, "Zero": 0 * heat}}
    image, panel, zero = show_maps(IMAGE, {"class": 0, "mask": mask}, estimate, tmp_path / "test-0", ("a", "b", "c"))
    assert image["truth"] == "a" and image["scores"][1] == ["b", None]
    seen = pixels(tmp_path / panel["image"])
    assert tuple(seen[5, 12]) == (255, 255, 255, 255), "the outline"
    assert seen[10, 15, :3].min() > 150 and seen[10, 15, 3] > 200, "the highest value is bright"
    assert seen[2, 2, 3] == 0, "the lowest is transparent"
    assert (pixels(tmp_path / zero["image"])[..., 3] > 0).sum() == 36, "a map of zeros shows the outline alone"
    with pytest.raises(ValueError, match="shape"):
        show_maps(IMAGE, {"class": 0, "mask": mask}, {"scores": [1.0], "maps": {"A": heat[1:]}}, tmp_path / "test-1")
