"""The command `repro export`: a report to hand in, in one of four forms."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

from repro.errors import where
from repro.export import FORMS
from repro.files import disk

FOLDER = "exports"


def options(command: Any) -> None:
    """Add the options to the parser of the command."""
    command.add_argument("paper", help="name of a paper")
    command.add_argument("--as", dest="form", required=True, choices=FORMS, help="the form of the report")
    command.add_argument("--to", type=Path, metavar="FOLDER", help=f"where to write it (default: {FOLDER}/PAPER)")


def export(given: argparse.Namespace) -> None:
    """`repro export`: write the report, and print the path of what was written."""
    from repro.report import page
    from repro.verdict import uncommitted

    page.forget()  # the files may have changed since an earlier call in this process
    shown = page.read(given.paper)
    folder = given.to or Path(FOLDER, shown.name)
    disk.refuse_unwritable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    form = importlib.import_module(f"repro.export.{FORMS[given.form]}")
    print(where(form.write(shown, folder)))
    uncommitted.warn(shown.paper.folder, "the report has them as they are")
