"""What is no file, what is too large, what may not be read or written: one line, and before anything is trained."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.errors import BadInput
from repro.files import regular, strict_json

ROOT = Path(__file__).parents[2]
ONE: dict[str, Any] = {"test": "t", "metric": "m", "identity": {"name": "m"}, "values": [1.0]}
ROW = {"format": 1, "paper": "p", "config": "c", "seed": 0, "digest": "", "measurements": [ONE]}


@pytest.fixture
def refused(repro: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """The one line with which a command refuses."""

    def call(*words: object) -> str:
        code, _, said = repro(*words)
        assert (code, len(said.splitlines())) == (2, 1), said
        return said

    return call


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.fchdir(here)
    os.close(here)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _broken(path: Path) -> None:
    path.symlink_to("nowhere")


def _large(path: Path) -> None:
    path.touch()
    os.truncate(path, 10**10)


KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (_pipe, "is a named pipe; expected a file"),
    "socket": (_socket, "is a socket; expected a file"),
    "folder": (Path.mkdir, "is a folder"),
    "loop": (_loop, "is a link to itself"),
    "broken link": (_broken, "is a link to a missing file"),
    "gigabytes": (_large, "has 10,000,000,000 bytes; expected at most"),
}
READ = [
    ("records/x.json", ["verdict", "todo", "renew"]),
    ("records/certificates/smoke.json", ["certify"]),
    ("records/renewals.json", ["verdict"]),
    ("records/verdicts.json", ["verdict-check"]),
    ("configs/x.gin", ["verdict", "todo", "show", "run-x"]),
    ("paper.toml", ["verdict", "todo", "show", "run"]),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "commands"), READ, ids=lambda value: value if isinstance(value, str) else "")
def test_only_regular_files_of_a_sensible_size_are_read(
    paper: Any, refused: Callable[..., str], name: str, commands: list[str], kind: str
) -> None:
    made, said = KINDS[kind]
    path = paper.folder / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    made(path)
    words: dict[str, list[object]] = {
        "verdict-check": ["verdict", paper.name, "--check"],
        "run": ["run", paper.folder / "configs/smoke.gin"],
        "run-x": ["run", path],
        "certify": ["certify", paper.folder / "configs/smoke.gin"],
    }
    for command in commands:
        line = refused(*words.get(command, [command, paper.name]))
        assert said in line and path.name in line
    assert not list(Path("runs").glob("*/*/*/metrics.jsonl"))


@pytest.mark.timeout(60)
def test_a_pipe_that_is_called_as_a_module_or_a_list_of_data_is_refused(
    paper: Any, repro: Callable[..., tuple[int, str, str]], refused: Callable[..., str]
) -> None:
    _pipe(paper.folder / "pipe.py")
    assert "pipe.py: is a named pipe" in refused("list", "models")
    (paper.folder / "pipe.py").unlink()
    (paper.folder / "data.toml").unlink(missing_ok=True)
    _pipe(paper.folder / "data.toml")
    code, _, said = repro("data", "list")
    assert code == 2 and "data.toml: is a named pipe" in said


def test_the_junk_of_another_system_is_left_out(paper: Any, repro: Callable[..., tuple[int, str, str]]) -> None:
    (paper.folder / "records").mkdir(exist_ok=True)
    before = [repro(*words) for words in (("verdict", paper.name), ("list", "models"))]
    for name in ("records/._a-seed0.json", "configs/._smoke.gin", "._model.py", "records/certificates/._smoke.json"):
        path = paper.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0\5\x16\7")
    assert [repro(*words) for words in (("verdict", paper.name), ("list", "models"))] == before
    assert before[0][0] == before[1][0] == 0


SHAPES = {
    "empty lists": "[],",
    "empty objects": "{},",
    "objects": '{"a":0},',
    "texts": '"ab",',
    "numbers": "1e3,",
    "signs of four bytes": '"\U0001f600\U0001f600",',
    "lists in lists": "[[]],",
}


def _content(shape: str, size: int) -> str:
    rows = SHAPES[shape] * (size // len(SHAPES[shape].encode()))
    return json.dumps(ROW)[:-1] + f', "examples": [{rows}0]}}'


def _peak(path: Path) -> tuple[str, float]:
    """What is said of a record, and the megabytes that a process has taken to read it."""
    done = subprocess.run([sys.executable, "-c", READER, path], cwd=ROOT, capture_output=True, text=True, check=True)
    most, _, said = done.stdout.strip().partition(" ")
    return said, int(most) / (1024**2 if sys.platform == "darwin" else 1024)


READER = """
import resource, sys
from pathlib import Path
from repro import record
try:
    said = str(len(record.read(Path(sys.argv[1])).measurements))
except Exception as error:
    said = f"{type(error).__name__}: {error}"
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
status = Path("/proc/self/status")  # there, for the number above counts what the parent took before
if status.exists():
    most = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
print(most, said)
"""


QUICK = ("empty objects", "numbers")


@pytest.mark.parametrize("shape", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in SHAPES])
def test_no_file_makes_its_reader_take_much_memory(tmp_path: Path, shape: str) -> None:
    """The largest file of each shape that is not refused by its size or by the count of its signs."""
    path, size = tmp_path / "c-seed0.json", regular.RECORD
    path.write_text(_content(shape, 8 * size))
    assert "expected at most" in _peak(path)[0]
    while True:
        path.write_text(_content(shape, size))
        said, most = _peak(path)
        assert most < 200, f"{size} bytes took {most:.0f} MB"
        if not re.search("expected at most", said):
            break
        size = size * 3 // 4


@pytest.mark.parametrize("count", [1, 30, 10_000])
def test_a_short_record_cannot_say_that_it_holds_billions(tmp_path: Path, count: int) -> None:
    path = tmp_path / "c-seed0.json"
    values = {"items": record.MOST // count + 1, "usual": 0.0, "others": {}}
    row = {**ROW, "measurements": [{**ONE, "metric": f"m{n}", "values": values} for n in range(count)]}
    path.write_text(json.dumps(row))
    said, most = _peak(path)
    assert said.startswith("BadInput") and f"expected at most {record.MOST} in all" in said and most < 200
    for one in row["measurements"]:
        one["values"] = {**values, "items": record.MOST // count}
    path.write_text(json.dumps(row))
    said, most = _peak(path)
    assert said == str(count) and most < 200


def test_a_record_that_nobody_could_read_is_not_written(tmp_path: Path) -> None:
    found = record.Record("p", "c", 0, "", [record.Measurement("t", "m", {}, [1 / (n + 3) for n in range(500_000)])])
    with pytest.raises(BadInput, match="expected at most"):
        record.write(found, tmp_path)
    assert not list(tmp_path.iterdir())


def test_memory_is_bounded_for_every_json_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" + "{}," * 400_000 + "0]")
    with pytest.raises(BadInput, match="MB of memory"):
        strict_json.load(path, "none", most=10**7)


@pytest.mark.parametrize("changed", [{"seed": 10**100}, {"environment": {"threads": 10**30}}, {"seed": -(10**40)}])
def test_huge_numbers_in_a_record_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = tmp_path / f"c-seed{changed.get('seed', 0)}.json"
    path.write_text(json.dumps({**ROW, **changed}))
    with pytest.raises(BadInput, match="more than 18 digits"):
        record.read(path)


def test_a_record_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="more than 18 digits"):
        record.write(record.Record("p", "c", 0, "", [], examples=[{"item": 10**18}]), tmp_path)
    assert not list(tmp_path.iterdir())
