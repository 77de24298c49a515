"""`repro status`, `stop`, `logs` and the names of runs, on run folders as a run leaves them."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.cli import launching
from repro.errors import BadInput
from repro.launch import control, names, status, tmux

Make = Callable[..., Path]


def held_by(run: Path, process: int, gpus: str = "") -> None:
    row = {"host": platform.node(), "process": process, "since": "1970-01-01T00:00:50+00:00", "gpus": gpus}
    (run.parent / f".{run.name}.holder").write_text(json.dumps(row))


@pytest.fixture
def folder(paper: Any, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a run folder: `folder("line", 3, outcome="stopped", rows=[(10, 0.5, 1.0)])`; rows: step, loss, time."""
    monkeypatch.delenv("REPRO_QUEUE", raising=False)

    def make(config: str, seed: int, outcome: str = "", rows: Any = (), process: int = 0, gpus: str = "") -> Path:
        run = Path("runs", paper.name, config, f"0123abcd-seed{seed}")
        run.mkdir(parents=True)
        (run / "run.json").write_text(json.dumps({"outcome": outcome}))
        (run / "run.log").write_text("started\n")
        (run / "config.gin").write_text((paper.folder / "configs" / "base.gin").read_text())
        lines = [{"curve": "train", "step": step, "loss": loss, "time": when} for step, loss, when in rows]
        (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        if process:
            held_by(run, process, gpus)
        return run

    return make


@pytest.mark.parametrize("outcome", ["finished", "stopped", "failed", "refused", ""])
def test_the_state_is_how_the_run_ended(folder: Make, repro: Any, outcome: str) -> None:
    folder("line", 3, outcome)
    (row,) = json.loads(repro("status", "--json")[1])
    assert (row["config"], row["seed"], row["state"]) == ("line", 3, outcome or "killed")


def test_progress_speed_and_time_left_are_those_of_the_metrics_log(folder: Make, paper: Any) -> None:
    folder("line", 0, rows=[(10, 0.9, 100.0), (20, 0.5, 102.0), (30, 0.25, 104.0)], process=os.getpid(), gpus="3")
    (one,) = status.all_runs()
    text = (paper.folder / "configs" / "base.gin").read_text()
    steps, batch_size = (int(re.findall(rf"\b{name} = (\d+)", text)[0]) for name in ("steps", "batch_size"))
    assert (one.state, one.step, one.steps, one.loss, one.gpus) == ("running", 30, steps, 0.25, "3")
    assert one.rate == pytest.approx(5 * batch_size) and one.left == pytest.approx((steps - 30) / 5)


def test_a_resumed_run_has_no_speed_while_it_loads(folder: Make) -> None:
    """The process has the run since second 50 (`held_by`)."""
    before = [(10, 0.9, 10.0), (20, 0.5, 12.0)]
    folder("line", 0, rows=before, process=os.getpid())
    folder("line", 1, rows=[*before, (30, 0.4, 60.0), (40, 0.3, 64.0)], process=os.getpid())
    first, second = sorted(status.all_runs(), key=lambda one: one.seed)
    assert (first.step, first.rate, first.left) == (20, None, None)
    assert second.left and second.steps and second.left == pytest.approx((second.steps - 40) / 2.5)


def test_a_process_that_is_gone_does_not_run(folder: Make) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folder("line", 0, process=gone.pid)
    assert [one.state for one in status.all_runs()] == ["killed"]


def test_what_waits_and_what_was_set_aside_is_read_from_the_queue(folder: Make, paper: Any, repro: Any) -> None:
    queue = Path("runs", "queue")
    (queue / "running").mkdir(parents=True)
    command = f"repro run papers/{paper.name}/configs/line.gin --seed"
    (queue / "todo").write_text(f"{command} 1 --missing\necho other\n")
    (queue / "failed").write_text(f"1\t{command} 2 --missing\n")
    (queue / "running" / "1-cpu").write_text(f"{os.getpid()}\n{command} 3 --missing\n")
    assert {one.seed: one.state for one in status.all_runs()} == {1: "waiting", 2: "set aside", 3: "starting"}
    folder("line", 3, process=os.getpid())
    assert {one.seed: one.state for one in status.all_runs()} == {1: "waiting", 2: "set aside", 3: "running"}
    assert f"{paper.name}/line-seed1" in repro("status")[1]


@pytest.mark.parametrize("damage", [
    "", "{", "[1]", '{"curve": "train"}\n', "\xff", '{"outcome": ["x"]}', '{"outcome": "\\u001b[2J"}',
    '{"curve": "train", "step": "a", "loss": [], "time": null}\n' * 2,
])  # fmt: skip
def test_a_damaged_folder_is_still_listed(folder: Make, damage: str) -> None:
    run = folder("line", 0)
    for name in ("run.json", "metrics.jsonl", "config.gin"):
        (run / name).write_text(damage, encoding="latin-1")
    assert [one.state for one in status.all_runs()] == ["killed"]


def test_a_run_has_short_names_and_one_that_runs_comes_first(folder: Make, paper: Any) -> None:
    first, second = folder("line", 0), folder("line", 1, process=os.getpid())
    for name in (f"{paper.name}/line-seed0", "line-seed0", "0123abcd-seed0", str(first)):
        assert names.find(name).begun == first
    assert names.find("line").begun == second, "the one that runs"
    with pytest.raises(BadInput) as caught:
        names.find("line-sed0")
    assert caught.value.nearest == "line-seed0"
    folder("mean", 0)
    folder("mean", 1)
    with pytest.raises(BadInput, match="2 runs are called 'mean'") as several:
        names.find("mean")
    with pytest.raises(BadInput) as none:
        names.find("nosuchrun")
    offered = [several.value.expected.removeprefix("one of ").split(", "), none.value.known]
    assert [len(each) for each in offered] == [2, 4]
    assert all(names.find(each).run == each for some in offered for each in some), "each can be typed"


def test_of_two_runs_with_one_name_the_folders_are_offered(folder: Make, paper: Any) -> None:
    first = folder("line", 0, "stopped")
    second = first.with_name("4567abcd-seed0")
    second.mkdir()
    with pytest.raises(BadInput) as caught:
        names.find("line-seed0")
    assert {names.find(one).begun for one in caught.value.expected.removeprefix("one of ").split(", ")} == {
        first,
        second,
    }


def test_a_log_without_a_line_is_said(folder: Make, refused: Any) -> None:
    run = folder("line", 0, process=os.getpid())
    (run / "run.log").write_text("")
    assert str(run) in refused("logs", "line-seed0")


@pytest.mark.parametrize("checkpoint", ["", "checkpoints", "fold-1/checkpoints"])
def test_stop_says_whether_there_is_a_checkpoint(
    folder: Make, repro: Any, monkeypatch: pytest.MonkeyPatch, checkpoint: str
) -> None:
    run = folder("line", 0, process=os.getpid())
    (run / "checkpoints").mkdir()
    if checkpoint:
        (run / checkpoint).mkdir(parents=True, exist_ok=True)
        (run / checkpoint / "step-3-0123456789abcdef.safetensors").touch()
    monkeypatch.setattr(control, "stop", lambda _: True)
    code, out, _ = repro("stop", "line-seed0")
    assert code == 0 and ("with a checkpoint" in out) == bool(checkpoint)


@pytest.mark.parametrize("command", ["stop", "attach"])
def test_a_run_that_does_not_run_is_refused(folder: Make, refused: Any, command: str) -> None:
    folder("line", 0, "stopped")
    assert "is not running" in refused(command, "line-seed0")


def test_a_run_on_another_machine_is_refused(folder: Make, refused: Any) -> None:
    run = folder("line", 0, process=os.getpid())
    holder = run.parent / f".{run.name}.holder"
    holder.write_text(holder.read_text().replace(platform.node(), "elsewhere"))
    assert "runs on elsewhere" in refused("stop", "line-seed0")


def test_stop_asks_the_process_and_waits_until_it_has_ended(folder: Make) -> None:
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); "
    code += "file = open(sys.argv[1], 'w'); print(1, flush=True); signal.pause()"
    run = folder("line", 0)
    lock = run.parent / f".{run.name}.lock"
    with subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        held_by(run, process.pid)
        os.kill(process.pid, 0)
        assert control.stop(run, patience=0.0) is False or process.wait(10) == 75
        process.wait(10)
        with pytest.raises(BadInput, match="is not running"):
            control.stop(run)


def test_logs_follow_a_run_until_it_ends(folder: Make, repro: Any) -> None:
    assert repro("logs", folder("line", 0))[1] == "started\n"
    with subprocess.Popen(["sleep", "60"]) as process:
        run = folder("line", 1, process=process.pid)
        parts = control.log(run, follow=True)
        assert next(parts) == "started\n"
        with (run / "run.log").open("a") as file:
            file.write("more\n")
        assert next(parts) == "more\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert list(parts) == []


def test_a_new_process_with_the_number_of_a_killed_run_is_left_alone(folder: Make, refused: Any) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        folder("line", 0, process=process.pid)
        assert "is not running" in refused("stop", "line-seed0")
        assert process.poll() is None
        process.kill()


@pytest.mark.skipif(os.getuid() == 0, reason="root may stop the runs of all users")
def test_the_run_of_another_user_is_refused_in_one_line(folder: Make, refused: Any) -> None:
    folder("line", 0, process=1)
    assert "of another user" in refused("stop", "line-seed0")


def test_a_run_is_found_from_its_own_folder(folder: Make, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder("line", 0, "stopped"))
    assert repro("logs", ".")[:2] == (0, "started\n")
    code, _, err = repro("attach", ".")
    assert code == 2 and "line" in err


@pytest.mark.parametrize("name", ["nowhere", "x" * 300, "line-seed0/../..", "", "*", "\udcff"])
@pytest.mark.parametrize("command", ["stop", "attach", "logs"])
def test_a_wrong_name_is_one_line(folder: Make, refused: Any, command: str, name: str) -> None:
    folder("line", 0)
    folder("line", 1)
    assert refused(command, name)


def test_the_queue_is_found_through_links_and_with_spaces(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the tmux server is made from the path without links, as in session.sh."""
    Path("a real folder").mkdir()
    Path("link").symlink_to("a real folder")
    names = []
    for name in ("link", "a real folder"):
        monkeypatch.setenv("REPRO_RUNS", name)
        names.append(tmux.client("attach"))
    assert names[0] == names[1]
    queue = Path("a real folder", "queue")
    queue.mkdir()
    (queue / "todo").write_text(f"repro run '/my disk/papers/{paper.name}/configs/line.gin' --seed 7 --missing\n")
    assert [(one.run, one.state) for one in status.all_runs()] == [(f"{paper.name}/line-seed7", "waiting")]


@pytest.mark.parametrize(("columns", "lines"), [(60, 24), (200, 50), (40, 10), (30, 4), (12, 1)])
def test_the_table_fits_into_the_terminal(columns: int, lines: int) -> None:
    kinds = [("running", math.nan), ("stopped", 1.0), ("waiting", math.inf)] * 10
    rows = [
        status.Status("a_long_name_of_a_paper", "with_a_long_config", seed, state, "0", 10, 30000, loss, 118.0, 139.0)
        for seed, (state, loss) in enumerate(kinds)
    ]
    shown = launching.text(rows, columns, lines).splitlines()
    assert len(shown) < max(lines, 4)
    if columns >= 30 and lines >= 10:
        states = {"running", "stopped", "waiting"}
        assert max(map(len, shown[:-1])) <= columns and states <= set(" ".join(shown[:-1]).split())
    if lines < 30:
        assert f"and {30 - max(lines - 4, 0)} more" in shown[-2]
    whole = launching.text(rows)
    assert whole.count("a_long_name_of_a_paper/with_a_long_config-seed") == 30 and "nan" in whole


def test_json_has_no_nan(folder: Make, repro: Any) -> None:
    folder("line", 0, rows=[(10, math.nan, 1.0), (20, math.inf, 2.0)])

    def refuse(text: str) -> None:
        raise AssertionError(text)

    (row,) = json.loads(repro("status", "--json")[1], parse_constant=refuse)
    assert (row["step"], row["loss"]) == (20, None)


def test_attach_without_tmux_is_one_line(folder: Make, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder("line", 0, process=os.getpid())
    monkeypatch.setenv("PATH", "/nowhere")
    assert "tmux is not installed" in refused("attach", "line-seed0")


@pytest.mark.parametrize("terminal", ["none", "nonsense", "dumb"])
def test_attach_without_a_terminal_is_one_line(
    folder: Make, refused: Any, monkeypatch: pytest.MonkeyPatch, terminal: str
) -> None:
    """The run is one of a worker, so only the terminal is wrong."""
    run = folder("line", 0, process=os.getpid())
    monkeypatch.setattr(tmux, "check", lambda: None)
    monkeypatch.setattr(
        tmux,
        "running",
        lambda dead=False: {} if dead else {"1-cpu": f"{run.parent.parent.name}/configs/line.gin --seed 0"},
    )
    monkeypatch.setattr(control, "_here", lambda _: {"process": os.getpid()})
    monkeypatch.setattr(control, "_ask", lambda *_: pytest.fail("tmux was asked"))
    if terminal != "none":
        monkeypatch.setenv("TERM", terminal)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "terminal" in refused("attach", "line-seed0")
