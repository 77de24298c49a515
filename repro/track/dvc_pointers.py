"""Data sets as pointers of DVC: `NAME.dvc`, with the md5 and the size of each file or folder of the data set.

The catalogue has the checksum of the files as published, often sha256. DVC needs the md5 of what is on this machine, so
the files are read. DVC tracks only files in its repository: other data sets get no pointer.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.data import store
from repro.data.catalogue import DataSet


@dataclass(frozen=True)
class Here:
    """A data set on this machine: its folder, and the files and folders in it, as the catalogue lists them."""

    folder: Path
    names: list[str]

    @property
    def paths(self) -> list[Path]:
        """The paths of the files and folders."""
        return [self.folder / name for name in self.names]


def find(one: DataSet) -> Here | None:
    """What is on this machine of a data set: all, else the first of its variants; None if nothing is."""
    for variant in ("", *one.variants):
        folder = store.where(f"{one.name}/{variant}" if variant else one.name)
        if folder:
            return Here(folder.resolve(), list(_names(one, variant, folder)))
    return None


def _names(one: DataSet, variant: str, folder: Path) -> Iterator[str]:
    for layouts in one.parts(variant):
        yield from next(layout for layout in layouts if all((folder / path).exists() for path in layout))


def text(one: DataSet, here: Here, folder: Path) -> str:
    """The text of the pointer `folder/NAME.dvc`. It reads all files of the data set."""
    about = {"homepage": one.homepage, "licence": one.licence, "citation": one.citation}
    lines = ["# Written by `repro dvc`, which overwrites it.", f"desc: {json.dumps(one.title)}"]
    lines += [f"wdir: {json.dumps(os.path.relpath(here.folder, folder.resolve()))}", "outs:"]
    for name, path in zip(here.names, here.paths, strict=True):
        rows = {"path": name, "hash": "md5", **digest(path)}
        lines += [f"{'- ' if key == 'path' else '  '}{key}: {json.dumps(row)}" for key, row in rows.items()]
    lines += ["meta:", *(f"  {key}: {json.dumps(row)}" for key, row in about.items())]
    return "\n".join([*lines, ""])


def digest(path: Path) -> dict[str, str | int]:
    """`md5` and `size` of a file, as DVC computes them; of a folder also `nfiles`.

    The md5 of a folder is that of a list of its files, each with its own md5 and path.
    """
    if path.is_file():
        return {"md5": _md5(path), "size": path.stat().st_size}
    files = sorted(file for file in path.rglob("*") if file.is_file())
    rows = [{"md5": _md5(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    rows.sort(key=lambda row: row["relpath"])
    content = json.dumps(rows, sort_keys=True).encode()
    size = sum(file.stat().st_size for file in files)
    return {"md5": f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}.dir", "size": size, "nfiles": len(files)}


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
