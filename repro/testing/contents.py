"""Check all files in the folder of a paper: their sizes, pickles, and the paths of a machine in texts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from repro.claim.paper import WRITTEN, Paper
from repro.errors import BadInput, where
from repro.files import regular
from repro.testing.consistency import Records

PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill"}
PICKLED = re.compile(rb"\x80[\x02-\x05]")  # the first bytes of a pickle
TEXTS = {".md", ".toml", ".gin", ".py", ".json", ".txt", ".csv", ".yaml", ".yml", ".sh", ".ipynb"}
ROOTS = "home|Users|root|mnt|media|scratch|tmp|private|var|work|workspace|srv|opt"
SIGNS = (*(f"/{root}/" for root in ROOTS.split("|")), ":\\")  # one of them is in each path of a machine
MACHINE = re.compile(rf"(?<![\w.:/~*}}])/(?:{ROOTS})/[\w.-]+|\b[A-Z]:\\+(?:Users|Windows)\b")


def files(one: Paper, records: Records) -> Iterator[BadInput]:
    """No file is too large or a pickle, and no text contains the path of a folder of one machine."""
    for path in _files(one.folder):
        most = regular.RECORD if path.parent == one.folder / WRITTEN and path.suffix == ".json" else regular.TEXT
        try:
            regular.check(path, most)
        except BadInput as error:
            yield error
            continue
        content = path.read_bytes()
        if path.suffix in PICKLES or PICKLED.match(content):
            yield BadInput("a pickle runs code when it is read", where(path), expected="JSON, CSV or safetensors")
        if path.suffix in TEXTS:
            yield from _paths(path, content.decode("utf-8", errors="replace"))


def _files(folder: Path) -> Iterator[Path]:
    """The files of a paper, without those that Python, git or an editor hides."""
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith((".", "__pycache__")))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _paths(path: Path, text: str) -> Iterator[BadInput]:
    if not any(sign in text for sign in SIGNS):  # most texts, such as the long values of a record
        return
    for hit in MACHINE.finditer(text):
        place = f"{where(path)}:{text.count(chr(10), 0, hit.start()) + 1}"
        yield BadInput(f"'{hit[0]}' is a path of one machine", place, expected="a path in the paper, or REPRO_DATA")
