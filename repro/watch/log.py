"""The log of a service: one JSON line for each answer, so that `repro watch` can see whether the inputs have changed.

The first line says which model answers. Lines are only ever added at the end:

    {"repro_log": 1, "record": null, "config": "papers/mine/configs/cnn.gin", "checkpoint": "0f3a",
     "classes": ["cat", "dog"], "started": "2026-01-02T03:04:05+00:00"}
    {"time": "2026-01-02T03:04:06+00:00", "item": "51764f9e46f9d4c1", "summary": {"mean": 0.13}, "answer": [0.9, 0.1],
     "seconds": 0.004}

A number of an answer that is not finite is `null` in the file. What was sent is only in the log if the service was
told to store it (`input`, in base64).
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from filelock import FileLock, Timeout

from repro.errors import BadInput, Busy, where
from repro.files import disk, lock, regular, typed
from repro.files.strict_json import DECODER
from repro.watch.summary import summary as summary

MOST = 2_000_000_000  # bytes of a log
LINE = 50_000_000  # bytes of one line

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Header:
    """The first line of a log: the model that answered.

    record: the path of its record, if it has one. config: the path of its config. checkpoint: a digest of its weights.
    classes: the names of the classes, None for a model that is no classifier. started: when the log began.
    """

    repro_log: Literal[1]
    record: str | None
    config: str
    checkpoint: str
    classes: list[str] | None
    started: Annotated[str, typed.TIME]


@dataclass(frozen=True)
class Request:
    """One answer. item: `repro.watch.summary.digest` of what was sent. answer: probabilities, or other numbers.

    A number of the answer is None if the model's answer was not finite. seconds: how long the answer took. input: what
    was sent, in base64, if the service stores it.
    """

    time: Annotated[str, typed.TIME]
    item: str
    summary: dict[str, float]
    answer: list[float | None]
    seconds: Annotated[float, typed.FROM_0]
    input: str = ""


@dataclass(frozen=True)
class Log:
    """A whole log. cut: whether its last line is incomplete, because its writer was killed; it is left out."""

    path: Path
    header: Header
    requests: list[Request]
    cut: bool = False


def now() -> str:
    """The present time as in a log, in UTC, with microseconds."""
    return datetime.datetime.now(datetime.UTC).isoformat()


def header(record: str | None, config: str, checkpoint: str, classes: Sequence[str] | None) -> Header:
    """The first line of a log that begins now."""
    return Header(1, record, config, checkpoint, None if classes is None else list(classes), now())


@dataclass
class Writer:
    """An open log. `add` may be called from several threads. Made by `opened`."""

    path: Path
    descriptor: int
    guard: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self,
        item: str,
        summary: Mapping[str, float],
        answer: Sequence[float],
        seconds: float,
        input: str = "",
    ) -> None:
        """Append one answer. Raises DiskFull if the disk has no space for it."""
        finite = [float(one) if math.isfinite(one) else None for one in answer]
        row = {"time": now(), "item": item, "summary": dict(summary), "answer": finite, "seconds": round(seconds, 6)}
        self.write({**row, "input": input} if input else row)

    def write(self, row: Mapping[str, Any]) -> None:
        """Append one line, in one step."""
        line = f"{json.dumps(row, allow_nan=False)}\n".encode()
        with self.guard, disk.full(self.path, len(line)):
            while line:
                line = line[os.write(self.descriptor, line) :]


@contextlib.contextmanager
def opened(path: Path, first: Header) -> Iterator[Writer]:
    """A log to write to: a new file, or the end of the log at `path` if it is of the same model.

    An incomplete last line, of a writer that was killed, is removed. Raises Busy if another process writes to the log,
    and BadInput if the file is not a log or is the log of another model, or if it cannot be written.

    Example:

        >>> with opened(Path("service.jsonl"), header(None, "mine/cnn.gin", "0f3a", ["cat", "dog"])) as writer:
        ...     writer.add("51764f9e46f9d4c1", {"mean": 0.13}, [0.9, 0.1], seconds=0.004)
        >>> read(Path("service.jsonl")).requests[0].answer
        [0.9, 0.1]
    """
    disk.refuse_unwritable(path.parent, path.name)
    held = FileLock(path.parent / f".{path.name}.lock", fallback_to_soft=False)
    try:
        lock.acquire(held, 0)
    except Timeout:
        raise Busy(
            "another process writes to this log", where(path), expected="another file for each service"
        ) from None
    try:
        there = path.exists() and path.stat().st_size
        if there:
            _refuse_other(path, first)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            writer = Writer(path, descriptor)
            if not there:
                writer.write(asdict(first))
            yield writer
        finally:
            os.close(descriptor)
    finally:
        held.release()


def _refuse_other(path: Path, first: Header) -> None:
    """Raise BadInput if the log at `path` is of another model; remove an incomplete last line."""
    with path.open("rb+") as file:
        found = _header(file.readline(LINE), path)
        same_model(found, first, where(path))
        file.seek(0)
        whole = 0
        for line in iter(lambda: file.readline(LINE), b""):
            whole = file.tell() if line.endswith(b"\n") else whole
        if whole < file.tell():
            log.warning("%s: its last line is incomplete, because a service was stopped; it is removed", where(path))
            file.truncate(whole)


def same_model(found: Header, other: Header, place: str) -> None:
    """Raise BadInput unless both logs are of one model: one config, one checkpoint, the same classes.

    place: the file of `found`, for the message.
    """
    for name in ("config", "checkpoint", "classes"):
        if (given := getattr(found, name)) != (expected := getattr(other, name)):
            what = f"is the log of another model: its {name} is {_short(given)}"
            raise BadInput(what, place, expected=_short(expected))


def _short(value: Any) -> str:
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def read(path: Path, progress: Callable[[int], None] | None = None) -> Log:
    """Read a log. progress: called with the number of bytes of each line that was read.

    An incomplete last line is left out, with a warning. Raises BadInput, with file and line, if the file is missing, is
    empty or is not a log; if another line is broken; and if the answers or summaries of two lines have different
    lengths or names, or an answer does not have one number for each class.
    """
    regular.check(path, MOST)
    requests: list[Request] = []
    with path.open("rb") as file:
        first = _header(file.readline(LINE), path)
        for number, line in enumerate(iter(lambda: file.readline(LINE), b""), 2):
            place = f"{where(path)}:{number}"
            if len(line) == LINE:
                raise BadInput("the line is too long", place, expected=f"less than {LINE:,} bytes")
            if not line.endswith(b"\n"):
                log.warning("%s: the last line is incomplete, so it is left out", place)
                return Log(path, first, requests, cut=True)
            request: Request = _line(line, Request, place, "not a line of a log")
            _refuse_unlike(request, requests[0] if requests else request, first, place)
            requests.append(request)
            if progress:
                progress(len(line))
    return Log(path, first, requests)


def _header(line: bytes, path: Path) -> Header:
    if not line.strip():
        raise BadInput("the file is empty", where(path), expected="a log that `repro serve --log` wrote")
    found: Header = _line(line, Header, f"{where(path)}:1", "not a log of `repro serve --log`")
    return found


def _line(line: bytes, kind: type, place: str, fault: str) -> Any:
    try:
        return typed.build(DECODER.decode(line.decode("utf-8")), kind)
    except BadInput as error:
        raise error.at(place, fault) from None
    except json.JSONDecodeError as error:
        raise BadInput(f"{fault}: not valid JSON: {error.msg}", place) from None
    except RecursionError:
        raise BadInput(f"{fault}: it is nested too deep", place) from None
    except ValueError as error:  # not UTF-8, a key twice, a number with too many digits
        raise BadInput(f"{fault}: {error}", place) from None


def _refuse_unlike(request: Request, other: Request, first: Header, place: str) -> None:
    """Raise BadInput if an answer or a summary does not fit those before it."""
    expected = len(first.classes) if first.classes is not None else len(other.answer)
    if len(request.answer) != expected:
        what = f"the answer has {len(request.answer)} numbers"
        raise BadInput(what, place, expected=f"{expected}, " + ("one for each class" if first.classes else "as before"))
    if request.summary.keys() != other.summary.keys():
        has, had = (", ".join(sorted(one.summary)) or "nothing" for one in (request, other))
        raise BadInput(f"the summary has {has}", place, expected=f"{had}, as before")
