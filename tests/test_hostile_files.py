"""What is no file, what is too large, what may not be read or written: one line, and before anything is trained."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock
import pytest

from repro import config, disk, fence, lock, plain, record, regular
from repro.cli import system
from repro.datasets import store
from repro.errors import BadInput

ROOT = Path(__file__).parents[1]
LIMITED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
ONE: dict[str, Any] = {"test": "t", "metric": "m", "identity": {}, "values": [1.0]}
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
    "loop": (_loop, "leads to itself"),
    "broken link": (_broken, "leads nowhere"),
    "gigabytes": (_large, "has 10,000,000,000 bytes; expected at most"),
}
READ = [
    ("records/x.json", ["verdict", "todo", "renew"]),
    ("certificates/smoke.json", ["certify"]),
    ("renewals.json", ["verdict"]),
    ("verdicts.json", ["verdict-check"]),
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
    for name in ("records/._a-seed0.json", "configs/._smoke.gin", "._model.py", "certificates/._smoke.json"):
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


@pytest.mark.parametrize("shape", SHAPES)
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
    assert said.startswith("BadInput") and f"expected {record.MOST} in all at most" in said and most < 200
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


def _unseen() -> list[str]:
    """Every sign that Unicode calls a format, a control, a separator of lines, or that has no width, and its kin."""
    kinds = {"Cf", "Cc", "Zl", "Zp", "Cs"}
    others = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u3164\ufe0f\uffa0\U000e0100"
    found = (chr(code) for code in range(sys.maxunicode + 1))
    shown = {"\t", "\n", "\r", *map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD))}
    shown |= set(map(chr, range(0x13430, 0x13440)))  # joiners of hieroglyphs
    return [sign for sign in found if unicodedata.category(sign) in kinds and sign not in shown] + list(others)


def test_every_sign_that_is_not_shown_is_known() -> None:
    assert [f"U+{ord(sign):04X}" for sign in _unseen() if not fence.UNSEEN.search(sign)] == []
    for text in ("a b\tc\nd\r\ne", "Ünï × − ′ α 数 é", "e\u0301", "…–“”"):
        assert not fence.UNSEEN.search(text)


LINES = ["\u2028", "\u2029", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\r"]
INVISIBLE = ["\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u2066", "\u2069", "\u061c", "\xad", "\0", "\x1b"]


@pytest.mark.parametrize("sign", [*LINES, *INVISIBLE], ids=lambda sign: f"{ord(sign):04X}")
def test_a_config_shows_every_statement_that_it_makes(paper: Any, refused: Callable[..., str], sign: str) -> None:
    """A sign that ends a line for gin and not for an editor would hide a statement in a comment."""
    path = paper.folder / "configs" / "signs.gin"
    path.write_bytes(f"include 'smoke.gin'\n# a comment{sign}STEPS = 1\n".encode())
    said = refused("run", path)
    assert f"signs.gin:2: has a sign that is not shown: U+{ord(sign):04X} (" in said and said.strip().isprintable()
    assert f"U+{ord(sign):04X}" in refused("show", path)
    if sign not in "\0":
        line = refused("run", paper.folder / "configs/smoke.gin", "--set", f"STEPS = 1 #{sign} x")
        assert "--set" in line and line.strip().isprintable()


@pytest.mark.parametrize(
    "sign", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\x85"], ids=lambda s: f"{ord(s):04X}"
)
def test_claims_data_sets_and_records_have_no_sign_that_is_not_shown(
    paper: Any, refused: Callable[..., str], repro: Callable[..., tuple[int, str, str]], sign: str
) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(f"{text}\n# a comment{sign}\n")
    assert f"paper.toml:{text.count(chr(10)) + 2}: has a sign that is not shown: U+{ord(sign):04X}" in refused(
        "verdict", paper.name
    )
    paper.toml(text)
    (paper.folder / "data.toml").write_text(f"# {sign}\n", encoding="utf-8")
    assert f"data.toml:1: has a sign that is not shown: U+{ord(sign):04X}" in repro("data", "list")[2]
    (paper.folder / "data.toml").unlink()
    path = paper.records / "c-seed0.json"
    path.parent.mkdir(exist_ok=True)
    for key in ("text", "finished", "digest"):
        path.write_text(json.dumps({**ROW, key: f"a{sign}b"}), encoding="utf-8")
        assert f"U+{ord(sign):04X}" in refused("verdict", paper.name)


def test_line_ends_of_windows_and_a_byte_order_mark_are_no_such_signs(paper: Any) -> None:
    path = paper.folder / "configs" / "windows.gin"
    path.write_bytes(b"\xef\xbb\xbf# a comment\r\ninclude 'smoke.gin'\r\n")
    fence.refuse_unseen_in(path.read_bytes().decode("utf-8-sig"), "windows.gin")
    path.write_bytes(b"# a comment\r\ninclude 'smoke.gin'\r\n")
    assert config.read(path).digest == config.read(paper.folder / "configs/smoke.gin").digest


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
@pytest.mark.parametrize("where", ["records", "runs", "."])
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
    closed(paper.folder if mode else paper.records, mode)
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
        assert "records: is no folder; expected one" in refused("verdict", paper.name)
    elif name == "configs":
        shutil.rmtree(paper.folder / "configs")
        (paper.folder / "configs").touch()
        assert "configs: is no folder; expected one" in refused("verdict", paper.name)
        refused("run", smoke)
    elif name == "record":
        (paper.records / "smoke-seed0.json").mkdir(parents=True)
        assert "smoke-seed0.json: is in the way: expected a file" in refused("run", smoke)
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
        ["debug", "--replay", LONG],
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


@pytest.mark.parametrize("changed", [{"seed": 10**100}, {"environment": {"threads": 10**30}}, {"seed": -(10**40)}])
def test_huge_numbers_in_a_record_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = tmp_path / f"c-seed{changed.get('seed', 0)}.json"
    path.write_text(json.dumps({**ROW, **changed}))
    with pytest.raises(BadInput, match="more than 18 digits"):
        record.read(path)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named_with_the_way_out(
    paper: Any, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    line = refused("run", paper.folder / "configs/smoke.gin")
    assert "runs/" in line and "no lock can be had" in line and "local disk" in line
    with pytest.raises(BadInput, match="no lock can be had"):
        lock.acquire(filelock.FileLock(Path("a.lock").absolute(), fallback_to_soft=False))


def test_nobody_s_home_is_no_reason_for_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "REPRO_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])  # KeyError: a user without a name
    with pytest.raises(BadInput, match="no home folder to keep data in: set REPRO_DATA"):
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


def test_memory_is_bounded_for_every_json_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" + "{}," * 400_000 + "0]")
    with pytest.raises(BadInput, match="MB of memory"):
        plain.load(path, "none", most=10**7)
