"""`repro dvc` writes files with which the real DVC agrees, and nothing that makes a record stale."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.cli import track

ROOT = Path(track.__file__).parents[2]
CLAIM = """[paper]
title = "A line"
authors = ["A. Template"]
year = 2026
group = "the repro authors"
kind = "template"
text_read = "full paper"
tuned_on = "nothing"
summary = "One claim, with two seeds."

[[claim]]
id = "fit.error"
says = "The error is that of the noise"
where = "Section 2"
config = "configs/line.gin"
metric = "SquaredError"
value = 0.01
tolerance = 0.002
because = "twice the standard error"
seeds = 2
"""
DATA = """[points]
title = "Points"
homepage = "https://example.org/points"
licence = "CC0"
citation = "Nobody: Points"
reader = "papers.{paper}.dataset:NoisyLine"
obtain = "ask for it"
layouts = [["all.csv", "parts"]]
[points.variants.all]
items = 2
"""


PROGRAM = """import sys
from repro.cli import main
from repro.record import as_committed
as_committed._core_top = lambda top: None  # the repository of the core may have changes
sys.exit(main())
"""


@pytest.fixture
def lines(paper: Any, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A paper with one claim, whose config reads a data set in a folder of the repository."""
    paper.toml(CLAIM)
    (paper.folder / "data.toml").write_text(DATA.replace("{paper}", paper.name))
    for name, content in {"all.csv": b"1,2\n", "parts/b.csv": b"3\n", "parts/a/c.csv": b"4\n5\n"}.items():
        path = Path("data", "points", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setenv("REPRO_DATA", str(Path("data").resolve()))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    with Path(".gitignore").open("a") as file:
        file.write("data/\n")
    git("add", "-A")
    git("commit", "-qm", "a claim and data")
    return paper


def test_each_config_is_a_stage_with_its_seeds_and_what_it_depends_on(lines: Any, repro: Any) -> None:
    code, out, _ = repro("dvc", lines.name, "--write")
    assert code == 0 and out.split() == [f"dvc/{lines.name}/dvc.yaml", "dvc/points.dvc"]
    stages = yaml.safe_load(Path(f"dvc/{lines.name}/dvc.yaml").read_text())["stages"]
    assert stages["line"]["foreach"] == [0, 1] and stages["smoke"]["foreach"] == [0]
    line = stages["line"]["do"]
    assert line["cmd"] == f"repro run {lines.name}/line --seed ${{item}} --missing"
    own = f"papers/{lines.name}"
    needed = {f"{own}/configs/line.gin", f"{own}/configs/base.gin", f"{own}/model.py", "data/points/all.csv"}
    assert needed | {"data/points/parts"} <= set(line["deps"])
    assert f"{own}/configs/smoke.gin" not in line["deps"] and not any("records" in path for path in line["deps"])
    assert list(line["outs"][0]) == [f"{own}/records/line-seed${{item}}.json"]
    place = Path("dvc", lines.name, line["wdir"]).resolve()
    assert place == Path.cwd() and all((place / path).exists() for path in line["deps"])
    assert len(stages["record-metrics"]["deps"]) == 3


def test_a_pointer_has_the_md5_of_each_file_and_of_each_folder(lines: Any, repro: Any) -> None:
    repro("dvc", lines.name, "--write")
    pointer = yaml.safe_load(Path("dvc/points.dvc").read_text())
    assert Path("dvc", pointer["wdir"]).resolve() == Path("data/points").resolve()
    one, parts = pointer["outs"]
    assert (one["path"], one["size"], one["md5"]) == ("all.csv", 4, hashlib.md5(b"1,2\n").hexdigest())
    assert (parts["path"], parts["size"], parts["nfiles"], parts["md5"][32:]) == ("parts", 6, 2, ".dir")
    assert pointer["meta"]["licence"] == "CC0"


def test_without_write_it_is_printed_and_nothing_is_written(lines: Any, repro: Any) -> None:
    before = sorted(map(str, Path.cwd().rglob("*")))
    code, out, _ = repro("dvc", lines.name)
    assert code == 0 and "# dvc/points.dvc\n" in out and "foreach: [0, 1]" in out
    after = sorted(map(str, Path.cwd().rglob("*")))
    assert [path for path in after if "__pycache__" not in path] == [
        path for path in before if "__pycache__" not in path
    ]


def test_data_outside_the_repository_or_absent_gets_no_pointer(
    lines: Any, repro: Any, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree("data", other / "data")
    for place, said in ((other / "data", "outside the repository"), (other / "none", "not on this machine")):
        monkeypatch.setenv("REPRO_DATA", str(place))
        code, out, err = repro("dvc", lines.name)
        assert code == 0 and "points.dvc" not in out and str(other) not in out
        assert "points is" in err and said in err


def test_a_wrong_folder_or_paper_is_refused(lines: Any, refused: Any, tmp_path_factory: Any) -> None:
    assert "counts for its records" in refused("dvc", lines.name, "--to", f"papers/{lines.name}/dvc")
    assert "outside the repository" in refused("dvc", lines.name, "--to", tmp_path_factory.mktemp("elsewhere"))
    assert f"did you mean '{lines.name}'?" in refused("dvc", f"{lines.name}x")
    Path("a_file").write_text("")
    refused("dvc", lines.name, "--write", "--to", "a_file")


def test_the_metrics_are_those_of_the_valid_records_of_the_stages(lines: Any, repro: Any) -> None:
    assert json.loads(repro("dvc", lines.name, "--metrics")[1]) == {}
    assert repro("run", f"{lines.name}/smoke")[0] == 0
    (name, found), *rest = json.loads(repro("dvc", lines.name, "--metrics")[1]).items()
    assert name == "smoke-seed0" and not rest
    low, mean, high = (found[f"test/SquaredError{end}"] for end in ("/low", "", "/high"))
    assert low < mean < high
    (lines.folder / "model.py").write_text((lines.folder / "model.py").read_text() + "\nMORE = 1\n")
    assert json.loads(repro("dvc", lines.name, "--metrics")[1]) == {}


@pytest.fixture
def dvc(lines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The real DVC in the repository of the paper. The command `repro` is this one."""
    pytest.importorskip("dvc")
    programs = tmp_path / ".programs"
    programs.mkdir()
    (programs / "repro").write_text(f"#!{sys.executable}\n{PROGRAM}")
    (programs / "repro").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / ".site"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def call(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "dvc", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    call("init", "-q")
    return call


def test_dvc_finds_the_same_md5_and_sees_a_changed_file(lines: Any, dvc: Callable[..., str], repro: Any) -> None:
    repro("dvc", lines.name, "--write")
    pointer = "dvc/points.dvc"
    paths = ("data/points/all.csv", "data/points/parts")
    (found,) = json.loads(dvc("status", "--json", pointer))[pointer]
    assert found == {"changed outs": dict.fromkeys(paths, "not in cache")}  # another md5 would be "modified"
    before = yaml.safe_load(Path(pointer).read_text())
    dvc("commit", "-q", "-f", pointer)
    assert json.loads(dvc("status", "--json", pointer)) == {}
    assert yaml.safe_load(Path(pointer).read_text())["outs"] == before["outs"]
    Path("data/points/parts/b.csv").write_text("6\n")
    assert json.loads(dvc("status", "--json", pointer))[pointer] == [{"changed outs": {paths[1]: "modified"}}]


@pytest.mark.slow
def test_dvc_runs_each_stage_once_and_then_agrees_that_nothing_has_changed(
    lines: Any, dvc: Callable[..., str], git: Callable[..., str], repro: Any
) -> None:
    repro("dvc", lines.name, "--write")
    place = f"dvc/{lines.name}/dvc.yaml"
    assert len(json.loads(dvc("status", "--json", place))) == 4
    git("add", "-A")
    git("commit", "-qm", "the files of DVC")
    dvc("repro", "-q", place)
    assert {path.name for path in lines.records.glob("*-seed*.json")} == {
        f"{name}.json" for name in ("line-seed0", "line-seed1", "smoke-seed0")
    }
    assert json.loads(dvc("status", "--json", place)) == {}
    shown = json.loads(dvc("metrics", "show", "--json"))
    assert "line-seed1" in json.dumps(shown)
    kept = (lines.records / "line-seed0.json").read_bytes()
    with (lines.folder / "model.py").open("a") as file:
        file.write("# a comment\n")
    git("commit", "-qam", "a comment")
    assert len(json.loads(dvc("status", "--json", place))) >= 3
    dvc("repro", "-q", place)  # the records are still valid, so no run starts
    assert (lines.records / "line-seed0.json").read_bytes() == kept
    assert json.loads(dvc("status", "--json", place)) == {}
