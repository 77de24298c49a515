"""A file of a data set that anyone can have: from the mirror where that holds it, else downloaded once.

The bytes are checked in both cases, so that a record rests on the file that was published and on no other.
"""

from __future__ import annotations

import os
from pathlib import Path

import pooch

from repro.datasets import mirror
from repro.errors import BadInput

CACHE = "REPRO_CACHE"


def file(folder: str, name: str, url: str, sha256: str) -> Path:
    """The file `folder/name` of the mirror (`REPRO_MIRROR`); where there is none, that of the cache, got from `url`.

    The cache is the folder named by `REPRO_CACHE`, or the platform's own. A download appears there whole or not at all.
    Raises BadInput for bytes of another checksum, and where the file is in no mirror and cannot be downloaded.
    """
    root = os.environ.get(mirror.VARIABLE, "")
    if root and not Path(root).is_dir():
        raise BadInput(f"{mirror.VARIABLE} is {root}, which is no folder; expected one that holds {folder}/{name}")
    if root and Path(root, folder, name).is_file():
        return _checked(Path(root, folder, name), sha256)
    cache = Path(os.environ.get(CACHE) or pooch.os_cache("repro")) / folder
    try:
        return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=cache))
    except ValueError as error:  # pooch says both checksums
        raise BadInput(f"{url} is not the file it was: {error}") from None
    except OSError as error:  # requests' errors are of this kind, and so is a folder that cannot be written
        hint = f"give a mirror: a folder, named by {mirror.VARIABLE}, that holds {folder}/{name}"
        raise BadInput(f"cannot download {url} into {cache} ({_reason(error)}); {hint}") from None


def _checked(path: Path, sha256: str) -> Path:
    found = pooch.file_hash(str(path))
    if found != sha256:
        raise BadInput(f"{path} has the sha256 {found}; expected {sha256}")
    return path


def _reason(error: OSError) -> str:
    """`HTTP 404`, or what kind of failure: the text that requests gives runs over several lines."""
    response = getattr(error, "response", None)
    return type(error).__name__ if response is None else f"HTTP {response.status_code}"
