"""The commands about the queue and the runs: launch, status, attach, stop, logs."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli import looking
from repro.errors import BadInput

if TYPE_CHECKING:
    from repro.launch.status import Status

LESS = ("items/s", "gpu", "loss", "step", "left")
"""The columns that a narrow terminal lacks, the first of these first."""
SECONDS = 2.0  # between two pictures of `status --watch`


def launch(given: argparse.Namespace) -> int:
    """`repro launch`: put the missing runs of papers, and seeds of configs, into the queue, and start workers."""
    from repro.launch import Job, tmux

    configs = [Path(name) for name in given.name if name.endswith(".gin")]
    papers = [name for name in given.name if not name.endswith(".gin")]
    if given.seeds and not configs:
        raise BadInput("--seeds is given without a config", expected="a config, as in repro launch a.gin --seeds 3")
    missing = looking.jobs(papers) if papers or not configs else []
    if missing is None:
        return 2
    jobs = [*missing, *(Job("", str(_config(path)), seed) for path in configs for seed in range(given.seeds or 1))]
    if jobs:
        print(tmux.start(dict.fromkeys(f"{job.command} --missing" for job in jobs), given.gpus, given.share))
    return 0


def _config(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(f"no config {path}", expected="the path of a config (.gin), or the name of a paper")
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
        print(f"{clear}{text(rows, *_terminal())}", flush=True)
        if not {"running", "starting", "waiting"} & {row.state for row in rows}:
            return 0
        time.sleep(SECONDS)
        rows = all_runs()
    print(text(rows, _terminal()[0]))
    return 0


def _plain(row: Status) -> dict[str, object]:
    """The fields for JSON, which has no NaN."""
    found = asdict(row).items()
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in found}


def _terminal() -> tuple[int, int]:
    """The columns and lines of the terminal; 0 and 0 if stdout is none."""
    return shutil.get_terminal_size() if sys.stdout.isatty() else (0, 0)


def text(rows: Iterable[Status], columns: int = 0, lines: int = 0) -> str:
    """The table of the runs that are not finished, and one line that counts all.

    columns, lines: of the terminal into which the text must fit; 0 if any size fits.
    """
    rows = list(rows)
    shown = [_row(row) for row in rows if row.state not in ("finished", "superseded")]
    counts = Counter(row.state for row in rows)
    counted = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no runs yet"
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
    from repro.launch import control, status

    command = control.window(status.find(given.run), given.read_only)
    sys.stdout.flush()
    os.execvp(command[0], command)  # nosec B606  # tmux, with words of ours


def stop(given: argparse.Namespace) -> int:
    """`repro stop`: stop a run after its step."""
    from repro.launch import control, status

    folder = status.find(given.run)
    if not control.stop(folder):
        print(f"repro: {folder} has not ended yet; it stops after its step", file=sys.stderr)
        return 1
    print(f"{folder} has stopped, with a checkpoint; the same command resumes it")
    return 0


def logs(given: argparse.Namespace) -> int:
    """`repro logs`: print the log of a run."""
    from repro.launch import control, status

    for part in control.log(status.find(given.run), given.follow):
        print(part, end="", flush=True)
    return 0
