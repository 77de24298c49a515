"""The catalogue of data sets: licence, citation, splits, where to get each, and the fingerprints of their content.

The data sets of `repro` are in `data.toml` next to this file, those of a paper in its own `data.toml`:

    [mnist]
    title = "The MNIST database of handwritten digits"
    ...
    [mnist.variants.test]
    items = 10_000
    arguments = { split = "test" }
    fingerprint = "26120b4578752d7d"

    [mnist.files."t10k-images-idx3-ubyte.gz"]
    size = 1_648_877
    checksum = "sha256:8d42..."

A *checksum* is the digest of a published file; it checks a download. A *fingerprint* is the digest of the content
(pixels, samples, rows), computed by the reader of the data set. It does not depend on how the files are packed.

This module does not import torch.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from repro.claim import paper
from repro.claim.paper_toml import load, make
from repro.errors import BadInput, where
from repro.files import regular
from repro.files.toml_lines import Block, blocks

FILE = "data.toml"
NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,99}")
URL = re.compile(r"https?://[^/\s]+/\S*")
TAKEN = "features"  # the folder of `repro.data.cache` in the data folder: no data set can have this name
LARGEST = 10**15  # bytes: a larger size must be a typo
READER = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")


@dataclass(frozen=True)
class File:
    """One file of a data set, as published."""

    name: str
    size: Annotated[int, "its size in bytes"]
    checksum: Annotated[str, "the checksum of the published file: `sha256:` or `md5:` and hexadecimal digits"]
    urls: Annotated[list[str], "its URLs, tried in this order; default: the data set's `urls` with its name"] = field(
        default_factory=list
    )
    unpack: Annotated[bool, "true for an archive that is unpacked and then deleted"] = False


@dataclass(frozen=True)
class Variant:
    """One split or version of a data set, written `NAME/VARIANT`."""

    name: str
    items: Annotated[int, "the number of items"]
    arguments: Annotated[dict[str, Any], "the arguments of the reader for this variant"] = field(default_factory=dict)
    fingerprint: Annotated[str, "the fingerprint of its content, from the reader's `fingerprint()`"] = ""
    files: Annotated[list[str], "the files that it needs; default: all files"] = field(default_factory=list)
    layouts: Annotated[list[list[str]], "as for the data set, if this variant can be downloaded alone"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class DataSet:
    """A data set: how to use it, how to get it, and how to check that it is the right one."""

    name: str
    title: Annotated[str, "its full name"]
    homepage: Annotated[str, "the page on which its makers describe it"]
    licence: Annotated[str, "the licence, or that none is stated"]
    citation: Annotated[str, "the publication to cite"]
    reader: Annotated[str, "the class that reads it, as `module:Class`"]
    size: Annotated[int, "its approximate size in bytes, if no files are listed"] = 0
    urls: Annotated[list[str], "the URLs of folders that contain its files, each ending with `/`"] = field(
        default_factory=list
    )
    layouts: Annotated[
        list[list[str]], "sets of paths below its folder: it is complete if all of one set exist; default: its files"
    ] = field(default_factory=list)
    obtain: Annotated[str, "how to get it, if it cannot be downloaded automatically"] = ""
    variants: dict[str, Variant] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """The size of the download in bytes; without files, the approximate size; 0 if it is not known."""
        return sum(file.size for file in self.files.values()) or self.size

    def variant(self, name: str) -> Variant:
        """The variant called `name`. Raises BadInput if there is none."""
        if name not in self.variants:
            raise BadInput(f"{self.name} has no variant '{name}'", given=name, known=self.variants)
        return self.variants[name]

    def needed(self, variant: str) -> list[File]:
        """The files of a variant, or of the whole data set (`""`)."""
        names = self.variant(variant).files if variant else []
        return [self.files[name] for name in names or self.files]

    def parts(self, variant: str) -> list[list[list[str]]]:
        """The paths that must exist for a variant, or for the whole data set (`""`), to be complete.

        The outer list has parts, each part has layouts, each layout has paths. Of each part, all paths of at least
        one layout must exist. If variants can be downloaded alone, each of them is a part of the whole data set.
        """
        if variant and (own := self.variant(variant).layouts):
            return [own]
        if not variant and (each := [one.layouts for one in self.variants.values() if one.layouts]):
            return each
        return [self.layouts or [[name for name, file in self.files.items() if not file.unpack]]]

    def addresses(self, file: File) -> list[str]:
        """The URLs of `file`, in the order in which they are tried."""
        return file.urls or [folder + file.name for folder in self.urls]


def every() -> dict[str, DataSet]:
    """Every data set by its name. Raises BadInput for the first `data.toml` that cannot be read."""
    found, faults = readable()
    if faults:
        raise faults[0]
    return found


def readable() -> tuple[dict[str, DataSet], list[BadInput]]:
    """Every data set that can be read, and the errors of the `data.toml` files that cannot be read."""
    found: dict[str, DataSet] = {}
    faults: list[BadInput] = []
    for path in _files():
        try:
            for one in read(path):
                if one.name in found:
                    raise BadInput(f"a data set '{one.name}' is already in the catalogue", where(path))
                found[one.name] = one
        except BadInput as error:
            faults.append(error)
    return dict(sorted(found.items(), key=lambda item: item[0].lower())), faults


def find(name: str) -> DataSet:
    """The data set called `name`.

    Raises BadInput if there is none. If a `data.toml` cannot be read, the error is about that file.
    """
    found, faults = readable()
    if name in found:
        return found[name]
    if faults:
        raise faults[0]
    raise BadInput(f"no data set '{name}' in the catalogue", given=name, known=found)


def fingerprint(name: str) -> str:
    """The fingerprint of a variant, for example of `mnist/test`.

    Raises BadInput if there is no such variant, or if the catalogue does not have its fingerprint.
    """
    head, _, variant = name.partition("/")
    found = find(head).variant(variant).fingerprint
    if not found:
        raise BadInput(f"the catalogue has no fingerprint of {name}; to compute it: repro data verify {head} {variant}")
    return found


def named(print_: str) -> str | None:
    """The variant with a fingerprint, for example `mnist/test`; None if the fingerprint is not in the catalogue."""
    return next((name for name, known in _fingerprints() if known == print_), None)


def _fingerprints() -> Iterator[tuple[str, str]]:
    for one in readable()[0].values():
        for variant in one.variants.values():
            if variant.fingerprint:
                yield f"{one.name}/{variant.name}", variant.fingerprint


def _files() -> Iterator[Path]:
    yield Path(__file__).with_name(FILE)
    for _, folder in sorted(paper.folders().items()):
        if regular.present(folder / FILE):
            yield folder / FILE


def read(path: Path) -> list[DataSet]:
    """The data sets of one `data.toml`. Raises BadInput naming file and line."""
    regular.check(path)
    return _read(path, path.stat().st_mtime_ns)


@functools.cache
def _read(path: Path, changed: int) -> list[DataSet]:
    text, data = load(path)
    places = blocks(text, where(path))
    start = Block(where(path), 1)
    return [_data_set(name, row, next(iter(places[name]), start)) for name, row in data.items()]


def _data_set(name: str, row: Any, at: Block) -> DataSet:
    if not isinstance(row, dict) or not NAME.fullmatch(name) or name == TAKEN:
        raise BadInput(f"'{name}' is not a data set", at.place(name), expected="[name] with its keys below it")
    inner: dict[str, Any] = {"name": name}
    for key, cls in (("variants", Variant), ("files", File)):
        rows = row.get(key, {})
        if not isinstance(rows, dict) or not all(isinstance(one, dict) for one in rows.values()):
            raise BadInput(f"'{key}' is not a table of tables", at.place(key), expected=f"[{name}.{key}.NAME]")
        inner[key] = {each: make(cls, one, at.inner(key, each), {"name": each}) for each, one in rows.items()}
    plain = {key: value for key, value in row.items() if key not in ("variants", "files")}
    made: DataSet = make(DataSet, plain, at, inner)
    _refuse(made, at)
    return made


def _refuse(one: DataSet, at: Block) -> None:
    """Raise BadInput for wrong values that the types of the keys allow."""
    for key in ("title", "homepage", "licence", "citation"):
        _expect(bool(getattr(one, key).strip()), f"'{key}' is empty", at.place(key))
    _expect(bool(READER.fullmatch(one.reader)), f"'{one.reader}' is not a reader", at.place("reader"), "module:Class")
    one_way = bool(one.files) != bool(one.obtain.strip())
    _expect(one_way, "it has both or neither of files and 'obtain'", at.place("obtain"), "exactly one of them")
    _expect(not (one.files and one.size), "'size' is given, but so are files", at.place("size"), "the files alone")
    _expect(0 <= one.size <= LARGEST, f"'size' is {one.size}", at.place("size"), "a number of bytes")
    _expect(bool(one.variants), "no variants", at.place(), f"[{one.name}.variants.NAME]")
    _refuse_urls(one.urls, at.place("urls"))
    _expect(all(url.endswith("/") for url in one.urls), "each of 'urls' must end with /", at.place("urls"))
    for file in one.files.values():
        _refuse_file(one, file, at.inner("files", file.name))
    for variant in one.variants.values():
        _refuse_variant(one, variant, at.inner("variants", variant.name))
    _refuse_layouts(one.layouts, at.place("layouts"))
    _expect(any(one.parts("")[0]), "missing key 'layouts': it says which files must exist", at.place("layouts"))


def _refuse_file(one: DataSet, file: File, at: Block) -> None:
    _expect(bool(NAME.fullmatch(file.name)), f"'{file.name}' is not a valid file name", at.place())
    _expect(0 < file.size <= LARGEST, f"'size' is {file.size}", at.place("size"), "a number of bytes")
    checksum = "sha256: or md5: and hexadecimal digits"
    good = bool(CHECKSUM.fullmatch(file.checksum))
    _expect(good, f"'{file.checksum}' is not a checksum", at.place("checksum"), checksum)
    _refuse_urls(file.urls, at.place("urls"))
    _expect(bool(one.addresses(file)), f"no URL of {file.name}", at.place(), f"'urls' of it or of {one.name}")


def _refuse_variant(one: DataSet, variant: Variant, at: Block) -> None:
    _expect(bool(NAME.fullmatch(variant.name)), f"'{variant.name}' is not a valid name of a variant", at.place())
    _expect(variant.items > 0, f"'items' is {variant.items}", at.place("items"), "the number of items, above 0")
    good = bool(re.fullmatch("([0-9a-f]{16})?", variant.fingerprint))
    wrong = f"'{variant.fingerprint}' is not a fingerprint"
    _expect(good, wrong, at.place("fingerprint"), "16 hexadecimal digits")
    for name in variant.files:
        if name not in one.files:
            raise BadInput(f"no file '{name}'", at.place("files"), given=name, known=one.files)
    _refuse_layouts(variant.layouts, at.place("layouts"))


def _refuse_layouts(layouts: list[list[str]], place: str) -> None:
    for path in (path for layout in layouts for path in layout or [""]):
        parts = PurePosixPath(path).parts
        good = bool(parts) and ".." not in parts and parts[0] != "/"
        _expect(good, f"'{path}' is not a path below the folder", place)


def _refuse_urls(urls: list[str], place: str) -> None:
    for url in urls:
        _expect(bool(URL.fullmatch(url)), f"'{url}' is not a URL", place, "https://...")


def _expect(right: bool, what: str, place: str, expected: str = "") -> None:
    if not right:
        raise BadInput(what, place, expected=expected)
