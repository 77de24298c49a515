"""The command `repro watch`: has what people send to a model changed?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from repro.cli import places
from repro.errors import where

ABOUT = "have the inputs of a service drifted? exit 1 if so"


def options(command: Any, count: Any) -> None:
    """Add the options to the parser of the command. count: reads a whole number from 1."""
    command.add_argument("log", type=Path, help="a file that `repro serve --log` wrote")
    command.add_argument(
        "--reference", default="", metavar="LOG|RECORD", help="what is expected (default: the first lines of the log)"
    )
    command.add_argument("--first", type=count, default=500, metavar="N", help="lines of that default (default: 500)")
    command.add_argument("--window", type=count, default=100, metavar="N", help="answers of a window (default: 100)")
    command.add_argument("--level", type=float, default=0.01, help="rate of false alarms (default: 0.01)")
    command.add_argument("--page", type=Path, metavar="FILE.html", help="also write the result as a page")


def watch(given: argparse.Namespace) -> int:
    """`repro watch`: print a line for each test and the verdict; returns 1 if there is an alarm."""
    from repro.watch import page, watching

    if given.page:
        places.refuse_paper(given.page)
        page.refuse(given.page, given.log, *([Path(given.reference)] if given.reference else []))
    found = watching.watch(given.log, given.reference, given.first, given.window, given.level)
    print("\n".join(found.lines()))
    if given.page:
        print(where(page.write(found, given.page)), file=sys.stderr)
    return int(found.first_alarm is not None)
