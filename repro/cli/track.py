"""The commands about tools of others: `track` copies runs to an experiment tracker, `dvc` writes files of DVC."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from repro.cli import places
from repro.errors import where
from repro.files import disk

FOLDER = "trackers"


def options(commands: Any, add: Any) -> None:
    """Add the commands to the parser. add: adds one command."""
    command = add(commands, "track", track, "copy runs to an experiment tracker: W&B, MLflow, ...")
    command.add_argument("name", nargs="+", help="papers, runs such as template/line-seed0, run folders or records")
    command.add_argument("--to", required=True, metavar="TRACKER", help="wandb, mlflow, tensorboard or trackio")
    command.add_argument("--in", dest="folder", type=Path, help=f"where to write (default: {FOLDER}/TRACKER)")
    command = add(commands, "dvc", dvc, "a paper's runs and data sets as files of DVC")
    command.add_argument("paper", help="name of a paper")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--write", action="store_true", help="write the files (default: print them)")
    form.add_argument("--metrics", action="store_true", help="print the means and intervals of the records as JSON")
    command.add_argument(
        "--to", type=Path, default=Path("dvc"), metavar="FOLDER", help="where to write them (default: dvc)"
    )


def track(given: argparse.Namespace) -> int:
    """`repro track`: copy runs to a tracker; print the folder. Exit code 1 if the tracker failed at a run."""
    from repro import track
    from repro.report.html.words import count
    from repro.track import chosen

    track.check(given.to)
    folder = given.folder or Path(FOLDER, given.to)
    places.refuse_paper(folder)
    disk.refuse_unwritable(folder)
    runs = chosen.named(given.name)
    done = track.copy(runs, given.to, folder)
    log = logging.getLogger("repro")
    log.info("%s written, %d unchanged", count(len(done.written), "run"), len(done.unchanged))
    running = [one.name for one in runs if one.state == "running"]
    if running:
        log.info("still running: %s; the same command adds what they have logged since", ", ".join(running))
    for fault in done.failed:
        print(f"repro: {fault}", file=sys.stderr)
    print(where(folder))
    return int(bool(done.failed))


def dvc(given: argparse.Namespace) -> None:
    """`repro dvc`: print or write the stages and the pointers of a paper."""
    from repro.claim import paper
    from repro.track import dvc_files, dvc_stages

    if given.metrics:
        print(dvc_stages.metrics(paper.find(given.paper)), end="")
        return
    if given.write:
        disk.refuse_unwritable(given.to)
    for path, text in dvc_files.of_paper(given.paper, given.to).items():
        if given.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            disk.write(path, text)
        print(where(path) if given.write else f"# {where(path)}\n{text}")
