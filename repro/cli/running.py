"""The commands that run or bind a config: run, smoke, explain, debug, replay, renew, certify and rot."""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import system
from repro.errors import BadInput, DataMissing, Finding, where

if TYPE_CHECKING:
    from repro.experiment.explain import Value

LONGEST = 60  # characters of a value in the table of `explain`; `--json` has all


def run(given: argparse.Namespace) -> int:
    """`repro run`: run a config and print the path of the record of each seed."""
    seeds = range(given.seeds) if given.seeds else [given.seed]
    return max(_run(given, seed) for seed in seeds)


def _run(given: argparse.Namespace, seed: int) -> int:
    from repro import config, run
    from repro.run import publishing, supervisor

    overrides = tuple(given.overrides)
    bound = config.read(given.config, overrides)
    try:
        if given.missing and (recorded := publishing.valid(given.config, seed, overrides)):
            print(where(recorded))
            return 0
        if given.processes is not None:
            supervisor.check(given.processes)
        if (given.processes or 1) > 1:
            return supervisor.supervise(_words(given, seed), given.processes)
        made = run.run(given.config, seed, overrides, given.publish, given.threads)
        if made and overrides and given.publish is not False:
            made = made[0], publishing.publish_point(*made, bound)
    except (BadInput, KeyboardInterrupt):
        raise
    except Exception as error:
        if isinstance(error, OSError) and not hasattr(error, "__notes__") and system.environment(error):
            raise  # raised before the run had a log file
        said = " ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
        # The traceback is in the log already, or it does not help.
        kept = hasattr(error, "__notes__") or isinstance(error, OSError)
        logging.getLogger("repro").error("the run failed: %s", said, exc_info=None if kept else error)
        _advise(bound.folder, error=error)
        return 1
    if made:
        print(where(made[1]))
        _advise(bound.folder, curves=made[0].curves)
    return 0


def _advise(folder: Path, error: BaseException | None = None, curves: Mapping[str, Any] | None = None) -> None:
    """Print the tips that describe how a run of the paper in `folder` ended. After a good run, nothing is loaded."""
    from repro.report import patterns

    if error or patterns.telling(curves or {}):
        from repro.report import tips

        for tip in tips.advice(folder, error, curves):
            print(tip, file=sys.stderr)


def _words(given: argparse.Namespace, seed: int) -> list[str]:
    """The command that makes one run, for each of its processes."""
    sets = [word for one in given.overrides for word in ("--set", one)]
    threads = ["--threads", str(given.threads)] if given.threads else []
    publish = {None: [], True: ["--publish"], False: ["--no-publish"]}[given.publish]
    return ["run", str(given.config), "--seed", str(seed), *sets, *threads, *publish]


def smoke(given: argparse.Namespace) -> int:
    """`repro smoke`: run the smoke config of one paper or of all papers; the records stay in the run folders."""
    from repro.claim import paper

    folders = [paper.folder_of(given.paper)] if given.paper else paper.own_folders()
    return max((_smoke(folder, not given.paper) for folder in folders), default=0)


def _smoke(folder: Path, skip: bool) -> int:
    """Run one smoke config. `skip`: missing data is a message, and not an error."""
    config = Path(where(folder / "configs" / "smoke.gin"))
    default = {"overrides": [], "publish": False, "threads": None, "processes": None, "missing": False}
    try:
        return _run(argparse.Namespace(**default, config=config), 0)
    except DataMissing as error:
        if not skip:
            raise
        print(f"repro: {where(folder)}: skipped: {error}", file=sys.stderr)
        return 0


def explain(given: argparse.Namespace) -> None:
    """`repro explain`: print each value of a config, the line that sets it, and what it replaces."""
    from repro import config
    from repro.cli import listing
    from repro.experiment import explain

    found = explain.values(config.read(given.config, tuple(given.overrides)))
    print(json.dumps([asdict(one) for one in found], indent=1) if given.json else listing.table(_explained(found)))


def _explained(found: Iterable[Value]) -> list[dict[str, str]]:
    rows = [
        {
            "name": one.name,
            "value": one.value,
            "set in": one.place or "-",
            "default": "-" if one.default is None else one.default,
            "overrides": "; ".join(f"{value} in {place}" for place, value in one.overridden),
        }
        for one in found
    ]
    return [
        {key: text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..." for key, text in row.items()}
        for row in rows
    ]


def debug(given: argparse.Namespace) -> int:
    """`repro debug`: check a config on one batch, or repeat the step at which a run failed."""
    from repro import debug
    from repro.rerun import child

    if (given.config is None) == (given.failed_step is None):
        raise BadInput(
            "neither a config nor --failed-step is given"
            if given.config is None
            else "both a config and --failed-step are given",
            expected="one of them: a config, or --failed-step with the folder of a run (see repro debug --help)",
        )
    if given.failed_step and given.overrides:
        raise BadInput("--set cannot be used with --failed-step, which uses the config of the run")
    faults = 0
    with child.stoppable():  # this also ends the processes that read data
        findings = (
            debug.failed_step(given.failed_step)
            if given.failed_step
            else debug.debug(given.config, tuple(given.overrides))
        )
        for finding in findings:
            print(_line(finding), flush=True)
            faults += finding.ok is False
    return int(faults > 0)


def _line(found: Finding) -> str:
    """A finding as text: its mark, its name and what it says; further lines are indented."""
    mark = {True: "ok", False: "FAULT", None: "?"}[found.ok]
    first, *rest = found.says.splitlines()
    return "\n".join([f"{mark:6} {found.name:10} {first}", *(f"{'':17} {line}" for line in rest)])


def replay(given: argparse.Namespace) -> int:
    """`repro replay`: run records again and compare the numbers."""
    from repro.rerun import replay

    if sum((given.smoke, given.record is not None, given.since is not None)) != 1:
        raise BadInput(
            "it is not clear which records to replay",
            expected="exactly one of these: the path of a record, --smoke, --since BRANCH",
        )
    if given.group is not None and not given.record:
        raise BadInput("--as is given without a record", expected="the path of one record (see repro replay --help)")
    if given.record:
        return _replayed(given.record, given.commit, given.group)
    return max((_excused(path) for path in (replay.smoke() if given.smoke else replay.since(given.since))), default=0)


def _excused(path: Path) -> int:
    """Replay one of several records; it is skipped if its data is missing and its config is the committed one."""
    from repro.rerun import replay

    try:
        return _replayed(path)
    except BadInput as error:
        skipped = isinstance(error, DataMissing) and replay.is_its_config(path)
        print(f"repro: {'skipped: ' if skipped else ''}{error}", file=sys.stderr)
        return 0 if skipped else 2


def _replayed(path: Path, own_commit: bool = False, group: str | None = None) -> int:
    from repro import course
    from repro.rerun import child, counter_record, replay

    if group is not None:
        course.refuse_own(group, path.resolve().parents[1].name)
    by = None if group is None else counter_record.reviewer(path, group, own_commit)
    try:
        found = replay.replay(path, own_commit)
    except child.Failed as error:
        print(f"repro: {where(path)}: the run failed: {error}", file=sys.stderr)
        return 1
    print(f"{where(path)}: {'agrees' if found.agrees else 'DIFFERS'}; required: {found.wanted} ({found.because})")
    for finding in found.findings:
        print(f"  {finding}", flush=True)
    if by:
        print(where(counter_record.write(found, path, by)))
    return int(not found.agrees)


def renew(given: argparse.Namespace) -> int:
    """`repro renew`: check whether stale records are valid for the changed code."""
    from repro.rerun import renew, renew_core

    if given.sample and given.paper:
        raise BadInput(
            "--sample measures one renewal of every paper, and one older core",
            expected="--sample without the name of a paper",
        )
    found = []
    tried: Iterator[Any] = renew.tried(given.paper) if given.paper else renew_core.tried()
    if given.sample:
        tried = itertools.chain(renew.sample(), renew_core.sample())
    for one in tried:
        print(one, flush=True)
        found.append(one.ok)
    if not found:
        other = "; for records of an older core, use repro renew without a paper" if given.paper else ""
        print(f"repro: no record is stale only because its code changed{other}", file=sys.stderr)
    return int(not all(found))


def certify(given: argparse.Namespace) -> int:
    """`repro certify`: measure how closely the numbers of a config repeat on this machine."""
    from repro.rerun import certify, child

    try:
        for line in certify.told(given.config, given.steps):
            print(line, flush=True)
    except child.Failed as error:
        print(f"repro: a run failed: {error}", file=sys.stderr)
        return 1
    return 0


def rot(given: argparse.Namespace) -> int:
    """`repro rot`: check whether a paper still runs with pinned or newest packages."""
    from repro.rerun import rot

    failed = 0
    for name, trial in rot.turn(given.stack, given.paper):
        print(f"{name} {trial.outcome}{': ' if trial.said else ''}{trial.said}", flush=True)
        failed += trial.outcome == "fails"
    return int(failed > 0)
