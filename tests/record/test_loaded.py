"""The code that runs is the code whose digests a record keeps: anything else is refused before it trains."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro.record import code_digest

HIDDEN = "import importlib\nfrom pathlib import Path\n\nNAME = 'papers.{}.' + 'hidden'\nimportlib.import_module(NAME)\n"


def test_code_that_no_digest_follows_is_refused(paper: Any, refused: Any) -> None:
    """A module that is loaded by a name made at run time: no reader of the source could follow it."""
    paper.module("hidden", "X = 1\n")
    module = paper.module("part", HIDDEN.format(paper.name))
    line = refused("run", paper.config("with_part", f"import {module}\n"))
    assert f"papers.{paper.name}.hidden is loaded, but no digest contains its code" in line


def test_a_module_outside_of_the_paper_is_refused(paper: Any, git: Any, refused: Any) -> None:
    Path("roothelper.py").write_text("X = 1\n")
    module = paper.module("part", "import roothelper\n")
    line = refused("run", paper.config("with", f"import {module}\n"))
    assert "roothelper is loaded, but no digest contains its code" in line


def test_a_file_that_changes_while_it_is_loaded_is_refused(paper: Any, refused: Any) -> None:
    """A module that restores another one as soon as it is imported."""
    text = "from pathlib import Path\nPLACE = Path(__file__).with_name('words.csv')\nPLACE.write_text('now')\n"
    (paper.folder / "words.csv").write_text("before")
    module = paper.module("part", text)
    assert "words.csv: changed while the run started" in refused("run", paper.config("with", f"import {module}\n"))


def test_a_compiled_file_of_another_source_is_refused(paper: Any, refused: Any) -> None:
    """Another source of the same length and time: Python runs what was compiled of it."""
    path = paper.folder / "metric.py"
    text, found = path.read_text(), path.stat()
    path.write_text(text.replace("return ", "return-", 1))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    py_compile.compile(str(path))
    path.write_text(text)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert "from another source" in refused("run", f"papers/{paper.name}/configs/smoke.gin")


def test_an_import_statement_is_followed(paper: Any, repro: Any) -> None:
    paper.module("hidden", "X = 1\n")
    module = paper.module("part", f"from papers.{paper.name} import hidden\n")
    assert repro("run", paper.config("with_part", f"import {module}\n"))[0] == 0


def test_a_compiled_file_that_python_would_not_compare_is_refused(paper: Any, refused: Any) -> None:
    path = paper.folder / "metric.py"
    other = paper.folder / "other.py"
    other.write_text(path.read_text().replace("return ", "return 0.0 * "))
    py_compile.compile(
        str(other),
        cfile=importlib.util.cache_from_source(str(path)),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    other.unlink()
    line = refused("run", f"papers/{paper.name}/configs/smoke.gin")
    assert "metric.py has a compiled file in __pycache__ from another source" in line


@pytest.mark.parametrize("command", ["verdict template", "list", "run papers/template/configs/smoke.gin"])
def test_the_core_of_another_checkout_is_refused(tmp_path: Path, command: str) -> None:
    """A second clone with the environment of the first: both are named, and nothing is run."""
    other = tmp_path / "second"
    skip = shutil.ignore_patterns("__pycache__", "records")
    shutil.copytree(code_digest.REPRO.parent / "papers" / "template", other / "papers" / "template", ignore=skip)
    (other / "repro").mkdir()
    shutil.copy(code_digest.REPRO / "__init__.py", other / "repro")
    own = os.environ | {"PYTHONPATH": str(code_digest.REPRO.parent)}
    script = "import sys; from repro.cli import main; sys.exit(main(sys.argv[1:]))"  # not -m: the folder would be first
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, *command.split()], cwd=other, env=own, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert str(other) in done.stderr and str(code_digest.REPRO.parent) in done.stderr
    assert not (other / "runs").exists()
