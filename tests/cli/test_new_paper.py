"""`repro new`: the copied paper runs, its tests pass, it gets verdicts, and its names differ from the template's."""

from __future__ import annotations

import ast
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro import config, record, registry, run, verdict
from repro.claim import paper
from repro.cli import new_paper
from repro.data import catalogue, store
from repro.errors import BadInput
from repro.testing import contract

TEMPLATE = paper.find("template").folder


def test_a_new_paper_runs_and_is_judged(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "repro.record.as_committed._core_top", lambda top: None
    )  # the repository of the core may have uncommitted changes
    new_paper.new("first_try")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "a paper")):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], check=True)
    one = paper.find("first_try")
    for config_name, seed in sorted({(config_name, seed) for _, config_name, seed in one.runs}):
        run.run(one.folder / config_name, seed)
    ours, theirs = (
        {v.claim.id: v.outcome for v in verdict.judge_all(found.claims, record.of_paper(found.folder))}
        for found in (one, paper.find("template"))
    )
    assert ours == theirs and {"reproduced", "not reproduced"} == set(ours.values())


SLOW = [
    *(("training", on) for on in ("mnist", "imdb", "fsdd", "librispeech_8k")),
    *(("statistics", ""), ("benchmark", "fashion_mnist")),
]
MARKED = [pytest.param(*one, marks=pytest.mark.slow) for one in SLOW]


@pytest.mark.parametrize(
    ("kind", "on"),
    [pytest.param("training", "", marks=pytest.mark.slow), *MARKED],
)
def test_the_tests_of_a_new_paper_pass(here: Path, kind: str, on: str) -> None:
    new_paper.new("second_try", kind, on)
    environment = {**os.environ, "PYTHONPATH": str(here)}
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "papers/second_try"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "passed" in done.stdout, done.stdout


@pytest.mark.parametrize(("kind", "on"), [("training", ""), *SLOW])
def test_a_new_paper_keeps_the_contract(here: Path, kind: str, on: str) -> None:
    new_paper.new("fresh_try", kind, on)
    assert list(contract.faults(here / "papers" / "fresh_try")) == []


@pytest.mark.parametrize(("kind", "on"), [("training", ""), *SLOW])
def test_nothing_keeps_the_name_of_the_template(here: Path, kind: str, on: str) -> None:
    new_paper.new("third_try", kind, on)
    folder = here / "papers" / "third_try"
    source = new_paper.template(kind, on)[0]
    ours = {part.name for part in registry.declared(folder, "papers.third_try")}
    theirs = {part.name for part in registry.declared(source, "source")}
    assert ours == {f"ThirdTry{name}" for name in theirs}
    modules = {module for path in folder.glob("configs/*.gin") for module, _ in config.read(path).modules}
    assert all(module.startswith(("repro.", "papers.third_try.")) for module in modules)
    texts = [path.read_text() for path in folder.rglob("*") if path.suffix in new_paper.TEXTS]
    assert not [text for text in texts if "kinds" in text or "papers/template" in text or "papers.template" in text]
    assert list((folder / "records").iterdir()) == [] and not (folder / "records/dependency_checks").exists()


@pytest.mark.parametrize("on", ["mnist", "imdb", "fsdd"])
def test_the_smoke_config_of_a_new_paper_needs_no_data(here: Path, monkeypatch: pytest.MonkeyPatch, on: str) -> None:
    monkeypatch.setenv(store.DATA, str(here / "none"))
    monkeypatch.delenv(store.MIRROR, raising=False)
    new_paper.new(f"try_{on}", on=on)
    monkeypatch.setattr("repro.record.as_committed._core_top", lambda top: None)
    found, _ = run.run(here / f"papers/try_{on}/configs/smoke.gin", 0)
    assert len(found.measurements) == 2 and all(math.isfinite(one.mean) for one in found.measurements)


@pytest.mark.parametrize("on", ["mnist", "fashion_mnist", "imdb", "fsdd", "librispeech_8k"])
def test_a_new_paper_names_the_data_that_was_asked_for(here: Path, on: str) -> None:
    """The config asks for both variants, and passes each argument that the catalogue has for them."""
    new_paper.new("asked", on=on)
    text = config.read(here / "papers/asked/configs/base.gin").text
    known, data = config.values(text), catalogue.find(on)
    reader = data.reader.partition(":")[2]
    for role in ("train", "test"):
        assert f"{on}/{role}" in text
        for key, value in data.variants[role].arguments.items():
            given = [known.get(f"{scope}datasets.{reader}.{key}") for scope in (f"{role}/", "")]
            assert value in given, (role, key)
    files = [path for path in here.rglob("*") if path.suffix in new_paper.TEXTS]
    others = {"mnist", "imdb", "fsdd"} - {on}
    assert not [path for path in files for other in others if re.search(rf"\b{other}/", path.read_text())]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Bad-Name", "'Bad-Name' cannot be the name of a paper; expected a name such as my_paper: lower-case letters"),
        ("template_", "would have the same names as those of 'template': Template"),
        ("class", "'class' cannot be the name of a paper"),
        ("template", "there is already a paper 'template'"),
    ],
)
def test_a_bad_name_is_refused(here: Path, name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        new_paper.new(name)
    assert list((here / "papers").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("--on", "mnsit"), "mnist"),
        (("--on", "librispeech"), ""),
        (("--kind", "benchmark", "--on", "imdb"), ""),
        (("--kind", "statistics", "--on", "mnist"), ""),
        (("--kind", "statistic"), "statistics"),
        (("--on", ""), None),
    ],
)
def test_what_no_template_does_is_refused(here: Path, repro: Any, words: tuple[str, ...], nearest: str | None) -> None:
    code, _, err = repro("new", "any", *words)
    assert code == (2 if nearest is not None else 0)
    assert f"did you mean '{nearest}'" in err if nearest else "did you mean" not in err
    assert bool(list((here / "papers").iterdir())) == (nearest is None)


@pytest.mark.parametrize("failing", ["_rename", "_cite"])
def test_what_fails_half_way_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(new_paper, failing, fail)
    with pytest.raises(OSError, match="disk is full"):
        new_paper.new("any")
    assert list((here / "papers").iterdir()) == []


def test_a_file_of_that_name_is_refused(here: Path) -> None:
    (here / "papers" / "any").write_text("")
    with pytest.raises(BadInput, match="not a paper"):
        new_paper.new("any")
    assert (here / "papers" / "any").read_text() == ""


def test_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="no folder papers/ here"):
        new_paper.new("any")


def test_a_model_and_a_loss_of_ones_own_take_forty_lines() -> None:
    """A group's first claim needs a model, a loss, one config and one claim. Docstrings are not counted."""
    code = sum(statements(TEMPLATE / name) for name in ("model.py", "loss.py"))
    texts = [
        (TEMPLATE / "configs" / "mean.gin").read_text(),
        (TEMPLATE / "paper.toml").read_text().split("[[claim]]")[1],
    ]
    lines = [line for text in texts for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert code + len(lines) <= 40


def statements(path: Path) -> int:
    """The number of lines of code, without docstrings, comments and empty lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[:] = body[1:] or [ast.Pass()]
    return len([line for line in ast.unparse(tree).splitlines() if line.strip()])


def test_a_config_is_shown_with_its_claims(here: Path, repro: Any) -> None:
    new_paper.new("shown")
    code, out, _ = repro("show", "papers/shown/configs/mean.gin")
    assert code == 0 and [line for line in out.splitlines() if line.startswith("# claim fit.beats-mean: ")]
    assert "# claim fit.error: " not in out, "that claim is about another config"
