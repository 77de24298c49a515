"""Set up stdout and stderr so that printing never ends in an encoding error."""

from __future__ import annotations

import codecs
import io
import sys

HANDLER = "repro.shown"


def prepare() -> None:
    """Let stdout and stderr print a character that their encoding lacks as an escape such as `\\u2026`."""
    codecs.register_error(HANDLER, _shown)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER if stream.errors == "surrogateescape" else "backslashreplace")


def _shown(error: UnicodeError) -> tuple[str | bytes, int]:
    """Like `backslashreplace`, but writes the undecodable bytes of a path unchanged (locale C)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if "\udc80" <= sign <= "\udcff":
        return bytes([ord(sign) - 0xDC00]), error.start + 1
    return sign.encode("ascii", "backslashreplace").decode(), error.start + 1
