"""`check_paper` and `needs`: each fault is one line, found before anything runs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record, run, testing
from repro.claim.paper import read
from repro.errors import BadInput
from repro.testing import consistency

ROOT = Path(__file__).parents[2]
CAUSE = '\n[[cause]]\nclaims = ["fit.ten-steps"]\nsays = "so"\nconfig = "configs/two.gin"\n'


def test_a_good_paper_has_no_fault(paper: Any) -> None:
    (paper.folder / "tips.md").write_text("# Tips\n")  # the copied paper has no tests that tips could name
    testing.check_paper(paper.folder)
    testing.check_smoke(paper.folder)


@pytest.mark.parametrize(("name", "text", "words"), [
    ("configs/one.gin", "include 'smoke.gin'\ntrainers.Supervised.stepz = 3\n", ["one.gin:2: ", "mean 'steps'"]),
    ("configs/one.gin", "experiment.examples 3\n", ["configs/one.gin:1: cannot be read as gin"]),
    ("configs/line.gin", "experiment.metrics = []\n", ["configs/line.gin: experiment.test has no value"]),
    ("configs/two.gin", "include 'ten_steps.gin'\ntorch.optim.SGD.lr = 9\ntrainers.Supervised.batch_size = 9\n",
     ["configs/two.gin changes torch.optim.SGD.lr, trainers.Supervised.batch_size of configs/ten_steps.gin"]),
    ("configs/two.gin", "include 'ten_steps.gin'\n", ["changes nothing of configs/ten_steps.gin; expected one"]),
    ("configs/line.gin", "# Section 2: an error of 0.02.\ninclude 'base.gin'\n",
     ["configs/line.gin:1: the header has 0.02; expected 0.01 of its claims"]),
    ("tips.md", "## It is slow\n\n- **Symptom** a\n- **Cause** b\n- **Fix** c\n- **Test** `tests/test_x.py::test_y`\n",
     ["tip 'It is slow' names tests/test_x.py::test_y, which does not exist"]),
    ("tips.md", "## It is slow\n\n- **Symptom** a\n- **Cause** b\n- **Fix** c\n- **Test** later\n",
     ["tip 'It is slow' names no test"]),
    ("paper.toml", "[paper]\ntitel = 'x'\n", ["paper.toml:2: unknown key 'titel'"]),
])  # fmt: skip
def test_a_fault_is_a_line_with_its_place(paper: Any, name: str, text: str, words: list[str]) -> None:
    (paper.folder / "tips.md").write_text("# Tips\n")
    if name.endswith("two.gin"):
        paper.toml((paper.folder / "paper.toml").read_text() + CAUSE)
    (paper.folder / name).write_text(text)
    with pytest.raises(AssertionError) as caught:
        testing.check_paper(paper.folder)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


PAIR = "`papers/{0}/records/{1}.json` and `papers/{0}/records/{2}.json`"


@pytest.mark.parametrize(("evidence", "pattern", "faults"), [
    ("`tests/test_tip.py::test_it`", "loss: rises", 0), ("`tests/test_tip.py`", "loss: rises", 0),
    ("`tests/test_tip.py::test`", "loss: rises", 1),
    ("`tests/test_tip.py::test_gone`, `tests/no.py`", "loss: rises", 2),
    ("none", "loss: rises", 1), ("none yet.", "loss: rises", 1), ("none: it is random", "loss: rises", 0),
    (PAIR.format("{0}", "rising-seed0", "falling-seed0"), "loss: rises", 0),
    (PAIR.format("{0}", "falling-seed0", "rising-seed0"), "loss: rises", 2),
    (PAIR.format("{0}", "rising-seed0", "rising-seed0"), "loss: rises", 1),
    (PAIR.format("{0}", "rising-seed0", "falling-seed0"), "loss: stays at 2.3", 1),
    (PAIR.format("{0}", "rising-seed0", "falling-seed0"), "error: the loss is nan", 0),
    (PAIR.format("{0}", "rising-seed0", "gone-seed0"), "loss: rises", 1),
    ("`papers/{0}/records/rising-seed0.json`", "loss: rises", 1),
    ("none: only `losses.MeanSquare` has it", "loss: rises", 0), ("none: only `losses.MeanSquar`", "loss: rises", 1),
])  # fmt: skip
def test_the_evidence_of_a_tip_exists_and_shows_its_pattern(
    paper: Any, evidence: str, pattern: str, faults: int
) -> None:
    for name, losses in (("rising", [1.0, 2.0, 3.0, 4.0]), ("falling", [4.0, 3.0, 2.0, 1.0])):
        curves = {"train": [[10.0 * step, loss] for step, loss in enumerate(losses, 1)]}
        found = record.Record(paper.name, name, 0, "0" * 64, [], curves=curves)
        record.write(found, paper.records)
    Path("tests").mkdir()
    Path("tests/test_tip.py").write_text("def test_it():\n    assert 1 + 1 == 2\n")
    items = ["**Symptom** a", f"**Pattern** `{pattern}`", "**Cause** b", "**Fix** c", "**Test** " + evidence]
    text = "".join(f"- {item}\n" for item in items).format(paper.name)
    (paper.folder / "tips.md").write_text(f"# Tips\n\n## It rises\n\n{text}")
    places = [fault.where for fault in consistency.advice(read(paper.folder), [])]
    assert places == [f"papers/{paper.name}/tips.md:3"] * faults


def test_every_fault_is_named_at_once(paper: Any) -> None:
    (paper.folder / "tips.md").write_text("# Tips\n")
    for name in ("one", "two"):
        (paper.folder / "configs" / f"{name}.gin").write_text("include 'smoke.gin'\nmodels.Line.slop = False\n")
    found = consistency.faults(paper.folder)
    assert len(found) == 2 and all("did you mean 'slope'" in line for line in found)


def test_records_are_of_configs_as_they_are(paper: Any, repro: Any) -> None:
    (paper.folder / "tips.md").write_text("# Tips\n")
    run = ("run", paper.folder / "configs" / "smoke.gin", "--set", "experiment.examples = 0")
    assert repro(*run)[0] == 0
    (written,) = Path.cwd().glob("runs/**/*-seed0.json")
    target = paper.folder / "records" / "smoke-seed0.json"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(written.read_bytes())
    assert any("made with --set experiment.examples = 0" in line for line in consistency.faults(paper.folder))


@pytest.mark.parametrize(("old", "new"), [
    ("verdicts.json", "records/verdicts.json"), ("certificates/a.json", "records/certificates"),
    ("rot/locked.json", "records/dependency_checks"),
])  # fmt: skip
def test_a_file_in_its_old_place_is_named_with_the_command_that_moves_it(
    paper: Any, git: Any, repro: Any, old: str, new: str
) -> None:
    source = paper.records / "verdicts.json"
    text = source.read_text()
    source.unlink()
    if old != "verdicts.json":
        assert repro("verdict", paper.name, "--write")[0] == 0
    (paper.folder / old).parent.mkdir(exist_ok=True)
    (paper.folder / old).write_text(text)
    git("add", "-A")
    code, _, err = repro("verdict", paper.name, "--check")
    (line,) = [line for line in err.splitlines() if "git mv" in line]
    assert code in (1, 2) and line.removeprefix("repro: ") in consistency.faults(paper.folder)
    git(*line.partition(": git ")[2].split())
    assert (paper.folder / new).exists() and "git mv" not in repro("verdict", paper.name, "--check")[2]


def test_a_part_that_fails_its_check_fails_the_paper(paper: Any) -> None:
    source = paper.folder / "loss.py"
    source.write_text(source.read_text().replace(".mean()", ".mean(0)"))
    with pytest.raises(AssertionError, match="is not a scalar"):
        testing.check_smoke(paper.folder)


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    return tmp_path


def _skipped(*names: str) -> str:
    """The reason why the mark skips the test; "" if it does not."""
    mark = testing.needs(*names).mark
    return mark.kwargs["reason"] if mark.args[0] else ""


def test_missing_data_is_named_with_how_to_get_it(away: Path) -> None:
    assert f"mnist/test is not here ({away / 'data'} has no mnist): repro data get mnist/test" in _skipped("mnist/test")
    assert "REPRO_MIRROR names a folder that contains mnist/" in _skipped("mnist")
    assert "librispeech" in _skipped("mnist", "librispeech") and "mnist is not here" in _skipped("mnist", "librispeech")
    assert "did you mean 'mnist'" in _skipped("mnits"), "an unknown name skips the test; it may be a private data set"
    with pytest.raises(BadInput, match="did you mean 'test'"):
        testing.needs("mnist/tset")


def test_data_that_is_here_skips_nothing(away: Path) -> None:
    (away / "data" / "my_own").mkdir(parents=True)
    assert _skipped("my_own") == ""


def test_a_mirror_that_is_no_folder_skips_with_that_reason(away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_MIRROR", "nowhere")
    assert "REPRO_MIRROR is nowhere, which is not a folder" in _skipped("mnist")


def test_a_marked_test_is_skipped_in_a_papers_own_tests(away: Path) -> None:
    text = "from repro.testing import needs\n@needs('mnist')\ndef test_it(): raise ValueError\n"
    (away / "test_own.py").write_text(text)
    done = _pytest(away, "-rs", "test_own.py")
    assert done.returncode == 0 and "repro data get mnist downloads it" in done.stdout and "1 skipped" in done.stdout


def test_without_the_extra_pytest_says_what_to_install() -> None:
    done = _pytest(ROOT, "-p", "no:timeout", "papers/template")
    last = (done.stdout + done.stderr).strip().splitlines()[-1]
    assert done.returncode == 4 and "pip install -e '.[test]'" in last and "Unknown config option" not in last


def _pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *words], check=False, cwd=folder, env=env, capture_output=True, text=True
    )


PLACES = ("Section 4.2", "Sec. 4.2.1, two", "Sections 4.2 and 5.1", "§4.2", "§ 4.2-4.4", "Table 3.1", "Fig. 2.5",
          "Equation (3.1)", "Appendix B.2.1", "arXiv 1412.6572", "torch 2.13.0")  # fmt: skip


@pytest.mark.parametrize("header", ["0.01", "1 %", "Section 2, two seconds", "0.01, a baseline of 0.3", *PLACES])
def test_a_header_may_state_the_number_of_its_claim_or_none(paper: Any, header: str) -> None:
    one = read(paper.folder)
    (paper.folder / "configs" / "line.gin").write_text(f"# {header}\ninclude 'base.gin'\n")
    assert list(consistency.headers(one, [])) == []


@pytest.mark.parametrize("place", ["", *PLACES])
def test_another_number_is_a_fault_next_to_a_place_too(paper: Any, place: str) -> None:
    (paper.folder / "configs" / "line.gin").write_text(f"# {place}, 0.87 \ninclude 'base.gin'\n")
    (fault,) = consistency.headers(read(paper.folder), [])
    assert fault.where.endswith("configs/line.gin:1") and fault.what.endswith(" 0.87")


def test_a_large_record_with_a_metric_that_nothing_uses_is_named(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paper.config("line", "")
    run.run(Path(f"papers/{paper.name}/configs/line.gin"))
    (paper.folder / "report.md").write_text("")
    monkeypatch.setattr(consistency, "LARGE", 1000)
    one = read(paper.folder)
    mine = record.of_paper(paper.folder)
    assert list(consistency.sizes(one, mine)) == [], "the claim fit.error uses the metric"
    unused = replace(one, claims=[])
    (line,) = map(str, consistency.sizes(unused, mine))
    assert "line-seed0.json" in line and "SquaredError" in line
    (paper.folder / "report.md").write_text("The {record}`line-seed0:test:SquaredError` is shown.")
    assert list(consistency.sizes(unused, mine)) == []
