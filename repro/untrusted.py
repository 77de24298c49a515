"""What the texts of a paper may name: the one place where it is decided.

A pull request's configs, claims and catalogues are data, and are read on machines of people who have not read its code.
They may name modules of `repro` and of papers, files of their own paper, and data by name; not a place on this machine.
The Python of a paper is code: nothing here holds it back (`docs/guide/threats.md`).
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.errors import BadInput, nearest

MODULE = re.compile(r"(repro|papers)(\.(?!tests\b)[A-Za-z]\w*)+")  # `repro.__main__` would start the command again
ADDRESS = re.compile(r"[/\\~]|\w+:[/\\]")  # at the start of a text: an absolute path, a home, a drive, file:/, https://
UNSEEN = re.compile(
    r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # a terminal obeys them
    r"\u2028\u2029"  # with VT, FF, FS, GS, RS and NEL of the line above: they end a line for some readers only
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they show a line in another order than it is read
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # no width
    r"\ud800-\udfff]"  # half a sign: it cannot be written
)
"""Signs that are not shown, or that show another text than the one that is read."""
HUGE = 10**18  # what is less fits into 64 bits
CONTROLS = {
    "\r": "carriage return without line feed",
    "\x0b": "vertical tab",
    "\x0c": "form feed",
    "\x85": "next line",
}


def refuse_module(name: str, place: str = "") -> None:
    """Raise BadInput unless `name` may be imported because a paper's text says so: importing runs what stands there."""
    if not MODULE.fullmatch(name):
        hint = nearest(name.partition(".")[0], ["papers", "repro"])
        raise BadInput(f"no module '{name}' of repro or papers that can hold parts{hint}", place)


def refuse_elsewhere(value: Any, name: str, place: str = "") -> None:
    """Raise BadInput for a value with a text in it, however deep, that is a path out of every folder it can mean."""
    refuse_huge(value, name, place)
    for text in _texts(value):
        if ADDRESS.match(text.strip()) or ".." in re.split(r"[/\\]", text) or "\0" in text:
            hint = "expected a name, or a path below the data folder, the mirror or the paper"
            raise BadInput(f"{name} is {text!r}, which leads elsewhere; {hint}", place)


def refuse_huge(value: Any, name: str, place: str = "") -> None:
    """Raise BadInput for a value with a whole number in it, however deep, that no computation here can take."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += [*found, *found.values()]
        elif isinstance(found, (list, tuple)):
            waiting += found
        elif isinstance(found, int) and abs(found) >= HUGE:
            raise BadInput(f"{name} has a number of more than 18 digits; expected a smaller one", place)


def refuse_unseen(value: Any, place: str) -> None:
    """Raise BadInput for a text that does more than it shows where it is printed."""
    for text in _texts(value):
        if hit := UNSEEN.search(text):
            raise BadInput(f"{text!r:.80} has a sign that is not shown: {_named(hit[0])}; delete it", place)


def refuse_unseen_in(text: str, file: str) -> None:
    """The same for the whole text of a file, comments too, with the line: what a reviewer sees is what is read."""
    if hit := UNSEEN.search(text):
        line = text.count("\n", 0, hit.start()) + 1
        raise BadInput(f"has a sign that is not shown: {_named(hit[0])}; delete it", f"{file}:{line}")


def _named(sign: str) -> str:
    """`U+2028 (line separator)`."""
    name = CONTROLS.get(sign) or unicodedata.name(sign, "a control character").lower()
    return f"U+{ord(sign):04X} ({name})"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, (str, bytes)):
        yield value if isinstance(value, str) else value.decode("latin-1")


def refuse_links(folder: Path) -> None:
    """Raise BadInput for a link in a paper's folder that leads out of it: git carries links, readers follow them."""
    home, waiting = folder.resolve(), [str(folder)]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        refuse_link(Path(entry.path), home)
                    elif entry.is_dir():
                        waiting.append(entry.path)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(error.filename)) from None


def refuse_link(path: Path, home: Path) -> None:
    """The same for one path, and the folder, resolved, that it may lead to."""
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(home):
        raise BadInput(f"is a link out of the folder {home.name}; expected the file itself", str(path))
