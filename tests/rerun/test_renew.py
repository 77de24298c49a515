"""`repro renew`: a record is renewed if changed code gives bit-identical numbers, else it stays stale."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import config, record
from repro.errors import BadInput
from repro.record import code_digest, renewal
from repro.rerun import renew

CONFIG = "ten_steps"


def stale(paper: Any) -> str:
    (found,) = record.of_paper(paper.folder)
    return found.stale


def change(paper: Any, before: str, after: str) -> None:
    path = paper.folder / "loss.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.fixture
def recorded(paper: Any, git: Any, repro: Any) -> Any:
    """A paper with a record from a clean commit."""
    assert repro("run", f"papers/{paper.name}/configs/{CONFIG}.gin")[0] == 0
    return paper


@pytest.mark.slow
def test_a_change_that_moves_no_number_is_found_to_and_the_record_counts_again(recorded: Any, repro: Any) -> None:
    change(recorded, "return", "unused = 0\n        return")
    assert stale(recorded) == f"changed since the record: papers.{recorded.name}.loss"
    code, out, _ = repro("renew", recorded.name)
    assert code == 0 and f"(papers.{recorded.name}.loss): bit-identical over the whole run" in out, out
    (found,) = record.of_paper(recorded.folder)
    assert not found.stale and "bit-identical over the whole run" in found.renewed
    change(recorded, "unused = 0", "return 2 * super().forward(output, target) if False else 0\n        unused = 1")
    assert stale(recorded), "another change needs another renewal"


def test_code_with_the_same_syntax_tree_is_renewed_without_a_run(recorded: Any, repro: Any) -> None:
    change(recorded, "def forward(self, output: torch.Tensor", "def forward(self, output: 'a prediction'")
    assert stale(recorded) == f"changed since the record: papers.{recorded.name}.loss"
    code, out, _ = repro("renew", recorded.name)
    (row,) = renewal.read(recorded.folder)
    assert code == 0 and row.same_code and "the same syntax trees" in out and not stale(recorded)
    change(recorded, "return ", "return 2 * ")
    changed = renewal.difference(
        record.of_paper(recorded.folder)[0].code,
        code_digest.code(config.read(recorded.folder / "configs" / f"{CONFIG}.gin")),
    )
    renewal.store([replace(row, changed=changed)], recorded.folder)
    assert not stale(recorded), "a row written by hand"
    code, out, _ = repro("verdict", recorded.name, "--check")
    assert code == 1 and "has other syntax trees" in out


@pytest.mark.slow
def test_a_row_that_does_not_hold_is_found_and_goes(recorded: Any, repro: Any) -> None:
    change(recorded, "return ", "return 1.0001 * ")
    (found,) = record.of_paper(recorded.folder)
    changed = renewal.difference(
        found.code, code_digest.code(config.read(recorded.folder / "configs" / f"{CONFIG}.gin"))
    )
    row = renewal.Renewal(CONFIG, changed, found.source["commit"], 0, "a processor", "2026-01-02")
    renewal.store([row], recorded.folder)
    assert not stale(recorded), "a row written by hand renews the record"
    assert repro("renew", recorded.name)[0] == 1 and renewal.read(recorded.folder) == [] and stale(recorded)


def test_a_row_stays_if_the_runs_cannot_be_made(recorded: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    change(recorded, "def forward(self, output: torch.Tensor", "def forward(self, output: 'a prediction'")
    assert repro("renew", recorded.name)[0] == 0
    rows = renewal.read(recorded.folder)

    def fails(*_: Any) -> renewal.Renewal:
        raise BadInput("the old code needs another package")

    monkeypatch.setattr(renew, "measured", fails)
    code, out, _ = repro("renew", recorded.name)
    assert code == 1 and "another package" in out
    assert len(rows) == 1 and renewal.read(recorded.folder) == rows and not stale(recorded)


TRAINER = """
from torch.optim.lr_scheduler import LambdaLR
from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised

def factor(step):
    return 1.0

@TRAINERS.register
class Scheduled(Supervised):
    def __init__(self, **bindings):
        super().__init__(**bindings)
        self.schedule = lambda optimizer: LambdaLR(optimizer, factor)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "found"), [(20, "over the first 50 steps"), (280, "over the last 50 steps"), (150, "")]
)
def test_of_a_long_run_both_ends_are_compared(
    paper: Any, git: Any, repro: Any, monkeypatch: pytest.MonkeyPatch, step: int, found: str
) -> None:
    """A change that acts at one step of 300. In the middle it is not found, and the row says what was compared."""
    monkeypatch.setattr("repro.rerun.renew.WHOLE", 0.0)
    module = paper.module("trainer", TRAINER)
    text = (paper.folder / "configs" / "base.gin").read_text().replace("trainers.Supervised", "trainers.Scheduled")
    paper.config("long", f"import {module}\n{text}trainers.Scheduled.steps = 300\n", base="")
    core = Path("repro")  # with code that can resume a run; the commit is searched for it
    shutil.copytree(code_digest.REPRO, core, ignore=shutil.ignore_patterns("__pycache__"))
    git("add", "-A")
    git("commit", "-qm", "a long config")
    shutil.rmtree(core)  # because the core of another checkout is refused
    assert repro("run", f"papers/{paper.name}/configs/long.gin")[0] == 0
    path = paper.records / "long-seed0.json"
    path.write_text(
        path.read_text().replace('"dirty": true', '"dirty": false')
    )  # dirty only because the core was removed
    (paper.folder / "trainer.py").write_text(TRAINER.replace("return 1.0", f"return 1.5 if step == {step} else 1.0"))
    code, out, _ = repro("renew", paper.name)
    assert (code, found in out) == (int(bool(found)), True), out
    if not found:
        assert "bit-identical over the first 50 and the last 50 steps" in out


@pytest.mark.slow
def test_a_change_that_moves_a_number_is_found_to_and_the_record_stays_stale(recorded: Any, repro: Any) -> None:
    change(recorded, "return ", "return 1.0001 * ")
    code, out, _ = repro("renew", recorded.name)
    assert code == 1 and f"{CONFIG}-seed0: differs test, SquaredError" in out, out
    assert stale(recorded) and not renewal.read(recorded.folder)


@pytest.mark.slow
def test_code_that_fails_renews_nothing(recorded: Any, repro: Any) -> None:
    change(recorded, "return ", "raise RuntimeError('no luck')\n        return ")
    code, out, _ = repro("renew", recorded.name)
    assert code == 1 and "RuntimeError: no luck" in out and stale(recorded)


def test_another_config_is_not_renewed_whatever_its_code(recorded: Any, repro: Any) -> None:
    recorded.config(CONFIG, (recorded.folder / "configs" / f"{CONFIG}.gin").read_text() + "STEPS = 3\n", base="")
    change(recorded, "return", "unused = 0\n        return")
    code, out, err = repro("renew", recorded.name)
    assert (code, out) == (0, "") and "no record is stale only because its code changed" in err


def test_a_renewal_covers_its_changes_and_no_others(paper: Any) -> None:
    one = renewal.Renewal("line", {"a": ["1", "2"], "b": [None, "3"]}, "0" * 40, 50, "a processor", "2026-01-02")
    renewal.store([one], paper.folder)
    (found,) = renewal.read(paper.folder)
    assert found == one
    changed = renewal.difference({"a": "1", "c": "9"}, {"a": "2", "b": "3", "c": "9"})
    assert renewal.find([one], "line", changed) == one
    for name, other in (("mean", changed), ("line", changed | {"c": ["9", "8"]}), ("line", {"a": ["1", "2"]})):
        assert renewal.find([one], name, other) is None


@pytest.mark.parametrize("spoil", [
    lambda text: text[:-3], lambda text: "{}", lambda text: "[1]", lambda text: text.replace("50", '"x"'),
    lambda text: text.replace('["1", "2"]', '["1", 2.5]'), lambda text: "[" * 100_000, lambda text: "\ud800",
])  # fmt: skip
def test_a_file_that_holds_none_is_one_line(paper: Any, spoil: Callable[[str], str]) -> None:
    path = renewal.store([renewal.Renewal("line", {"a": ["1", "2"]}, "0" * 40, 50, "", "")], paper.folder)
    path.write_bytes(spoil(path.read_text()).encode(errors="surrogatepass"))
    with pytest.raises(BadInput, match=r"renewals\.json(:\d+)?: not a list of renewals: "):
        renewal.read(paper.folder)


SWEEP = f"""
[[sweep]]
id = "steps"
config = "configs/{CONFIG}.gin"
metric = "SquaredError"
seeds = 1
[sweep.values]
trainers.Supervised.steps = [5, 6]
"""


def test_a_point_of_a_sweep_is_renewed_by_a_row_of_its_own(recorded: Any, repro: Any, git: Any) -> None:
    """The row of its config does not count for it, nor does that of another point."""
    path = recorded.folder / "paper.toml"
    path.write_text(path.read_text() + SWEEP)
    git("commit", "-qam", "a sweep")
    for command in repro("todo", recorded.name)[1].splitlines():
        if "--set" in command:
            assert repro(*shlex.split(command)[1:])[0] == 0
    points = record.of_points(recorded.folder)
    assert len(points) == 2 and not any(found.stale for found in points)
    change(recorded, "def forward(self, output: torch.Tensor", "def forward(self, output: 'a prediction'")
    assert all(found.stale for found in record.of_points(recorded.folder))
    code, _out, _ = repro("renew", recorded.name)
    rows = renewal.read(recorded.folder)
    assert code == 0 and sorted(row.overrides for row in rows) == [[], *sorted(found.overrides for found in points)]
    assert not stale(recorded) and not any(found.stale for found in record.of_points(recorded.folder))
    renewal.store([row for row in rows if row.overrides != points[0].overrides], recorded.folder)
    assert [bool(found.stale) for found in record.of_points(recorded.folder)] == [True, False]
