"""Start workers in tmux windows that run the commands of a queue: a front of `tmux/session.sh`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from repro import HOME
from repro.errors import BadInput
from repro.run import run_folders

SCRIPT = HOME.parent / "tmux" / "session.sh"
SESSION = "repro"
VARIABLE = "REPRO_QUEUE"
NAMES = re.compile(
    r"todo|lock|tried|done|stopped|failed|failed\.txt|running|slurm|.+\.log|todo\.new|sed\w{6}|\.(todo|nfs).*"
)
"""The files of a queue: those that the head of `worker.sh` describes, and temporary ones."""


def start(commands: Iterable[str], gpus: str, share: bool = False) -> str:
    """Start one worker for each entry of `gpus`; returns what `session.sh` prints.

    gpus: for example `0,1` (two workers), `0+1` (one worker with two GPUs) or `cpu,cpu`. share: allow several runs on
    one GPU. Raises BadInput if there is no tmux, no command or a wrong `gpus`, or if workers are still running.
    """
    workers = _workers(gpus, share)
    check()
    if not SCRIPT.is_file():
        raise BadInput(f"{SCRIPT} is missing", expected="a checkout of the repository, in which repro is installed")
    python = Path(sys.executable)
    more = {"PATH": f"{python.parent}:{os.environ.get('PATH', '')}", VARIABLE: str(folder())}
    more["REPRO_STATUS"] = shlex.join([str(python), "-m", "repro", "status", "--watch"])
    if share:
        more["REPRO_SHARE"] = "1"
    lines = "".join(f"{command}\n" for command in commands)
    done = subprocess.run(
        [SCRIPT, *workers], input=lines, env=os.environ | more, text=True, capture_output=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise BadInput(last.removeprefix("session.sh: ") or f"{SCRIPT} failed with exit code {done.returncode}")
    return done.stdout.strip()


def check() -> None:
    """Raise BadInput if tmux is not installed."""
    if not shutil.which("tmux"):
        raise BadInput("tmux is not installed", expected="tmux 3.0 or newer, for example from the package tmux")


def _workers(gpus: str, share: bool) -> list[str]:
    """The arguments of `session.sh`. Raises BadInput for what is no GPU, or is one twice, or is not on this machine."""
    found = [one.strip().split("+") for one in gpus.split(",")]
    if not all(one == ["cpu"] or all(re.fullmatch(r"\d{1,3}", number) for number in one) for one in found):
        raise BadInput(
            f"--gpus is {gpus!r:.60}", expected="numbers of GPUs such as 0,1 (0+1: both for one run), or cpu,cpu"
        )
    workers = [[str(int(number)) for number in one] for one in found if one != ["cpu"]]
    every = [number for one in workers for number in one]
    twice = any(len({*one}) < len(one) for one in workers)
    if twice or (not share and len({*every}) < len(every)):
        expected = "each GPU once" + ("" if twice else "; or --share, for several runs on one GPU")
        raise BadInput(f"--gpus is {gpus!r:.60}: a GPU is named twice", expected=expected)
    if every:
        _refuse_absent(every)
    return [",".join(number if number == "cpu" else str(int(number)) for number in one) for one in found]


def _refuse_absent(gpus: list[str]) -> None:
    """Raise BadInput if one of the GPUs is not on this machine: its runs would train on the CPU."""
    there = _gpus()
    if there == []:
        raise BadInput("--gpus names a GPU, but this machine has none", expected="cpu: one worker without a GPU")
    absent = next((one for one in gpus if there is not None and one not in there), None)
    if there and absent:
        raise BadInput(f"--gpus: this machine has no GPU {absent}", expected=f"one of {', '.join(there)}; or cpu")


def _gpus() -> list[str] | None:
    """The numbers of the GPUs of this machine; None if it has some that nothing lists, such as those of AMD."""
    if not shutil.which("nvidia-smi"):
        return None if any(next(Path("/dev").glob(name), None) for name in ("nvidia[0-9]*", "kfd")) else []
    words = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return re.findall(r"^\d+$", done.stdout, re.MULTILINE) if done.returncode == 0 else []


def folder() -> Path:
    """The folder of the queue: the one in REPRO_QUEUE, else `queue` in the folder of the runs; without links."""
    return Path(os.environ.get(VARIABLE) or run_folders.listed()[0] / "queue").resolve()


def refuse_foreign() -> None:
    """Raise BadInput if the folder has other files than those of a queue, or others can write in it.

    `session.sh` has the same rules.
    """
    place = folder()
    if not place.is_dir():
        return
    about = place.stat()
    if about.st_uid != os.getuid() or about.st_mode & 0o022:
        raise BadInput("others can write in it, but workers run what is in it", str(place), expected="chmod go-w")
    names, lock = {path.name for path in place.iterdir()}, place / "lock"
    used = lock.is_file() and lock.stat().st_size > 0
    known = not names or {"running", "slurm", "lock"} & names
    if used or not known or not all(map(NAMES.fullmatch, names)):
        raise BadInput(f"has other files than those of a queue; {VARIABLE} names another", str(place))


def unreadable() -> str:
    """Why the commands that wait cannot be read; empty if they can be, or if there is no queue."""
    try:
        (folder() / "todo").open().close()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{folder() / 'todo'} cannot be read ({error.strerror}), so it is unknown what waits"
    return ""


def lines(name: str) -> list[str]:
    """The lines of the file `name` of the queue; empty if there is none."""
    return _lines(folder() / name)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # a worker deletes its file in `running` when its command ends
        return []


def running(dead: bool = False) -> Mapping[str, str]:
    """The command of each worker that runs one, by the name of its window; if `dead`, those of killed workers."""
    found = {path.name: _lines(path) for path in (folder() / "running").glob("*")}
    rows = {name: lines for name, lines in sorted(found.items()) if len(lines) == 2}
    return {name: line for name, (worker, line) in rows.items() if os.path.exists(f"/proc/{worker}") != dead}


def workers() -> list[str]:
    """The names of the workers that live: each holds a lock on its log."""
    return sorted(path.stem for path in folder().glob("*.log") if _is_locked(path))


def _is_locked(path: Path) -> bool:
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # it was deleted
        return False
    return False


def server() -> str:
    """The name of this queue: of its tmux server, and of its jobs in Slurm."""
    digest = hashlib.sha256(f"{folder()}\n".encode()).hexdigest()[:16]
    return f"repro-{digest}"


@contextmanager
def locked() -> Iterator[None]:
    """Hold the lock of the queue, which the scripts hold too while they change its files."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder() / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def client(*words: str) -> list[str]:
    """The tmux command with these words, for the server of this queue."""
    return ["env", "-u", "TMUX", "TMUX_TMPDIR=", "tmux", "-L", server(), *words]
