"""The reader of the pets: both layouts, the splits, and files that are missing or wrong."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from papers.pets3.dataset import BREEDS, Pets, Pictures
from repro.errors import BadInput
from repro.testing import check_dataset, needs

Write = Callable[..., Path]
NAMES = [f"{breed}_{number}" for breed in BREEDS for number in range(1, 12)]


def pixels(name: str, mode: str = "RGB", size: int = 128) -> Image.Image:
    """An image whose colour and stripes depend on the name, with soft edges, so that JPEG changes little."""
    random = np.random.default_rng(sum(name.encode()))
    coarse = Image.fromarray(random.integers(0, 255, (4, 4, 3), np.uint8))
    return coarse.resize((size, size), Image.Resampling.BICUBIC).convert(mode)


def trimap(name: str, size: int = 128) -> Image.Image:
    values = np.full((size, size), 2, np.uint8)
    left = size // 8 * (1 + len(name) % 3)
    values[size // 4 : size // 2, left : size * 3 // 4] = 3
    values[size // 4 + size // 16 : size // 2, left + size // 16 : size * 3 // 4] = 1
    return Image.fromarray(values)


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, quality=95)
    return file.getvalue()


def split_of(name: str) -> str:
    return "test" if int(name.rpartition("_")[2]) > 10 else "trainval"


@pytest.fixture(params=["published", "mirror"])
def write(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write eleven images of each breed in one of the layouts, with some files replaced; returns the folder."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    folder, published = tmp_path / "pets3", request.param == "published"

    def made(changed: dict[str, bytes | None] | None = None, size: int = 128, rows: list[str] = NAMES) -> Path:
        size = size if published else 128
        files: dict[str, bytes | None] = {
            f"images/{name}.jpg": encoded(pixels(name, size=size), "JPEG") for name in NAMES
        }
        files |= {f"trimaps/{name}.png": encoded(trimap(name, size), "PNG") for name in NAMES}
        files |= changed or {}
        kept = {name: content for name, content in files.items() if content is not None}
        (_publish if published else _pack)(folder, kept, rows)
        return folder

    made.published = published  # type: ignore[attr-defined]
    return made


def _publish(folder: Path, files: dict[str, bytes], rows: list[str]) -> None:
    for name, content in files.items():
        path = folder / ("annotations" if name.startswith("trimaps") else "") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for split in ("trainval", "test"):
        text = "".join(f"{name} 1 1 1\n" for name in rows if split_of(name) == split)
        (folder / "annotations" / f"{split}.txt").write_text(f"{text}Persian_1 3 1 3\n" if split == "test" else text)


def _pack(folder: Path, files: dict[str, bytes], rows: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "pets3_128.tar", "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    text = "".join(f"{name},{split_of(name)},{name.rpartition('_')[0]}\n" for name in rows)
    (folder / "metadata.csv").write_text(f"name,split,breed\n{text}Persian_1,test,Persian\n")


def test_the_splits_are_apart_and_each_fifth_is_for_validation(write: Write) -> None:
    write()
    names = {split: Pets(split).names for split in ("train", "valid", "test")}  # type: ignore[arg-type]
    assert names["valid"] == [f"{breed}_{number}" for number in (5, 10) for breed in BREEDS]
    assert names["test"] == [f"{breed}_11" for breed in BREEDS]
    assert sorted(name for found in names.values() for name in found) == sorted(NAMES)
    assert [label for _, label in Pets("valid")] == [0, 1, 2, 0, 1, 2]


def test_the_items_of_all_tasks_are_those_of_the_files(write: Write) -> None:
    write()
    for index, name in enumerate(Pets("test").names):
        image, mask = Pets("test", task="mask")[index]
        wanted = np.asarray(pixels(name), dtype=float).transpose(2, 0, 1) / 255
        assert float((image - torch.from_numpy(wanted)).abs().mean()) < 0.02
        assert torch.equal(mask, torch.tensor([0, 1, 0, -1])[torch.from_numpy(np.array(trimap(name))).long()])
        x0, y0, x1, y1 = Pets("test", task="box")[index][1][0].int().tolist()
        assert (mask == 1).sum() == (mask[y0:y1, x0:x1] == 1).sum() == (x1 - x0) * (y1 - y0)
        both = Pets("test", task="class_and_mask")[index][1]
        assert both["class"] == index and torch.equal(both["mask"], mask)


def test_images_of_another_size_become_square_and_smaller(write: Write) -> None:
    write(size=256)
    large, small = (Pets("test", task="mask", size=size)[0] for size in (128, 32))
    assert large[0].shape == (3, 128, 128) and small[0].shape == (3, 32, 32) == (3, *small[1].shape)
    assert abs(float((large[1] == 1).float().mean() - (small[1] == 1).float().mean())) < 0.02
    assert abs(float(large[0].mean() - small[0].mean())) < 0.01


def test_the_data_of_another_size_and_task_have_the_same_source(write: Write) -> None:
    write()
    found = [Pets("test", task, size) for task, size in (("class", 128), ("mask", 128), ("class", 64))]  # type: ignore[arg-type]
    assert len({one.fingerprint() for one in found}) == 3
    assert len({one.source.fingerprint() for one in found}) == 1
    assert Pictures("train").fingerprint() != Pictures("test").fingerprint()


def test_contract(write: Write) -> None:
    write()
    check_dataset(Pets("train", task="class_and_mask", size=32))


NO_PET = np.full((128, 128), 2, np.uint8)
HOLE = np.array(trimap("Bengal_1"))
HOLE[3, 4] = 0
FAULTS: dict[str, Any] = {
    "an image that is missing": ("images/Bengal_1.jpg", None),
    "a trimap that is missing": ("trimaps/Bengal_1.png", None),
    "a text in place of an image": ("images/Bengal_1.jpg", b"<html>not found</html>"),
    "an image that ends early": ("images/Bengal_1.jpg", encoded(pixels("Bengal_1"), "JPEG")[:-300]),
    "an empty file": ("images/Bengal_1.jpg", b""),
    "a trimap of another size": ("trimaps/Bengal_1.png", encoded(trimap("Bengal_1", 64), "PNG")),
    "a trimap with another value": ("trimaps/Bengal_1.png", encoded(Image.fromarray(HOLE), "PNG")),
    "a trimap without a pet": ("trimaps/Bengal_1.png", encoded(Image.fromarray(NO_PET), "PNG")),
    "a trimap in colour": ("trimaps/Bengal_1.png", encoded(pixels("Bengal_1"), "PNG")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_file_is_refused_with_its_name_before_training(write: Write, fault: str) -> None:
    name, content = FAULTS[fault]
    folder = write({name: content})
    if content is None and write.published:  # type: ignore[attr-defined]
        path = folder / ("annotations" if name.startswith("trimaps") else "") / name
        path.unlink(missing_ok=True)
    with pytest.raises(BadInput) as refused:
        Pets("train").fingerprint()
    assert str(folder) in refused.value.where and name in str(refused.value)


def test_a_grey_image_is_converted_if_published_and_refused_in_the_mirror(write: Write) -> None:
    write({"images/Bengal_1.jpg": encoded(pixels("Bengal_1", "L"), "JPEG")})
    if write.published:  # type: ignore[attr-defined]
        image = Pets("train")[Pets("train").names.index("Bengal_1")][0]
        assert torch.equal(image[0], image[1])
    else:
        with pytest.raises(BadInput):
            Pets("train").fingerprint()


@pytest.mark.parametrize("rows", [["Bengal_1", "Bengal_1"], ["Bengal"], ["Persian_2"], []])
def test_a_wrong_list_is_refused(write: Write, rows: list[str]) -> None:
    folder = write(rows=rows) if rows != ["Bengal"] else write(rows=NAMES)
    if rows == ["Bengal"]:
        for path in (folder / "metadata.csv", folder / "annotations" / "test.txt"):
            if path.exists():
                path.write_text(path.read_text().replace("Bengal_11", "Bengal_eleven"))
    with pytest.raises(BadInput) as refused:
        len(Pets("test"))
    assert str(folder) in refused.value.where


def test_a_pet_that_vanishes_in_few_pixels_is_refused(write: Write) -> None:
    values = NO_PET.copy()
    values[1, 1] = 1
    write({"trimaps/Bengal_1.png": encoded(Image.fromarray(values), "PNG")})
    with pytest.raises(BadInput) as refused:
        Pets("train", task="mask", size=16).fingerprint()
    assert refused.value.parameter == "size"


@pytest.mark.parametrize(
    ("name", "value"), [("split", "trainval"), ("task", "breed"), ("size", 8), ("size", 64.0), ("size", True)]
)
def test_a_wrong_value_is_refused_by_name(write: Write, name: str, value: Any) -> None:
    write()
    with pytest.raises(BadInput) as refused:
        Pets(**{"split": "test", name: value})
    assert refused.value.parameter == name


@needs("pets3/test")
def test_the_real_pictures_have_the_published_splits_and_a_pet_each() -> None:
    sizes = {split: len(Pets(split)) for split in ("train", "valid", "test")}  # type: ignore[arg-type]
    assert sizes == {"train": 240, "valid": 60, "test": 298}
    test = Pets("test", task="mask", size=64)
    assert [sum(label == breed for _, label in Pets("test")) for breed in range(3)] == [98, 100, 100]
    assert all((mask == 1).any() for _, mask in test)
    decided = (test.masks == 1).sum() / len(test) / 64**2
    assert 0.2 < float(decided) < 0.35
