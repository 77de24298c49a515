"""Two versions of a module that compute the same are seen as the same, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import HOME
from repro.record import code_digest, renewal
from repro.record.same_code import form, reads_texts, same, unchanged

RENAMED = {
    "repro.disk": "repro.files.disk",
    "repro.trainers.state.Chance": "repro.training.checkpoints.RngState",
}
BEFORE = '''"""A trainer."""
from repro import disk
from repro.errors import BadInput
from repro.trainers.state import Chance

class Mine:
    """Trains."""
    def __init__(self, lr: float = 0.1) -> None:
        if lr < 0:
            raise BadInput(f"lr is {lr}; expected a number from 0")
        self.lr = lr

    def fit(self, model):
        state = Chance()
        disk.write(self.lr * 2, state)
'''
UNCHANGED = [
    ('"""Trains."""', '"""Trains by steps."""  # slowly'),
    ("lr: float = 0.1) -> None", "lr = 0.1)"),
    ('f"lr is {lr}; expected a number from 0"', 'f"the rate is {lr}", expected="a number from 0"'),
    ("from repro import disk", "from repro.files import disk"),
    ("from repro.trainers.state import Chance", "from repro.training.checkpoints import RngState as Chance"),
    ("state = Chance()\n", "state = Chance(\n        )\n"),
]
CHANGED = [
    ("lr < 0", "lr <= 0"),
    ("lr: float = 0.1", "lr: float = 0.2"),
    ("self.lr * 2", "2 * self.lr"),
    ("raise BadInput", "raise ValueError"),
    ('f"lr is {lr}; expected a number from 0"', "model.clear()"),
    ("from repro import disk", "import torch\nfrom repro import disk"),
    ("from repro import disk", "from repro import progress as disk"),
    ("from repro.errors", "from repro.trainers.best import Best\nfrom repro.errors"),
    ("disk.write", "disk.text"),
]


@pytest.mark.parametrize(("before", "after"), UNCHANGED)
def test_what_moves_no_number_does_not_count(before: str, after: str) -> None:
    assert before in BEFORE
    assert same(BEFORE, BEFORE.replace(before, after), "papers.a.trainer", RENAMED)


@pytest.mark.parametrize(("before", "after"), CHANGED)
def test_everything_else_counts(before: str, after: str) -> None:
    assert before in BEFORE
    assert not same(BEFORE, BEFORE.replace(before, after), "papers.a.trainer", RENAMED)


@pytest.mark.parametrize("text", [
    "try: f()\nexcept ValueError as error: x = float(error.args[0])\n",
    "try: f()\nexcept ValueError as error: x = float(str(error))\n",
    "x = float(f.__doc__)\n", "from typing import get_type_hints\n", "import inspect\n", "x = f.__annotations__\n",
    "import sys\nx = sys.exc_info()\n", "x = getattr(f, '__doc__')\n",
])  # fmt: skip
def test_code_that_may_compute_with_its_texts_is_never_taken_to_be_the_same(tmp_path: Path, text: str) -> None:
    for name, content in (("a.py", "def f(): raise ValueError(1.0)\n"), ("b.py", text), ("c.py", "x = 1\n")):
        (tmp_path / name).write_text(content)
    changed: renewal.Changed = {"papers.a": ["0", "1"]}
    both = {"papers.a": tmp_path / "a.py", "papers.c": tmp_path / "c.py"}
    assert unchanged(changed, both, both)
    with_it = both | {"papers.b": tmp_path / "b.py"}
    assert reads_texts(text) and not unchanged(changed, with_it, with_it) and not unchanged(changed, both, with_it)


def test_a_name_that_is_bound_twice_is_compared_as_it_is_written() -> None:
    text = "from repro import disk\ndef f(disk):\n    return disk.write\n"
    assert same(text, text + "# why\n", "papers.a.model", RENAMED)
    assert not same(text, text.replace("disk", "atomic").replace("repro import", "repro.files import"), "a", RENAMED)


def test_both_spellings_of_an_import_are_the_same() -> None:
    one, other = "from repro import disk\ndisk.write(1)\n", "from repro.files.disk import write\nwrite(1)\n"
    assert same(one, other, "papers.a.model", RENAMED) and not same(one, other, "papers.a.model", {})


@pytest.mark.parametrize("path", sorted(HOME.glob("trainers/*.py")), ids=lambda path: path.stem)
def test_a_change_of_any_number_of_a_real_module_counts(path: Path) -> None:
    """And the form depends on nothing but the source: the digest and the form change together."""
    text = path.read_text(encoding="utf-8")
    name = f"repro.trainers.{path.stem}"
    assert form(text, name) == form(f"# a comment\n{text}", name)
    assert form(f"{text}\nADDED = 1\n", name) != form(f"{text}\nADDED = 2\n", name) != form(text, name)
    assert code_digest.counts("repro.trainers.batches")
