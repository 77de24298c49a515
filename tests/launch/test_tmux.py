"""tmux/session.sh and worker.sh with a real tmux: each command runs once, and failures are listed in a file."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.launch.queues import SESSION, Queue, wait

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def test_every_command_runs_once(queue: Queue, tmp_path: Path) -> None:
    commands = [f"echo {i} >> ran; sleep 0.0{i % 3}" for i in range(30)]
    assert queue.start("\n".join(commands), "cpu", "cpu").returncode == 0
    wait(lambda: not queue.runs(), "the workers ended")
    assert sorted((tmp_path / "ran").read_text().split(), key=int) == [str(i) for i in range(30)]
    assert sorted(queue.lines("done")) == sorted(commands)
    assert queue.lines("todo") == queue.lines("failed") == []
    assert queue.log().count("the queue is empty") == 2


def test_two_workers_work_at_once_in_two_windows(queue: Queue, tmp_path: Path) -> None:
    meet = "touch {}; until [ -e {} ]; do sleep 0.02; done"  # ends only if the other one runs at the same time
    hold = "until [ -e go ]; do sleep 0.02; done"
    queue.start(f"{meet.format('a', 'b')}; {hold}\n{meet.format('b', 'a')}; {hold}\n", "cpu", "cpu")
    assert queue.tmux("list-windows", "-F", "#{window_name}").stdout.split() == ["1-cpu", "2-cpu"]
    (tmp_path / "go").touch()
    wait(lambda: not queue.runs(), "the workers ended")
    assert all("== exit code 0" in (queue.folder / f"{name}.log").read_text() for name in ("1-cpu", "2-cpu"))


def test_failures_are_set_aside_with_their_code(queue: Queue) -> None:
    queue.start("exit 7\nkill -9 $$\nno-such-program\necho still here\n", "cpu", "cpu")
    wait(lambda: not queue.runs(), "the workers ended")
    assert sorted(queue.lines("failed")) == ["127\tno-such-program", "137\tkill -9 $$", "7\texit 7"]
    assert queue.log().count(": exit 7\n") == 2, "it is tried twice"
    assert queue.lines("done") == ["echo still here"] and "no-such-program: " in "".join(queue.lines("failed.txt"))
    assert re.search(r"^still here$", queue.log(), re.MULTILINE)


def test_wrong_input_and_missing_data_are_not_tried_again(queue: Queue) -> None:
    queue.start("exit 2\nexit 66\n", "cpu")
    wait(lambda: not queue.runs(), "the worker ended")
    assert queue.lines("failed") == ["2\texit 2", "66\texit 66"] and queue.log().count("== exit code") == 2


def test_a_run_that_was_asked_to_stop_is_set_aside(queue: Queue) -> None:
    queue.start("exit 75\necho next\n", "cpu")
    wait(lambda: not queue.runs(), "the worker ended")
    assert queue.lines("stopped") == ["exit 75"] and queue.lines("done") == ["echo next"]
    assert queue.lines("todo") == queue.lines("failed") == []


def test_a_run_that_another_process_makes_is_waited_for(queue: Queue, tmp_path: Path) -> None:
    busy = "[ -e free ] || exit 69"
    queue.start(f"{busy}\necho next; sleep 0.3; touch free\n", "cpu", REPRO_LOOK="0.1")
    wait(lambda: not queue.runs(), "the worker ended")
    assert sorted(queue.lines("done")) == sorted([busy, "echo next; sleep 0.3; touch free"])


@pytest.mark.parametrize("victim", ["worker", "loop", "all"])
def test_a_killed_worker_s_command_runs_again(queue: Queue, tmp_path: Path, victim: str) -> None:
    """The worker, the loop within it, or the whole session: the command is not lost and is done once."""
    slow = "echo $$ >> ran; until [ -e go ]; do sleep 0.02; done; echo end >> ended"
    queue.start(f"{slow}\n", "cpu", "cpu")
    wait(lambda: queue.lines("../ran"), "the command runs")
    (running,) = (queue.folder / "running").iterdir()
    worker = int(running.read_text().split()[0])
    inner = int(Path(f"/proc/{(tmp_path / 'ran').read_text().split()[0]}/stat").read_text().split()[3])
    if victim == "all":
        queue.tmux("kill-server")
    else:
        os.kill(worker if victim == "worker" else inner, signal.SIGKILL)
    if victim != "loop":
        wait(lambda: not queue.runs() or victim == "worker", "the session ended")
        queue.tmux("kill-server")
        assert queue.start("echo other\n", "cpu").returncode == 0
    else:
        (tmp_path / "go").touch()  # its command lives on; it runs again afterwards
    wait(lambda: len(queue.lines("../ran")) == 2, "the command runs again")
    (tmp_path / "go").touch()
    wait(lambda: not queue.runs(), "the workers ended")
    assert queue.lines("done").count(slow) == 1 and not queue.lines("todo") and not queue.lines("failed")


def test_two_workers_do_not_share_a_gpu(queue: Queue, tmp_path: Path) -> None:
    see = "mkdir busy && sleep 0.2 && rmdir busy"
    queue.start(f"{see}\n{see} ;\n{see}  \n", "990", "990")
    wait(lambda: not queue.runs(), "the workers ended")
    assert len(queue.lines("done")) == 3 and "another worker uses GPU 990" in queue.log()
    shared = "touch a-$$; until [ $(ls a-* | wc -l) = 2 ]; do sleep 0.02; done"
    queue.start(f"{shared}\n{shared} \n", "990", "990", REPRO_SHARE="1")
    wait(lambda: not queue.runs(), "the workers ended")
    assert len(queue.lines("done")) == 5


def test_a_gpu_that_another_program_uses_is_waited_for(queue: Queue, tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\n[ "$2" = 991 ] && [ ! -e {tmp_path}/free ] && echo 4711 || true\n')
    tool.chmod(0o755)
    queue.start("echo hello\n", "991", REPRO_LOOK="0.05", PATH=f"{tool.parent}:{os.environ['PATH']}")
    wait(lambda: "process 4711 uses GPU 991" in queue.log(), "it is seen")
    assert not queue.lines("done")
    (tmp_path / "free").touch()
    wait(lambda: not queue.runs(), "the worker ended")
    assert queue.lines("done") == ["echo hello"] and queue.log().count("process 4711") == 1


def test_quotes_survive(queue: Queue, tmp_path: Path) -> None:
    command = r"""printf '%s\n' "two  words" 'a "b" \n $HOME é' > 'a file' && echo "it's done" """.rstrip()
    queue.start(command, "cpu")
    wait(lambda: not queue.runs(), "the worker ended")
    assert (tmp_path / "a file").read_text() == 'two  words\na "b" \\n $HOME é\n'
    assert queue.lines("done") == [command]


def test_each_worker_sees_its_gpu(queue: Queue, tmp_path: Path) -> None:
    see = 'echo "[$CUDA_VISIBLE_DEVICES]" > saw-$$; until [ $(ls saw-* | wc -l) = 3 ]; do sleep 0.02; done'
    queue.start(f"{see}\n" * 3, "0", "1,2", "cpu")
    wait(lambda: not queue.runs(), "the workers ended")
    assert sorted(path.read_text() for path in tmp_path.glob("saw-*")) == ["[0]\n", "[1,2]\n", "[]\n"]


def test_a_command_cannot_eat_the_queue(queue: Queue) -> None:
    queue.start("cat\ncat\necho last\n# a comment\n\n", "cpu")
    wait(lambda: not queue.runs(), "the worker ended")
    assert queue.lines("done") == ["cat", "cat", "echo last"]


def test_refuses_while_workers_live_and_starts_again_after_a_stop(queue: Queue, tmp_path: Path) -> None:
    first = queue.start("echo $$ > pid; exec sleep 60\necho never\n", "cpu")
    wait((tmp_path / "pid").exists, "the command ran")
    assert f"tmux -L {queue.id} attach" in first.stdout
    refused = queue.start("echo other\n", "cpu")
    assert refused.returncode == 2 and refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1 and f"tmux -L {queue.id} attach" in refused.stderr
    assert queue.runs() and queue.lines("todo") == ["echo never"]

    stop = re.search(r"stop: (TMUX_TMPDIR= tmux .*)$", first.stdout.strip())
    assert stop, first.stdout
    subprocess.run(["bash", "-c", stop[1]], check=True)  # as printed
    process = Path("/proc") / (tmp_path / "pid").read_text().strip()
    wait(lambda: not process.exists(), "the command died with the session")
    (queue.folder / "running" / "1-cpu").write_text("1\necho interrupted\n")
    assert queue.start("echo again\necho interrupted\n", "cpu").returncode == 0
    wait(lambda: not queue.runs(), "the worker ended")
    assert queue.lines("done") == ["echo interrupted", "echo again", "echo never"], "each of them once"


def test_a_short_queue_ends_after_all_windows_are_open(queue: Queue) -> None:
    started = queue.start("true\n", *["cpu"] * 6)
    assert started.returncode == 0 and started.stderr == ""
    wait(lambda: not queue.runs(), "the workers ended")
    assert queue.log().count("the queue is empty") == 6


def test_two_starts_at_once_leave_one_session(queue: Queue, tmp_path: Path) -> None:
    (tmp_path / "commands").write_text("sleep 60\n")
    env, null = os.environ | {"REPRO_QUEUE": str(queue.folder)}, subprocess.DEVNULL
    with (tmp_path / "commands").open() as one, (tmp_path / "commands").open() as two:
        starts = [
            subprocess.Popen([SESSION, "cpu"], stdin=file, stdout=null, stderr=null, env=env) for file in (one, two)
        ]
        assert sorted(start.wait(timeout=10) for start in starts) == [0, 2]


@pytest.mark.parametrize(("commands", "gpus"), [("", ["cpu"]), ("\n  \n# none\n", ["cpu"]), ("echo hello\n", [])])
def test_nothing_to_do_is_one_line_and_exit_code_2(queue: Queue, commands: str, gpus: list[str]) -> None:
    nothing = queue.start(commands, *gpus)
    assert nothing.returncode == 2 and nothing.stdout == ""
    assert len(nothing.stderr.splitlines()) == 1
    assert not queue.folder.exists()


@pytest.mark.parametrize("gpu", ["", "gpu", "0+1", "0,", "$(id)", "0,0", "1,0,1", "01"])
def test_what_is_no_gpu_is_one_line_and_exit_code_2(queue: Queue, gpu: str) -> None:
    assert queue.start("true\n", gpu).returncode == 2 and not queue.folder.exists()
    for words in ([gpu], [] if not gpu else [gpu, "name"]):
        environment = os.environ | {"REPRO_QUEUE": str(queue.folder)}
        done = subprocess.run(
            [SESSION.parent / "worker.sh", *words], env=environment, capture_output=True, text=True, timeout=10
        )
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and not queue.folder.exists(), done.stderr


def test_the_queue_is_for_its_owner_alone(queue: Queue) -> None:
    """The workers run every command in it, so only its owner may write there."""
    before = os.umask(0)
    try:
        queue.start("true", "cpu")
    finally:
        os.umask(before)
    place = Path(f"/tmp/tmux-{os.getuid()}")
    assert queue.folder.stat().st_mode & 0o777 == 0o700
    assert place.stat().st_uid == os.getuid() and place.stat().st_mode & 0o007 == 0


def test_a_queue_of_any_path_has_a_session(tmp_path: Path) -> None:
    """The path of a Unix socket has at most 107 bytes, but the path of a checkout or TMUX_TMPDIR may be longer."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    queue = Queue(folder / "queue: é")
    try:
        done = queue.start("echo hello\n", "cpu", TMUX_TMPDIR=str(folder))
        assert (done.returncode, done.stderr) == (0, "")
        wait(lambda: not queue.runs(), "the worker ended")
        assert queue.lines("done") == ["echo hello"]
    finally:
        queue.end()


def test_the_queue_is_the_repository_s_wherever_it_is_started(tmp_path: Path, request: Any) -> None:
    """It is `runs/queue` of the repository that contains the script; REPRO_RUNS moves it with the runs."""
    root = tmp_path / "repository"
    shutil.copytree(SESSION.parent, root / "tmux")
    env = {name: value for name, value in os.environ.items() if name not in ("REPRO_QUEUE", "REPRO_RUNS")}
    for runs, given in ((root / "runs", {}), (tmp_path / "big", {"REPRO_RUNS": str(tmp_path / "big")})):
        queue = Queue(runs / "queue")
        request.addfinalizer(queue.end)
        start = [root / "tmux" / "session.sh", "cpu"]
        subprocess.run(start, input="pwd > where\n", env=env | given, cwd=tmp_path, text=True, timeout=10, check=True)
        wait(lambda queue=queue: not queue.runs(), "the worker ended")  # type: ignore[misc]
        assert queue.lines("done") == ["pwd > where"]
        assert (tmp_path / "where").read_text().strip() == str(tmp_path), (
            "the commands run in the folder in which session.sh was started"
        )


def test_the_workers_know_how_many_share_the_machine(queue: Queue, tmp_path: Path) -> None:
    queue.start("echo $REPRO_WORKERS > workers\n", "cpu", "cpu", "cpu")
    wait(lambda: not queue.runs(), "the workers ended")
    assert (tmp_path / "workers").read_text() == "3\n"
