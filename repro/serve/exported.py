"""A file of weights that `repro export --weights` wrote, with its model card and its record next to it.

The header of the file names the record and the digest of its numbers. The card has the SHA-256 of the file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from repro import record
from repro.errors import BadInput, where
from repro.files import regular
from repro.record import Record

LARGEST = 4_000_000_000  # bytes of a file of weights
LARGEST_CARD = 1_000_000  # bytes
HEADER = "repro"  # the key of the metadata of an exported file
ENDINGS = (".safetensors", ".onnx", ".pt")  # of files that are no name of a run
MARK = b'library_name: "repro"'  # in the head of each model card
CHECKSUM = re.compile(r"SHA-256 `(?P<sum>[0-9a-f]{64})`")
NAME = re.compile(r"(?P<paper>\w+)/(?P<config>[\w.+-]+?)(?:/[0-9a-f]{8})?-seed(?P<seed>\d{1,18})")
log = logging.getLogger("repro")


def about(path: Path) -> dict[str, Any]:
    """What `repro export --weights` wrote into the header of a file; empty for another file of weights."""
    from safetensors import SafetensorError, safe_open

    regular.check(path, LARGEST)
    try:
        with safe_open(path, "pt") as file:
            made = json.loads((file.metadata() or {}).get(HEADER, "{}"))
    except (SafetensorError, ValueError, OSError) as error:
        raise BadInput(f"is not a file of weights: {str(error).splitlines()[0]:.100}", where(path)) from None
    return made if isinstance(made, dict) else {}


def run_of(path: Path) -> str:
    """The name of the run whose weights a file has, such as `mine/cnn-seed0`. Raises BadInput if it names none."""
    hit = NAME.fullmatch(str(about(path).get("record", "")))
    if not hit:
        raise BadInput("names no record", where(path), expected="a file that `repro export --weights` wrote")
    return f"{hit['paper']}/{hit['config']}-seed{hit['seed']}"


def identity(found: Record) -> str:
    """A digest of the config and all numbers of a record: what its weights must belong to."""
    rows = [asdict(one) for one in found.measurements]
    text = json.dumps([found.paper, found.config, found.seed, found.digest, rows], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def next_to(path: Path, stem: str) -> Record | None:
    """The record next to a file of weights; None if there is none. stem: its name without `.json`."""
    beside = path.with_name(f"{stem}.json")
    return record.read(beside) if regular.present(beside) else None


def check(path: Path) -> None:
    """Compare a file of weights with the SHA-256 in its model card. Raises BadInput if they differ.

    Without a card next to the file, a warning says that nothing was compared.
    """
    card = path.with_suffix(".md")
    found = _checksum(card)
    if not found:
        log.warning("%s has no model card next to it, so its SHA-256 is not checked", where(path))
    elif found != hashlib.sha256(path.read_bytes()).hexdigest():
        what = f"has another SHA-256 than its model card {where(card)} says"
        raise BadInput(what, where(path), expected="the file and the card of one export")


def _checksum(card: Path) -> str:
    """The SHA-256 in a model card; "" if there is no card."""
    if not regular.present(card):
        return ""
    regular.check(card, LARGEST_CARD)
    content = card.read_bytes()
    hit = CHECKSUM.search(content.decode("utf-8", "replace")) if MARK in content[:1000] else None
    return hit["sum"] if hit else ""
