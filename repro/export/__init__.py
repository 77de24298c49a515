"""Reports that a group hands in, written from the sources of the paper's page. `repro export` calls this package.

One module for each form has a function `write(page, folder)`, which returns the path of what it wrote:

    pdf         an article
    rescience   a folder for the LaTeX template of ReScience C
    codecheck   `codecheck.yml`: what a codechecker reads
    archive     a zip file that runs without this repository

What they share:

    article     the sections of the article: those of `report.md`, and the ones that are generated
    tables      the tables of the article: claims, causes, leaderboard, computing time
    myst        reads `report.md` and `tips.md`; roles and directives become numbers and tables
    directives  the directives of `report.md` in print
    figures     the figure of claims and the learning curves, drawn by matplotlib
    nodes       the elements of a document, as pandoc reads them
    home        the address of the repository

A trained model for others:

    weights     its weights as safetensors, with the model card
    card        the model card, written from the record
    translated  the model as ONNX or TorchScript, compared with the original

Numbers are made by the same functions as on the page. Nothing here trains, and no report needs torch.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from repro.errors import BadInput, where
from repro.files import disk

FORMS = {"rescience": "rescience", "pdf": "pdf", "codecheck": "codecheck", "zip": "archive"}
"""The forms of a report, each with the module that writes it."""

INSTALL = "pip install 'repro-papers[export]'"


def needed(module: str) -> Any:
    """Import a library of the extra `export`. Raises BadInput if it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise BadInput(f"{module} is not installed", expected=INSTALL) from None


def write_once(path: Path, text: str) -> None:
    """Write a file that people edit afterwards. Raises BadInput if it exists with another content."""
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise BadInput("has another content: it may have been edited", where(path), expected="--to with another folder")
    disk.write(path, text)
