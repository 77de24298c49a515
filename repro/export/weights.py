"""Weights for others: a safetensors file, and the model card that belongs to it.

The file has the weights as they are in `state_dict()` of the model, so `models.WithWeights` and `repro serve --weights`
read it. Its header names the record, the digest of its numbers and the licence.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import BadInput, where
from repro.export import card
from repro.files import disk
from repro.serve import trained
from repro.serve.trained import Found, Trained

LICENCE = re.compile(r"[A-Za-z][\w .,:+()-]{0,99}")
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Written:
    """The two files, and the SHA-256 of the weights."""

    weights: Path
    card: Path
    checksum: str


def write(found: Found, path: Path, licence: str) -> Written:
    """Write the weights of a record to `path`, and its model card next to it, with the ending `.md`.

    Raises BadInput without a licence, if the record has no metrics, and if the files cannot be written.
    """
    refuse(found, licence)
    if path.suffix != SUFFIX:
        raise BadInput("is not a name for weights", where(path), expected=f"a name that ends with {SUFFIX}")
    beside = path.with_suffix(".md")
    for one in (path, beside):
        disk.refuse_unwritable(path.parent, one.name)
    if beside.exists() and card.MARK not in beside.read_bytes()[:1000]:
        raise BadInput("exists and is not a model card", where(beside), expected=f"another name than {path.name}")
    model = trained.load(found)
    content = packed(model, licence)
    checksum = hashlib.sha256(content).hexdigest()
    text = card.text(model, licence, path.name, checksum)
    path.parent.mkdir(parents=True, exist_ok=True)
    return Written(disk.write(path, content), disk.write(beside, text), checksum)


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
    return save(tensors, {trained.HEADER: json.dumps(_header(one.found, licence), sort_keys=True)})


def _header(found: Found, licence: str) -> dict[str, Any]:
    numbers = trained.identity(found.record)
    return {"record": found.name, "config": found.record.digest, "numbers": numbers, "licence": licence}
