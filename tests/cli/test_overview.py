"""The help fits a screen and has every command; completion and doctor; explain and smoke."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from repro import cli, config
from repro.cli import doctor, overview
from repro.config import syntax


def test_the_help_fits_a_screen_and_has_each_command_once(repro: Any) -> None:
    code, out, err = repro("--help")
    lines = out.splitlines()
    assert (code, err) == (0, "") and len(lines) <= 40 and max(map(len, lines)) <= 80
    words = [line[11:].split()[0] for line in lines if line.startswith("  ")]
    assert sorted(words) == sorted(cli._parser().commands.choices)
    assert {name for names in overview.GROUPS.values() for name in names} == set(words), "each is in a group"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_completion_is_a_script_of_the_shell_with_every_command(repro: Any, tmp_path: Path, shell: str) -> None:
    pytest.importorskip("shtab")
    code, out, _ = repro("completion", shell)
    assert code == 0 and all(name in out for name in cli._parser().commands.choices)
    if shutil.which(shell):
        (tmp_path / "script").write_text(out)
        assert subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True).returncode == 0


def test_bash_completes_papers_and_configs(paper: Any, repro: Any) -> None:
    pytest.importorskip("shtab")
    script = repro("completion", "bash")[1]
    ask = f"\n{overview.PAPERS} cop; {overview.CONFIGS} {paper.name}/l"
    done = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, cwd=paper.folder.parents[1])
    assert done.stdout.split() == [paper.name, f"{paper.name}/line"]


def test_the_doctor_reports_each_thing_and_fails_if_something_needed_is_missing(
    paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, out, _ = repro("doctor", "--json")
    rows = json.loads(out)
    assert {"python", "packages", "gpus", "git", "tmux", "slurm", "runs", "data"} <= {row["name"] for row in rows}
    assert code == int(any(row["ok"] is False for row in rows)) and all(row["says"] for row in rows)
    monkeypatch.setenv("PATH", str(tmp_path))
    states = {found.name: found.ok for found in doctor.findings()}
    assert (states["git"], states["tmux"], states["slurm"], states["gpus"]) == (False, None, None, None)
    assert repro("doctor")[0] == 1
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path / "nowhere"))
    assert {found.name: found.ok for found in doctor.findings()}["data"] is False


def test_a_value_is_explained_by_the_line_that_sets_it(paper: Any, repro: Any) -> None:
    code, out, err = repro("explain", f"{paper.name}/ten_steps_fast", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert (code, err) == (0, "")
    for row in (row for row in rows.values() if row["place"]):
        file, _, line = row["place"].rpartition(":")
        (found,) = syntax.read(Path(file).read_text().splitlines()[int(line) - 1])[1]
        assert row["name"].endswith(found.selector.rpartition(".")[2] + "." + found.parameter), "the line sets it"
        assert eval_or_text(row["value"]) == eval_or_text(found.written)
    steps, rate = rows["trainers.Supervised.steps"], rows["torch.optim.SGD.lr"]
    assert [value for _, value in steps["overridden"]] == ["200"] and steps["value"] == "10"
    assert rate["value"] == "0.6" and rate["default"] == "0.001" and [v for _, v in rate["overridden"]] == ["0.3"]
    assert not rows["torch.optim.SGD.momentum"]["place"]
    bound = {row.name for row in syntax.read(config.read(paper.folder / "configs/ten_steps_fast.gin").text)[1]}
    assert {name for name, row in rows.items() if row["place"]} == bound


def eval_or_text(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_set_is_explained_too_and_a_wrong_value_is_one_line(paper: Any, repro: Any, refused: Any) -> None:
    out = repro("explain", f"{paper.name}/line", "--set", "models.Line.slope = False", "--json")[1]
    (row,) = [row for row in json.loads(out) if row["name"] == "models.Line.slope"]
    assert (row["value"], row["default"]) == ("False", "True") and row["place"].startswith("--set")
    assert "did you mean 'slope'" in refused("explain", f"{paper.name}/line", "--set", "models.Line.slop = False")


def test_smoke_writes_into_runs_and_compares(paper: Any, repro: Any, git: Any) -> None:
    code, out, err = repro("smoke", paper.name)
    record = f"papers/{paper.name}/records/smoke-seed0.json"
    assert code == 0 and out.startswith("runs/") and not Path(record).exists() and record in err
    assert repro("run", f"{paper.name}/smoke")[1] == f"{record}\n"
    before = Path(record).read_bytes()
    code, out, err = repro("smoke", paper.name)
    assert code == 0 and out.startswith("runs/") and Path(record).read_bytes() == before
    assert "bit-identical" in err and record in err
    loss = paper.folder / "loss.py"
    loss.write_text(loss.read_text().replace(".mean()", ".mean() * 2"))
    git("add", "-A"), git("commit", "-qm", "another loss")
    code, out, err = repro("run", f"{paper.name}/smoke", "--no-publish")
    assert code == 0 and Path(record).read_bytes() == before, "a stale record is not replaced either"


def test_an_unknown_paper_has_no_smoke_config(refused: Any) -> None:
    assert "did you mean 'template'" in refused("smoke", "templat")
