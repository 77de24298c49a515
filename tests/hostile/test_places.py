"""Places, names, numbers and systems that a run cannot use: one line, before anything is trained."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock
import pytest

from repro.cli import system
from repro.data import store
from repro.errors import BadInput
from repro.files import disk, lock, regular

ROOT = Path(__file__).parents[2]
LIMITED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


@pytest.fixture
def refused(repro: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """The one line with which a command refuses."""

    def call(*words: object) -> str:
        code, _, said = repro(*words)
        assert (code, len(said.splitlines())) == (2, 1), said
        return said

    return call


def _limited(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as someone whom permissions bind: root, whom they do not bind, without that privilege."""
    limit = LIMITED if os.geteuid() == 0 else []
    if limit and shutil.which("setpriv") is None:
        pytest.skip("root is not bound by permissions, and there is no setpriv to change that")
    command = [*limit, sys.executable, "-m", "repro", *map(str, words)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, errors="surrogateescape", check=False)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def closed() -> Iterator[Callable[[Path, int], None]]:
    """Takes permissions away, until the test is over."""
    before: list[tuple[Path, int]] = []

    def close(path: Path, mode: int = 0o555) -> None:
        before.append((path, path.stat().st_mode))
        path.chmod(mode)

    yield close
    for path, mode in before:
        path.chmod(mode)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("where", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("records", "runs")), "."])
def test_a_place_that_cannot_be_written_is_said_before_the_training(
    paper: Any, closed: Callable[..., None], where: str
) -> None:
    place = Path("runs") if where == "runs" else paper.records if where == "records" else Path()
    place.mkdir(exist_ok=True)
    closed(place)
    done = _limited("run", paper.folder / "configs/smoke.gin")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "cannot be written: Permission denied" in done.stderr
    assert not list(Path().rglob("metrics.jsonl")) and not list(Path().rglob("*.tmp"))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("mode", "words"), [(0o000, ["verdict"]), (0o000, ["todo"]), (0o555, ["verdict", "--write"])])
def test_a_folder_without_permission_is_one_line(
    paper: Any, closed: Callable[..., None], mode: int, words: list[str]
) -> None:
    paper.records.mkdir(exist_ok=True)
    closed(paper.records, mode)
    (command, *more) = words
    done = _limited(command, paper.name, *more)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "Permission denied" in done.stderr and ("verdicts.json" if mode else "records") in done.stderr


def test_a_new_paper_needs_a_folder_that_can_be_written(paper: Any, closed: Callable[..., None]) -> None:
    closed(Path("papers"))
    done = _limited("new", "zz")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "papers/zz: cannot be written: Permission denied" in done.stderr and not Path("papers/zz").exists()


@pytest.mark.parametrize("name", ["runs", "records", "configs", "record", "examples"])
def test_a_file_in_the_place_of_a_folder_and_the_reverse(paper: Any, refused: Callable[..., str], name: str) -> None:
    smoke = paper.folder / "configs/smoke.gin"
    shutil.rmtree(paper.records, ignore_errors=True)
    if name == "runs":
        Path("runs").touch()
        assert "runs: is a file; expected a folder" in refused("run", smoke)
    elif name == "records":
        paper.records.touch()
        assert "records: is a file; expected a folder" in refused("run", smoke)
        assert "records: is not a folder; expected a folder" in refused("verdict", paper.name)
    elif name == "configs":
        shutil.rmtree(paper.folder / "configs")
        (paper.folder / "configs").touch()
        assert "configs: is not a folder; expected a folder" in refused("verdict", paper.name)
        refused("run", smoke)
    elif name == "record":
        (paper.records / "smoke-seed0.json").mkdir(parents=True)
        assert "smoke-seed0.json: is not a file; expected a file" in refused("run", smoke)
    else:
        paper.records.mkdir()
        (paper.records / "smoke-seed0").touch()
        assert "smoke-seed0: is a file; expected a folder" in refused("run", smoke)
    assert not list(Path().rglob("metrics.jsonl"))


LONG = "a" * 300


@pytest.mark.parametrize(
    "words",
    [
        ["run", f"papers/x/configs/{LONG}.gin"],
        ["run", "SMOKE", "--seed", "1" + "0" * 5000],
        ["run", "SMOKE", "--seed", str(2**63)],
        ["run", "SMOKE", "--set", f"{LONG} = 1"],
        ["run", "SMOKE", "--set", "trainers.Supervised.steps=99999999999999999999"],
        ["run", "SMOKE", "--set", f"trainers.Supervised.steps=1{'0' * 400}"],
        ["run", "SMOKE", "--set", f"trainers.Supervised.steps=1{'0' * 5000}"],
        ["run", "SMOKE", "--set", f"# {'x' * regular.CONFIG}"],
        ["certify", "SMOKE", "--steps", "9" * 30],
        ["new", LONG],
        ["show", LONG],
        ["show", f"{LONG}.gin"],
        ["verdict", LONG],
        ["replay", f"{LONG}.json"],
        ["debug", "--failed-step", LONG],
        ["data", "where", LONG],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_a_long_name_or_a_huge_number_is_one_line(paper: Any, refused: Callable[..., str], words: list[str]) -> None:
    line = refused(*(paper.folder / "configs/smoke.gin" if word == "SMOKE" else word for word in words))
    assert line.startswith("repro: ") and "Errno" not in line
    assert not list(Path().rglob("metrics.jsonl"))


def test_a_config_whose_record_could_not_be_written_is_refused_at_once(paper: Any, refused: Callable[..., str]) -> None:
    path = paper.config("b" * 240, "")
    assert "File name too long" in refused("run", path)
    assert not list(Path().rglob("metrics.jsonl"))


def test_a_claim_with_a_very_long_id_is_refused(paper: Any, refused: Callable[..., str]) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(re.sub(r'(?m)^id = "[^"]*"', f'id = "{LONG}"', text, count=1))
    line = refused("verdict", paper.name)
    assert "'id' is" in line and "at most 200" in line and len(line) < 300


@pytest.mark.parametrize("seeds", [0, 10**6, 10**30])
def test_seeds_beyond_reason_are_refused(paper: Any, refused: Callable[..., str], seeds: int) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(re.sub(r"seeds = \d+", f"seeds = {seeds}", text) if "seeds = " in text else f"{text}\nseeds = {seeds}\n")
    assert "'seeds'" in refused("todo", paper.name)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named_with_the_way_out(
    paper: Any, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    line = refused("run", paper.folder / "configs/smoke.gin")
    assert "runs/" in line and "does not support locks" in line and "local disk" in line
    with pytest.raises(BadInput, match="does not support locks"):
        lock.acquire(filelock.FileLock(Path("a.lock").absolute(), fallback_to_soft=False))


def test_nobody_s_home_is_no_reason_for_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "REPRO_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])  # KeyError: a user without a name
    with pytest.raises(BadInput, match="no home folder for the data: set REPRO_DATA"):
        store.root()


@pytest.mark.parametrize("environment", [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
], ids=["ascii", "latin-1", "C"])  # fmt: skip
@pytest.mark.parametrize("words", [["show"], ["verdict"], ["list", "papers"], ["run"]], ids=lambda words: words[0])
def test_no_command_fails_because_a_sign_cannot_be_shown(
    paper: Any, words: list[str], environment: dict[str, str]
) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(re.sub(r'title = "[^"]*"', 'title = "数学 … ünï"', re.sub(r'says = "[^"]*"', 'says = "é 数 →"', text)))
    given = {"show": [paper.name], "verdict": [paper.name], "run": [Path("papers/数/configs/smoke.gin")]}
    done = _limited(*words, *given.get(words[0], []), PYTHONPATH=f"{Path.cwd()}:{ROOT}", **environment)
    assert done.returncode == (2 if words == ["run"] else 0) and "Unicode" not in done.stderr
    if words == ["show"]:
        assert re.search(r"\\u6570|数", done.stdout)


@pytest.mark.parametrize("number", system.EXPECTED)
def test_an_error_of_the_system_is_one_line_with_the_path(number: int) -> None:
    error = OSError(number, os.strerror(number), "a/path")
    assert system.environment(error).startswith(f"a/path: {os.strerror(number)}; expected ")


def test_an_error_of_our_own_code_keeps_its_traceback() -> None:
    assert system.environment(FileNotFoundError(errno.ENOENT, "No such file", "a")) == ""
    assert system.environment(OSError("a text")) == ""


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    disk.refuse_unwritable(tmp_path / "a" / "b", "c.json")
    assert not list(tmp_path.iterdir())
    with pytest.raises(BadInput, match="File name too long"):
        disk.refuse_unwritable(tmp_path, "c" * 250)
    with pytest.raises(BadInput, match="File name too long"):
        disk.refuse_unwritable(tmp_path / ("d/" * 3000), "c")
