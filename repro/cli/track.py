"""The commands about tools of others: `track` replays runs into an experiment tracker, `dvc` writes files of DVC."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from repro.errors import where
from repro.files import disk

FOLDER = "trackers"


def options(commands: Any, add: Any) -> None:
    """Add the commands to the parser. add: adds one command."""
    command = add(commands, "track", track, "copy runs to an experiment tracker: W&B, MLflow, ...")
    command.add_argument("name", nargs="+", help="papers, runs such as template/line-seed0, run folders or records")
    command.add_argument("--to", required=True, metavar="TRACKER", help="wandb, mlflow, tensorboard or trackio")
    command.add_argument("--in", dest="folder", type=Path, help=f"where to write (default: {FOLDER}/TRACKER)")


def track(given: argparse.Namespace) -> int:
    """`repro track`: replay runs; prints the folder. Exit code 1 if the tracker failed at a run."""
    from repro import track
    from repro.track import chosen

    track.check(given.to)
    folder = given.folder or Path(FOLDER, given.to)
    disk.refuse_unwritable(folder)
    runs = chosen.named(given.name)
    done = track.replay(runs, given.to, folder)
    log = logging.getLogger("repro")
    log.info("%d runs written, %d unchanged", len(done.written), len(done.unchanged))
    running = [one.name for one in runs if one.state == "running"]
    if running:
        log.info("still running: %s; the same command adds what they have logged since", ", ".join(running))
    for fault in done.failed:
        print(f"repro: {fault}", file=sys.stderr)
    print(where(folder))
    return int(bool(done.failed))
