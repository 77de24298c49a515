"""The examples of the guide's page about `repro export` print what the page shows, and its table has every form."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from repro.export import FORMS, directives

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "export.md").read_text(encoding="utf-8")
LINE = 14


def test_the_examples_print_what_the_page_shows(measured: Any, repro: Any) -> None:
    for library in ("pypandoc", "typst", "yaml"):
        pytest.importorskip(library)
    report = measured.folder / "report.md"
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        text = re.sub(r"\b(template|my_paper)\b", measured.name, block)
        if "my_paper" in block:
            above = report.read_text()
            report.write_text(above + "\n" * (LINE - 1 - above.count("\n")) + "```{sweeps}\n```\n")
        for command, *lines in (part.splitlines() for part in text.split("$ repro ")[1:]):
            _, out, err = repro(*shlex.split(command))
            printed = [*out.splitlines(), *err.splitlines()]
            assert [line for line in lines if line not in printed] == [], printed


def test_the_page_names_every_form_and_directive() -> None:
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == sorted(FORMS)
    assert all(f"`{name}`" in PAGE for name in directives.PRINTED if name not in directives.BOXES)
