"""The command line: `repro COMMAND`. Results for programs go to stdout, everything else goes to stderr.

Exit codes: 0, done; 1, a run failed, a check found a fault, a verdict is worse than the committed one, or numbers or
data differ; 2, the input was wrong, and one line explains it; 66 (EX_NOINPUT), data is not on this machine and could
not be downloaded; 69 (EX_UNAVAILABLE), another process is making this run; 75 (EX_TEMPFAIL), a signal stopped a run,
and the same command resumes it; 130, stopped at once.

`looking` has the commands that train nothing (list, show, todo, verdict), `running` those that run or bind a config
(run, replay, renew, smoke), `checking` those that check papers or this machine (check, doctor), and `using` those that
use what runs made (serve, track, dvc, watch). `listing` and
`data` format what they print. `parser` reads arguments; `overview` is `repro --help`. `new_paper` copies a template,
`arxiv` looks up a citation. `streams` and `system` handle encodings and errors of the system.
"""

from __future__ import annotations

import argparse
import functools
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from repro import __version__
from repro.claim.paper import refuse_other_core
from repro.cli import (
    checking,
    course,
    export,
    labels,
    launching,
    looking,
    overview,
    planning,
    review,
    running,
    streams,
    system,
    using,
)
from repro.cli.parser import Program
from repro.config import names
from repro.errors import BadInput
from repro.interruption import RESUME, Interrupted

KINDS = ("papers", "datasets", "perturbations", "models", "losses", "trainers", "metrics")
CONFIG = "PAPER/NAME, such as template/line, or the path of a config (.gin)"
COMPLETION = "print the script that completes commands in your shell"
NEW = ("training", "statistics", "benchmark")  # the kinds of papers that have a template
DIGITS = 18  # of a seed or a number of steps; a number with more digits may not fit into 64 bits


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    logging.root.handlers[0].setLevel(logging.INFO)  # the log file of a run also has the debug messages
    streams.prepare()
    try:
        _join(Path.cwd())
        given = _parser().parse_args(arguments)
        refuse_other_core(Path.cwd())
        if isinstance(name := getattr(given, "config", None), str):
            given.config = names.find(name)
        return _called(given)
    except BadInput as error:
        print(f"repro: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:
        sys.stderr.close()  # the reader closed the pipe, for example `repro list | head`
        return 0
    except OSError as error:
        if not system.environment(error):
            raise
        print(f"repro: {system.environment(error)}", file=sys.stderr)
        return 2
    except Interrupted as error:
        print(f"repro: {error}; the same command resumes the run", file=sys.stderr)
        return RESUME
    except KeyboardInterrupt:
        print("repro: interrupted", file=sys.stderr)
        return 130


def _join(folder: Path) -> None:
    """Find the papers in `folder` too, before installed ones, if it has a folder papers/."""
    if (folder / "papers").is_dir() and str(folder) not in sys.path:
        installed = (place for place, path in enumerate(sys.path) if path.endswith("-packages"))
        sys.path.insert(next(installed, len(sys.path)), str(folder))


def _called(given: argparse.Namespace) -> int:
    """Run the command; returns its exit code. Code of a paper must not end the command as if it had succeeded."""
    try:
        return int(given.call(given) or 0)
    except SystemExit as stop:
        if stop.code:
            raise
        print("repro: the code of a paper ended the program: it called sys.exit()", file=sys.stderr)
        return 1


@functools.cache
def _parser() -> argparse.ArgumentParser:
    parser = Program(prog="repro")
    parser.add_argument("--version", action="version", version=f"repro {__version__}")
    commands = parser.commands
    command = _add(commands, "list", looking.listed, "list papers, or parts of a kind")
    command.add_argument(
        "kind", nargs="?", default="papers", choices=KINDS, help="what to list (default: papers); runs: repro status"
    )
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    command = _add(commands, "show", looking.show, "show one paper, claim, config or part")
    command.add_argument(
        "name", help="such as template, template/fit.error (a claim), template/line (a config) or models.Line"
    )
    command = _add(commands, "diff", looking.diff, "what differs between two records, runs or configs?")
    side = "a config such as template/line, or the path of a record, config or run folder; of a run, a part of its name"
    command.add_argument("one", metavar="A", help=side)
    command.add_argument("other", metavar="B", help=side)
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    _run_commands(commands)
    command = _add(commands, "todo", looking.todo, "print the commands of the runs that claims still need")
    command.add_argument("paper", nargs="?", help="name of a paper (default: all papers)")
    command = _add(commands, "verdict", looking.verdict, "compare a paper's claims with its records")
    command.add_argument("paper", help="name of a paper")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print everything as JSON")
    form.add_argument("--check", action="store_true", help="exit 1 if a verdict is worse than in verdicts.json")
    form.add_argument("--write", action="store_true", help="write verdicts.json")
    command.add_argument(
        "--data", action="store_true", help="also check that the data has not changed since the records"
    )
    command = _add(commands, "check", checking.check, "check the files of papers, without a run; exit 1 if wrong")
    command.add_argument("paper", nargs="?", help="name of a paper (default: all papers)")
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    review.options(_add(commands, "review", review.review, "what a reviewer needs: changes, faults, what to replay"))
    looking.data_options(commands, _add)
    _add(commands, "report", looking.report, "build the site from the papers and their records")
    export.options(_add(commands, "export", export.export, "a report to hand in: PDF, ReScience, CODECHECK or zip"))
    _new_command(commands)
    _launch_commands(commands)
    _again_commands(commands)
    course.options(commands, _add, _count)
    labels.options(commands, _add, _count)
    using.options(commands, _add, _count)
    command = _add(commands, "doctor", checking.doctor, "what works on this machine, and how to get the rest")
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    command = _add(commands, "completion", lambda given: print(overview.completion(parser, given.shell)), COMPLETION)
    command.add_argument("shell", choices=("bash", "zsh"), help='for example: eval "$(repro completion bash)"')
    return parser


def _run_commands(commands: Any) -> None:
    """The commands that run or debug one config."""
    command = _add(commands, "run", running.run, "run a config: train, measure, write a record")
    seeds = command.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=_seed, default=0, help="random seed of the run (default: 0)")
    seeds.add_argument("--seeds", type=_count, metavar="N", help="run the seeds 0 to N - 1, one after the other")
    command.add_argument("--missing", action="store_true", help="do nothing if the paper has a valid record of the run")
    command.add_argument(
        "--threads", type=_count, help="default: OMP_NUM_THREADS, else as in the committed record, else the free cores"
    )
    command.add_argument(
        "--processes", type=_count, metavar="N", help="share the run between N processes, each with its own GPU if any"
    )
    command.add_argument(
        "--publish",
        action=argparse.BooleanOptionalAction,
        help="replace the paper's record even if it is not stale, or never (default: if it is missing or stale)",
    )
    _config(command, "; the record then stays in the run folder")
    command = _add(commands, "smoke", running.smoke, "run the smoke config of papers, compare with records")
    command.add_argument("paper", nargs="?", help="name of a paper (default: all papers)")
    command = _add(commands, "explain", running.explain, "where each value of a config is set, and what it replaces")
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    _config(command)
    command = _add(commands, "debug", running.debug, "check a config on one batch: gradients, leaks, overfitting")
    _config(command, nargs="?")
    command.add_argument(
        "--failed-step", type=Path, metavar="RUN", help="repeat the step at which the run in this folder met NaN or inf"
    )


def _launch_commands(commands: Any) -> None:
    """The commands about the queue and the runs."""
    command = _add(commands, "launch", launching.launch, "run what the claims still need, with one worker per GPU")
    command.add_argument("name", nargs="*", help="papers, or configs such as template/line (default: all papers)")
    command.add_argument("--on", choices=("tmux", "slurm"), default="tmux", help="where the runs run (default: tmux)")
    command.add_argument(
        "--gpus", help="one worker per entry: 0,1,2,3 (0+1: both for one run) or cpu,cpu (default: cpu)"
    )
    command.add_argument(
        "--seeds", type=_count, metavar="N", help="of each config: the seeds 0 to N - 1 (default: seed 0)"
    )
    command.add_argument("--share", action="store_true", help="allow several runs on one GPU")
    launching.slurm_options(command)
    command = _add(commands, "plan", planning.plan, "how long the missing runs take, and which to run first")
    command.add_argument("name", nargs="*", help="papers, or configs such as template/line (default: all papers)")
    command.add_argument("--hours", type=planning.hours, help="plan only what fits into so many hours")
    command.add_argument(
        "--gpus", type=planning.devices, default=1, metavar="N", help="runs at the same time (default: 1)"
    )
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    command = _add(commands, "status", launching.status, "show the state of all runs: progress, loss, time left")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--watch", action="store_true", help="show it again and again until nothing runs or waits")
    form.add_argument("--json", action="store_true", help="print everything as JSON")
    run = {"metavar": "RUN", "help": "such as template/line-seed0, or the path of a run folder"}
    command = _add(commands, "attach", launching.attach, "show the tmux window in which a run is running")
    command.add_argument("run", **run)
    command.add_argument("-r", "--read-only", action="store_true", help="only look: no key reaches the window")
    _add(commands, "stop", launching.stop, "stop a run after its step, with a checkpoint").add_argument("run", **run)
    command = _add(commands, "logs", launching.logs, "print the log of a run")
    command.add_argument("run", **run)
    command.add_argument("-f", "--follow", action="store_true", help="also print what is added, until the run ends")


def _again_commands(commands: Any) -> None:
    """The commands that run something again."""
    command = _add(commands, "replay", running.replay, "run a record again and compare the numbers")
    command.add_argument("record", nargs="?", type=Path, help="path of a record")
    command.add_argument("--smoke", action="store_true", help="replay the smoke record of every paper")
    command.add_argument(
        "--since", metavar="BRANCH", help="replay records that differ from BRANCH and take at most 2 min"
    )
    command.add_argument(
        "--commit", action="store_true", help="use the code of the record's commit, not the present code"
    )
    command.add_argument("--as", metavar="GROUP", dest="group", help="store the result, as a reviewer of this group")
    command = _add(commands, "renew", running.renew, "does changed code give bit-identical numbers?")
    command.add_argument(
        "paper", nargs="?", help="check the code of this paper's records (default: the core of all records)"
    )
    command.add_argument(
        "--sample",
        action="store_true",
        help="measure one renewal of each paper and one older core again, and store nothing",
    )
    command = _add(commands, "certify", running.certify, "measure how closely the numbers of a config repeat")
    command.add_argument("config", help=CONFIG)
    command.add_argument("--steps", type=_count, help="number of steps of each run (default: the first 50)")
    command = _add(commands, "rot", running.rot, "dependency check: do the papers still run?")
    command.add_argument("paper", nargs="*", help="papers to check (default: all)")
    command.add_argument(
        "--stack",
        choices=("locked", "latest"),
        default="locked",
        help="what is installed: the pinned versions (locked) or the newest releases (latest)",
    )


def _config(command: Any, effect: str = "", nargs: str | None = None) -> None:
    command.add_argument("config", nargs=nargs, help=CONFIG)
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="BINDING",
        dest="overrides",
        help=f"add a binding, such as trainers.Supervised.steps=10{effect}",
    )


def _new_command(commands: Any) -> None:
    command = _add(commands, "new", looking.new, "start a paper as a copy of a template, which runs at once")
    command.add_argument("name", help="name of the new paper, such as my_paper")
    command.add_argument("--kind", choices=NEW, default="training", help="what it does (default: training)")
    command.add_argument("--on", metavar="DATA", default="", help="a data set of `repro data list`, such as mnist")
    command.add_argument("--arxiv", metavar="ID", help="fill in title, authors and year from arXiv, such as 1412.6572")
    command.add_argument("--group", type=_name, help="who reproduces it")
    command.add_argument(
        "--standalone", action="store_true", help="make a repository of its own, for an installed repro"
    )


def _add(commands: Any, name: str, call: Callable[[argparse.Namespace], int | None], about: str) -> Any:
    command = commands.add_parser(name, help=about, description=about)
    command.set_defaults(call=call)
    return command


def _seed(text: str, least: int = 0) -> int:
    if not (text.isdecimal() and len(text) <= DIGITS and int(text) >= least):
        raise argparse.ArgumentTypeError(
            f"{text!r:.40}; expected a whole number from {least}, of at most {DIGITS} digits"
        )
    return int(text)


def _count(text: str) -> int:
    """A whole number from 1. Code that knows the largest allowed number checks it."""
    return _seed(text, least=1)


def _name(text: str) -> str:
    """A name on one line."""
    if not (text.strip() and text.isprintable()):
        raise argparse.ArgumentTypeError(f"{text!r:.40}; expected a name on one line")
    return text
