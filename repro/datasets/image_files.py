"""Image files and mask files: read from a folder or a tar, with an error in one line that names the file.

Letters: C channels, H rows and W columns of an image.

A reader calls these functions in `fingerprint()` for all its files. A run computes the fingerprints before it trains,
so one corrupt file among thousands is found at once and not after an hour.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from repro.data import unpack
from repro.errors import BadInput

Mode = Literal["L", "RGB"]
BROKEN = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for damaged files; UnidentifiedImageError is an OSError."""


def contents(place: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The bytes of the files `names`, by "PLACE/NAME". `place`: a folder, or a tar that contains them.

    Raises BadInput if a file is missing, and if the tar is damaged.

    >>> Path("images").mkdir()
    >>> Path("images/0.png").write_bytes(b"not an image")
    12
    >>> contents(Path("images"), ["0.png"])
    {'images/0.png': b'not an image'}
    """
    found = _of_folder(place, names) if place.is_dir() else _of_tar(place, set(names))
    if missing := [name for name in names if name not in found]:
        raise BadInput(f"contains no {missing[0]}, the first of {len(missing)} missing files", str(place))
    return {f"{place}/{name}": found[name] for name in names}


def read_image(content: bytes, place: str, mode: Mode = "L") -> NDArray[np.uint8]:
    """The pixels of an image file, (H, W) for the mode "L" (grey) and (H, W, 3) for "RGB", from 0 to 255.

    `place`: the name of the file for the error. Raises BadInput if the content is no image, is truncated, or has
    another mode: an image is never converted, because a conversion changes its numbers.

    >>> file = io.BytesIO()
    >>> Image.fromarray(np.full((2, 3), 7, np.uint8)).save(file, format="PNG")
    >>> read_image(file.getvalue(), "0.png").tolist()
    [[7, 7, 7], [7, 7, 7]]
    >>> read_image(file.getvalue()[:-30], "0.png")
    Traceback (most recent call last):
    repro.errors.BadInput: 0.png: the image cannot be decoded (image file is truncated); expected a complete image file
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            if image.mode != mode:
                raise BadInput(f"the image has the mode {image.mode}", place, expected=mode)
            return np.array(image)
    except UnidentifiedImageError:
        raise BadInput(f"is no image ({len(content)} bytes)", place, expected="an image file") from None
    except BROKEN as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"the image cannot be decoded ({error})", place, expected="a complete image file") from None


def read_mask(content: bytes, place: str, size: tuple[int, int], labels: Collection[int]) -> NDArray[np.uint8]:
    """The labels (H, W) of a mask file, from 0 to 255.

    `size`: the rows and columns of its image. `labels`: the numbers that may be in the mask. Raises BadInput as
    `read_image`, if the mask has another size, and if it has another label; the message says where.

    >>> file = io.BytesIO()
    >>> Image.fromarray(np.array([[0, 255, 254]], np.uint8)).save(file, format="PNG")
    >>> read_mask(file.getvalue(), "0.png", (1, 3), {0, 255})
    Traceback (most recent call last):
    repro.errors.BadInput: 0.png: the mask has the label 254 at row 0, column 2; expected one of 0, 255
    """
    mask = read_image(content, place)
    if mask.shape != size:
        rows, columns = mask.shape
        raise BadInput(f"the mask has {rows} x {columns} pixels", place, expected=f"{size[0]} x {size[1]} as its image")
    wrong = np.argwhere(~np.isin(mask, sorted(labels)))
    if len(wrong):
        row, column = wrong[0]
        said = f"the mask has the label {mask[row, column]} at row {row}, column {column}"
        raise BadInput(said, place, expected="one of " + ", ".join(map(str, sorted(labels))))
    return mask


def _of_folder(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    try:
        return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(error.filename)) from None


def _of_tar(archive: Path, names: set[str]) -> dict[str, bytes]:
    """The content of the members called `names`, in one pass."""
    found = {}
    try:
        for member in unpack.tar_members(archive):
            name = str(PurePosixPath(member.name))
            if name in names and member.kind == "file" and (file := member.open()):
                found[name] = file.read()
    except (*unpack.BROKEN, OSError) as error:
        raise BadInput(f"cannot be read as an archive: {type(error).__name__}: {error}", str(archive)) from None
    return found
