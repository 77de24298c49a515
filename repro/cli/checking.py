"""The commands that check papers and this machine: check and doctor."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repro.testing.contract import Fault


def check(given: argparse.Namespace) -> int:
    """`repro check`: check the files of one paper or of all papers."""
    from repro.claim import paper
    from repro.testing import contract

    folders = paper.own_folders() if given.paper is None else [paper.folder_of(given.paper)]
    found = _every(folders)
    for reason in sorted({contract.unknown(folder) for folder in folders} - {""}):
        print(f"repro: the git history was not checked: {reason}", file=sys.stderr)
    if given.json:
        print(json.dumps([asdict(fault) for fault in found], indent=1))
    else:
        print("".join(f"{line(fault)}\n" for fault in found), end="")
    _say_total(found, [folder.name for folder in folders])
    return int(bool(found))


def _every(folders: Sequence[Path]) -> list[Fault]:
    """The faults of the papers in `folders`, in this order. Each core checks some of them, if processes can be forked.

    The parts are read once, before the processes begin.
    """
    from repro.files import strict_json
    from repro.testing import part_names

    cores = min(len(folders), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    with strict_json.many(), part_names.kept():
        if cores == 1:
            return [fault for folder in folders for fault in _faults(folder)]
        import multiprocessing  # loads slowly, so the check of one paper never imports it

        with multiprocessing.get_context("fork").Pool(cores) as pool:
            return [fault for found in pool.map(_faults, folders, chunksize=1) for fault in found]


def _faults(folder: Path) -> list[Fault]:
    from repro.testing import contract

    return list(contract.faults(folder))


def doctor(given: argparse.Namespace) -> int:
    """`repro doctor`: print what works on this machine; exit 1 if something that every run needs is missing."""
    from repro.cli import doctor

    found = doctor.findings()
    if given.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    else:
        for one in found:
            print(f"{ {True: 'ok', False: 'FAULT', None: '-'}[one.ok]:6} {one.name:9} {one.says}")
    return int(any(one.ok is False for one in found))


def line(fault: Fault) -> str:
    """A fault on one line; in a workflow of GitHub (`GITHUB_ACTIONS`) as an annotation of the file."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return f"{fault.file}{f':{fault.line}' if fault.line else ''}: {fault.says} [{fault.check}]"
    place = f"file={_escaped(fault.file, ':,')}{f',line={fault.line}' if fault.line else ''}"
    return f"::error {place},title=repro check {fault.check}::{_escaped(fault.says)}"


def _escaped(text: str, more: str = "") -> str:
    """`text` with the characters that end a part of a workflow command as `%0A` and so on."""
    for sign in ("%", "\r", "\n", *more):
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def _say_total(found: Sequence[Fault], papers: Sequence[str]) -> None:
    total = f"{len(found)} {'fault' if len(found) == 1 else 'faults'}" if found else "no fault"
    print(f"repro: {total} in {len(papers)} {'paper' if len(papers) == 1 else 'papers'}", file=sys.stderr)
