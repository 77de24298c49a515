"""The `repro` command: parses, calls one function, prints. What a machine reads goes to stdout, all else to stderr.

Exit codes: 0 done, 1 a run failed, a verdict is worse than the committed one or data differ, 2 the input was wrong,
75 (EX_TEMPFAIL) a signal stopped a run and the same command goes on, 130 stopped at once.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from repro import __version__
from repro.errors import BadInput
from repro.interruption import RESUME, Interrupted

KINDS = ("papers", "datasets", "models", "losses", "trainers", "metrics", "runs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    logging.root.handlers[0].setLevel(logging.INFO)  # a run's own log has more
    try:
        given = _parser().parse_args(arguments)
        return int(given.call(given) or 0)
    except BadInput as error:
        print(f"repro: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, as `repro list | head` does
        return 0
    except Interrupted as error:
        print(f"repro: {error}; the same command goes on", file=sys.stderr)
        return RESUME
    except KeyboardInterrupt:
        print("repro: interrupted", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """argparse, with one line for a wrong argument."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="repro", description="Reproduce papers: claim, config, run, record, verdict.")
    parser.add_argument("--version", action="version", version=f"repro {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = _add(commands, "list", _list, "what there is: papers, parts, runs")
    command.add_argument("kind", nargs="?", default="papers", choices=KINDS)
    command.add_argument("--json", action="store_true")
    _add(commands, "show", _show, "one paper, claim, config or part").add_argument("name")
    command = _add(commands, "run", _run, "run a config: train, measure, write a record")
    command.add_argument("--seed", type=_seed, default=0)
    _config(command, "; the record stays in the run folder")
    command = _add(commands, "debug", _debug, "one batch of a config: gradients, leakage, targets, overfitting")
    _config(command, nargs="?")
    command.add_argument("--replay", type=Path, metavar="RUN", help="the step at which a run met what is not finite")
    command = _add(commands, "todo", _todo, "claims minus records, as commands")
    command.add_argument("paper", nargs="?")
    command = _add(commands, "verdict", _verdict, "what the records say of a paper's claims")
    command.add_argument("paper")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, for machines")
    form.add_argument("--check", action="store_true", help="exit 1 if one is worse than in the paper's verdicts.json")
    form.add_argument("--write", action="store_true", help="write verdicts.json")
    command.add_argument("--data", action="store_true", help="read the data again too: is it what the records saw?")
    _data_commands(commands)
    _add(commands, "report", _report, "build the site")
    _add(commands, "new", _new, "start a paper: a copy of papers/template").add_argument("name")
    command = _add(commands, "replay", _replay, "run a record again, by the code of its commit, and compare")
    command.add_argument("record", nargs="?", type=Path)
    command.add_argument("--smoke", action="store_true", help="the smoke record of every paper")
    command = _add(commands, "renew", _renew, "does changed code give the bits of the records? exit 1 if not")
    command.add_argument("paper")
    command = _add(commands, "certify", _certify, "measure how far the numbers of a config repeat on this machine")
    command.add_argument("config", type=Path)
    command.add_argument("--steps", type=_seed, help="of each run that is compared (default: the first 50)")
    return parser


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
    command = _add(inner, "list", _data_list, "the catalogue, and what of it is on this machine")
    command.add_argument("--json", action="store_true", help="everything, for machines")
    name = {"metavar": "NAME", "help": "as in the list; NAME/VARIANT for one variant"}
    _add(inner, "where", _data_where, "the folder of a data set").add_argument("name", **name)
    _add(inner, "get", _data_get, "download a data set unless it is here").add_argument("name", **name)
    command = _add(inner, "verify", _data_verify, "read a data set: is it what the catalogue says? exit 1 if not")
    command.add_argument("name", **name)
    command.add_argument("variant", nargs="?", default="")


def _add(commands: Any, name: str, call: Callable[[argparse.Namespace], int | None], about: str) -> Any:
    command = commands.add_parser(name, help=about, description=about)
    command.set_defaults(call=call)
    return command


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed; expected a whole number from 0")
    return int(text)


def _list(given: argparse.Namespace) -> int:
    from repro import listing

    rows, faults = listing.rows(given.kind)
    if given.json:
        print(json.dumps(rows, indent=1))
    elif rows:
        print(listing.table(rows))
    else:
        print(f"no {given.kind} yet", file=sys.stderr)
    for fault in faults:
        print(f"repro: {fault}", file=sys.stderr)
    return 2 if faults else 0


def _show(given: argparse.Namespace) -> None:
    from repro import listing

    print(listing.show(given.name))


def _run(given: argparse.Namespace) -> int:
    from repro import run
    from repro.paper import where

    try:
        _, path = run.run(given.config, given.seed, tuple(given.overrides))
    except (BadInput, KeyboardInterrupt):
        raise
    except Exception as error:
        said = " ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
        kept = hasattr(error, "__notes__")  # run.run has shown the end of its log, where the traceback is
        logging.getLogger("repro").error("the run failed: %s", said, exc_info=None if kept else error)
        return 1
    if path.parent.name != "records":
        print("the record stays in the run folder: no claim rests on this config as it was run", file=sys.stderr)
    print(where(path))
    return 0


def _debug(given: argparse.Namespace) -> int:
    from repro import debug

    if (given.config is None) == (given.replay is None):
        raise BadInput("expected a config, or --replay with the folder of a run (see repro debug --help)")
    faults = 0
    for finding in debug.replay(given.replay) if given.replay else debug.debug(given.config, tuple(given.overrides)):
        print(finding, flush=True)
        faults += finding.passed is False
    return int(faults > 0)


def _todo(given: argparse.Namespace) -> None:
    from repro import launch, paper, record

    papers = [paper.find(given.paper)] if given.paper else paper.every()
    # all or none: a shell goes on with half of a queue
    jobs = [job for one in papers for job in launch.todo(one, record.of_paper(one.folder))]
    for job in jobs:
        print(job.command)
    if not jobs:
        print("repro: every run that a claim asks for has its record", file=sys.stderr)


def _verdict(given: argparse.Namespace) -> int:
    from repro import ledger, listing, paper, record, verdict, verdicts

    one = paper.find(given.paper)
    unread: dict[str, list[str]] = {}
    records = record.of_paper(one.folder, _data(unread) if given.data else None)
    judged = verdict.judge_all(one.claims, records)
    for reason, configs in unread.items():
        print(f"repro: the data of {', '.join(configs)} is not read again: {reason}", file=sys.stderr)
    if given.check:
        return _check(verdicts.changes(verdicts.read(one.folder), judged)) or int(bool(unread))
    if given.write:
        print(paper.where(verdicts.write(one.folder, judged)))
    elif given.json:
        print(verdicts.as_json(one, judged, ledger.ledger(one, judged, records)))
    else:
        print(listing.verdicts(judged, ledger.ledger(one, judged, records)))
    return 0


def _data(unread: dict[str, list[str]]) -> Callable[[Path], dict[str, Any] | None]:
    """Reads the data of a config again; what cannot be had goes into `unread`: the reason, and the configs."""
    from repro import binding

    def look(path: Path) -> dict[str, Any] | None:
        try:
            return binding.fingerprints(path)
        except BadInput as error:
            unread.setdefault(str(error), []).append(path.stem)
            return None

    return look


def _data_list(given: argparse.Namespace) -> int:
    from repro import data, listing

    rows, faults = data.rows()
    print(json.dumps(rows, indent=1) if given.json else listing.table([data.shown(row) for row in rows]))
    for fault in faults:
        print(f"repro: {fault}", file=sys.stderr)
    return 2 if faults else 0


def _data_where(given: argparse.Namespace) -> None:
    from repro import data

    print(data.where(given.name))


def _data_get(given: argparse.Namespace) -> None:
    from repro.datasets import store

    print(store.folder(given.name))


def _data_verify(given: argparse.Namespace) -> int:
    from repro import data

    found = []
    for one in data.verify(given.name, given.variant):
        print(f"{one.name} {one.said}", flush=True)
        found.append(one)
    return int(any(one.right is False for one in found))


def _check(changes: Sequence[tuple[bool, str]]) -> int:
    for _, line in changes:
        print(line)
    if not changes:
        print("repro: every verdict is as committed", file=sys.stderr)
    return int(any(worse for worse, _ in changes))


def _report(given: argparse.Namespace) -> None:
    from repro.report import site

    print(site.build())


def _new(given: argparse.Namespace) -> None:
    from repro import scaffold

    print(scaffold.new(given.name))


def _replay(given: argparse.Namespace) -> int:
    from repro import replay

    if given.smoke == (given.record is not None):
        raise BadInput("expected the path of a record, or --smoke")
    if given.record:
        return _replayed(given.record)
    code = 0
    for path in replay.smoke():
        try:
            code = max(code, _replayed(path))
        except BadInput as error:
            skipped = replay.away(error)
            print(f"repro: {'skipped: ' if skipped else ''}{error}", file=sys.stderr)
            code = max(code, 0 if skipped else 2)
    return code


def _replayed(path: Path) -> int:
    from repro import child, replay
    from repro.paper import where

    try:
        found = replay.replay(path)
    except child.Failed as error:
        print(f"repro: {where(path)}: the run failed: {error}", file=sys.stderr)
        return 1
    print(f"{where(path)}: {'agrees' if found.agrees else 'DIFFERS'}, {found.wanted}: {found.because}")
    for finding in found.findings:
        print(f"  {finding}", flush=True)
    return int(not found.agrees)


def _renew(given: argparse.Namespace) -> int:
    from repro import renew

    found = []
    for one in renew.tried(given.paper):
        print(one, flush=True)
        found.append(one.agrees)
    if not found:
        print("repro: no record waits for it", file=sys.stderr)
    return int(not all(found))


def _certify(given: argparse.Namespace) -> int:
    from repro import certify, child

    try:
        for line in certify.told(given.config, given.steps):
            print(line, flush=True)
    except child.Failed as error:
        print(f"repro: a run failed: {error}", file=sys.stderr)
        return 1
    return 0
