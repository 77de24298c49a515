"""MNIST and its kind: what the files say is what is read, and other files are refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from repro.datasets.idx import FashionMnist, Mnist, read_idx
from repro.errors import BadInput
from repro.testing import check_dataset, needs

IMAGES = np.arange(7 * 28 * 28).reshape(7, 28, 28).astype(np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)


def idx(array: np.ndarray, *changed: int) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *(changed or array.shape))
    return header + array.tobytes()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a small `mnist`, its two splits alike."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    folder = tmp_path / "mnist"
    folder.mkdir()
    write(folder, idx(IMAGES), idx(LABELS))
    for path in list(folder.iterdir()):  # a data set is here when all of it is
        path.with_name(path.name.replace("t10k", "train")).write_bytes(path.read_bytes())
    return folder


def write(folder: Path, images: bytes, labels: bytes) -> None:
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))


def test_the_battery(data: Path) -> None:
    check_dataset(Mnist("test"))


def test_items_are_images_in_0_to_1_with_their_class(data: Path) -> None:
    images, labels = next(iter(DataLoader(Mnist("test"), batch_size=7)))
    assert torch.equal((images * 255).round().to(torch.uint8).squeeze(1), torch.from_numpy(IMAGES))
    assert images.dtype == torch.float32 and images.max() == 1 and labels.tolist() == LABELS.tolist()


def test_a_batch_is_the_items_one_by_one(data: Path) -> None:
    one = Mnist("test")
    for (image, label), index in zip(one.__getitems__([4, 0, 4]), [4, 0, 4], strict=True):
        assert torch.equal(image, one[index][0]) and label == one[index][1]


def test_a_slice_has_its_own_fingerprint(data: Path) -> None:
    part = Mnist("test", start=2, stop=5)
    assert [label for _, label in (part[index] for index in range(len(part)))] == [4, 1, 5]
    assert part.fingerprint() != Mnist("test").fingerprint() != Mnist("test", start=1).fingerprint()


def test_the_wrapper_is_not_the_content(data: Path) -> None:
    before = Mnist("test").fingerprint()
    (data / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES), compresslevel=1, mtime=7))
    assert Mnist("test").fingerprint() == before


@settings(max_examples=20)
@given(st.integers(0, 6), st.integers(0, 27), st.integers(0, 27), st.integers(0, 7))
def test_one_flipped_bit_is_another_fingerprint(item: int, row: int, column: int, bit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        one, other = Mnist.__new__(Mnist), Mnist.__new__(Mnist)
        flipped = IMAGES.copy()
        flipped[item, row, column] ^= 1 << bit
        for dataset, images in ((one, IMAGES), (other, flipped)):
            patch.setitem(dataset.__dict__, "images", torch.from_numpy(images.copy()))
            patch.setitem(dataset.__dict__, "labels", torch.from_numpy(LABELS).long())
        assert one.fingerprint() != other.fingerprint()


@pytest.mark.parametrize(("content", "words"), [
    (b"", "is not an idx file"), (b"\0\0\x0d\3" + bytes(12), "is not an idx file"), (idx(LABELS), "is not an idx file"),
    (idx(IMAGES)[:-1], "but 5487 bytes"), (idx(IMAGES, 8, 28, 28), r"shape \(8, 28, 28\)"),
    (idx(IMAGES.reshape(7, 14, 56)), "are 14 x 56; expected 28 x 28"),
])  # fmt: skip
def test_another_file_is_refused_by_name(data: Path, content: bytes, words: str) -> None:
    write(data, content, idx(LABELS))
    with pytest.raises(BadInput, match=words):
        Mnist("test").fingerprint()


def test_half_a_file_is_refused(data: Path) -> None:
    path = data / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match=r"t10k-images-idx3-ubyte.gz: cannot be read as an idx file"):
        read_idx(path, 3)


def test_as_many_labels_as_images(data: Path) -> None:
    write(data, idx(IMAGES), idx(LABELS[:5]))
    with pytest.raises(BadInput, match="7 images and 5 labels of test"):
        len(Mnist("test"))


def test_fashion_is_another_folder_of_the_same_format(data: Path) -> None:
    data.rename(data.with_name("fashion_mnist"))
    assert len(FashionMnist("test")) == 7


@needs("mnist")
def test_the_real_digits() -> None:
    """As the page of the database describes them: 60,000 and 10,000; the first are a 5 and a 7."""
    train, test = Mnist("train"), Mnist("test")
    assert (len(train), len(test), train[0][1], test[0][1]) == (60000, 10000, 5, 7)
    assert int(torch.bincount(train.labels).min()) > 5000
    centres = [
        (image.squeeze().sum(0) * torch.arange(28)).sum() / image.sum()
        for image, _ in map(test.__getitem__, range(100))
    ]
    assert all(abs(float(centre) - 13.5) < 1.1 for centre in centres)  # the centre of mass is put into the middle
