"""Pictures of three breeds of the Oxford-IIIT Pet Dataset, with the outline of each pet.

Letters: N images, S pixels of a side.

Two layouts can be read. The published archives unpack to `images/`, `annotations/*.txt` and `annotations/trimaps/`. A
mirror may have the images of the three breeds with 128 x 128 pixels in `pets3_128.tar`, and their list in
`metadata.csv`. A trimap has 1 for the pet, 2 for the background, and 3 for the border, which is not classified.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset

from repro.data import store
from repro.datasets import image_files, image_tasks, tables
from repro.datasets.image_tasks import Task
from repro.errors import BadInput
from repro.registry import DATASETS, wrong_value

BREEDS = ("Abyssinian", "Bengal", "american_bulldog")
SIDE = 128  # pixels of the images in the mirror; published ones are resized to it, and become square
KEPT = 5  # every fifth image of a breed, by its number, is for validation
ARCHIVE, TABLE, LISTS = "pets3_128.tar", "metadata.csv", {"trainval": "trainval.txt", "test": "test.txt"}
TO_MASK = {1: 1, 2: 0, 3: -1}  # of a value in a trimap

Split = Literal["train", "valid", "test"]


class Listed(NamedTuple):
    """A row of the list of images: `name` such as "Bengal_7", `split` "trainval" or "test", and the breed's number."""

    name: str
    split: str
    breed: int

    @property
    def number(self) -> int:
        return int(self.name.rpartition("_")[2])


@DATASETS.register
class Pictures(Dataset[tuple[Tensor, int]]):
    """The images of a split with 128 x 128 pixels, their masks and breeds, as they are in the files.

    Item: `(image (128, 128, 3) uint8, breed)`. `datasets.Pets` reads it. `split`: "test" as published; "valid" is every
    fifth image of each breed in the published "trainval", and "train" the others. An image of another shape becomes
    square. Raises BadInput, with the file, if the list or an image is missing, if a file is not an image or has another
    mode, if a mask has another size than its image or another value than 1, 2 and 3, if it has no pet, or if the split
    has no image.
    """

    def __init__(self, split: Split) -> None:
        if split not in ("train", "valid", "test"):
            raise wrong_value(self, "split", split, "'train', 'valid' or 'test'")
        self.split = split
        self.folder = store.folder("pets3")

    @cached_property
    def listed(self) -> list[Listed]:
        """The rows of the split: the first of each breed by their numbers, then the second of each, and so on."""
        rows = sorted(_listed(self.folder), key=lambda row: row.number)
        chosen: list[tuple[int, Listed]] = []
        for breed in range(len(BREEDS)):
            of_breed = [row for row in rows if row.breed == breed and (row.split == "test") == (self.split == "test")]
            valid = [n % KEPT == 0 for n in range(1, len(of_breed) + 1)]
            kept = [self.split == "test" or one == (self.split == "valid") for one in valid]
            chosen += enumerate(itertools.compress(of_breed, kept))
        if not chosen:
            raise BadInput(f"lists no image for the split '{self.split}'", str(self.folder))
        return [row for _, row in sorted(chosen, key=lambda placed: (placed[0], placed[1].breed))]

    @cached_property
    def read(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The images (N, 128, 128, 3) and the trimaps (N, 128, 128)."""
        names = [row.name for row in self.listed]
        pairs = list(_pairs(self.folder, names))
        return np.stack([image for image, _ in pairs]), np.stack([trimap for _, trimap in pairs])

    def __len__(self) -> int:
        return len(self.listed)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.from_numpy(self.read[0][index]), self.listed[index].breed

    def fingerprint(self) -> str:
        """Digest of names, breeds, pixels and trimaps. The published images have another one than the mirror's."""
        digest = hashlib.sha256(str([tuple(row) for row in self.listed]).encode())
        for array in self.read:
            digest.update(array.tobytes())
        return digest.hexdigest()[:16]


@DATASETS.register
class Pets(Dataset[tuple[Tensor, Any]]):
    """Cats of two breeds and dogs of one, with their outlines: 240 images to train, 60 to validate, 298 to test.

    Item: `(image (3, S, S) float32 in [0, 1], target)`. The target depends on `task`, as in
    `repro.datasets.image_tasks`: "class" (the breed), "mask" (S, S), "box" (1, 4), or "class_and_mask". `split`:
    "train", "valid" or "test"; see `Pictures`, which has the errors of files too. `size`: S in pixels, from 16. The
    images are resized from 128 pixels with Pillow's bilinear filter, the masks to the nearest pixel. Raises BadInput
    for another `split`, `task` or `size`. Source: Parkhi, Vedaldi, Zisserman and Jawahar 2012.

    Example: a folder with two black images in place of the real ones, with a pet in their upper half.

        >>> import os
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("pets3/images").mkdir(parents=True)
        >>> Path("pets3/annotations/trimaps").mkdir(parents=True)
        >>> trimap = Image.fromarray(np.repeat(np.array([1, 2], np.uint8), 64)[:, None].repeat(128, 1))
        >>> for number in (1, 2):
        ...     Image.new("RGB", (128, 128)).save(f"pets3/images/Abyssinian_{number}.jpg")
        ...     trimap.save(f"pets3/annotations/trimaps/Abyssinian_{number}.png")
        ...     name = {1: "trainval", 2: "test"}[number]
        ...     size = Path(f"pets3/annotations/{name}.txt").write_text(f"Abyssinian_{number} 1 1 1")
        >>> Pets("test", task="box", size=64)[0][1]
        tensor([[ 0.,  0., 64., 32.]])
    """

    class_names = ("Abyssinian", "Bengal", "American bulldog")

    def __init__(self, split: Split, task: Task = "class", size: int = SIDE) -> None:
        image_tasks.checked(self, task, size, least=16)
        if split not in ("train", "valid", "test"):
            raise wrong_value(self, "split", split, "'train', 'valid' or 'test'")
        self.task, self.size = task, size
        self.source = Pictures(split)

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.source.listed]

    @cached_property
    def images(self) -> Tensor:
        """(N, 3, S, S) uint8."""
        resized = [_resized(image, self.size, Image.Resampling.BILINEAR) for image in self.source.read[0]]
        return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).contiguous()

    @cached_property
    def masks(self) -> Tensor:
        """(N, S, S) int8: 1 pet, 0 background, -1 border."""
        values = np.zeros(256, dtype=np.int8)
        values[list(TO_MASK)] = list(TO_MASK.values())
        masks = [values[_resized(trimap, self.size, Image.Resampling.NEAREST)] for trimap in self.source.read[1]]
        for name, mask in zip(self.names, masks, strict=True):
            if not (mask == 1).any():
                raise wrong_value(self, "size", self.size, f"more pixels: the mask of {name} has no pet with so few")
        return torch.from_numpy(np.stack(masks))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        label = self.source.listed[index].breed
        return self.images[index] / 255, image_tasks.target(self.task, label, self.masks[index])

    def illustrate(self, inputs: Tensor, target: Any, estimate: Any, stem: Path) -> list[dict[str, Any]]:
        """Write what shows an item with a model's answer; it depends on the task."""
        return image_tasks.illustrate(self.task, inputs, target, estimate, stem, self.class_names)

    def fingerprint(self) -> str:
        """Digest of the images and masks as in the files, of the task and of the size. All files are read."""
        if self.task != "class":
            _ = self.masks
        return hashlib.sha256(f"{self.source.fingerprint()} {self.task} {self.size}".encode()).hexdigest()[:16]


def _listed(folder: Path) -> list[Listed]:
    """The images of the three breeds, from the list of either layout. Raises BadInput, with the list."""
    rows = _in_table(folder / TABLE) if (folder / ARCHIVE).is_file() else _in_lists(folder / "annotations")
    found: dict[str, Listed] = {}
    for name, split, place in rows:
        breed, _, number = name.rpartition("_")
        if split not in LISTS or not number.isdecimal():
            raise BadInput(f"lists '{name}' in the split '{split}'", place, expected="BREED_NUMBER in trainval or test")
        if name in found:
            raise BadInput(f"lists '{name}', which is in a list already", place)
        if breed in BREEDS:
            found[name] = Listed(name, split, BREEDS.index(breed))
    if not found:
        raise BadInput("lists no image of the three breeds", str(folder), expected=", ".join(BREEDS))
    return list(found.values())


def _in_table(path: Path) -> Iterator[tuple[str, str, str]]:
    for row in tables.read(path, ["name", "split"]):
        yield row["name"], row["split"], str(path)


def _in_lists(folder: Path) -> Iterator[tuple[str, str, str]]:
    for split, name in LISTS.items():
        for line in _lines(folder / name):
            yield line.split()[0], split, str(folder / name)


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", str(path)) from None
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _pairs(folder: Path, names: list[str]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """The pixels of each image (128, 128, 3) and of its trimap (128, 128). Raises BadInput, with the file."""
    packed = (folder / ARCHIVE).is_file()
    places = [folder / ARCHIVE] * 2 if packed else [folder, folder / "annotations"]
    images = image_files.contents(places[0], [f"images/{name}.jpg" for name in names])
    trimaps = image_files.contents(places[1], [f"trimaps/{name}.png" for name in names])
    for (of_image, image), (of_trimap, trimap) in zip(images.items(), trimaps.items(), strict=True):
        pixels = image_files.read_image(image, of_image, "RGB") if packed else _converted(image, of_image)
        values = image_files.read_mask(trimap, of_trimap, pixels.shape[:2], TO_MASK)
        if not (values == 1).any():
            raise BadInput("has no pixel of the pet", of_trimap, expected="at least one pixel with the value 1")
        yield _resized(pixels, SIDE, Image.Resampling.BILINEAR), _resized(values, SIDE, Image.Resampling.NEAREST)


def _converted(content: bytes, place: str) -> NDArray[np.uint8]:
    """The pixels (H, W, 3) of a published image; some of these have a palette or only grey."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError:
        raise BadInput("is not an image", place) from None
    except image_files.BROKEN as error:
        raise BadInput(f"cannot be decoded: {error}", place) from None


def _resized(pixels: NDArray[np.uint8], side: int, how: Image.Resampling) -> NDArray[np.uint8]:
    """The pixels as a square with `side` pixels, unchanged if they have this size."""
    if pixels.shape[:2] == (side, side):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), how))
