"""Make a check of `repro debug`; an exception in the code of a part becomes a finding of one line."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from repro import HOME
from repro.errors import BadInput, Finding, where

if TYPE_CHECKING:
    from repro.debug import Batch

LONGEST = 300  # characters of an exception's message


def attempt(name: str, check: Callable[[], Finding]) -> Finding:
    """The finding of `check`; if it raises, a fault called `name` that says what was raised and where."""
    try:
        return check()
    except BadInput:
        raise
    except Exception as error:
        return Finding(name, False, described(error))


def batch(make: Callable[[], Batch], which: str) -> Batch | Finding:
    """The batch that `make` returns; if it raises, a fault that says what was raised. which: the batch, in words."""
    try:
        return make()
    except BadInput:
        raise
    except Exception as error:
        return Finding("batch", False, f"{which} cannot be made: {described(error)}")


def described(error: Exception) -> str:
    """An exception in one line, with the innermost line of code that is neither of `repro` nor of a package."""
    message = " ".join(str(error).split())
    shown = message if len(message) <= LONGEST else f"{message[:LONGEST]}..."
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{where(Path(one.filename))}:{one.lineno}" for one in frames if _own(one.filename)]
    return f"{type(error).__name__}{f': {shown}' if shown else ''}{f' (in {places[-1]})' if places else ''}"


def _own(file: str) -> bool:
    return Path(file).is_file() and not any(Path(file).is_relative_to(folder) for folder in _foreign())


def _foreign() -> Iterator[Path]:
    """The folders of `repro`, of the installed packages, and of Python itself."""
    yield HOME
    yield from (Path(sysconfig.get_path(key)) for key in ("purelib", "platlib", "stdlib", "platstdlib"))
