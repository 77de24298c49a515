"""MNIST and data sets in its format: images of 28 x 28 bytes and their classes, in two idx files per split.

Letters: N images.

An idx file has two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as a big-endian
32-bit integer, then the bytes. Source: the page of the MNIST database, "File formats".
"""

from __future__ import annotations

import hashlib
import logging
import math
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from repro.data import store, unpack
from repro.data.panels import show_image
from repro.errors import BadInput
from repro.registry import DATASETS

FILES = {"train": "train", "test": "t10k"}
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
FOLDERS = ("", "MNIST/raw", "FashionMNIST/raw", "raw")  # the published layout, then those of torchvision
UNSIGNED_BYTE = 8

Item = tuple[torch.Tensor, int]

log = logging.getLogger("repro")


@DATASETS.register
class Mnist(Dataset[Item]):
    """MNIST, handwritten digits: 60,000 images to train, 10,000 to test.

    Item: `(image (1, 28, 28) float32 in [0, 1], digit int)`. `start`, `stop`: use only these images, as in a slice.
    For example, `start=55000` takes the last 5,000 images of `train` for validation.

    Raises BadInput if the files are missing and cannot be downloaded, are not idx files, or have different lengths.
    Source: LeCun, Cortes and Burges, the MNIST database.

    Example: a folder with three black images in place of the real ones (`repro data get mnist`).

        >>> import os
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("mnist").mkdir()
        >>> header = bytes([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28])
        >>> for stem in ("train", "t10k"):
        ...     size = Path(f"mnist/{stem}-images-idx3-ubyte").write_bytes(header + bytes(3 * 28 * 28))
        ...     size = Path(f"mnist/{stem}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        >>> test = Mnist("test")
        >>> image, digit = test[0]
        >>> len(test), image.shape, digit
        (3, torch.Size([1, 28, 28]), 7)
    """

    name = "mnist"
    illustrate = staticmethod(show_image)

    def __init__(self, split: Literal["train", "test"], start: int = 0, stop: int | None = None) -> None:
        self.split, self.start, self.stop = split, start, stop
        self.folder = store.folder(self.name)

    @cached_property
    def images(self) -> torch.Tensor:
        """(N, 28, 28) uint8, from 0 (paper) to 255 (ink)."""
        images = self._read(IMAGES, 3)
        if images.shape[1:] != (28, 28):
            raise BadInput(f"the images in {self.folder} are {images.shape[1]} x {images.shape[2]}", expected="28 x 28")
        return torch.from_numpy(images[self.start : self.stop])

    @cached_property
    def labels(self) -> torch.Tensor:
        """(N,) int64."""
        labels = torch.from_numpy(self._read(LABELS, 1)[self.start : self.stop]).long()
        if len(labels) != len(self.images):
            raise BadInput(f"{self.folder} contains {len(self.images)} images and {len(labels)} labels of {self.split}")
        return labels

    def _read(self, ending: str, dimensions: int) -> npt.NDArray[np.uint8]:
        return read_idx(located(self.folder, f"{FILES[self.split]}-{ending}"), dimensions)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Item:
        return self.images[index].unsqueeze(0) / 255, int(self.labels[index])

    def __getitems__(self, indices: list[int]) -> list[Item]:
        """Several items at once; a DataLoader calls this."""
        images = self.images[indices].unsqueeze(1) / 255
        return list(zip(images, self.labels[indices].tolist(), strict=True))

    def fingerprint(self) -> str:
        """Digest of the pixels and labels. For the complete split it equals the fingerprint in the catalogue."""
        digest = hashlib.sha256(str(tuple(self.images.shape)).encode())
        digest.update(self.images.numpy().tobytes())
        digest.update(self.labels.to(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]


@DATASETS.register
class FashionMnist(Mnist):
    """Fashion-MNIST: Zalando's images of clothes, with the format and sizes of MNIST.

    Item: `(image (1, 28, 28) float32 in [0, 1], class int)`. Source: Xiao, Rasul and Vollgraf 2017.

    Example: a folder with one black image in place of the real ones (`repro data get fashion_mnist`).

        >>> import os
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("fashion_mnist").mkdir()
        >>> header = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28])
        >>> for stem in ("train", "t10k"):
        ...     size = Path(f"fashion_mnist/{stem}-images-idx3-ubyte").write_bytes(header + bytes(28 * 28))
        ...     size = Path(f"fashion_mnist/{stem}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 9]))
        >>> FashionMnist("test")[0][1]
        9
    """

    name = "fashion_mnist"


def located(folder: Path, name: str) -> Path:
    """The path of the file called `name`: with `.gz` as published, or unpacked as in torchvision and on Kaggle.

    If there are several such files, it takes the first and logs the others. Raises BadInput if there is none.
    """
    spelt = name.replace("-idx", ".idx")  # the spelling on Kaggle and of some Windows programs
    names = (f"{name}.gz", name, f"{spelt}.gz", spelt, f"{name}/{name}", f"{name}/{spelt}", f"{spelt}/{spelt}")
    found = [path for place in FOLDERS for each in names if (path := folder / place / each).is_file()]
    if not found:
        raise BadInput(f"contains neither {name}.gz nor {name}", str(folder))
    if found[1:]:
        log.info("%s is read, and left out is %s", found[0], ", ".join(map(str, found[1:])))
    return found[0]


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read the array in an idx file of unsigned bytes, gzipped or not. Raises BadInput for any other file.

    Example:

        >>> size = Path("two").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
        >>> read_idx(Path("two"), dimensions=1)
        array([7, 9], dtype=uint8)
    """
    try:
        with unpack.opened(path) as file:
            content = file.read()
    except (*unpack.BROKEN, OSError) as error:
        raise BadInput(f"cannot be read as an idx file: {error}", str(path)) from None
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]):
        raise BadInput(f"is not an idx file of bytes in {dimensions} dimensions", str(path))
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, 4))
    if 0 in shape:
        raise BadInput(f"has the shape {shape}, so it contains nothing", str(path))
    if len(content) != header + math.prod(shape):
        raise BadInput(f"has the shape {shape} in its header, but {len(content) - header} bytes", str(path))
    return np.frombuffer(bytearray(content), np.uint8, offset=header).reshape(shape)
