"""What is printed on a terminal or into a log that cannot show every sign: no message may end in an encoding error."""

from __future__ import annotations

import codecs
import io
import sys

HANDLER = "repro.shown"


def prepare() -> None:
    """Let stdout and stderr write a sign that their encoding does not have as `\\u2026`."""
    codecs.register_error(HANDLER, _shown)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER if stream.errors == "surrogateescape" else "backslashreplace")


def _shown(error: UnicodeError) -> tuple[str | bytes, int]:
    """The same, but the bytes of a path that are no sign in the locale C are written as they are."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if "\udc80" <= sign <= "\udcff":
        return bytes([ord(sign) - 0xDC00]), error.start + 1
    return sign.encode("ascii", "backslashreplace").decode(), error.start + 1
