"""The catalogue of data sets: licence, citation, splits, addresses, and fingerprints of the content.

The core's data sets are in `data.toml` next to this file. Each paper has its own `data.toml`:

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

A *checksum* is the digest of a file as published. Every download is compared with it. A *fingerprint* is the digest of
the content (pixels, samples, rows). The data set's reader computes it, and it does not depend on the archive format.
This module does not load torch.
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
from repro.errors import BadInput, nearest, where
from repro.files import regular
from repro.files.toml_lines import Block, blocks

FILE = "data.toml"
NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,99}")
URL = re.compile(r"https?://[^/\s]+/\S*")
TAKEN = "features"  # a folder in the data folder that `repro.datasets.cache` uses
LARGEST = 10**15  # bytes: a larger size is a typing error
READER = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")


@dataclass(frozen=True)
class File:
    """One published file of a data set."""

    name: str
    size: Annotated[int, "its size in bytes"]
    checksum: Annotated[str, "of the file as published: `sha256:` or `md5:` and the hexadecimal digits"]
    urls: Annotated[list[str], "its addresses, tried in turn; else those of the data set, with its name"] = field(
        default_factory=list
    )
    unpack: Annotated[bool, "whether it is an archive whose members are wanted instead of it"] = False


@dataclass(frozen=True)
class Variant:
    """One split or version of a data set. Its full name is `NAME/VARIANT`, for example `mnist/test`."""

    name: str
    items: Annotated[int, "how many items it has"]
    arguments: Annotated[dict[str, Any], "what the reader is given to read it"] = field(default_factory=dict)
    fingerprint: Annotated[str, "that of its content, as the reader's `fingerprint()` gives it"] = ""
    files: Annotated[list[str], "which files it needs, where it does not need all"] = field(default_factory=list)
    layouts: Annotated[list[list[str]], "as those of the data set, where this variant can be had alone"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class DataSet:
    """A data set in the catalogue: how to use it, how to get it, and how to recognise its content."""

    name: str
    title: Annotated[str, "its name in full"]
    homepage: Annotated[str, "where its makers describe it"]
    licence: Annotated[str, "under which terms it may be used, or that none are stated"]
    citation: Annotated[str, "whom to cite"]
    reader: Annotated[str, "the class that reads it, as `module:Class`"]
    size: Annotated[int, "about how many bytes it takes, where no files are listed"] = 0
    urls: Annotated[list[str], "folders on the network that hold its files, each ending with `/`"] = field(
        default_factory=list
    )
    layouts: Annotated[
        list[list[str]], "sets of paths below its folder: it is whole where all of one set exist (else: its files)"
    ] = field(default_factory=list)
    obtain: Annotated[str, "how to get it, where it cannot be downloaded from here"] = ""
    variants: dict[str, Variant] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size of the download in bytes; for a data set without files, its approximate size; 0 if unknown."""
        return sum(file.size for file in self.files.values()) or self.size

    def variant(self, name: str) -> Variant:
        """The variant called `name`. Raises BadInput if there is none."""
        if name not in self.variants:
            raise BadInput(f"{self.name} has no variant '{name}'{nearest(name, self.variants)}")
        return self.variants[name]

    def needed(self, variant: str) -> list[File]:
        """The files of a variant, or of the complete data set (`""`)."""
        names = self.variant(variant).files if variant else []
        return [self.files[name] for name in names or self.files]

    def parts(self, variant: str) -> list[list[list[str]]]:
        """The paths that must exist for a variant, or for the complete data set (`""`).

        The result has one entry per part. An entry is a list of sets of paths. A part is complete if all paths of one
        of its sets exist. If the variants have layouts of their own, each variant is a part of the data set.
        """
        if variant and (own := self.variant(variant).layouts):
            return [own]
        if not variant and (each := [one.layouts for one in self.variants.values() if one.layouts]):
            return each
        return [self.layouts or [[name for name, file in self.files.items() if not file.unpack]]]

    def addresses(self, file: File) -> list[str]:
        """The addresses of `file`, in the order in which to try them."""
        return file.urls or [folder + file.name for folder in self.urls]


def every() -> dict[str, DataSet]:
    """Every data set by its name. Raises BadInput for the first `data.toml` with an error."""
    found, faults = readable()
    if faults:
        raise faults[0]
    return found


def readable() -> tuple[dict[str, DataSet], list[BadInput]]:
    """Every data set that can be read, and the errors in the other files. One broken file does not hide the rest."""
    found: dict[str, DataSet] = {}
    faults: list[BadInput] = []
    for path in _files():
        try:
            for one in read(path):
                if one.name in found:
                    raise BadInput(f"a data set '{one.name}' is in the catalogue already", where(path))
                found[one.name] = one
        except BadInput as error:
            faults.append(error)
    return dict(sorted(found.items(), key=lambda item: item[0].lower())), faults


def find(name: str) -> DataSet:
    """The data set called `name`. Raises BadInput if there is none.

    Example:

        >>> find("mnist").variant("test").items
        10000
    """
    found, faults = readable()
    if name in found:
        return found[name]
    if faults:
        raise faults[0]
    raise BadInput(f"no data set '{name}' in the catalogue{nearest(name, found)}")


def fingerprint(name: str) -> str:
    """The fingerprint of a variant, such as `mnist/test`. Raises BadInput if the name or fingerprint is unknown.

    Example:

        >>> fingerprint("mnist/test")
        '26120b4578752d7d'
    """
    head, _, variant = name.partition("/")
    found = find(head).variant(variant).fingerprint
    if not found:
        raise BadInput(f"nobody has recorded the fingerprint of {name}; repro data verify {head} {variant} computes it")
    return found


def named(print_: str) -> str | None:
    """The name that belongs to a fingerprint, such as `mnist/test`; None if the fingerprint is unknown."""
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
    """The data sets of one `data.toml`. Raises BadInput with file and line."""
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
        raise BadInput(f"'{name}' is no data set; expected [name] with its keys below it", at.place(name))
    inner: dict[str, Any] = {"name": name}
    for key, cls in (("variants", Variant), ("files", File)):
        rows = row.get(key, {})
        if not isinstance(rows, dict) or not all(isinstance(one, dict) for one in rows.values()):
            raise BadInput(f"'{key}' is no table of tables; expected [{name}.{key}.NAME]", at.place(key))
        inner[key] = {each: make(cls, one, at.inner(key, each), {"name": each}) for each, one in rows.items()}
    plain = {key: value for key, value in row.items() if key not in ("variants", "files")}
    made: DataSet = make(DataSet, plain, at, inner)
    _refuse(made, at)
    return made


def _refuse(one: DataSet, at: Block) -> None:
    """Raise BadInput for errors that the types of the keys do not exclude."""
    for key in ("title", "homepage", "licence", "citation"):
        _expect(bool(getattr(one, key).strip()), f"'{key}' is empty", at.place(key))
    reader = f"'{one.reader}' is no reader; expected module:Class"
    _expect(bool(READER.fullmatch(one.reader)), reader, at.place("reader"))
    _expect(bool(one.files) != bool(one.obtain.strip()), "expected either files or 'obtain'", at.place("obtain"))
    _expect(not (one.files and one.size), "'size' is that of the files; expected no key of its own", at.place("size"))
    _expect(0 <= one.size <= LARGEST, f"'size' is {one.size}; expected a number of bytes", at.place("size"))
    _expect(bool(one.variants), f"no variants; expected [{one.name}.variants.NAME]", at.place())
    _refuse_urls(one.urls, at.place("urls"))
    _expect(all(url.endswith("/") for url in one.urls), "each of 'urls' must end with /", at.place("urls"))
    for file in one.files.values():
        _refuse_file(one, file, at.inner("files", file.name))
    for variant in one.variants.values():
        _refuse_variant(one, variant, at.inner("variants", variant.name))
    _refuse_layouts(one.layouts, at.place("layouts"))
    _expect(any(one.parts("")[0]), "missing key 'layouts': nothing else says when it is whole", at.place("layouts"))


def _refuse_file(one: DataSet, file: File, at: Block) -> None:
    _expect(bool(NAME.fullmatch(file.name)), f"'{file.name}' is no name of a file", at.place())
    _expect(0 < file.size <= LARGEST, f"'size' is {file.size}; expected a number of bytes", at.place("size"))
    said = f"'{file.checksum}' is no checksum; expected sha256: or md5: and the hexadecimal digits"
    _expect(bool(CHECKSUM.fullmatch(file.checksum)), said, at.place("checksum"))
    _refuse_urls(file.urls, at.place("urls"))
    _expect(bool(one.addresses(file)), f"no address of {file.name}; expected 'urls' of it or of {one.name}", at.place())


def _refuse_variant(one: DataSet, variant: Variant, at: Block) -> None:
    _expect(bool(NAME.fullmatch(variant.name)), f"'{variant.name}' is no name of a variant", at.place())
    _expect(variant.items > 0, f"'items' is {variant.items}; expected how many there are", at.place("items"))
    digits = f"'{variant.fingerprint}' is no fingerprint; expected 16 hexadecimal digits"
    _expect(bool(re.fullmatch("([0-9a-f]{16})?", variant.fingerprint)), digits, at.place("fingerprint"))
    for name in variant.files:
        _expect(name in one.files, f"no file '{name}'{nearest(name, one.files)}", at.place("files"))
    _refuse_layouts(variant.layouts, at.place("layouts"))


def _refuse_layouts(layouts: list[list[str]], place: str) -> None:
    for path in (path for layout in layouts for path in layout or [""]):
        parts = PurePosixPath(path).parts
        _expect(bool(parts) and ".." not in parts and parts[0] != "/", f"'{path}' is no path below the folder", place)


def _refuse_urls(urls: list[str], place: str) -> None:
    for url in urls:
        _expect(bool(URL.fullmatch(url)), f"'{url}' is no address; expected https://...", place)


def _expect(right: bool, message: str, place: str) -> None:
    if not right:
        raise BadInput(message, place)
