"""Digests of the code a config rests on, the state of the tree, the machine: all without importing a part."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from repro import config as configs
from repro import provenance


@pytest.fixture
def code(paper: Any) -> Any:
    """The digests of smoke.gin after `text` has become the module `part` of the paper."""

    def digests(text: str = "X = 1\n", name: str = "part") -> dict[str, str]:
        paper.module(name, text)
        path = paper.config("with_part", f"import papers.{paper.name}.part\n")
        return {
            key.removeprefix(f"papers.{paper.name}."): value
            for key, value in provenance.code(configs.read(path)).items()
        }

    return digests


def test_all_that_a_config_imports_counts_in_turn(code: Any, paper: Any) -> None:
    paper.module("deep", "Y = 2\n")
    paper.module("aside", "Z = 2\n")
    found = code(f"import papers.{paper.name}.deep\nfrom repro.metrics import separation\nimport json\n")
    assert {"part", "deep", "model", "loss", "repro.metrics.separation", "repro.trainers.clipping"} <= set(found)
    assert "aside" not in found and "json" not in found and "repro.paper" not in found


@pytest.mark.parametrize("text", [
    "from . import deep", "from .deep import Y", "from papers.{} import deep", "from papers.{}.deep import Y as o",
    "def f():\n    from .deep import Y\n", "if True:\n    import papers.{}.deep\n",
])  # fmt: skip
def test_every_way_of_importing_is_followed(code: Any, paper: Any, text: str) -> None:
    paper.module("deep", "Y = 2\n")
    assert "deep" in code(text.format(paper.name))


SOURCE = '"""Doc."""\n\ndef f(x):\n    """Doc of f."""\n    return x + 1\n\nclass A:\n    """Doc."""\n    b = "text"\n'


@pytest.mark.parametrize("same", [
    SOURCE.replace("Doc", "Other"), SOURCE.replace("\n\n", "\n# why\n\n\n"), SOURCE.replace("x + 1", "(x  +  1)  # y"),
    SOURCE.replace('"text"', "'text'"), SOURCE.replace('    """Doc of f."""\n', ""),
])  # fmt: skip
def test_remarks_and_layout_do_not_count(code: Any, same: str) -> None:
    assert same != SOURCE
    assert code(SOURCE)["part"] == code(same)["part"]


@pytest.mark.parametrize("other", [
    SOURCE.replace("+ 1", "+ 2"), SOURCE.replace('"text"', '"test"'), SOURCE.replace("def f", "def g"),
])  # fmt: skip
def test_what_runs_counts(code: Any, other: str) -> None:
    assert code(SOURCE)["part"] != code(other)["part"]


def test_nothing_is_imported(code: Any) -> None:
    assert "part" in code("raise SystemExit('imported')\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A git repository with one commit."""
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    (tmp_path / "papers" / "p" / "records").mkdir(parents=True)
    (tmp_path / "papers" / "p" / "a.py").write_text("a = 1\n")
    for words in ("init -q", "add -A", "-c user.name=n -c user.email=e@example.org commit -q -m one"):
        subprocess.run(["git", "-C", str(tmp_path), *words.split()], check=True, env=os.environ | quiet)
    return tmp_path


def test_the_commit_and_whether_the_tree_was_clean(tree: Path) -> None:
    clean = provenance.source(tree / "papers" / "p")
    head = subprocess.run(["git", "-C", str(tree), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert clean == {"commit": head.stdout.strip(), "dirty": False}
    for name in ("records", "certificates"):
        (tree / "papers" / "p" / name).mkdir(exist_ok=True)
        (tree / "papers" / "p" / name / "new.json").write_text("{}")
    assert provenance.source(tree / "papers" / "p") == clean, "what was measured does not make the tree dirty"
    (tree / "papers" / "p" / "b.py").write_text("b = 1\n")
    new = provenance.source(tree / "papers" / "p")
    (tree / "papers" / "p" / "b.py").write_text("b = 2\n")
    other = provenance.source(tree / "papers" / "p")
    assert new["dirty"] and other["dirty"] and new["diff"] != other["diff"]


def test_a_new_file_with_blanks_in_its_name(tree: Path) -> None:
    (tree / "papers" / "p" / "two words é.py").write_text("b = 1\n")
    assert provenance.source(tree / "papers" / "p")["dirty"]


def test_no_repository_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.source(tmp_path) == {"commit": None, "dirty": None}
    monkeypatch.setenv("PATH", "")
    assert provenance.source(tmp_path) == {"commit": None, "dirty": None}, "nor is a machine without git a fault"


def test_the_environment_is_plain_and_names_what_decides() -> None:
    import torch

    found = provenance.environment(3, "none")
    assert json.loads(json.dumps(found)) == found
    assert found["packages"]["torch"] == torch.__version__ and found["threads"] == 3
    assert "pytest" not in found["packages"], "extras do not move numbers"


def test_a_digest_is_the_same_on_every_python(tmp_path: Path) -> None:
    """Pinned: `ast.dump` gives other texts from one version of Python to the next, and would make records stale."""
    path = tmp_path / "part.py"
    path.write_text('def f(x, *, y=1):\n    """Text."""\n    return [x, None][0] if y else ...\n')
    assert provenance._examine(path, 0)[0] == "b4637318ed59e7da"
