"""The log of a run: for a person, for a program, and without a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

TALKATIVE = """
import logging, os
from repro.registry import TRAINERS

@TRAINERS.register
class Talkative:
    '''Says much, the value of a secret too, and fails.'''
    def fit(self, model, loss, train, valid, folder, order_seed):
        for number in range(80):
            logging.getLogger("repro").info("line %d", number)
        logging.getLogger("repro").info("the key is %s", os.environ["HUB_TOKEN"])
        raise RuntimeError("no entry for " + os.environ["HUB_TOKEN"])
"""
SECRET = "s3cr3t-value-of-a-token"


@pytest.fixture
def failed(paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """The folder of a run that failed, and what stderr showed."""
    monkeypatch.setenv("HUB_TOKEN", SECRET)
    imports = f"import {paper.module('talkative', TALKATIVE)}\n"
    config = paper.config("talks", f"{imports}experiment.trainer = @trainers.Talkative()\n")
    text = (paper.folder / "configs" / "smoke.gin").read_text()
    assert text
    lines = (paper.folder / "configs" / "base.gin").read_text().splitlines()
    kept = [line for line in lines if "Supervised" not in line and "torch.optim" not in line]
    (paper.folder / "configs" / "talks.gin").write_text(
        "\n".join([*kept, imports, "experiment.trainer = @trainers.Talkative()", ""])
    )
    code, out, err = repro("run", config)
    assert (code, out) == (1, "")
    (folder,) = Path("runs", paper.name, "talks").glob("*-seed0")
    return folder, err


def test_the_last_fifty_lines_are_shown_when_a_run_fails(failed: tuple[Path, str]) -> None:
    folder, err = failed
    whole = (folder / "run.log").read_text().splitlines()
    shown = [line.removeprefix("    ") for line in err.partition("the last 50 lines of")[2].splitlines()[1:51]]
    assert shown == whole[-50:] and "Traceback" in "\n".join(shown)
    assert "line 79" in shown[-10] or any("line 79" in line for line in shown)
    assert len(err.splitlines()) < 80 + 60, "and nothing is said twice but the end"


def test_how_the_run_ended_is_in_its_run_json(failed: tuple[Path, str]) -> None:
    assert json.loads((failed[0] / "run.json").read_text())["outcome"] == "failed"


def test_no_secret_is_written(failed: tuple[Path, str]) -> None:
    for path in failed[0].rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    assert "the key is [HUB_TOKEN]" in (failed[0] / "run.log").read_text()


def test_a_config_that_holds_a_secret_is_refused(paper: Any, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0.123456789")
    config = paper.config("leaks", "torch.optim.SGD.lr = 0.123456789\n")
    assert "leaks.gin:2: contains the value of WANDB_API_KEY: a record would publish it" in refused("run", config)
    assert not Path("runs").exists()


def test_a_record_keeps_no_variable_of_the_environment(paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_VARIABLE", "a-value-that-stands-out")
    repro("run", f"papers/{paper.name}/configs/smoke.gin")
    for path in [*paper.records.rglob("*.json"), *Path("runs").rglob("*.json*")]:
        assert "a-value-that-stands-out" not in path.read_text(), path
