"""Import a module that a config or a data catalogue names. An error in a paper's module is one line with its place."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType, TracebackType

from repro.errors import BadInput, where

PAPERS = "papers."


def imported(module: str, place: str) -> ModuleType:
    """The module `module`, named at `place`. Raises BadInput if a paper's module ends or fails while it is imported.

    An error in `repro`, or a missing `module`, is raised as it is.
    """
    try:
        return importlib.import_module(module)
    except (BadInput, MemoryError):
        raise
    except SyntaxError as error:
        at = f"{where(Path(error.filename))}:{error.lineno}" if error.filename else place
        raise BadInput(f"not Python: {error.msg}", at) from error
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            raise
        _refuse(error, module)
        raise
    except (Exception, SystemExit) as error:
        _refuse(error, module)
        raise


def _refuse(error: BaseException, module: str) -> None:
    """Raise BadInput with the last line of a paper in the traceback, if a paper's code was running."""
    at = _last(error.__traceback__)
    if not at:
        return
    text = "it ends the program" if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
    raise BadInput(f"{module} cannot be imported: {text:.300}", at) from error


def _last(trace: TracebackType | None) -> str:
    """File and line of the last frame that runs a module of a paper; empty if there is none."""
    found = ""
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith(PAPERS):
            found = f"{where(Path(trace.tb_frame.f_code.co_filename))}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
