"""The log of a run, `run.log`, without secrets. How the run ended is in `run.json` (`repro.run.resume`).

Every message that the run sends to `logging` goes into the file. A secret is the value of an environment variable
with a name like `WANDB_API_KEY` or `HF_TOKEN`. The log contains `[HF_TOKEN]` in place of the secret.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repro.errors import BadInput
from repro.files import disk
from repro.interruption import Interrupted

NAMED = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|COOKIE", re.IGNORECASE)
SHORTEST = 6  # characters of a secret: shorter values are flags and numbers
SHOWN = 50  # how many last lines of the log are printed if a run fails
log = logging.getLogger("repro")


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Write the log into `folder`, after the log of earlier processes of the run.

    If the run fails, the traceback is logged too, and the last lines of the log are printed to stderr.
    """
    begin = (folder / "run.log").stat().st_size if (folder / "run.log").exists() else 0
    handler = _handler(folder / "run.log")
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield
    except BadInput as error:  # one line is enough: no traceback
        handler.handle(logging.makeLogRecord({"msg": f"refused: {error}"}))
        raise
    except Interrupted as error:
        handler.handle(logging.makeLogRecord({"msg": f"{error}; the same command resumes it"}))
        raise
    except Exception as error:
        failed = {"msg": "the run failed", "exc_info": sys.exc_info(), "levelno": logging.ERROR}
        with contextlib.suppress(OSError):  # the disk may be full, and `error` already reports that
            handler.handle(logging.makeLogRecord(failed))
        print("\n".join(["", *tail(folder / "run.log", begin)]), file=sys.stderr)
        error.add_note(f"(the whole log is {folder / 'run.log'})")
        raise
    finally:
        log.removeHandler(handler)
        with contextlib.suppress(OSError):
            handler.close()


def tail(path: Path, begin: int = 0) -> list[str]:
    """The last lines of a log after byte `begin`, with a heading line first."""
    lines = path.read_bytes()[begin:].decode(errors="replace").splitlines()
    shown = lines[-SHOWN:]
    return [f"the last {len(shown)} lines of {path}:", *(f"    {line}" for line in shown)]


def secrets() -> dict[str, str]:
    """The values that must not be written, by the name of their environment variable."""
    return {name: value for name, value in os.environ.items() if NAMED.search(name) and len(value) >= SHORTEST}


def scrubbed(text: str) -> str:
    """`text` with the variable's name in brackets in place of each secret."""
    for name, value in secrets().items():
        text = text.replace(value, f"[{name}]")
    return text


def _handler(path: Path) -> logging.Handler:
    handler = _Kept(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_Text())
    return handler


class _Kept(logging.FileHandler):
    """A log file that raises DiskFull if the disk is full, as for any other file of the run."""

    def handleError(self, record: logging.LogRecord) -> None:
        with disk.full(Path(self.baseFilename)):
            raise


class _Text(logging.Formatter):
    """One line for people, with a traceback after it if there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))
