"""Download one file: atomic, with retries, resuming and a checksum.

pooch moves the file to its place and compares its checksum. The transfer is implemented here, because pooch's own
cannot resume. Received bytes are in `<name>.part`; the next call resumes from it, also in a later process.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pooch
import requests
import urllib3

from repro import progress
from repro.errors import BadInput

ATTEMPTS = 4  # consecutive attempts without a new byte, before the next URL is tried
BACKOFF = 1.0  # seconds before the second attempt; doubled for each further attempt
CONNECT = 10.0  # seconds: timeout for a connection
STALL = 30.0  # seconds: timeout for the next byte
CHUNK = 1 << 16  # bytes
PASSING = {408, 429, 500, 502, 503, 504}  # temporary HTTP errors: a later attempt may succeed

log = logging.getLogger("repro")
pooch.get_logger().setLevel(logging.WARNING)  # this module logs the downloads itself


class Elsewhere(Exception):
    """This URL does not give the file; `str(error)` is the reason."""


def download(urls: Sequence[str], folder: Path, name: str, size: int, checksum: str) -> Path:
    """Download `folder/name` from the first URL that gives it, and return its path.

    size: in bytes. checksum: for example `sha256:...`. Only one process at a time may work in `folder`.
    Raises BadInput if no URL gives the file, with the reason for each URL, and OSError if the file cannot be written.
    """
    reasons = []
    for url in urls:
        try:
            return _from(url, folder, name, size, checksum)
        except Elsewhere as reason:
            log.info("%s: %s", url, reason)
            reasons.append(f"{url} ({reason})")
    raise BadInput(f"cannot download {name}: {', '.join(reasons)}")


def _from(url: str, folder: Path, name: str, size: int, checksum: str) -> Path:
    for _ in range(2):
        transfer = Transfer(folder / f"{name}.part", size)
        try:
            return Path(pooch.retrieve(url, checksum, name, folder, downloader=transfer))
        except ValueError:  # pooch: the checksum is wrong, and the file is deleted
            if not transfer.resumed:
                break
    raise Elsewhere(f"another file of this size: its checksum is not {checksum}")


class Transfer:
    """A downloader for pooch: receives `part` until it has its full size, with retries, then moves it into place."""

    def __init__(self, part: Path, size: int) -> None:
        self.part, self.size = part, size
        self.resumed = part.exists()  # if so, a wrong checksum may come from the earlier bytes

    def __call__(self, url: str, output_file: str, pooch: Any = None) -> None:
        self.part.parent.mkdir(parents=True, exist_ok=True)
        farthest, failures = self._have(), 0
        with progress.bar(self.part.stem, total=self.size, unit="B", unit_scale=True) as bar:
            while self._have() < self.size:
                try:
                    self._receive(url, bar)
                except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                    failures = 1 if self._have() > farthest else failures + 1
                    farthest = max(farthest, self._have())
                    self._give_up(error, failures)
                    wait = BACKOFF * 2 ** (failures - 1)
                    log.info("%s: %s; next attempt in %g s", url, _said(error), wait)
                    time.sleep(wait)
        self.part.replace(output_file)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _give_up(self, error: Exception, failures: int) -> None:
        """Raise Elsewhere if another attempt would not help."""
        status = _status(error)
        if failures >= ATTEMPTS or (status and status not in PASSING):
            raise Elsewhere(_said(error)) from error

    def _receive(self, url: str, bar: Any) -> None:
        """One connection: resume after the received bytes, or restart if the server does not support that."""
        have = self._have()
        asked = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        with requests.get(url, headers=asked, stream=True, timeout=(CONNECT, STALL)) as response:
            if response.status_code == 416 and have:  # the server's file is shorter: our bytes are from another file
                return self.part.unlink()
            response.raise_for_status()
            start = have if response.status_code == 206 else 0
            self._refuse_other(response, start)
            bar.n = start
            with self.part.open("ab" if start else "wb") as file:
                # raw, because `iter_content` would decompress gzip, and the checksum is of the compressed file
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    file.write(chunk)
                    bar.update(len(chunk))
                    if file.tell() > self.size:
                        break
        return self._refuse_length()

    def _refuse_other(self, response: requests.Response, start: int) -> None:
        """Raise Elsewhere, before the transfer, if the headers show that it is another file."""
        given = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        if start and given != str(start):
            raise Elsewhere(f"it was asked for the bytes from {start} on, but sent those from {given or '?'} on")
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and start + int(length) != self.size:
            raise Elsewhere(f"it has {start + int(length)} bytes; expected {self.size}")

    def _refuse_length(self) -> None:
        have = self._have()
        if have > self.size:
            self.part.unlink()
            raise Elsewhere(f"it has more than {self.size} bytes")
        if have < self.size:
            raise urllib3.exceptions.ProtocolError(f"ended after {have} of {self.size} bytes")


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _said(error: Exception) -> str:
    """A short description of the error, because the text of requests is long and shows objects."""
    cause = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else error
    if status := _status(error):
        return f"HTTP {status}"
    if isinstance(cause, urllib3.exceptions.ProtocolError):
        return "the connection was interrupted"
    if isinstance(cause, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        return f"no byte for {STALL:g} seconds"
    return "no connection"
