"""The log of a run: `run.log` for a person, `events.jsonl` beside it for a program, and no secret in either.

What the run says through `logging` goes into both. A secret is the value of a variable of the environment whose name
says so (`WANDB_API_KEY`, `HF_TOKEN`): wherever it would be written, its name stands instead.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repro import disk
from repro.errors import BadInput

NAMED = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|COOKIE", re.IGNORECASE)
SHORTEST = 6  # characters of a secret: shorter ones are flags and numbers
SHOWN = 50  # last lines of the log of a run that failed
OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}  # all else was given by `extra`

log = logging.getLogger("repro")


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Keep the log in `folder`, after that of an earlier process; of a failure, the traceback too. Its end is shown."""
    begin = (folder / "run.log").stat().st_size if (folder / "run.log").exists() else 0
    handlers = [_handler(folder / "run.log", _Text()), _handler(folder / "events.jsonl", _Event())]
    for handler in handlers:
        log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield
    except BadInput as error:  # one line says it all
        for handler in handlers:
            handler.handle(logging.makeLogRecord({"msg": f"refused: {error}", "event": "refused"}))
        raise
    except Exception as error:
        failed = {"msg": "the run failed", "exc_info": sys.exc_info(), "levelno": logging.ERROR, "event": "failed"}
        for handler in handlers:
            with contextlib.suppress(OSError):  # of a full disk, perhaps: that is what is being said
                handler.handle(logging.makeLogRecord(failed))
        print("\n".join(["", *tail(folder / "run.log", begin)]), file=sys.stderr)
        error.add_note(f"(the whole log is {folder / 'run.log'})")
        raise
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            with contextlib.suppress(OSError):
                handler.close()


def tail(path: Path, begin: int = 0) -> list[str]:
    """The last lines of a log from byte `begin` on, under a line that says which they are."""
    lines = path.read_bytes()[begin:].decode(errors="replace").splitlines()
    shown = lines[-SHOWN:]
    return [f"the last {len(shown)} lines of {path}:", *(f"    {line}" for line in shown)]


def secrets() -> dict[str, str]:
    """What must not be written, by the variable that holds it."""
    return {name: value for name, value in os.environ.items() if NAMED.search(name) and len(value) >= SHORTEST}


def scrubbed(text: str) -> str:
    """`text` with the name of a variable in place of each secret."""
    for name, value in secrets().items():
        text = text.replace(value, f"[{name}]")
    return text


def _handler(path: Path, form: logging.Formatter) -> logging.Handler:
    handler = _Kept(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(form)
    return handler


class _Kept(logging.FileHandler):
    """Where the disk is full, whoever logs is told, as of any other file of the run."""

    def handleError(self, record: logging.LogRecord) -> None:
        with disk.full(Path(self.baseFilename)):
            raise


class _Text(logging.Formatter):
    """One line, or one and a traceback, for a person."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))


class _Event(logging.Formatter):
    """One JSON object: `time`, `event` (`said`, where it has no name), `message`, and what belongs to it."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds")
        given = {key: value for key, value in record.__dict__.items() if key not in OWN}
        row = {"time": time, "event": "said", "level": record.levelname, "message": record.getMessage(), **given}
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return scrubbed(json.dumps(row, default=str))
