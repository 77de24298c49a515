"""The `repro` command: parses, calls one function, prints. What a machine reads goes to stdout, all else to stderr.

Exit codes: 0 done, 1 a run failed, a verdict is worse than the committed one or data differ, 2 the input was wrong,
66 (EX_NOINPUT) data is not on this machine and could not be downloaded,
75 (EX_TEMPFAIL) a signal stopped a run and the same command goes on, 130 stopped at once.
"""

from __future__ import annotations

import argparse
import functools
import logging
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from repro import __version__
from repro.claim.paper import refuse_other_core
from repro.cli import looking, running, streams, system
from repro.errors import BadInput, close
from repro.interruption import RESUME, Interrupted

KINDS = ("papers", "datasets", "models", "losses", "trainers", "metrics", "runs")
DIGITS = 18  # of a seed or of a number of steps: more do not fit into 64 bits


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    logging.root.handlers[0].setLevel(logging.INFO)  # a run's own log has more
    streams.prepare()
    try:
        given = _parser().parse_args(arguments)
        refuse_other_core(Path.cwd())
        return int(given.call(given) or 0)
    except BadInput as error:
        print(f"repro: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, as `repro list | head` does
        return 0
    except OSError as error:
        if not system.environment(error):
            raise
        print(f"repro: {system.environment(error)}", file=sys.stderr)
        return 2
    except Interrupted as error:
        print(f"repro: {error}; the same command goes on", file=sys.stderr)
        return RESUME
    except KeyboardInterrupt:
        print("repro: interrupted", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """argparse, with one line for a wrong argument."""

    def error(self, message: str) -> NoReturn:
        if hit := re.fullmatch(r"(.*invalid choice: '(.*)') \(choose from (.*)\)", message, re.DOTALL):
            choices = re.findall(r"[\w-]+", hit[3])
            message = f"{hit[1]:.120}{close(hit[2][:40], choices)}; expected one of {', '.join(choices)}"
        raise BadInput(f"{message} (see {self.prog} --help)")


@functools.cache
def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="repro", description="Reproduce papers: claim, config, run, record, verdict.")
    parser.add_argument("--version", action="version", version=f"repro {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = _add(commands, "list", looking.listed, "what there is: papers, parts, runs")
    command.add_argument("kind", nargs="?", default="papers", choices=KINDS)
    command.add_argument("--json", action="store_true")
    _add(commands, "show", looking.show, "one paper, claim, config or part").add_argument("name")
    command = _add(commands, "run", running.run, "run a config: train, measure, write a record")
    command.add_argument("--seed", type=_seed, default=0)
    command.add_argument("--threads", type=_count, help="to compute with (default: as in the committed record)")
    command.add_argument("--publish", action="store_true", help="replace the paper's record even if it still counts")
    _config(command, "; the record stays in the run folder")
    command = _add(commands, "debug", running.debug, "one batch of a config: gradients, leakage, targets, overfitting")
    _config(command, nargs="?")
    command.add_argument(
        "--failed-step", type=Path, metavar="RUN", help="run the step again at which a run met NaN or infinity"
    )
    command = _add(commands, "todo", looking.todo, "claims minus records, as commands")
    command.add_argument("paper", nargs="?")
    command = _add(commands, "verdict", looking.verdict, "what the records say of a paper's claims")
    command.add_argument("paper")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, for machines")
    form.add_argument("--check", action="store_true", help="exit 1 if one is worse than in the paper's verdicts.json")
    form.add_argument("--write", action="store_true", help="write verdicts.json")
    command.add_argument("--data", action="store_true", help="read the data again too: is it what the records saw?")
    _data_commands(commands)
    _add(commands, "report", looking.report, "build the site")
    _add(commands, "new", looking.new, "start a paper: a copy of papers/template").add_argument("name")
    _again_commands(commands)
    return parser


def _again_commands(commands: Any) -> None:
    """What runs something once more."""
    command = _add(commands, "replay", running.replay, "run a record again, by the present code, and compare")
    command.add_argument("record", nargs="?", type=Path)
    command.add_argument("--smoke", action="store_true", help="the smoke record of every paper")
    command.add_argument("--since", metavar="BRANCH", help="every record that is not as in BRANCH and took few minutes")
    command.add_argument("--commit", action="store_true", help="by the code of the record's commit, not by the present")
    command = _add(commands, "renew", running.renew, "does changed code give the bits of the records? exit 1 if not")
    command.add_argument(
        "paper", nargs="?", help="the code of its records; the core of all records where none is named"
    )
    command.add_argument(
        "--sample",
        action="store_true",
        help="measure a renewal of each paper and an older core anew, storing nothing",
    )
    command = _add(
        commands, "certify", running.certify, "measure how far the numbers of a config repeat on this machine"
    )
    command.add_argument("config", type=Path)
    command.add_argument("--steps", type=_count, help="of each run that is compared (default: the first 50)")
    command = _add(
        commands, "rot", running.rot, "do the papers still run on what is installed here? exit 1 if one does not"
    )
    command.add_argument("paper", nargs="*", help="which; all where none is named")
    command.add_argument("--stack", choices=("locked", "latest"), default="locked", help="what is installed here")


def _config(command: Any, effect: str = "", nargs: str | None = None) -> None:
    command.add_argument("config", type=Path, nargs=nargs)
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="BINDING",
        dest="overrides",
        help=f"one more binding, as trainers.Supervised.steps=10{effect}",
    )


def _data_commands(commands: Any) -> None:
    about = "data sets: what is known of them, where they are, whether they are the ones that were meant"
    inner = commands.add_parser("data", help=about, description=about).add_subparsers(required=True, metavar="COMMAND")
    command = _add(inner, "list", looking.data_list, "the catalogue, and what of it is on this machine")
    command.add_argument("--json", action="store_true", help="everything, for machines")
    name = {"metavar": "NAME", "help": "as in the list; NAME/VARIANT for one variant"}
    _add(inner, "where", looking.data_where, "the folder of a data set").add_argument("name", **name)
    _add(inner, "get", looking.data_get, "download a data set unless it is here").add_argument("name", **name)
    command = _add(
        inner, "verify", looking.data_verify, "read a data set: is it what the catalogue says? exit 1 if not"
    )
    command.add_argument("name", **name)
    command.add_argument("variant", nargs="?", default="")


def _add(commands: Any, name: str, call: Callable[[argparse.Namespace], int | None], about: str) -> Any:
    command = commands.add_parser(name, help=about, description=about)
    command.set_defaults(call=call)
    return command


def _seed(text: str, least: int = 0) -> int:
    if not (text.isdecimal() and len(text) <= DIGITS):
        raise argparse.ArgumentTypeError(
            f"{text!r:.40}; expected a whole number from {least}, of at most {DIGITS} digits"
        )
    return int(text)


def _count(text: str) -> int:
    """A number from 1; 0 and too many are refused where the most is known."""
    return _seed(text, least=1)
