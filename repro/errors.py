"""Bad input gets one line: what was wrong, where, what was expected, and the nearest right name.

`BadInput` is for what the user gave (a name, a config, a file, a missing mirror): the command line prints its
one line and exits with 2. Everything else is a fault of a run and exits with 1.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RENAMED = {"unread": ("transcribed", "not transcribed"), "raff": ("reproducibility",)}
"""What was called otherwise before, and is too unlike for a near miss: a key, and an outcome."""


class BadInput(Exception):
    """What the user gave is wrong; `str(error)` is the one line to show, `code` the exit code.

    `parameter` and `value`: of the part that refuses its own binding (`repro.registry.wrong_value`).
    """

    code = 2

    def __init__(self, message: str, where: str = "", parameter: str = "", value: Any = None) -> None:
        self.parameter, self.value = parameter, value
        line = " ".join(str(message).split())
        super().__init__(f"{where}: {line}" if where else line)


class DataMissing(BadInput):
    """Data is not on this machine and could not be brought here: nothing is wrong with what asks for it."""

    code = 66  # EX_NOINPUT of sysexits.h


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'X'?"` for the known name closest to `name`, or the known names when none is close."""
    names = sorted(set(known))
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return close(name, names) or (f"; known: {shown}" if names else "")


def close(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'X'?"` for the known name closest to `name`; empty when none is close."""
    names = sorted(set(known))
    if now := [new for new in RENAMED.get(name, ()) if new in names]:
        return f"; did you mean '{now[0]}'?"
    by_lower = {candidate.lower(): candidate for candidate in names}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return f"; did you mean '{by_lower[found[0]]}'?" if found else ""


def where(path: Path) -> str:
    """`path` as one would type it from here: relative where it lies below the working directory."""
    real, here = os.path.realpath(path), os.path.join(os.getcwd(), "")  # of links in a circle, resolve() raises
    if real == here.rstrip(os.sep):
        return "."
    return real.removeprefix(here) if real.startswith(here) else str(path)
