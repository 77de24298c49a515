"""What the workers do when the disk is full, a GPU is taken, a worker is killed, or a name is used twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.queues import SESSION, Queue, wait

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

WORKER = SESSION.with_name("worker.sh")


def worker(queue: Queue, *words: str) -> subprocess.Popen[bytes]:
    """A worker that somebody starts in a terminal."""
    environment = os.environ | {"REPRO_QUEUE": str(queue.folder)}
    return subprocess.Popen([WORKER, *words], env=environment, cwd=queue.folder.parent, stdout=subprocess.DEVNULL)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> Path:
    """Fill the disk; returns the file to delete."""
    filler = disk / "filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], capture_output=True, check=False)
    assert os.statvfs(disk).f_bavail == 0
    return filler


def test_a_full_disk_loses_no_command(small_disk: Path) -> None:
    """The disk is full when a command ends: the worker waits, and later each command has been done once."""
    queue = Queue(small_disk / "queue")
    try:
        commands = [f"echo {number} >> {small_disk.parent}/ran" for number in range(3)]
        full = f"until [ -e {small_disk.parent}/full ]; do sleep 0.02; done"
        queue.start("\n".join([full, *commands]), "cpu", REPRO_LOOK="0.1")
        wait(lambda: list((queue.folder / "running").iterdir()), "the first command runs")
        filler = fill(small_disk)
        (small_disk.parent / "full").touch()
        shown = lambda: queue.tmux("capture-pane", "-p", "-J", "-t", "repro:1-cpu").stdout  # noqa: E731
        wait(lambda: "cannot write" in shown(), "the worker says that it waits")
        filler.unlink()
        wait(lambda: not queue.runs(), "the worker ended")
        assert (small_disk.parent / "ran").read_text().split() == ["0", "1", "2"]
        assert queue.lines("done") == [full, *commands] and not queue.lines("todo")
    finally:
        queue.end()


def test_a_queue_that_cannot_be_written_stays_as_it_was(small_disk: Path) -> None:
    queue = Queue(small_disk / "queue")
    (queue.folder / "running").mkdir(parents=True)
    (queue.folder / "lock").touch()
    (queue.folder / "todo").write_text("echo waits\n")
    (queue.folder / "running" / "1-cpu").write_text("1\necho interrupted\n")
    fill(small_disk)
    done = queue.start("echo new\n", "cpu")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1) and not queue.runs()
    assert queue.lines("todo") == ["echo waits"] and queue.lines("running/1-cpu") == ["1", "echo interrupted"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_the_queue_of_another_user_is_refused_in_one_line(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue")
    queue.folder.mkdir(mode=0o700)
    for folder in (tmp_path, *tmp_path.parents[:3]):  # with several workers of pytest there is one folder more
        folder.chmod(0o755)
    scripts = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    subprocess.run(f"cp {SESSION.parent}/*.sh {scripts} && chmod -R a+rX {scripts}", shell=True, check=True)
    command = ["runuser", "-u", "nobody", "--", "env", f"REPRO_QUEUE={queue.folder}", scripts / "session.sh", "cpu"]
    done = subprocess.run(command, input="true\n", text=True, capture_output=True, cwd="/")
    subprocess.run(["rm", "-r", scripts], check=True)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "belongs to root" in done.stderr


def test_a_worker_that_waits_for_its_gpu_keeps_no_command(queue: Queue, tmp_path: Path) -> None:
    """GPU 992 is used until all is done, so the worker of 993 does every command; the other ends without one."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\n[ "$2" = 992 ] && echo 4711 || true\n')
    tool.chmod(0o755)
    queue.start("echo a\necho b\n", "992", "993", REPRO_LOOK="0.05", PATH=f"{tool.parent}:{os.environ['PATH']}")
    wait(lambda: not queue.runs(), "the workers ended")
    assert queue.lines("done") == ["echo a", "echo b"]
    assert "on 993: echo" in queue.log() and "on 992: echo" not in queue.log()


def test_the_last_command_of_a_killed_worker_is_done_by_one_that_waited(queue: Queue, tmp_path: Path) -> None:
    slow = "echo $$ >> ran; until [ -e go ]; do sleep 0.02; done"
    queue.start(f"{slow}\n", "cpu", "cpu")
    wait(lambda: "waiting" in queue.log() and queue.lines("../ran"), "the other worker waits")
    (running,) = (queue.folder / "running").iterdir()
    os.kill(int(running.read_text().split()[0]), signal.SIGKILL)
    wait(lambda: len(queue.lines("../ran")) == 2, "the command runs again")
    (tmp_path / "go").touch()
    wait(lambda: not queue.runs(), "the worker ended")
    assert queue.lines("done") == [slow] and not list((queue.folder / "running").iterdir())


def test_a_command_of_a_worker_in_a_terminal_is_not_done_twice(queue: Queue, tmp_path: Path) -> None:
    """session.sh is started again while a worker that is in no window still runs a command."""
    slow = "echo $$ >> ran; until [ -e go ]; do sleep 0.02; done"
    queue.folder.mkdir()
    (queue.folder / "todo").write_text(f"{slow}\n")
    with worker(queue, "cpu") as process:
        wait(lambda: queue.lines("../ran"), "the command runs")
        assert queue.start(f"{slow}\necho other\n", "cpu").returncode == 0
        wait(lambda: "echo other" in queue.lines("done"), "the other command is done")
        (tmp_path / "go").touch()
        assert process.wait(8) == 0
    wait(lambda: not queue.runs(), "the worker ended")
    assert sorted(queue.lines("done")) == sorted(["echo other", slow]) and len(queue.lines("../ran")) == 1


def test_two_workers_of_one_name_are_refused(queue: Queue, tmp_path: Path) -> None:
    queue.folder.mkdir()
    (queue.folder / "todo").write_text("until [ -e go ]; do sleep 0.02; done\n")
    with worker(queue, "cpu") as first:
        wait(lambda: list((queue.folder / "running").glob("*")), "the first worker runs")
        with worker(queue, "cpu") as second:
            assert second.wait(20) == 2
        assert first.poll() is None
        (tmp_path / "go").touch()
        assert first.wait(8) == 0
