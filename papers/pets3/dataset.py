"""Pictures of three breeds of the Oxford-IIIT Pet Dataset, with the outline of each pet.

Letters: N images, S pixels of a side.

Two layouts can be read. The published archives unpack to `images/`, `annotations/*.txt` and `annotations/trimaps/`. A
mirror may have the images of the three breeds with 128 x 128 pixels in `pets3_128.tar`, and their list in
`metadata.csv`. A trimap has 1 for the pet, 2 for the background, and 3 for the border, which is not classified.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset

from repro.data import store, unpack
from repro.datasets import image_tasks, tables
from repro.datasets.image_tasks import Task
from repro.errors import BadInput
from repro.registry import DATASETS, wrong_value

BREEDS = ("Abyssinian", "Bengal", "american_bulldog")
SIDE = 128  # pixels of the images in the mirror; published ones are resized to it, and become square
EACH_FOR_VALIDATION = 5  # every fifth image of a breed, by its number
ARCHIVE, TABLE, LISTS = "pets3_128.tar", "metadata.csv", {"trainval": "trainval.txt", "test": "test.txt"}
MODES = ("RGB", "L", "P", "RGBA", "CMYK")  # of the published images
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


class Pictures:
    """The images of a split with 128 x 128 pixels, their masks and breeds, as they are in the files.

    `split`: "test" as published; "valid" is every fifth image of each breed in the published "trainval", and "train"
    the others. Raises BadInput, with the file, if the list or an image is missing, if a file is not an image or has
    another mode, if a mask has another size than its image or another value than 1, 2 and 3, or if it has no pet.
    """

    def __init__(self, split: Split) -> None:
        if split not in ("train", "valid", "test"):
            raise wrong_value(self, "split", split, "'train', 'valid' or 'test'")
        self.split = split
        self.folder = store.folder("pets3")

    @cached_property
    def listed(self) -> list[Listed]:
        rows = sorted(_listed(self.folder), key=lambda row: (row.breed, row.number))
        chosen: list[Listed] = []
        for breed in range(len(BREEDS)):
            of_breed = [row for row in rows if row.breed == breed and (row.split == "test") == (self.split == "test")]
            kept = [
                (n % EACH_FOR_VALIDATION == EACH_FOR_VALIDATION - 1) == (self.split == "valid")
                for n in range(len(of_breed))
            ]
            chosen += [row for row, one in zip(of_breed, kept, strict=True) if one or self.split == "test"]
        return chosen

    @cached_property
    def read(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The images (N, 128, 128, 3) and the trimaps (N, 128, 128)."""
        names = [row.name for row in self.listed]
        packed = self.folder / ARCHIVE
        pairs = list(_packed(packed, names) if packed.is_file() else _published(self.folder, names))
        return np.stack([image for image, _ in pairs]), np.stack([trimap for _, trimap in pairs])

    def __len__(self) -> int:
        return len(self.listed)

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

    def fingerprint(self) -> str:
        """Digest of the images and masks as in the files, of the task and of the size. All files are read."""
        if self.task != "class":
            _ = self.masks
        return hashlib.sha256(f"{self.source.fingerprint()} {self.task} {self.size}".encode()).hexdigest()[:16]


def _listed(folder: Path) -> list[Listed]:
    """The images of the three breeds, from the list of either layout."""
    if (folder / ARCHIVE).is_file():
        rows = [
            (row["name"], row["split"], row["breed"], str(folder / TABLE))
            for row in tables.read(folder / TABLE, ["name", "split", "breed"])
        ]
    else:
        rows = [
            (line.split()[0], split, line.split()[0].rpartition("_")[0], str(folder / "annotations" / name))
            for split, name in LISTS.items()
            for line in _lines(folder / "annotations" / name)
        ]
    found = [Listed(name, split, BREEDS.index(breed)) for name, split, breed, _ in rows if breed in BREEDS]
    for name, split, _, place in rows:
        if split not in LISTS or not name.rpartition("_")[2].isdecimal():
            raise BadInput(f"lists '{name}' in the split '{split}'", place, expected="BREED_NUMBER in trainval or test")
    if twice := {row.name for row in found if [other.name for other in found].count(row.name) > 1}:
        raise BadInput(f"{min(twice)} is listed twice", str(folder))
    return found


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", str(path)) from None
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _packed(archive: Path, names: list[str]) -> Iterable[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """The images and trimaps in the tar of a mirror."""
    wanted = {path for name in names for path in (f"images/{name}.jpg", f"trimaps/{name}.png")}
    content: dict[str, bytes] = {}
    try:
        for member in unpack.tar_members(archive):
            if member.name in wanted and (file := member.open()) is not None:
                content[member.name] = file.read()
    except (*unpack.BROKEN, OSError) as error:
        raise BadInput(f"cannot be unpacked: {error}", str(archive)) from None
    for name in names:
        parts = {path: f"{archive}/{path}" for path in (f"images/{name}.jpg", f"trimaps/{name}.png")}
        if missing := [place for path, place in parts.items() if path not in content]:
            raise BadInput("is listed, but is not in the archive", missing[0])
        image, trimap = (_decoded(content[path], place) for path, place in parts.items())
        yield _pair(image, trimap, *parts.values(), modes=("RGB",))


def _published(folder: Path, names: list[str]) -> Iterable[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """The images and trimaps as published, resized to 128 x 128 pixels."""
    for name in names:
        paths = folder / "images" / f"{name}.jpg", folder / "annotations" / "trimaps" / f"{name}.png"
        if missing := [path for path in paths if not path.is_file()]:
            raise BadInput("is listed, but is not there", str(missing[0]))
        image, trimap = (_decoded(path.read_bytes(), str(path)) for path in paths)
        yield _pair(image, trimap, *map(str, paths), modes=MODES)


def _decoded(content: bytes, place: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        said = "is not an image" if isinstance(error, UnidentifiedImageError) else f"cannot be decoded: {error}"
        raise BadInput(said, place) from None
    return image


def _pair(
    image: Image.Image, trimap: Image.Image, place: str, place_of_trimap: str, modes: tuple[str, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pixels of an image and of its trimap, both with 128 x 128 pixels. Raises BadInput if they are wrong."""
    for one, where, known in ((image, place, modes), (trimap, place_of_trimap, ("L", "P"))):
        if one.mode not in known:
            raise BadInput(f"has the mode {one.mode}", where, expected=" or ".join(known))
    if image.size != trimap.size:
        said = "{} x {} pixels".format(*trimap.size)
        raise BadInput(f"has {said}", place_of_trimap, expected="{} x {}, as its image has".format(*image.size))
    values = np.asarray(trimap)
    if wrong := set(np.unique(values).tolist()) - set(TO_MASK):
        raise BadInput(f"has a pixel with the value {min(wrong)}", place_of_trimap, expected="1, 2 or 3")
    if not (values == 1).any():
        raise BadInput("has no pixel of the pet", place_of_trimap, expected="at least one pixel with the value 1")
    pixels = np.asarray(image.convert("RGB"))
    resized = (_resized(pixels, SIDE, Image.Resampling.BILINEAR), _resized(values, SIDE, Image.Resampling.NEAREST))
    return resized


def _resized(pixels: NDArray[np.uint8], side: int, how: Image.Resampling) -> NDArray[np.uint8]:
    """The pixels as a square with `side` pixels, unchanged if they have this size."""
    if pixels.shape[:2] == (side, side):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), how))
