"""Checks for the text files of a paper that you did not write: configs, claims and catalogues.

Reviewers read these files on their own machines before they have read the paper's code. So the files may name only
modules of `repro` and of papers, files of their own paper, and data sets by name. They must not name other places on
the machine. The Python code of a paper is not restricted by these checks (see `docs/guide/threats.md`).
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.errors import BadInput

MODULE = re.compile(r"(repro|papers)(\.(?!tests\b)[A-Za-z]\w*)+")  # `repro.__main__` would start the command again
ADDRESS = re.compile(r"[/\\~]|\w+:[/\\]")  # an absolute path, a home folder, a drive, or a URL
UNSEEN = re.compile(
    r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters: a terminal executes them
    r"\u2028\u2029"  # like VT, FF, FS, GS, RS and NEL above: only some programs see the end of a line here
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the order in which a line is displayed
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # no width
    r"\ud800-\udfff]"  # surrogates: half a character, which cannot be encoded
)
"""Characters that are invisible, or that make a text look different from what the program reads."""
HUGE = 10**18  # every smaller integer fits into 64 bits
CONTROLS = {"\r": "carriage return without line feed", "\x0b": "vertical tab", "\x0c": "form feed", "\x85": "next line"}


def refuse_module(name: str, place: str = "") -> None:
    """Raise BadInput unless a config or catalogue may import the module `name`, because an import runs its code."""
    if not MODULE.fullmatch(name):
        raise BadInput(
            f"no module '{name}' of repro or papers that may be imported",
            place,
            given=name.split(".")[0],
            known=["papers", "repro"],
        )


def refuse_elsewhere(value: Any, name: str, place: str = "") -> None:
    """Raise BadInput if a string in `value`, at any depth, is an absolute path, a URL, or a path with `..` in it."""
    refuse_huge(value, name, place)
    for text in _texts(value):
        if ADDRESS.match(text.strip()) or ".." in re.split(r"[/\\]", text) or "\0" in text:
            raise BadInput(
                f"{name} is {text!r}, which points outside the allowed folders",
                place,
                expected="a name, or a path below the data folder, the mirror or the paper",
            )


def refuse_huge(value: Any, name: str, place: str = "") -> None:
    """Raise BadInput if an integer in `value`, at any depth, has more than 18 digits and may not fit into 64 bits."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += [*found, *found.values()]
        elif isinstance(found, (list, tuple)):
            waiting += found
        elif isinstance(found, int) and abs(found) >= HUGE:
            raise BadInput(f"{name} has a number of more than 18 digits", place, expected="a smaller number")


def refuse_unseen(value: Any, place: str) -> None:
    """Raise BadInput if a string in `value`, at any depth, contains an invisible or control character."""
    for text in _texts(value):
        if hit := UNSEEN.search(text):
            raise BadInput(
                f"{text!r:.80} contains the invisible character {_named(hit[0])}", place, expected="text without it"
            )


def refuse_unseen_in(text: str, file: str) -> None:
    """Raise BadInput, with the line, if a file contains an invisible or control character, even in a comment."""
    if hit := UNSEEN.search(text):
        line = text.count("\n", 0, hit.start()) + 1
        raise BadInput(
            f"contains the invisible character {_named(hit[0])}", f"{file}:{line}", expected="text without it"
        )


def _named(sign: str) -> str:
    """The character in words: `U+2028 (line separator)`."""
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
    """Raise BadInput if a link in a paper's folder points outside it. Git stores links, and programs follow them."""
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
    """Raise BadInput if `path` is a link to a place outside the folder `home`. Resolve `home` first."""
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(home):
        raise BadInput(f"is a link that points outside the folder {home.name}", str(path), expected="the file itself")
