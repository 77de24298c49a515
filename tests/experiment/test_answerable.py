"""A misspelt metric, test set or item of a claim is reported before any run, with its line and the nearest name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import config, testing
from repro.claim import paper as papers
from repro.experiment import answerable, binding
from repro.record import Measurement, Record

HEAD = '[paper]\ntitle = "T"\nauthors = ["A"]\nyear = 2020\n\n'
CLAIM = """[[claim]]
id = "error"
says = "An error below 1"
where = "Table 1"
config = "configs/line.gin"
metric = "SquaredError"
below = 1.0
"""
LINE = "papers/{name}/paper.toml:6: claim 'error' asks for the {kind} '{wanted}', which its config does not have"
METRIC = (
    'metric = "SquaredError"',
    'metric = "SquaredEror"',
    "metric",
    "SquaredEror",
    "; did you mean 'SquaredError'?",
)
TEST = ("below = 1.0", 'below = 1.0\ntest = "tset"', "test set", "tset", "; did you mean 'test'?")
OVER = ("below = 1.0", 'over = "configs/mean.gin"\nover_test = "tets"', "test set", "tets", "; did you mean 'test'?")
WRONG = pytest.mark.parametrize(("old", "new", "kind", "wanted", "hint"), [METRIC, TEST, OVER])


@WRONG
def test_a_misspelt_name_is_reported_before_any_run(
    paper: Any, repro: Any, old: str, new: str, kind: str, wanted: str, hint: str
) -> None:
    paper.toml(HEAD + CLAIM.replace(old, new))
    line = f"repro: {LINE.format(name=paper.name, kind=kind, wanted=wanted)}{hint}\n"
    assert repro("todo", paper.name) == (2, "", line), "no command that would only fail"
    code, out, err = repro("verdict", paper.name)
    assert (code, err) == (2, line) and "NOT RUN" in out
    with pytest.raises(AssertionError, match=f"asks for the {kind} '{wanted}'"):
        testing.check_paper(paper.folder)


def test_right_names_are_not_reported(paper: Any, repro: Any) -> None:
    paper.toml(HEAD + CLAIM)
    code, out, err = repro("todo", paper.name)
    assert (code, err) == (0, "") and out.count("repro run ") == 3
    assert answerable.faults(papers.read(paper.folder), [], binding.metrics) == []


def test_it_is_known_without_torch(paper: Any) -> None:
    paper.toml(HEAD + CLAIM.replace("Error", "Eror"))
    run = f"from repro import cli; print(cli.main(['todo', '{paper.name}']), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", f"import sys; {run}"], capture_output=True, text=True, check=False)
    assert done.stdout == "2 False\n", done.stderr


def test_a_table_is_one_line(paper: Any, repro: Any) -> None:
    table = CLAIM.replace("[[claim]]", "[[table]]").replace("below = 1.0\n", "").replace("SquaredError", "SquaredEror")
    paper.toml(HEAD + table + '[table.printed]\n"a" = "1"\n"b" = "2"\n"c" = "3"\n')
    code, _, err = repro("todo", paper.name)
    assert code == 2 and err.count("\n") == 1 and "(2 more ask for it)" in err


def test_a_record_knows_the_items(paper: Any, repro: Any) -> None:
    paper.toml(HEAD + CLAIM + 'item = "frist"\n')
    assert repro("todo", paper.name)[0] == 0, "the names of items come with the data"
    read = config.read(paper.folder / "configs" / "line.gin")
    measured = Measurement("test", "SquaredError", {"name": "SquaredError"}, [0.1, 0.2])
    made = Record(paper.name, "line", 0, read.digest, [measured], read.text, items={"test": ["first", "second"]})
    one = papers.read(paper.folder)
    (line,) = answerable.faults(one, [made])
    assert "asks for the item 'frist'" in line and line.endswith("did you mean 'first'?")
    assert answerable.faults(one, [replace(made, stale="its config has changed")]) == []


METRICS = {
    "a computed name": (
        "class Odd:\n    def __init__(self) -> None:\n        self.identity = Identity('O' + 'dd', 'lower')\n",
        None,
    ),
    "a parent": ("class Odd(SquaredError):\n    identity = Identity('Odd', 'lower')\n", None),
    "set elsewhere": (
        "class Odd:\n    identity = Identity('Odd', 'lower')\n\nOdd.identity = Identity('Even', 'lower')\n",
        None,
    ),
    "another class": ("class Odd:\n    identity = Label('Odd', 'lower')\n", None),
    "unpacked": ("MORE = {'name': 'Even'}\n\nclass Odd:\n    identity = Identity(better='lower', **MORE)\n", None),
    "not here": ("from elsewhere import Odd\n", None),
    "stated": ("class Odd:\n    identity = Identity('Odd', 'lower')\n", ["Odd"]),
    "stated by its keyword": ("class Odd:\n    identity: Any = Identity(better='lower', name='Odd')\n", ["Odd"]),
}


@pytest.mark.parametrize(("source", "known"), METRICS.values(), ids=METRICS)
def test_a_name_that_the_text_does_not_state_is_not_guessed(paper: Any, repro: Any, source: str, known: Any) -> None:
    """Whatever the claim says, nothing is reported where another name is possible."""
    source = source.replace("class Odd", "@METRICS.register\nclass Odd")
    paper.module(
        "odd",
        f"from repro.registry import METRICS\nfrom repro.metrics import Identity\nfrom typing import Any\n\n{source}",
    )
    text = f"import papers.{paper.name}.odd\nexperiment.metrics = [@s/Odd()]\n"
    path = paper.config("odd", text, base="line.gin")
    assert answerable._declared(config.read(path)) == known
    paper.toml(HEAD + CLAIM.replace("configs/line.gin", "configs/odd.gin").replace("SquaredError", "Even"))
    assert repro("todo", paper.name)[0] == (0 if known is None else 2)


def test_what_is_read_is_what_is_built() -> None:
    """Of every config of every paper whose metrics the text states."""
    told = 0
    for folder in papers.folders().values():
        for path in sorted((folder / "configs").glob("*.gin")):
            one = config.read(path)
            names = answerable._declared(one)
            if names is not None:
                assert names == binding.metrics(one)
                told += 1
    assert told > 50


def test_modules_of_any_name_are_left_to_others(paper: Any) -> None:
    path = paper.config("odd", "import torch\nimport nowhere.at_all\nimport repro\nimport papers\n", base="line.gin")
    assert answerable._declared(config.read(path)) == ["SquaredError"]


def test_a_config_that_cannot_be_read_is_left_to_others(paper: Any) -> None:
    (paper.folder / "configs" / "line.gin").write_text("include 'gone.gin'\n")
    paper.toml(HEAD + CLAIM)
    assert answerable.faults(papers.read(Path(paper.folder)), []) == []


def test_the_maker_of_a_run_refuses_the_same(paper: Any, refused: Callable[..., str]) -> None:
    paper.toml(HEAD + CLAIM.replace("line.gin", "smoke.gin").replace("SquaredError", "SquaredEror"))
    said = LINE.format(name=paper.name, kind="metric", wanted="SquaredEror")
    assert refused("run", f"papers/{paper.name}/configs/smoke.gin").startswith(said)
