"""Digests of the code that a config depends on, and of the core that runs it, without importing a part."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from repro import config as configs
from repro.record import code_digest


@pytest.fixture
def code(paper: Any) -> Any:
    """The digests of smoke.gin after `text` has become the module `part` of the paper."""

    def digests(text: str = "X = 1\n", name: str = "part") -> dict[str, str]:
        paper.module(name, text)
        path = paper.config("with_part", f"import papers.{paper.name}.part\n")
        return {
            key.removeprefix(f"papers.{paper.name}."): value
            for key, value in code_digest.code(configs.read(path)).items()
        }

    return digests


def test_all_that_a_config_imports_counts_in_turn(code: Any, paper: Any) -> None:
    paper.module("deep", "Y = 2\n")
    paper.module("aside", "Z = 2\n")
    found = code(f"import papers.{paper.name}.deep\nfrom repro.metrics import separation\nimport json\n")
    assert {"part", "deep", "model", "loss", "repro.metrics.separation", "repro.trainers.clipping"} <= set(found)
    assert "aside" not in found and "json" not in found and "repro.claim.paper" not in found


@pytest.mark.parametrize("text", [
    "from . import deep", "from .deep import Y", "from papers.{} import deep", "from papers.{}.deep import Y as o",
    "def f():\n    from .deep import Y\n", "if True:\n    import papers.{}.deep\n",
])  # fmt: skip
def test_every_way_of_importing_is_followed(code: Any, paper: Any, text: str) -> None:
    paper.module("deep", "Y = 2\n")
    assert "deep" in code(text.format(paper.name))


def test_a_file_that_a_part_reads_beside_itself_counts(code: Any, paper: Any) -> None:
    text = "from pathlib import Path\nWORDS = Path(__file__).with_name('words.txt').read_text()\n"
    assert not [name for name in code(text) if ":" in name], "no such file yet"
    (paper.folder / "words.txt").write_text("a b")
    (paper.folder / "other.txt").write_text("c")
    before = code(text)
    (paper.folder / "words.txt").write_text("a c")
    after = code(text)
    assert [name for name in before if ":" in name] == ["part:words.txt"]
    assert before["part:words.txt"] != after["part:words.txt"] and before["part"] == after["part"]


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


def test_a_package_of_the_paper_counts_with_its_init(code: Any, paper: Any) -> None:
    (paper.folder / "inner").mkdir()
    (paper.folder / "inner" / "__init__.py").write_text("X = 1\n")
    (paper.folder / "inner" / "deep.py").write_text("Y = 2\n")
    before = code(f"import papers.{paper.name}.inner.deep\n")
    assert {"inner", "inner.deep"} <= set(before)
    (paper.folder / "inner" / "__init__.py").write_text("X = 2\n")
    assert code(f"import papers.{paper.name}.inner.deep\n")["inner"] != before["inner"]


def test_a_package_comes_before_a_module_of_its_name_as_in_python(code: Any, paper: Any) -> None:
    before = code("X = 1\n")["part"]
    (paper.folder / "part").mkdir()
    (paper.folder / "part" / "__init__.py").write_text("X = 2\n")
    assert code("X = 1\n")["part"] != before


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the core."""
    return Path(shutil.copytree(code_digest.REPRO, tmp_path / "repro", ignore=shutil.ignore_patterns("__pycache__")))


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    os.utime(path, ns=(1, hash(after) % 10**9))


RECORD, PACKED = "record/__init__.py", "record/packed_values.py"


@pytest.mark.parametrize(("name", "before", "after"), [
    (RECORD, "LARGEST = 1e150", "LARGEST = 1e151"),
    ("run/execution.py", "measurements = measuring.measured(built, placed)", "pass"),
    ("errors.py", "    code = 2", "    code = 3"), ("training/metrics_log.py", "EVERY = 10", "EVERY = 11"),
    ("data/store.py", '"REPRO_DATA"', '"REPRO_D"'), ("cli/running.py", "return 1", "return 0"),
    (RECORD, 'stale: str = ""', 'stale: (print(), str)[1] = ""'),
    ("cli/streams.py", "def prepare", "def prepared"),
    (PACKED, 'contains {index}", expected', 'contains {indices.clear()}", expected'),  # a message that does something
    (PACKED, 'contains {index}", expected', 'contains {(index := 0)}", expected'),
    ("metrics/__init__.py", '"""', 'import repro.errors\n"""'), ("__init__.py", '__version__ = "', '__version__ = "1'),
])  # fmt: skip
def test_a_change_of_the_core_is_another_core(copied: Path, name: str, before: str, after: str) -> None:
    was = code_digest.core(copied)
    assert was == code_digest.core()
    edit(copied / name, before, after)
    assert code_digest.core(copied) != was


@pytest.mark.parametrize(("name", "before", "after"), [
    (RECORD, '"""Read one record.', '"""Reads a record.'),
    (RECORD, "path: Path", "path: object"),
    ("claim/paper.py", 'raise BadInput(f"no paper', 'raise BadInput(f"there is no paper'),
    ("report/html/axis.py", "import math", "import math, json"),
    ("errors.py", "import difflib", "import difflib  # why"),
])  # fmt: skip
def test_messages_annotations_and_pages_are_no_other_core(copied: Path, name: str, before: str, after: str) -> None:
    was = code_digest.core(copied)
    edit(copied / name, before, after)
    assert code_digest.core(copied) == was


def test_a_digest_is_the_same_on_every_python(tmp_path: Path) -> None:
    """Pinned: `ast.dump` gives other texts from one version of Python to the next, and would make records stale."""
    path = tmp_path / "part.py"
    path.write_text('def f(x, *, y=1):\n    """Text."""\n    return [x, None][0] if y else ...\n')
    assert code_digest._examine(path)[0] == "b4637318ed59e7da"


def test_the_nodes_of_a_module_are_those_of_ast() -> None:
    for path in code_digest.core_files().values():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert {id(node) for node in code_digest._nodes(tree)} == {id(node) for node in ast.walk(tree)}, path
