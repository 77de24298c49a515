"""The output of `repro data`: which data sets there are, where each is, and whether it agrees with the catalogue."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro import untrusted
from repro.data import catalogue, store
from repro.data.catalogue import DataSet, Variant
from repro.errors import BadInput, Finding
from repro.signature import parameters

Row = dict[str, Any]

UNREADABLE = (
    BadInput,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    RuntimeError,
)  # what readers raise for damaged files


def rows() -> tuple[list[Row], list[BadInput]]:
    """The rows of `repro data list --json`, and an error for each catalogue file that could not be read."""
    found, faults = catalogue.readable()
    return [_row(one) for one in found.values()], faults


def _row(one: DataSet) -> Row:
    folder = store.where(one.name)
    parts = [name for name, variant in one.variants.items() if variant.layouts and store.where(f"{one.name}/{name}")]
    return {
        "name": one.name,
        "variants": {name: variant.items for name, variant in one.variants.items()},
        "size": one.bytes,
        "licence": one.licence,
        "place": _place(folder) if folder else "",
        "folder": str(folder or ""),
        "here": list(one.variants) if folder else parts,
        "download": bool(one.files),
        **{key: getattr(one, key) for key in ("title", "homepage", "citation", "obtain")},
        "fingerprints": {name: variant.fingerprint for name, variant in one.variants.items() if variant.fingerprint},
    }


def _place(folder: Path) -> str:
    """`data folder` or `mirror`."""
    return next(name for name, place in store.places().items() if place == folder.parent)


def shown(row: Row) -> Row:
    """A row shortened for the printed table."""
    return {
        "name": row["name"],
        "variants": _few([f"{name} {items:,}" for name, items in row["variants"].items()]),
        "size": said(row["size"]),
        "where": row["place"] or (f"{len(row['here'])} variants" if row["here"] else "not here"),
        "licence": row["licence"],
    }


def _few(names: list[str]) -> str:
    return ", ".join(names if len(names) <= 3 else [*names[:2], f"... ({len(names)})"])


def said(size: int) -> str:
    """A size in bytes as text, such as `11.6 MB`; `?` if it is 0 (unknown)."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes" if size else "?"


def where(name: str) -> Path:
    """The folder of a data set. Raises BadInput, with how to get it, if it is not on this machine."""
    if found := store.where(name):
        return found
    one = catalogue.find(name.partition("/")[0])
    if one.files:
        wanted = one.needed(name.partition("/")[2])
        size = said(sum(file.size for file in wanted))
        raise BadInput(f"{name} is not here; `repro data get {name}` downloads it ({size})")
    raise BadInput(f"{name} is not here and cannot be downloaded: {one.obtain}")


def verify(name: str, variant: str = "") -> Iterator[Finding]:
    """Read each variant of a data set (or one of them) and compare it with the catalogue.

    Raises BadInput if the name or variant is unknown, if it is not on this machine, or if its reader cannot be used.
    """
    head, _, given = name.partition("/")
    one = catalogue.find(head)
    if variant and given:
        raise BadInput(f"two variants, '{given}' and '{variant}'", expected=f"{head}/{given} or {head} {variant}")
    chosen = [one.variant(variant or given)] if variant or given else _here(one)
    places = [where(f"{one.name}/{each.name}") for each in chosen]
    readers = [_reader(one, each) for each in chosen]
    for each, place in zip(chosen, places, strict=True):
        logging.getLogger("repro").info("reading %s of %s", each.name, place)
    yield from (_verified(one, each, reader) for each, reader in zip(chosen, readers, strict=True))


def _here(one: DataSet) -> list[Variant]:
    """The variants that are on this machine. Raises BadInput if there is none."""
    found = [each for each in one.variants.values() if store.where(f"{one.name}/{each.name}")]
    if not found:
        where(one.name)
    return found


def _reader(one: DataSet, variant: Variant) -> type:
    """The class that reads a data set. Raises BadInput if there is none, or if it cannot read this variant."""
    place, _, name = one.reader.partition(":")
    said = f"the reader of {one.name} is {one.reader}"
    untrusted.refuse_module(place, said)
    untrusted.refuse_elsewhere(variant.arguments, f"an argument of {one.name}/{variant.name}")
    from repro.experiment.importing import imported  # imported here, because it loads gin

    try:
        module = imported(place, said)
    except ModuleNotFoundError as error:
        if not f"{place}.".startswith(f"{error.name}."):
            raise  # the module exists, but one of its own imports does not
        raise BadInput(f"{said}; there is no module {error.name}") from None
    reader = getattr(module, name, None)
    if not isinstance(reader, type):
        raise BadInput(
            f"{said}, which is not a class",
            given=name,
            known=[key for key, one in vars(module).items() if isinstance(one, type)],
        )
    if lacks := [needed for needed in ("__len__", "fingerprint") if not callable(getattr(reader, needed, None))]:
        raise BadInput(f"{said}, which has no {lacks[0]}()")
    try:
        kinds = sorted(parameters(reader).values(), key=lambda one: one.kind)
        inspect.Signature(kinds).bind(**variant.arguments)
    except TypeError as error:
        raise BadInput(f"{said}, which does not take the arguments of {variant.name}: {error}") from None
    return reader


def _verified(one: DataSet, variant: Variant, reader: type) -> Finding:
    name = f"{one.name}/{variant.name}"
    try:
        dataset = reader(**variant.arguments)
        items, found = len(dataset), dataset.fingerprint()
    except UNREADABLE as error:
        kind = f"{type(error).__name__}: " if isinstance(error, LookupError) else ""  # its text is only the missing key
        return Finding(name, False, " ".join(f"cannot be read: {kind}{error}".split()))
    what = f"{items:,} items, fingerprint {found}"
    if items == variant.items and found == variant.fingerprint:
        return Finding(name, True, f"as in the catalogue: {what}")
    if items == variant.items and not variant.fingerprint:
        return Finding(name, None, f"{what}; the catalogue has no fingerprint to compare with")
    known = catalogue.named(found)
    meant = f"{variant.items:,} items{', fingerprint ' + variant.fingerprint if variant.fingerprint else ''}"
    return Finding(name, False, f"differs: {what}, which is {known or 'not known'}; the catalogue has {meant}")
