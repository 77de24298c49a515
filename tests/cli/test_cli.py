"""The command line: stdout, exit codes, lazy imports, and the output of `list` and `show`."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import __version__, cli, registry

HEAVY = ("torch", "nussl", "torchaudio", "matplotlib", "sphinx")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


LOOKING = [
    ["list"], ["list", "models", "--json"], ["status"], ["plan", "template"], ["verdict", "template"],
    ["verdict", "template", "--json"], ["show", "template"], ["show", "template/fit.error"],
    ["check", "template"], ["show", "template/line"],
    ["diff", "papers/template/configs/line.gin", "papers/template/configs/line.gin"],
]  # fmt: skip


@pytest.mark.parametrize("commands", [LOOKING, pytest.param([["todo"]], marks=pytest.mark.slow)])
def test_looking_loads_nothing_heavy(commands: list[list[str]]) -> None:
    """One process for all commands, which says after each what is loaded: the first one with a library is at fault."""
    code = (
        f"import sys\nfrom repro.cli import main\nfor words in {commands}:\n    code = main(words)\n"
        f"    print('LOADED', words, [m for m in {HEAVY} if m in sys.modules], code, file=sys.stderr)"
    )
    said = [line for line in python(code).stderr.splitlines() if line.startswith("LOADED")]
    assert said == [f"LOADED {words} [] 0" for words in commands]


def test_exit_code_and_streams_of_a_process(paper: Any) -> None:
    bad = python("import sys; from repro.cli import main; sys.exit(main(['verdict', 'templat']))")
    assert (bad.returncode, bad.stdout) == (2, "") and bad.stderr.count("\n") == 1
    pipe = "import sys; from repro.cli import main; sys.exit(main(['list', 'models']))"
    closed = subprocess.run(
        f'{sys.executable} -c "{pipe}" | true; exit ${{PIPESTATUS[0]}}',
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert (closed.returncode, closed.stderr) == (0, ""), "a closed pipe is not an error"


@pytest.mark.parametrize(("words", "parts"), [
    (("run", "x.gin", "--seed", "-1"), ["--seed", "'-1'", "a whole number from 0"]),
    (("run", "x.gin", "--seed", "two"), ["--seed", "'two'", "a whole number from 0"]),
    (("run", "x.gin", "--seed", "1.5"), ["--seed", "'1.5'"]),
    (("run",), ["required", "config"]),
    (("verdict",), ["required: paper", "known: ", "autoclip"]),
    (("run", "x.gin", "--sed", "1", "--nonsense"), ["'--sed'", "did you mean '--seed'?"]),
    (("list", "modles"), ["'modles'", "did you mean 'models'?"]),
    (("rum",), ["'rum'", "did you mean 'run'?"]),
    (("run", "x.gin", "--threads", "x"), ["--threads", "'x'", "a whole number from 1"]),
    (("run", "x.gin", "--seeds", "0"), ["--seeds", "'0'", "a whole number from 1"]),
    (("launch", "--seeds", "0"), ["--seeds", "'0'"]),
    (("new", "a_paper", "--group", "two\nlines"), ["--group", "a name on one line"]),
    (("new", "a_paper", "--group", ""), ["--group", "a name on one line"]),
    (("run", "x.gin", "--sedes", "3"), ["'--sedes'", "did you mean '--seeds'?"]),
    (("run", "x.gin", "--sedes=3"), ["'--sedes'", "did you mean '--seeds'?"]),
    (("debug", "--replay", "runs/x"), ["'--replay'", "did you mean '--failed-step'?"]),
    (("data", "list", "--jsno"), ["'--jsno'", "did you mean '--json'?"]),
    (("data", "lits"), ["'lits'", "did you mean 'list'?"]),
    (("todo", "template", "more"), ["'more'"]),
    ((), ["COMMAND"]),
    (("show", "templat"), ["'templat'", "did you mean 'template'"]),
    (("show", "template/fit.eror"), ["no claim 'fit.eror'", "did you mean 'fit.error'"]),
    (("show", "losses.MeanSquar"), ["did you mean 'losses.MeanSquare'"]),
    (("show", "nowhere.gin"), ["no config nowhere.gin"]),
    (("verdict", "templat"), ["no paper 'templat'", "did you mean 'template'"]),
    (("todo", "templat"), ["no paper 'templat'"]),
])  # fmt: skip
def test_a_wrong_argument_is_one_line(refused: Any, words: tuple[str, ...], parts: list[str]) -> None:
    line = refused(*words)
    assert [part for part in parts if part not in line] == [], line


def test_help_and_version(repro: Any) -> None:
    assert repro("--version") == (0, f"repro {__version__}\n", "")
    code, out, err = repro("run", "--help")
    assert (code, err) == (0, "") and "--seed" in out and "--set" in out


def test_run_prints_the_path_of_the_record_alone(paper: Any, repro: Any) -> None:
    config = f"papers/{paper.name}/configs/ten_steps.gin"
    code, out, err = repro("run", config, "--seed", "4")
    assert (code, out) == (0, f"papers/{paper.name}/records/ten_steps-seed4.json\n")
    assert "test: SquaredError" in err
    (copied,) = Path("runs").glob("*/ten_steps/*-seed4/config.gin")
    for words in ((config, "--set", "trainers.Supervised.steps=1"), (copied,)):
        code, out, err = repro("run", *words)
        assert code == 0 and out.count("\n") == 1 and out.startswith("runs/") and "run folder" in err
    assert [path.name for path in paper.records.glob("*-seed*")] == ["ten_steps-seed4.json"]


def test_the_record_of_a_smoke_run_goes_to_the_paper(paper: Any, repro: Any) -> None:
    """No claim uses it, so verdicts and todo stay the same with and without it."""
    path = f"papers/{paper.name}/records/smoke-seed0.json"
    assert repro("run", f"papers/{paper.name}/configs/smoke.gin")[:2] == (0, f"{path}\n")
    before = repro("verdict", paper.name, "--json")[1], repro("todo", paper.name)[1]
    Path(path).unlink()
    assert (repro("verdict", paper.name, "--json")[1], repro("todo", paper.name)[1]) == before


KINDS = ("papers", "datasets", "perturbations", "models", "losses", "trainers", "metrics")


def test_a_list_is_json_alone_and_a_table_of_the_same_rows(
    paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts are read once for all lists: that takes most of the time."""
    monkeypatch.setattr(registry, "readable", functools.cache(registry.readable))
    for kind in KINDS:
        code, out, err = repro("list", kind, "--json")
        rows = json.loads(out)
        assert (code, err) == (0, "") and rows, kind
        _, table, _ = repro("list", kind)
        head, *lines = table.splitlines()
        assert head.split() == list(rows[0]) and len(lines) == len(rows), kind
        assert all(line.startswith(str(next(iter(row.values())))) for line, row in zip(lines, rows, strict=True)), kind


def test_a_list_of_nothing_is_an_empty_list(paper: Any, repro: Any) -> None:
    assert repro("status", "--json") == (0, "[]\n", "")
    assert repro("status") == (0, "no runs yet\n", "")


def test_lists_know_the_copied_paper(paper: Any, repro: Any) -> None:
    assert paper.name in [row["name"] for row in json.loads(repro("list", "--json")[1])]
    models = json.loads(repro("list", "models", "--json")[1])
    assert {"name": "models.Line", "module": f"papers.{paper.name}.model"}.items() <= next(
        row for row in models if paper.name in row["module"]
    ).items()


def test_seeds_are_run_one_after_the_other_and_missing_ones_alone(paper: Any, repro: Any, git: Any) -> None:
    config = f"papers/{paper.name}/configs/smoke.gin"
    code, out, _ = repro("run", config, "--seeds", 2)
    records = [f"papers/{paper.name}/records/smoke-seed{seed}.json" for seed in (0, 1)]
    assert (code, out.split()) == (0, records)
    rows = json.loads(repro("status", "--json")[1])
    assert [(row["config"], row["seed"], row["state"]) for row in rows] == [
        ("smoke", seed, "finished") for seed in (0, 1)
    ]
    assert all((Path(row["folder"]) / "config.gin").is_file() for row in rows)
    before = [Path(path).stat().st_mtime_ns for path in records]
    code, out, err = repro("run", config, "--seeds", 2, "--missing")
    assert (code, out.split(), err) == (0, records, "")
    assert before == [Path(path).stat().st_mtime_ns for path in records]
    assert repro("run", config, "--seeds", 2, "--seed", 1)[0] == 2


def test_show(paper: Any, repro: Any) -> None:
    code, out, err = repro("show", paper.name)
    assert (code, err) == (0, "")
    assert "A straight line" in out and "fit.error" in out and f"papers/{paper.name}/configs/smoke.gin" in out
    assert "tolerance" in repro("show", f"{paper.name}/fit.error")[1]
    assert repro("show", "table1.readability")[1].startswith("paper      raff2019"), "found by its id"
    config = repro("show", f"papers/{paper.name}/configs/smoke.gin")[1]
    assert "include" not in config and "trainers.Supervised.steps = 2" in config and "torch.optim.SGD.lr" in config
    part = repro("show", "trainers.Supervised")[1]
    assert "batch_size" in part and "import repro.trainers.supervised" in part
    assert part == repro("show", "Supervised")[1]


def _beats(out: str) -> dict[str, Any]:
    return next(row for row in json.loads(out)["verdicts"] if "beats" in row["claim"])


def test_verdict_of_a_run(paper: Any, git: Any, repro: Any) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(text.replace('metric = "SquaredError"', 'metric = "SquaredError"\ndeterministic = true'))
    ours = _beats(repro("verdict", paper.name, "--json")[1])
    assert ours["outcome"] == "not run" and ours["evidence"] == []
    for name in ("line", "mean"):
        repro("run", f"papers/{paper.name}/configs/{name}.gin")
    code, out, err = repro("verdict", paper.name, "--json")
    assert (code, err) == (0, "")
    ours = _beats(out)
    assert ours["outcome"] == "reproduced" and ours["evidence"][0]["high"] < 0
    text_lines = repro("verdict", paper.name)[1].splitlines()
    assert f"REPRODUCED  {ours['claim']}" in text_lines
    assert text_lines[-1] == "3 claims: 2 reproduced, 1 not run"


def test_one_broken_paper_does_not_hide_the_others(paper: Any, repro: Callable[..., tuple[int, str, str]]) -> None:
    paper.toml("[paper]\ntitle = 1\n")
    code, listed, said = repro("list")
    assert code == 2 and "template" in listed and paper.name not in listed
    assert said.count("\n") == 1 and f"{paper.name}/paper.toml:2: 'title' is 1; expected a string" in said
    assert repro("verdict", "template")[0] == 0
    assert repro("todo")[:2] == (2, ""), "an incomplete list of commands must not be run"


def test_code_that_is_not_python_is_one_line(paper: Any, repro: Any, refused: Callable[..., str]) -> None:
    (paper.folder / "model.py").write_text("@MODELS.register\nclass :\n")
    code, out, err = repro("list", "models")
    assert code == 2 and "model.py:2: not Python" in err and "models.EmbeddingNet" in out, "the others are listed"
    assert "model.py:2: not Python" in refused("run", paper.folder / "configs" / "smoke.gin")


def test_a_folder_is_no_config(paper: Any, refused: Callable[..., str]) -> None:
    assert "is a folder; expected a .gin file" in refused("run", paper.folder / "configs")


def test_a_path_typed_as_if_from_the_root_is_offered_as_from_here(
    paper: Any, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paper.config("only_here", "")
    for folder, typed, right in [
        ("configs", f"papers/{paper.name}/configs/only_here.gin", "only_here.gin"),
        ("records", "configs/only_here.gin", "../configs/only_here.gin"),
    ]:
        monkeypatch.chdir(paper.folder / folder)
        assert refused("run", typed) == f"no config {typed}; expected {right}"


def test_a_folder_without_paper_toml_is_named(paper: Any, refused: Callable[..., str]) -> None:
    (paper.folder / "paper.toml").unlink()
    for words in (("verdict",), ("todo",), ("show",)):
        assert refused(*words, paper.name).startswith(f"papers/{paper.name}: no paper.toml; ")


def test_a_paper_of_the_working_directory_hides_an_installed_one(tmp_path: Path, monkeypatch: Any) -> None:
    installed, here = tmp_path / "site-packages", tmp_path / "here"
    for folder in (installed, here):
        (folder / "papers").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", ["first", str(installed)])
    cli._join(here)
    assert sys.path == ["first", str(here), str(installed)]
