"""BadInput: one line for bad input, which says what is wrong, where, what was expected, and the nearest right name.

It is for what the user gave: a name, a config, a file, a missing mirror. The command line prints the line and exits
with code 2. Any other exception is a fault of the program or of a run, and exits with code 1.
"""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RENAMED = {"unread": ("transcribed", "not transcribed"), "raff": ("reproducibility",), "--replay": ("--failed-step",)}
"""Former names of keys, outcomes and options, with their present ones, which are too unlike to be near misses."""
CLOSE = 0.6
"""How alike two names must be for one to be offered in place of the other, from 0 to 1 (`difflib`'s ratio)."""
SHORTEST = 3  # letters; a name that begins with these is offered for them, even if it is much longer


class BadInput(Exception):
    """What the user gave is wrong. `str(error)` is one line, from the fields; `code` is the exit code.

    what: the fault, in one sentence. where: file and line. expected: what would have been right. given, known: a name
    that is not among the `known` ones; the line then offers the `nearest` of these, or lists them. parameter, value: of
    a part that refuses its own binding (`repro.registry.wrong_value`).

    >>> error = BadInput("no paper 'templat'", given="templat", known=["raff2019", "template"])
    >>> print(error)
    no paper 'templat'; did you mean 'template'?
    >>> error.nearest
    'template'
    >>> print(BadInput("'seeds' is 0", "paper.toml:7", expected="a whole number from 1"))
    paper.toml:7: 'seeds' is 0; expected a whole number from 1
    """

    code = 2

    def __init__(
        self,
        what: str,
        where: str = "",
        *,
        expected: str = "",
        given: str = "",
        known: Iterable[str] = (),
        parameter: str = "",
        value: Any = None,
    ) -> None:
        self.given, self.known = given, list(known)
        self.what, self.where, self.expected = " ".join(str(what).split()), where, expected
        self.nearest = _closest(given, self.known)
        self.parameter, self.value = parameter, value
        line = f"{self.what}{f'; expected {expected}' if expected else ''}{nearest(given, self.known)}"
        line = " ".join(line.split())
        super().__init__(f"{where}: {line}" if where else line)

    def at(self, where: str, fault: str = "") -> BadInput:
        """A copy of this error at the place `where`. If `fault` is given, the message begins with it."""
        what = f"{fault}: {self.what}" if fault else self.what
        return BadInput(what, where, expected=self.expected, given=self.given, known=self.known)


class Busy(BadInput):
    """Another process does what was asked for; the same command can be repeated when it is done."""

    code = 69  # EX_UNAVAILABLE of sysexits.h


class DataMissing(BadInput):
    """Data is not on this machine and could not be downloaded. The config or command that needs it is not wrong."""

    code = 66  # EX_NOINPUT of sysexits.h


@dataclass(frozen=True)
class Finding:
    """The result of one check: its name; `ok`, whether it passed (None: not known); `says`, a sentence for the user."""

    name: str
    ok: bool | None
    says: str

    def __str__(self) -> str:
        return f"{self.name}: {self.says}"


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'X'?"` for the known name closest to `name`, or the known names when none is close."""
    names = sorted(set(known) - {name})
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return close(name, names) or (f"; known: {shown}" if names else "")


def close(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'X'?"` for the known name closest to `name`; empty when none is close."""
    found = _closest(name, known)
    return f"; did you mean '{found}'?" if found else ""


def _closest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like `name`, or its present name; empty when none is close. Never `name` itself.

    Folders that `name` and all known names are in do not count: `configs/a.gin` is not like `configs/mean.gin`.
    """
    names = sorted(set(known) - {name})
    if now := [new for new in RENAMED.get(name, ()) if new in names]:
        return now[0]
    shared = _shared([name, *names])
    by_lower = {candidate[shared:].lower(): candidate for candidate in names}
    given = name[shared:].lower()
    longer = [candidate for candidate in by_lower if len(given) >= SHORTEST and candidate.startswith(given)]
    turned = [candidate for candidate in by_lower if given and sorted(candidate) == sorted(given)]
    found = difflib.get_close_matches(given, by_lower, n=1, cutoff=CLOSE) or turned or longer
    return by_lower[found[0]] if found else ""


def _shared(names: Iterable[str]) -> int:
    """The number of characters of the folders that all names are in."""
    folders = [name.rpartition("/")[0].split("/") for name in names]
    shared = itertools.takewhile(lambda level: len(set(level)) == 1, zip(*folders, strict=False))
    return sum(len(level[0]) + 1 for level in shared if any(level))


def where(path: Path) -> str:
    """`path` as you would type it: relative if it is below the working directory, else absolute."""
    real, here = os.path.realpath(path), os.path.join(os.getcwd(), "")  # of links in a circle, resolve() raises
    if real == here.rstrip(os.sep):
        return "."
    return real.removeprefix(here) if real.startswith(here) else str(path)


def not_utf8(path: Path, error: UnicodeDecodeError) -> BadInput:
    """The error for a text file that is not UTF-8, with the line of the first wrong byte."""
    line = error.object.count(b"\n", 0, error.start) + 1
    return BadInput(f"not UTF-8 text: the byte {error.object[error.start]:#04x}", f"{where(path)}:{line}")
