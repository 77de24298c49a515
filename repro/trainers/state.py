"""The state of a training as one file: safetensors for what is tensors, JSON in its header for all else. No pickle.

The name of the file holds the digest of its bytes, `step-120-<16 hex digits>.safetensors`, so that one that was cut off
or spoilt is told from a whole one, whatever happened to it.
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

from repro import disk
from repro.errors import BadInput

NAME = re.compile(r"(?P<kind>[a-z]+)-(?P<step>\d{1,15})-(?P<digest>[0-9a-f]{16})\.safetensors")
KEY = "state"  # of the header


def write(folder: Path, kind: str, step: int, state: dict[str, Any]) -> Path:
    """Write `state`, nested dicts, lists and tuples of tensors and plain values, as `<kind>-<step>-<digest>`.

    Raises TypeError for another value, and DiskFull.
    """
    tensors: dict[str, torch.Tensor] = {}
    tree = json.dumps(_packed(state, tensors, ""))
    content = save(tensors, {KEY: tree})
    return disk.write(folder / f"{kind}-{step}-{_digest(content)}.safetensors", content)


def step_of(path: Path) -> int:
    """The step in the name of a file of a state; -1 where it has none."""
    hit = NAME.fullmatch(path.name)
    return int(hit["step"]) if hit else -1


def read(path: Path) -> dict[str, Any]:
    """The state in a file that `write` made. Raises BadInput where the file is not as it was written."""
    hit = NAME.fullmatch(path.name)
    if not hit:
        raise BadInput("is no checkpoint: expected a name like step-120-0123456789abcdef.safetensors", str(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None
    if _digest(content) != hit["digest"]:
        raise BadInput(f"is damaged: its {len(content):,} bytes are not those that were written", str(path))
    try:
        size = int.from_bytes(content[:8], "little")
        tree = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY])
        state = _unpacked(tree, load(content))
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"is no checkpoint: {type(error).__name__}: {error}", str(path)) from None
    if not isinstance(state, dict):
        raise BadInput("is no checkpoint: it holds no parts", str(path))
    return state


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _packed(value: Any, tensors: dict[str, torch.Tensor], place: str) -> Any:
    """`value` as JSON, each container and tensor with its kind; the tensors go into `tensors`, by their place."""
    if isinstance(value, torch.Tensor):
        tensors[place] = value.detach().to("cpu", copy=True).contiguous()  # copied: two may share their memory
        return {"tensor": place}
    if isinstance(value, dict):
        rows = [[_packed(key, tensors, place), _packed(one, tensors, f"{place}/{key}")] for key, one in value.items()]
        return {"dict": rows}
    if isinstance(value, (list, tuple)):
        rows = [_packed(one, tensors, f"{place}/{index}") for index, one in enumerate(value)]
        return rows if isinstance(value, list) else {"tuple": rows}
    if value is None or type(value) in (bool, int, float, str):
        return value
    hint = "which no checkpoint can hold: expected tensors and plain values"
    raise TypeError(f"{place.strip('/')} is {value!r:.80}, {hint}")


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
