"""The dependency check (`repro rot`): its outcomes, the files that it stores, and wrong input."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from repro import cli
from repro.record import machine
from repro.rerun import rot
from repro.rerun.rot import Trial
from tests.conftest import CopiedPaper

ROOT = Path(__file__).parents[2]
TRIAL = Trial("locked", "2026-01-02", "2026-01-02", "runs", "3.11.7", {"torch": "2.13.0"})
CLAIM = """
[[claim]]
id = "smoke"
says = "The smoke config is claimed too"
where = "Table 1"
config = "configs/smoke.gin"
metric = "SquaredError"
below = 100.0
"""
PART = """
from papers.{name}.dataset import NoisyLine
from repro.registry import DATASETS

@DATASETS.register
class Odd{name}(NoisyLine):
    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.act()

    def act(self) -> None:
        {body}
"""


@pytest.fixture(autouse=True)
def pins(tmp_path: Path, paper: CopiedPaper) -> None:
    """A `constraints.txt` that pins one installed and one missing package."""
    text = f"# why\nnumpy=={importlib.metadata.version('numpy')}\nno-such-package==1.0\n"
    (tmp_path / "constraints.txt").write_text(text)


def odd(paper: CopiedPaper, body: str) -> Path:
    """Make the smoke config build a dataset that executes `body`; returns its path."""
    module = paper.module("odd", PART.format(name=paper.name, body=body))
    smoke = paper.folder / "configs" / "smoke.gin"
    train = f"experiment.train = @datasets.Odd{paper.name}()\ndatasets.Odd{paper.name}.size = 100\n"
    smoke.write_text(f"import {module}\n{smoke.read_text()}{train}")
    return smoke


def kept(paper: CopiedPaper, stack: str = "locked") -> Trial:
    trial = rot.read(paper.folder, stack)
    assert trial is not None
    return trial


@pytest.mark.slow
def test_a_paper_that_runs(paper: CopiedPaper, repro: Any, tmp_path: Path) -> None:
    """Its records do not change, even if a claim uses the smoke config. The only new file is the result."""
    paper.toml((paper.folder / "paper.toml").read_text() + CLAIM)
    before = {path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts}
    assert repro("rot", paper.name)[:2] == (0, f"{paper.name} runs\n")
    after = {path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts}
    assert after - before == {
        paper.folder / "records/dependency_checks",
        paper.folder / "records/dependency_checks" / "locked.json",
    }
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    found = kept(paper)
    assert (found.outcome, found.said, found.date, found.since) == ("runs", "", today, today)
    assert found.packages == machine.packages() and found.python.startswith("3.")


def test_a_paper_that_fails_is_told_in_a_clean_line(paper: CopiedPaper, repro: Any) -> None:
    said = "cannot load /opt/a/lib/libx.so, see https://example.org/x/y; \\x1b[31m3/4\\x1b[0m " + "long " * 100
    odd(paper, f"raise OSError(__file__ + ': {said}')")
    code, out, _ = repro("rot", "--stack", "latest", paper.name)
    found = kept(paper, "latest")
    assert (code, found.outcome) == (1, "fails") and out == f"{paper.name} fails: {found.said}\n"
    assert f"OSError: papers/{paper.name}/odd.py: cannot load " in found.said
    assert "libx.so, see https://example.org/x/y; 3/4 long" in found.said
    assert "/opt" not in found.said and "/lib/" not in found.said and str(Path.cwd()) not in found.said
    assert rot.LONGEST - 5 < len(found.said) <= rot.LONGEST and found.said.endswith("…") and found.said.isprintable()
    assert "locked" not in {trial.stack for trial in rot.of_paper(paper.folder)}


@pytest.mark.parametrize("name", ["wsj0-2mix", pytest.param("own", marks=pytest.mark.slow)])
def test_a_paper_whose_data_is_not_here_was_not_run(
    paper: CopiedPaper, repro: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    odd(paper, f"__import__('repro.data.store').data.store.folder('{name}')")
    code, out, _ = repro("rot", paper.name)
    assert (code, kept(paper).outcome) == (0, "not run")
    assert out.startswith(f"{paper.name} not run: ") and f"data has no {name}" in out


@pytest.mark.slow
def test_a_mirror_that_is_named_from_here_is_found(paper: CopiedPaper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_MIRROR", "mirror")
    Path("mirror/own").mkdir(parents=True)
    smoke = odd(paper, "__import__('repro.data.store').data.store.folder('own')")
    assert rot.attempt(smoke, 120) == ("runs", "")


@pytest.mark.slow
def test_a_run_that_hangs_is_cut_off_with_what_it_started(paper: CopiedPaper, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    sleep = (
        f"open({str(pid)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid)); subprocess.run(['sleep', '600'])"
    )
    smoke = paper.folder / "configs" / "smoke.gin"
    module = paper.module("hangs", f"import subprocess\n{sleep}\n")
    smoke.write_text(f"import {module}\n{smoke.read_text()}")
    assert rot.attempt(smoke, 5) == ("fails", "did not finish within 5 s and was stopped")
    child = Path(f"/proc/{pid.read_text()}")
    for _ in range(100):
        if not child.exists() or "Z" in (child / "stat").read_text().rpartition(")")[2].split()[0]:
            return
        time.sleep(0.05)
    pytest.fail("a process that the run started is still there")


def test_a_run_that_is_killed_says_by_what(paper: CopiedPaper) -> None:
    module = paper.module("killed", "import os\nos.kill(os.getpid(), 11)\n")
    smoke = paper.folder / "configs" / "smoke.gin"
    smoke.write_text(f"import {module}\n{smoke.read_text()}")
    assert rot.attempt(smoke, 120) == ("fails", "was killed by SIGSEGV")


def test_a_row_of_tries_that_come_out_the_same_keeps_its_first_day(
    paper: CopiedPaper, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check without its data does not replace an earlier result."""
    days = [("fails", "2026-01-01"), ("fails", "2026-01-01"), ("runs", "2026-01-03"), ("not run", "2026-01-03")]
    for day, (outcome, since) in enumerate(days, 1):
        monkeypatch.setattr(rot, "today", lambda day=day: datetime.date(2026, 1, day))
        monkeypatch.setattr(rot, "attempt", lambda smoke, limit, outcome=outcome: (outcome, ""))
        assert repro("rot", paper.name)[0] == (outcome == "fails")
        found = kept(paper)
        assert (found.since, found.date) == (since, f"2026-01-0{min(day, 3)}")
    assert kept(paper).outcome == "runs"


ROW = {key: value for key, value in vars(TRIAL).items() if key != "stack"}


@pytest.mark.parametrize(("text", "said"), [
    ("", ": not a result of `repro rot`: the file is empty"), ("[" * 10_000, ": not a result of `repro rot`"),
    ("[]", "expected an object"), ('{"date": "2026-01-02"', "not a result"), ("\udcff", "not a result"),
    (json.dumps({**ROW, "outcome": "run"}), " 'outcome' is 'run'; expected one of 'runs', 'fails', 'not run'"),
    (json.dumps({**ROW, "date": "yesterday"}, indent=1), " 'date' is 'yesterday'; expected a date such as 2026"),
    (json.dumps({**ROW, "packages": {"torch": 2}}), "'packages.torch' is 2; expected a string"),
    (json.dumps({**ROW, "sad": ""}), "unknown key 'sad'; did you mean 'said'?"), ("{}", "missing key 'date'"),
])  # fmt: skip
def test_a_broken_file_is_one_line_before_anything_runs(
    paper: CopiedPaper, refused: Callable[..., str], text: str, said: str
) -> None:
    path = rot.write(paper.folder, TRIAL)
    path.write_bytes(text.encode(errors="surrogateescape"))
    line = refused("rot", paper.name)
    assert line.startswith(f"papers/{paper.name}/records/dependency_checks/locked.json:") and said in line


def test_what_is_written_is_read_again_and_has_a_line_per_key(paper: CopiedPaper) -> None:
    path = rot.write(paper.folder, TRIAL)
    assert kept(paper) == TRIAL and path.stat().st_mode & 0o777 == 0o644
    lines = path.read_text().splitlines()
    assert lines == sorted(lines, key=lambda line: (line == "}", line != "{", line)) and len(lines) == 8
    assert os.listdir(path.parent) == ["locked.json"]


@pytest.mark.parametrize(("text", "line"), [
    ("# pins\nnumpy==0.0.1\n", "constraints.txt:2: numpy {} is installed, not 0.0.1; expected an environment of"),
    (None, "no constraints.txt here; expected the root of the repository as the working directory"),
])  # fmt: skip
def test_locked_is_what_the_pins_say(refused: Any, text: str | None, line: str) -> None:
    Path("constraints.txt").unlink()
    if text:
        Path("constraints.txt").write_text(text)
    assert refused("rot", "template").startswith(line.format(importlib.metadata.version("numpy")))


def test_unknown_papers_and_stacks_are_refused(refused: Any) -> None:
    assert "did you mean 'template'" in refused("rot", "templat")
    assert "did you mean 'latest'" in refused("rot", "--stack", "lates")


def test_the_guide_types_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the guide parse; the artifact that it downloads contains the results of both stacks."""
    guide = (ROOT / "docs/guide/rot.md").read_text(encoding="utf-8")
    typed = re.findall(r"(?m)^\$ repro (.+)$", guide)
    monkeypatch.setattr(rot, "turn", lambda stack, names: iter(()))
    assert len(typed) == 2 and [cli.main(words.split()) for words in typed] == [0, 0]
    uploads = {
        step["with"]["name"]: step["with"]["path"] for step in steps() if "upload-artifact" in step.get("uses", "")
    }
    assert "gh run download -n rot -D papers" in guide and uploads["rot"] == "papers/*/records/dependency_checks/*.json"
    assert "make venv PINS=\n" in guide and "PINS ?= -c constraints.txt" in (ROOT / "Makefile").read_text()


def steps() -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load((ROOT / ".github/workflows/weekly.yml").read_text())["jobs"].values():
        yield from job["steps"]


def test_the_weekly_job_tries_every_stack_and_can_write_nothing() -> None:
    found = yaml.safe_load((ROOT / ".github/workflows/weekly.yml").read_text())
    rows = found["jobs"]["rot"]["strategy"]["matrix"]["include"]
    assert [row["stack"] for row in rows] == list(rot.STACKS)
    assert found["permissions"] == {"contents": "read"} and "secrets." not in str(found)
    for step in steps():
        used = step.get("uses", f"a@{'0' * 40}")
        assert re.search(r"@[0-9a-f]{40}$", used), used
        assert "checkout" not in used or step["with"]["persist-credentials"] is False
