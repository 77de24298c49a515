"""`repro review`: what has changed and why, the lottery, the form of a review, and that no code of the paper runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.claim import paper as papers
from repro.errors import BadInput
from repro.record import audit
from repro.report import page
from repro.review import changes, code, coverage, lottery
from repro.testing import contract
from tests.review.conftest import CONFIGS, GROUP, clean, counter, made, sections


def test_a_change_of_numbers_and_one_without_are_not_the_same(recorded: Any, git: Any) -> None:
    one, old = papers.find(recorded.name), git("rev-parse", "HEAD")
    (recorded.folder / "loss.py").write_text((recorded.folder / "loss.py").read_text() + "\nMORE = 1\n")
    record.write(made(recorded, "line"), recorded.records)  # other code, same numbers
    record.write(made(recorded, "mean", mean=0.5), recorded.records)  # other code, other numbers
    (recorded.records / "ten_steps-seed0.json").unlink()
    record.write(made(recorded, "ten_steps", 1), recorded.records)
    with changes.before(one, old) as before:
        lines = list(changes.numbers(before, recorded.folder))
        assert next(changes.files(before, recorded.folder)) == "code: loss.py"
        assert list(changes.numbers(before, before)) == list(changes.claims(before, one)) == []
    (number,) = [line for line in lines if line.startswith("mean-seed0")]
    assert "0.011 -> 0.501" in number and f"papers.{recorded.name}.loss" in number
    (same,) = [line for line in lines if line.endswith(": line-seed0")]
    assert f"papers.{recorded.name}.loss" in same
    assert {"new: ten_steps-seed1", "deleted: ten_steps-seed0"} <= set(lines)
    assert len(lines) == 4


def test_claims_configs_and_verdicts_are_compared(recorded: Any, git: Any) -> None:
    toml = (recorded.folder / "paper.toml").read_text()
    recorded.toml(toml.replace("tolerance = 0.002", "tolerance = 0.02", 1))
    path = recorded.folder / "configs" / "ten_steps.gin"
    path.write_text(path.read_text() + "# a comment\ntrainers.Supervised.steps = 11\n")
    (recorded.folder / "configs" / "mean.gin").write_text(
        (recorded.folder / "configs" / "mean.gin").read_text() + "# a comment\n"
    )
    file = recorded.records / "verdicts.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"fit.error": "not reproduced"}))
    found = sections(recorded, since="HEAD")
    assert found["Claims that changed"].lines == ["fit.error: tolerance 0.002 -> 0.02"]
    (line,) = [one for one in found["Configs that bind other values"].lines if one.startswith("ten_steps:")]
    assert "trainers.Supervised.steps 10 -> 11" in line
    assert f"repro explain {recorded.name}/ten_steps" in found["Configs that bind other values"].commands
    assert not any("mean" in one.partition(":")[0] for one in found["Configs that bind other values"].lines)
    assert [one.partition(":")[0] for one in found["Verdicts that changed"].lines] == ["fit.error"]
    stale = found["Records of older code"].lines
    assert any("ten_steps-seed0" in line for line in stale) and not any("mean-seed0" in line for line in stale)


def test_the_page_runs_no_code_of_the_paper(recorded: Any, repro: Any) -> None:
    for path in recorded.folder.glob("*.py"):
        path.write_text(path.read_text() + "\nopen('ran', 'w').close()\nraise SystemExit(7)\n")
    code_, out, err = repro("review", recorded.name, "--since", "HEAD")
    assert code_ == 0, err
    assert not Path("ran").exists() and "loss.py" in out
    assert repro("review", recorded.name, "--markdown")[1].startswith(f"# Review of {recorded.name}\n")


def test_the_lottery_can_be_repeated_and_leaves_out_what_was_replayed(recorded: Any) -> None:
    for name in CONFIGS:
        for seed in (1, 2):
            record.write(made(recorded, name, seed), recorded.records)

    def drawn() -> list[list[str]]:
        page.forget()
        shown = page.read(recorded.name)
        return [[one.claim for one in lottery.draw(shown, str(seed))] for seed in range(20)]

    first = drawn()
    assert drawn() == first and len({tuple(names) for names in first}) > 1
    assert {name for names in first for name in names} == {"fit.error", "fit.beats-mean", "fit.ten-steps"}
    counter(recorded, "line")  # a replay of one side of the comparison fit.beats-mean
    assert {names[0] for names in drawn()} == {"fit.beats-mean", "fit.ten-steps"}
    counter(recorded, "mean", by=1.0)  # it differs
    assert {names[0] for names in drawn()} == {"fit.beats-mean", "fit.ten-steps"}
    counter(recorded, "mean")
    assert {names[0] for names in drawn()} == {"fit.ten-steps"}


def test_a_file_that_is_not_committed_is_named(recorded: Any, repro: Any, git: Any) -> None:
    assert repro("review", recorded.name, "--write", "--group", GROUP)[2] == ""
    for path in (recorded.folder / "reviews").iterdir():
        path.unlink()
    (recorded.folder / "tips.md").write_text("# Tips\n")
    page.forget()
    code_, out, err = repro("review", recorded.name, "--write", "--group", GROUP)
    assert code_ == 0 and out and f"papers/{recorded.name}/tips.md" in err and err.count("\n") == 1


def test_the_reason_of_a_signature_is_given_once(recorded: Any) -> None:
    counter(recorded, "line")
    (recorded.folder.parent / "allowed_signers").write_text("group-2 ssh-ed25519 AAAA\n")
    (line,) = sections(recorded)["Replays by other groups"].lines
    assert line.count("not signed") == 1


@pytest.mark.parametrize("key", ['group = ""', 'group = "  "', ""])
def test_a_paper_without_the_name_of_its_group_is_one_fault(recorded: Any, repro: Any, key: str) -> None:
    counter(recorded, "line")
    assert repro("review", recorded.name, "--write", "--group", GROUP)[0] == 0
    path = recorded.folder / "paper.toml"
    text = path.read_text()
    path.write_text(re.sub(r"(?m)^group = .*", key, text, count=1))
    line = next(n for n, row in enumerate(text.splitlines(), 1) if row.startswith("group" if key else "[paper]"))
    place = (f"papers/{recorded.name}/paper.toml", line)
    found = [one for one in contract.faults(recorded.folder)
             if (one.file, one.line) == place or "by" in one.says.split()]  # fmt: skip
    assert [(one.check, one.file, one.line) for one in found] == [("basis", f"papers/{recorded.name}/paper.toml", line)]


def test_without_git_the_advice_is_git(recorded: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    record.write(made(recorded, "line"), recorded.records)
    kept = f"papers/{recorded.name}/records/line-seed0.json"
    commands = [("review", recorded.name, "--since", "HEAD"), ("replay", kept, "--commit")]
    commands += [("review", recorded.name, "--write", "--group", GROUP)]
    monkeypatch.setenv("PATH", "")
    for words in commands:
        page.forget()
        code_, _, err = repro(*words)
        (line,) = [line for line in err.splitlines() if line.startswith("repro: ")]
        assert code_ == 2 and "expected git" in line and "unshallow" not in line


def test_the_nearest_branch_is_offered(recorded: Any, git: Any) -> None:
    git("branch", "main-line")
    with pytest.raises(BadInput) as found:
        sections(recorded, since="main-lien")
    assert found.value.nearest == "main-line"


def test_an_empty_commit_is_not_that_of_the_last_review(recorded: Any) -> None:
    with pytest.raises(BadInput):
        sections(recorded, since="")


def test_a_false_counter_record_is_a_fault(recorded: Any) -> None:
    def faults() -> list[str]:
        return [one.file for one in contract.faults(recorded.folder) if one.check == "replays"]

    counter(recorded, "line")
    counter(recorded, "mean", by=1.0)
    assert faults() == [], "a replay that differs is no fault of the folder"
    counter(recorded, "line", group="the repro authors")
    assert faults() == [f"papers/{recorded.name}/records/replays/the-repro-authors/line-seed0.json"]


def test_a_part_without_shape_or_equation_is_named(paper: Any) -> None:
    (paper.folder / "model.py").write_text(
        '"""Two models."""\nfrom repro.registry import MODELS\n\n'
        '@MODELS.register\nclass Told:\n    """Equation 3. Shape: (B, F) to (B,)."""\n\n'
        '@MODELS.register\nclass Silent:\n    """A model."""\n'
    )
    (paper.folder / "report.md").write_text("By Equation (3) and Eq. 4.\n")
    lines = list(code.silent(papers.find(paper.name)))
    assert [line.partition(": ")[0] for line in lines if "model.py" in line] == [f"papers/{paper.name}/model.py:9"]
    assert [line.partition(": ")[2][:10] for line in lines if "report.md" in line] == ["Equation 4"]


@pytest.mark.parametrize(
    "words", [("--write",), ("--group", "a"), ("--since", "nowhere"), ("--write", "--group", "the repro authors")]
)
def test_wrong_input_is_refused(recorded: Any, refused: Any, words: tuple[str, ...]) -> None:
    assert refused("review", recorded.name, *words)
    assert not (recorded.folder / "reviews").exists()


@pytest.mark.slow
def test_the_lines_that_no_test_runs_are_listed(paper: Any) -> None:
    pytest.importorskip("coverage")
    (paper.folder / "tests").mkdir()
    (paper.folder / "extra.py").write_text("def run():\n    return 1\n\n\ndef not_run():\n    x = 2\n    return x\n")
    name = f"papers.{paper.name}.extra"
    (paper.folder / "tests" / "test_a.py").write_text(
        f"from {name} import run\n\ndef test_a():\n    assert run() == 1\n"
    )
    lines = list(coverage.lines(papers.find(paper.name)))
    (line,) = [line for line in lines if line.startswith("extra.py")]
    assert line == "extra.py: 60 % of 5 statements; not run: 6-7"
    assert lines[-1].startswith("tests: 1 passed")


def test_a_replay_is_not_the_first_record_of_a_claim(paper: Any, git: Any) -> None:
    """The claim was changed after the code of its record, but before that of the replay."""
    first = clean(paper)
    toml = (paper.folder / "paper.toml").read_text()
    paper.toml(toml.replace("tolerance = 0.002", "tolerance = 0.02"))
    git("commit", "-qam", "change the claims")
    record.write(made(paper, "ten_steps", source=first), paper.records)
    counter(paper, "ten_steps")
    git("add", "-A")
    git("commit", "-qm", "a record and its replay")
    assert "fit.ten-steps" in (audit.late(papers.find(paper.name)) or {})
