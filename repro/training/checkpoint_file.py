"""Save and load the state of a training as one safetensors file, without pickle.

Tensors are stored as tensors, everything else as JSON in the header. The file name contains the digest of the bytes,
for example `step-120-<16 hex digits>.safetensors`. So a truncated or damaged file is always recognised.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from repro.errors import BadInput
from repro.files import disk

NAME = re.compile(r"(?P<kind>[a-z]+)-(?P<step>\d{1,15})-(?P<digest>[0-9a-f]{16})\.safetensors")
KEY = "state"  # the key in the header of the file


def write(folder: Path, kind: str, step: int, state: dict[str, Any]) -> Path:
    """Write `state` into `folder` as `<kind>-<step>-<digest>.safetensors` and return the path.

    state: nested dicts, lists and tuples of tensors and plain values. Raises TypeError for another value, and DiskFull.
    """
    tensors: dict[str, torch.Tensor] = {}
    tree = json.dumps(_packed(state, tensors, ""))
    content = save(tensors, {KEY: tree})
    return disk.write(folder / f"{kind}-{step}-{_digest(content)}.safetensors", content)


def step_of(path: Path) -> int:
    """The step in the name of a state file; -1 if the name is not that of one.

    >>> step_of(Path("step-120-0123456789abcdef.safetensors"))
    120
    """
    hit = NAME.fullmatch(path.name)
    return int(hit["step"]) if hit else -1


def read(path: Path) -> dict[str, Any]:
    """The state in a file from `write`. Raises BadInput if the file is damaged, or is not such a file."""
    hit = NAME.fullmatch(path.name)
    if not hit:
        raise BadInput("is not a checkpoint", str(path), expected="a name like step-120-0123456789abcdef.safetensors")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None
    if _digest(content) != hit["digest"]:
        raise BadInput(f"is damaged: its {len(content):,} bytes do not match the digest in its name", str(path))
    try:
        size = int.from_bytes(content[:8], "little")
        tree = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY])
        state = _unpacked(tree, load(content))
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"is not a checkpoint: {type(error).__name__}: {error}", str(path)) from None
    if not isinstance(state, dict):
        raise BadInput("is not a checkpoint: it contains no parts", str(path))
    return state


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _packed(value: Any, tensors: dict[str, torch.Tensor], place: str) -> Any:
    """`value` as JSON, with the kind of each container and tensor; tensors are added to `tensors` under their place."""
    if isinstance(value, torch.Tensor):
        tensors[place] = value.detach().to("cpu", copy=True).contiguous()  # copied, because tensors may share memory
        return {"tensor": place}
    if isinstance(value, dict):
        rows = [[_packed(key, tensors, place), _packed(one, tensors, f"{place}/{key}")] for key, one in value.items()]
        return {"dict": rows}
    if isinstance(value, (list, tuple)):
        rows = [_packed(one, tensors, f"{place}/{index}") for index, one in enumerate(value)]
        return rows if isinstance(value, list) else {"tuple": rows}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(
        f"{place.strip('/')} is {value!r:.80}, which no checkpoint can contain; expected tensors and plain values"
    )


def _unpacked(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpacked(one, tensors) for one in value]
    if not isinstance(value, dict):
        return value
    (kind, inner), *rest = value.items()
    if kind == "tensor" and not rest:
        return tensors[inner]
    if kind == "tuple" and not rest:
        return tuple(_unpacked(one, tensors) for one in inner)
    if kind == "dict" and not rest:
        return {_unpacked(key, tensors): _unpacked(one, tensors) for key, one in inner}
    raise ValueError(f"it has a value of the kind '{kind}'")
