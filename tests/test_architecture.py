"""The doors of the design, as tests: who may import whom, and how big things may grow."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted((ROOT / "repro").rglob("*.py"))
PAPERS = sorted((ROOT / "papers").rglob("*.py"))
SHELL = sorted((ROOT / "tmux").glob("*.sh"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            yield from (given.value for given in node.args if isinstance(given, ast.Constant))


def importers(library: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in CORE + PAPERS
        if any(name.split(".")[0] == library for name in imported(path))
    }


def test_the_core_names_no_paper() -> None:
    names = {path.name for path in (ROOT / "papers").iterdir() if (path / "paper.toml").is_file()} - {"template"}
    assert names
    for path in CORE:
        assert not any(name.startswith("papers.") for name in imported(path)), path
        named = [name for name in names if re.search(rf"papers[./]{name}\b", path.read_text(encoding="utf-8"))]
        assert not named, f"{path} names the papers {named}"


def test_papers_do_not_import_each_other() -> None:
    for path in PAPERS:
        own = path.relative_to(ROOT / "papers").parts[0]
        for name in imported(path):
            assert not name.startswith("papers.") or name.split(".")[1] == own, f"{path} imports {name}"


@pytest.mark.parametrize(
    ("library", "doors"),
    [
        ("gin", {"repro/registry.py", "repro/experiment/binding.py", "repro/experiment/__init__.py"}),
        ("nussl", {"repro/audio/nussl.py"}),
        ("torchaudio", {"repro/audio/stft.py"}),
        ("sphinx", {f"repro/report/{name}.py" for name in ("sphinx", "directives", "guard", "roles", "site")}),
        ("docutils", {f"repro/report/{name}.py" for name in ("sphinx", "directives", "guard", "roles")}),
    ],
)
def test_a_library_has_its_doors(library: str, doors: set[str]) -> None:
    assert importers(library) <= doors
    assert importers(library), f"nothing imports {library}: the rule is out of date"


def test_the_spine_loads_no_heavy_library() -> None:
    spine = [
        path.stem for path in (ROOT / "repro").glob("*.py") if path.stem not in ("__init__", "__main__", "testing")
    ]
    code = "; ".join(
        [
            *(f"import repro.{name}" for name in sorted(spine)),
            "import repro.launch, repro.report, sys",
            "print({'torch', 'nussl', 'torchaudio', 'matplotlib', 'sphinx'} & set(sys.modules))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", ["verdict.py", "evidence.py", "interval.py", "ledger.py"])
def test_the_verdict_opens_no_file(name: str) -> None:
    text = (ROOT / "repro" / name).read_text(encoding="utf-8")
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
    }
    assert not calls & {"open", "read_text", "read_bytes", "write_text"}
    assert not {"torch", "os", "json"} & {name.split(".")[0] for name in imported(ROOT / "repro" / name)}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def test_files_and_functions_fit_in_the_head() -> None:
    everything = [*CORE, *PAPERS, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "docs").glob("*.py"))]
    for path in everything:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, f"{path}: a room is missing"
        for name, length in functions(path):
            assert length <= 50, f"{path}: {name} has {length} lines"
    assert statistics.median(length for path in CORE + PAPERS for _, length in functions(path)) < 10


def test_names_say_what_a_module_is() -> None:
    assert not {path.stem for path in CORE + PAPERS} & FORBIDDEN_NAMES


def test_papers_have_the_same_file_names() -> None:
    for folder in (path for path in (ROOT / "papers").iterdir() if (path / "paper.toml").is_file()):
        for name in ("configs/base.gin", "configs/smoke.gin", "tests", "records", "tips.md", "report.md"):
            assert (folder / name).exists(), f"{folder.name} lacks {name}"


def test_papers_is_a_namespace_package() -> None:
    assert not (ROOT / "papers" / "__init__.py").exists()


def test_the_shell_can_be_read_in_a_minute() -> None:
    lines = [line for path in SHELL for line in path.read_text(encoding="utf-8").splitlines()]
    assert SHELL and len([line for line in lines if line.strip() and not line.startswith("#")]) <= 35
