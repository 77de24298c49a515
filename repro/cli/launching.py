"""The commands about the queue and the runs: launch, status, attach, stop, logs."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli import looking
from repro.config import names
from repro.errors import BadInput

if TYPE_CHECKING:
    from repro.launch.status import Status

LESS = ("items/s", "gpu", "processes", "loss", "step", "left", "job", "set")
"""The columns that a narrow terminal lacks, the first of these first."""
SECONDS = 2.0  # between two pictures of `status --watch`
TIME = "4:00:00"  # time limit of a job in Slurm; a longer run resumes in the same job
SLURM = ("partition", "time", "gpus_per_node", "at_once", "nodes")  # the options of `--on slurm`
MOST_RUNS = 100_000  # of one launch: each is a line of the queue, and no group has the time for more
AT_ONCE = 8  # jobs that Slurm runs at the same time


def launch(given: argparse.Namespace) -> int:
    """`repro launch`: put the missing runs of papers, and seeds of configs, into the queue, and start workers."""
    from repro.launch import Job

    _refuse_others(given)
    papers, configs = named(given.name)
    for path in configs:
        _refuse_unbound(path)
    if given.seeds and not configs:
        raise BadInput("--seeds is given without a config", expected="a config, as in repro launch a.gin --seeds 3")
    if (given.seeds or 0) * len(configs) > MOST_RUNS:
        expected = f"at most {MOST_RUNS:,} runs at once, because each is a line of the queue"
        raise BadInput(f"--seeds is {given.seeds} for {len(configs)} configs", expected=expected)
    missing = looking.jobs(papers) if papers or not configs else []
    if missing is None:
        return 2
    jobs = [*missing, *(Job("", str(path), seed) for path in configs for seed in range(given.seeds or 1))]
    if jobs:
        print(_start(list(dict.fromkeys(f"{job.command} --missing" for job in jobs)), given))
    return 0


def named(given: Iterable[str]) -> tuple[list[str], list[Path]]:
    """The names of papers and the paths of configs among `given`. Raises BadInput for an unknown config."""
    given = list(given)
    configs = [name for name in given if "/" in name or name.endswith(".gin")]
    return [name for name in given if name not in configs], [_config(names.find(name)) for name in configs]


def _refuse_unbound(path: Path) -> None:
    """Raise BadInput if the file is no config that can run: a worker would find out only when its turn comes."""
    from repro import config
    from repro.experiment import binding

    if path.suffix != ".gin":
        raise BadInput(
            f"{path} is no config", expected="a paper, or a config as PAPER/NAME or as the path of a .gin file"
        )
    binding.bind(config.read(path), whole=True)


def by_paper(papers: Collection[str], configs: Iterable[Path]) -> dict[str, set[str]]:
    """The configs by their paper, as `configs/NAME.gin`, without those of `papers`, which are meant as a whole."""
    from repro import config

    found: dict[str, set[str]] = defaultdict(set)
    for one in map(config.read, configs):
        if one.paper not in papers:
            found[one.paper].add(f"configs/{one.name}.gin")
    return found


def slurm_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `launch --on slurm`."""
    command.add_argument("--partition", metavar="P", help="Slurm: the partition (default: the cluster's default)")
    command.add_argument("--time", help=f"Slurm: time limit of a job, after which its run resumes (default: {TIME})")
    command.add_argument(
        "--gpus-per-node", type=_number("GPUs"), metavar="G", help="Slurm: GPUs of each node (default: none)"
    )
    command.add_argument(
        "--nodes", type=_number("nodes"), metavar="N", help="Slurm: nodes that share each run (default: 1)"
    )
    command.add_argument(
        "--at-once",
        type=_number("jobs"),
        metavar="N",
        help=f"Slurm: jobs of this launch at the same time, at most (default: {AT_ONCE})",
    )


def _number(what: str) -> Callable[[str], int]:
    """A type for argparse: how many of these."""

    def number(text: str) -> int:
        if not (text.isdecimal() and len(text) < 6 and int(text) > 0):
            raise argparse.ArgumentTypeError(f"{text!r:.40}; expected how many {what}, from 1 to 99,999")
        return int(text)

    return number


def _refuse_others(given: argparse.Namespace) -> None:
    """Raise BadInput for an option that is empty, or about another place than the one in which the workers run."""
    mine = ("gpus", "share") if given.on == "tmux" else SLURM
    other = "slurm" if given.on == "tmux" else "tmux"
    for name in ("gpus", "share", *SLURM):
        option = f"--{name.replace('_', '-')}"
        if getattr(given, name) == "":
            raise BadInput(f"{option} is empty", expected=f"a value, or no {option}")
        if name not in mine and getattr(given, name) not in (None, False):
            hint = ", or --gpus-per-node instead" if name == "gpus" else ""
            raise BadInput(f"{option} is given with --on {given.on}", expected=f"{option} with --on {other}{hint}")


def _start(commands: list[str], given: argparse.Namespace) -> str:
    """Give the commands to workers on this machine, or to Slurm."""
    from repro.launch import slurm, tmux

    if given.on == "tmux":
        return tmux.start(commands, given.gpus or "cpu", given.share)
    limit = slurm.minutes(given.time or TIME)
    at_once, gpus = given.at_once or AT_ONCE, given.gpus_per_node or 0
    wanted = slurm.Wanted(given.partition or "", limit, gpus, at_once, given.nodes or 1)
    return slurm.start(commands, wanted)


def _config(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(f"no config {path}", expected="a paper, or a config as PAPER/NAME or as the path of a .gin file")
    return path


def status(given: argparse.Namespace) -> int:
    """`repro status`: print the state of all runs."""
    from repro.launch.status import all_runs

    rows = all_runs()
    if given.json:
        print(json.dumps([_plain(row) for row in rows], indent=1))
        return 0
    while given.watch:
        clear = "\033[H\033[J" if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" else ""
        print(f"{clear}{text(rows, *_terminal(), _workers(rows))}", flush=True)
        if not {"running", "starting", "waiting", "queued"} & {row.state for row in rows}:
            return 0
        time.sleep(SECONDS)
        rows = all_runs()
    print(text(rows, _terminal()[0], 0, _workers(rows)))
    return 0


def _workers(rows: Iterable[Status]) -> str:
    """What has happened to the workers, if a run waits for one; else empty."""
    from repro.launch import tmux

    if "waiting" not in {row.state for row in rows}:
        return ""
    if not tmux.workers():
        return "no worker is left: the same repro launch starts them again"
    killed = tmux.running(dead=True)
    return f"killed: worker {', '.join(killed)}; another worker takes its run" if killed else ""


def _plain(row: Status) -> dict[str, object]:
    """The fields for JSON, which has no NaN."""
    found = asdict(row).items()
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in found}


def _terminal() -> tuple[int, int]:
    """The columns and lines of the terminal; 0 and 0 if stdout is none."""
    return shutil.get_terminal_size() if sys.stdout.isatty() else (0, 0)


def text(rows: Iterable[Status], columns: int = 0, lines: int = 0, workers: str = "") -> str:
    """The table of the runs that are not finished, and one line that counts all.

    columns, lines: of the terminal into which the text must fit; 0 if any size fits. workers: a sentence about them.
    """
    rows = list(rows)
    left = [row for row in rows if row.state not in ("finished", "superseded")]
    wide, jobs = any(one.overrides for one in left), any(one.job for one in left)
    shown = [_row(row) | _shared(row, left) | _set(row, wide) | ({"job": row.job} if jobs else {}) for row in left]
    counts = Counter(row.state for row in rows)
    counted = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no runs yet"
    counted += f"; {workers}" if workers else ""
    if lines and len(shown) > lines - 3:  # the head, the two last lines, and the cursor below them
        counted = f"... and {len(shown) - max(lines - 4, 0)} more\n{counted}"
        del shown[max(lines - 4, 0) :]
    return "\n".join([*([_table(shown, columns)] if shown else []), counted])


def _table(shown: list[dict[str, str]], columns: int) -> str:
    """The table without the columns for which there is no space, and with the ends of names that are too long."""
    from repro.cli import listing

    for name in ("", *LESS):
        shown = [{key: value for key, value in row.items() if key != name} for row in shown]
        found = listing.table(shown)
        if not columns or max(map(len, found.splitlines())) <= columns:
            return found
    width = max(columns - max(len(row["state"]) for row in shown) - 2, 10)
    cut = [{**row, "run": row["run"] if len(row["run"]) <= width else f"...{row['run'][3 - width :]}"} for row in shown]
    return listing.table(cut)


def _shared(row: Status, rows: Iterable[Status]) -> dict[str, str]:
    """The column with the number of processes, if several share one of the runs."""
    return {"processes": str(row.processes)} if any(one.processes > 1 for one in rows) else {}


def _set(row: Status, shown: bool) -> dict[str, str]:
    """The column with the settings from `--set`, if one of the runs has some."""
    return {"set": " ".join(row.overrides)} if shown else {}


def _row(row: Status) -> dict[str, str]:
    done = "" if row.step is None else f"{row.step} of {row.steps}" if row.steps else str(row.step)
    return {
        "run": row.run,
        "state": row.state,
        "gpu": row.gpus,
        "step": done,
        "loss": "" if row.loss is None else f"{row.loss:.4g}",
        "items/s": "" if row.rate is None else f"{row.rate:.0f}",
        "left": "" if row.left is None or row.state != "running" else _duration(row.left),
    }


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def attach(given: argparse.Namespace) -> int:
    """`repro attach`: show the window of a run in this terminal."""
    from repro.launch import control, names

    folder = names.find(given.run).begun
    sys.stdout.flush()
    return control.window(folder, given.read_only)


def stop(given: argparse.Namespace) -> int:
    """`repro stop`: stop a run after its step, or take it out of the queue."""
    from repro.launch import control

    one = control.started(given.run)
    if one.state == "waiting":
        control.leave_queue(one)
        print(f"{one.run} is out of the queue; repro launch puts it back")
        return 0
    if not (control.leave_slurm(one) if one.job else control.stop(one.begun)):
        print(f"repro: {one.folder or one.run} has not ended yet; it stops after its step", file=sys.stderr)
        return 1
    if one.state == "running":
        resumes = "with a checkpoint; the same command resumes it"
        restarts = "before its first checkpoint; the same command starts it from the first step"
        print(f"{one.folder} has stopped, {resumes if control.has_checkpoint(one.begun) else restarts}")
    else:
        print(f"{one.run}: job {one.job} is out of Slurm's queue; repro launch puts it back")
    return 0


def logs(given: argparse.Namespace) -> int:
    """`repro logs`: print the log of a run."""
    from repro.launch import control, names

    for part in control.log(names.find(given.run).begun, given.follow):
        print(part, end="", flush=True)
    return 0
