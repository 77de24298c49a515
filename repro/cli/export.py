"""The command `repro export`: a report to hand in, or a trained model for others."""

from __future__ import annotations

import argparse
import importlib
import logging
from pathlib import Path
from typing import Any

from repro.cli import places
from repro.errors import BadInput, where
from repro.export import FORMS
from repro.files import disk

FOLDER = "exports"
MODELS = {"weights": ".safetensors", "onnx": ".onnx", "torchscript": ".pt"}
"""The forms of a model, each with the ending of its file."""

log = logging.getLogger("repro")


def options(command: Any) -> None:
    """Add the options to the parser of the command."""
    command.add_argument("paper", help="name of a paper; for a model: a record, a run, or a config such as mine/line")
    form = command.add_mutually_exclusive_group(required=True)
    form.add_argument("--as", dest="form", choices=FORMS, help="the form of the report")
    file = {"nargs": "?", "const": Path(), "type": Path, "metavar": "FILE"}
    form.add_argument(
        "--weights", **file, help="the weights, with a model card written from the record; FILE: where to write"
    )
    form.add_argument("--onnx", **file, help="the model for ONNX Runtime; its answers and its speed are compared")
    form.add_argument("--torchscript", **file, help="the model for TorchScript; its answers and its speed are compared")
    command.add_argument("--to", type=Path, metavar="FOLDER", help=f"where to write it (default: {FOLDER}/PAPER)")
    command.add_argument(
        "--licence", default="", metavar="NAME", help="of the weights, such as MIT; --weights needs it"
    )
    command.add_argument("--stale", action="store_true", help="also export the model of a stale record")
    command.add_argument(
        "--unfinished", action="store_true", help="also export the newest checkpoint of a run that is not finished"
    )


def export(given: argparse.Namespace) -> None:
    """`repro export`: write the report or the model, and print the paths of what was written."""
    if given.form:
        _report(given)
    else:
        _model(given)


def _report(given: argparse.Namespace) -> None:
    from repro.report import page
    from repro.verdict import uncommitted

    if given.licence or given.stale or given.unfinished:
        what = "--licence, --stale and --unfinished are about a model"
        raise BadInput(what, expected="--weights, --onnx or --torchscript, or --as without them")
    page.forget()  # the files may have changed since an earlier call in this process
    shown = page.read(given.paper)
    folder = given.to or Path(FOLDER, shown.name)
    places.refuse_paper(folder)
    disk.refuse_unwritable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    form = importlib.import_module(f"repro.export.{FORMS[given.form]}")
    print(where(form.write(shown, folder)))
    uncommitted.warn(shown.paper.folder, "the report has them as they are")


def _model(given: argparse.Namespace) -> None:
    from repro.serve import trained

    form = next(form for form in MODELS if getattr(given, form) is not None)
    if given.licence and form != "weights":
        raise BadInput("--licence is about --weights", expected=f"--{form} without it")
    if given.unfinished and form == "weights":
        raise BadInput("--unfinished is not for --weights: its model card needs metrics", expected="a finished run")
    found = trained.find(given.paper, None, given.stale, None if form == "weights" else given.unfinished)
    path = _file(given, found, form)
    places.refuse_paper(path)
    _weights(found, path, given.licence) if form == "weights" else _translated(found, path, form)


def _weights(found: Any, path: Path, licence: str) -> None:
    from repro.export import weights

    written = weights.write(found, path, licence)
    log.info("SHA-256 of the weights: %s", written.checksum)
    print("\n".join(map(where, (written.weights, written.card, written.record))))


def _translated(found: Any, path: Path, form: str) -> None:
    from repro.export import translated
    from repro.serve import trained

    compared = translated.write(trained.load(found), form, path)
    log.info("the file takes %s", compared.takes)
    log.info("largest difference of an answer in %d test items: %.2g", compared.items, compared.difference)
    for one in compared.speeds:
        log.info("%s", one)
    print(where(path))


def _file(given: argparse.Namespace, found: Any, form: str) -> Path:
    """The file to write: the one that was typed, or one in the folder for exports."""
    typed: Path = getattr(given, form)
    if typed != Path() and given.to:
        raise BadInput(f"--{form} names a file and --to a folder", expected="one of the two")
    if typed != Path() and typed.suffix != MODELS[form]:
        raise BadInput("is not a name for the model", where(typed), expected=f"a name that ends with {MODELS[form]}")
    folder = given.to or Path(FOLDER, found.record.paper)
    step = f"-step{found.step}" if found.step else ""
    return typed if typed != Path() else folder / f"{found.record.stem}{step}{MODELS[form]}"
