"""Weights for others: a safetensors file, with its model card and its record.

The file has the weights as they are in `state_dict()` of the model, so `models.WithWeights` and `repro serve --weights`
read it. Its header names the record, the digest of its numbers and the licence. The record is next to it, because the
same run on another machine may have other numbers in the last digits.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import record
from repro.errors import BadInput, where
from repro.export import card
from repro.files import disk, regular
from repro.serve import exported, trained
from repro.serve.trained import Found, Trained

LICENCE = re.compile(r"[A-Za-z][\w .,:+()-]{0,99}")
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Written:
    """The three files, and the SHA-256 of the weights."""

    weights: Path
    card: Path
    record: Path
    checksum: str


def write(found: Found, path: Path, licence: str) -> Written:
    """Write the weights of a record to `path`, and next to it its model card, with the ending `.md`, and the record.

    Raises BadInput without a licence, if the record has no metrics, and if the files cannot be written.
    """
    refuse(found, licence)
    if path.suffix != SUFFIX:
        raise BadInput("is not a name for weights", where(path), expected=f"a name that ends with {SUFFIX}")
    beside = path.with_suffix(".md")
    for one in (path, beside):
        disk.refuse_unwritable(path.parent, one.name)
    if beside.exists() and exported.MARK not in beside.read_bytes()[:1000]:
        raise BadInput("exists and is not a model card", where(beside), expected=f"another name than {path.name}")
    _refuse_other_record(found, path.parent / f"{found.record.stem}.json", beside)
    model = trained.load(found)
    content = packed(model, licence)
    checksum = hashlib.sha256(content).hexdigest()
    text = card.text(model, licence, path.name, checksum)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = record.write(found.record, path.parent)
    return Written(disk.write(path, content), disk.write(beside, text), kept, checksum)


def _refuse_other_record(found: Found, path: Path, beside: Path) -> None:
    """Raise BadInput if the record would replace another file than the record of an earlier export.

    beside: the model card of an earlier export.
    """
    earlier = beside.exists() and path.parent.resolve() != (found.folder / "records").resolve()
    if (
        regular.present(path)
        and not earlier
        and exported.identity(record.read(path)) != exported.identity(found.record)
    ):
        raise BadInput("exists and is another record", where(path), expected="another folder for the weights")


def refuse(found: Found, licence: str) -> None:
    """Raise BadInput if nobody may use the weights, or if nothing is known about them."""
    if not found.record.measurements:
        raise BadInput(f"{found.name} has no metrics", expected="a record with measurements, for the model card")
    if not LICENCE.fullmatch(licence):
        data = "; ".join(dict.fromkeys(f"{one.name}: {one.licence}" for one in card.used(found.record))) or card.UNKNOWN
        what = f"the weights of {found.name} have no licence"
        what = f"{licence!r:.60} is not the name of a licence" if licence.strip() else what
        raise BadInput(what, expected=f"--licence NAME, such as MIT; look at the licences of the data ({data:.300})")


def packed(one: Trained, licence: str) -> bytes:
    """The bytes of the file. The same weights give the same bytes."""
    from safetensors.torch import save

    tensors = {
        name: tensor.detach().cpu().clone().contiguous() for name, tensor in one.built.model.state_dict().items()
    }
    return save(tensors, {exported.HEADER: json.dumps(_header(one.found, licence), sort_keys=True)})


def _header(found: Found, licence: str) -> dict[str, Any]:
    numbers = exported.identity(found.record)
    return {"record": found.name, "config": found.record.digest, "numbers": numbers, "licence": licence}
