"""A stranger's paper is looked at without running it, without leaving its folder, and without a word to the shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import config, record
from repro.claim import paper as papers
from repro.errors import BadInput
from repro.record import Measurement, Record, code_digest
from tests.conftest import trusted

SECRET = "TOPSECRET"


def payload(name: str) -> str:
    """Code that leaves a file where it runs."""
    return f"import pathlib\npathlib.Path({str(Path(name).absolute())!r}).touch()\n"


@pytest.fixture
def evil(paper: Any) -> Any:
    """A paper whose every module, its package and its tests leave a file `ran` when they are imported."""
    for path in paper.folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        future = "from __future__ import annotations\n"
        path.write_text((future if future in text else "") + payload("ran") + text.replace(future, ""))
    part = f"from papers.{paper.name}.parent import Parent\nfrom repro.registry import MODELS\n"
    paper.module("parent", payload("ran") + "class Parent:\n    def __init__(self, size: int = 1) -> None: ...\n")
    paper.module("child", payload("ran") + part + "\n@MODELS.register\nclass Child(Parent):\n    '''A child.'''\n")
    (paper.folder / "__init__.py").write_text(payload("ran"))
    (paper.folder / "tests").mkdir(exist_ok=True)
    (paper.folder / "tests" / "conftest.py").write_text(payload("ran"))
    read = config.read(paper.folder / "configs" / "line.gin")
    measured = Measurement("test", "SquaredError", {"name": "SquaredError", "better": "lower"}, [0.1, 0.2])
    made = Record(paper.name, "line", 0, read.digest, [measured], read.text, code=code_digest.code(read))
    record.write(trusted(made), paper.records)
    return paper


LOOKS = [
    *(f"list {kind}" for kind in ("papers", "datasets", "perturbations", "models", "losses", "trainers", "metrics")),
    *("show {}", "show {}/fit.error", "show Child", "show models.Child", "show papers/{}/configs/line.gin"),
    *("todo {}", "verdict {}", "verdict {} --json", "verdict {} --write", "verdict {} --check", "data list"),
]


@pytest.mark.parametrize("words", LOOKS)
def test_to_look_at_a_paper_runs_nothing_of_it(evil: Any, repro: Callable[..., Any], words: str) -> None:
    code, out, err = repro(*words.format(evil.name).split())
    assert code in (0, 1), err
    assert out or words.endswith("--check")
    assert not Path("ran").exists()


def test_a_part_is_shown_as_its_text_tells_it(evil: Any, repro: Callable[..., Any]) -> None:
    """With the parameters of its parent, which stands in another module."""
    out = repro("show", "models.Child")[1]
    assert "models.Child(size: int = 1)" in out and "A child." in out and f"import papers.{evil.name}.child" in out


def test_to_run_it_is_to_trust_it(evil: Any, repro: Callable[..., Any]) -> None:
    """The other side of the two above: that file does appear where the paper is run."""
    repro("run", f"papers/{evil.name}/configs/smoke.gin")
    assert Path("ran").exists()


LINKED = ["report.md", "tips.md", "data.toml", "lists/a.csv", "records/line-seed0.json", "configs/b.gin", "b.py", "x/y"]


@pytest.mark.parametrize("name", LINKED)
def test_a_link_out_of_the_folder_is_refused(paper: Any, refused: Callable[..., str], name: str) -> None:
    (Path("outside") / "y").mkdir(parents=True)
    Path("outside/secret").write_text(f"{SECRET} = 1\n")
    path = paper.folder / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(Path("outside/y" if name == "x/y" else "outside/secret").absolute())
    for words in (("verdict", paper.name), ("todo", paper.name), ("run", f"papers/{paper.name}/configs/smoke.gin")):
        said = refused(*words)
        assert f"{name}: is a link that points outside the folder {paper.name}" in said and SECRET not in said


def test_a_link_within_the_folder_is_none_of_ours(paper: Any, repro: Callable[..., Any]) -> None:
    (paper.folder / "linked.md").symlink_to("tips.md")
    (paper.folder / "round").symlink_to(".")
    assert repro("todo", paper.name)[0] == 0


@pytest.mark.parametrize("name", ["a\ntouch ran #", "a; touch ran", "$(touch ran)", "a' b", "-x", "../../x/configs/a"])
def test_the_name_of_a_config_is_no_command(paper: Any, repro: Callable[..., Any], name: str) -> None:
    """`repro todo` is piped into a shell: a line that it prints is one command."""
    if "/" not in name:
        (paper.folder / "configs" / f"{name}.gin").write_text("include 'line.gin'\n")
    text = (paper.folder / "paper.toml").read_text()
    before = repro("todo", paper.name)[1]
    assert before and all(shlex.split(line)[:2] == ["repro", "run"] for line in before.splitlines())
    paper.toml(text.replace('"configs/line.gin"', f"'''configs/{name}.gin'''", 1))
    code, out, err = repro("todo", paper.name)
    if name == "-x":  # a name like any other, behind configs/
        assert f"configs/{name}.gin" in out
    else:
        assert (code, out) == (2, "") and "expected configs/<name>.gin" in err


@pytest.mark.parametrize("name", ["a b", "a\nb", "x;y", "a`b", "a-b", "<b>", "..x"])
def test_a_folder_is_called_as_a_module_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "paper.toml").write_text('[paper]\ntitle = "T"\nauthors = ["A"]\nyear = 2020\n')
    with pytest.raises(BadInput, match="expected a Python name, such as my_paper"):
        papers.read(tmp_path / name)


@pytest.mark.parametrize("sign", ["\\u001b]0;x\\u0007", "\\u009b31m", "\\b", "\\u202e"])
@pytest.mark.parametrize("key", ["title", "says", "because"])
def test_a_text_does_not_more_than_it_shows(paper: Any, refused: Callable[..., str], key: str, sign: str) -> None:
    """A terminal obeys such signs."""
    text = (paper.folder / "paper.toml").read_text()
    before, found, after = text.partition(f'\n{key} = "')
    assert found
    paper.toml(f"{before}{found}{sign}{after}")
    said = refused("show", paper.name)
    assert "contains the invisible character" in said and said.isprintable()
