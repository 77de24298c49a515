"""The commands about labels: `labels suspects`, `labels select`, `labels annotate` and `labels import`."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from pathlib import Path
from typing import Any

from repro.config import names
from repro.errors import BadInput, where
from repro.files import disk

FOLDER, CHOSEN = "suspects", "selected"
RUN = re.compile(r"(?P<config>[^/]+/[^/]+)-seed(?P<seed>\d{1,18})")
FOLDER_OF_RUN = re.compile(r"(?:.*/)?(?P<config>[^/]+/[^/]+)/[0-9a-f]{8}-seed(?P<seed>\d{1,18})/?")
RECORD = re.compile(r"(?:.*/)?(?P<paper>[^/]+)/records/(?P<run>[^/]+)\.json")
METHODS = ("noise rate", "class", "both", "confident joint", "margin")
FUNCTIONS = ("bald", "entropy", "variation", "std", "random")
WHO = "your name, in the table of corrected labels"


def options(commands: Any, add: Any, count: Any) -> None:
    """Add the commands to the parser. add: adds one command; count: reads a whole number from 1."""
    about = "find labels that look wrong, and let people correct them"
    inner = commands.add_parser("labels", help=about, description=about).add_subparsers(
        required=True, metavar="COMMAND"
    )
    command = add(inner, "suspects", suspects, "write the items that look mislabelled, for people to look at")
    _of_run(command, METHODS, "how to find them (default: by noise rate; see the guide)", FOLDER)
    command.add_argument("--most", type=count, default=100, metavar="N", help="at most so many (default: 100)")
    command = add(inner, "select", select, "write the items whose labels would teach the model most")
    _of_run(command, FUNCTIONS, "the acquisition function (default: bald; see the guide)", CHOSEN)
    command.add_argument("--size", type=count, default=10, metavar="N", help="how many items (default: 10)")
    command.add_argument("--passes", type=count, default=20, metavar="N", help="masks of dropout (default: 20)")
    command = add(inner, "annotate", annotate, "ask for the label of each task in the terminal")
    command.add_argument("tasks", type=Path, help="a JSON file that `repro labels suspects` wrote")
    command.add_argument("--who", required=True, metavar="NAME", help=WHO)
    command = add(inner, "import", bring_in, "store the answers of annotators in labels/ of their paper")
    command.add_argument("file", nargs="+", type=Path, help="exports of Label Studio (JSON), or files of `annotate`")
    command.add_argument("--who", default="", metavar="NAME", help="name of the only annotator in the files")
    command.add_argument("--name", default="", help="name of the table (default: CONFIG-TEST)")


def _of_run(command: Any, methods: tuple[str, ...], by: str, folder: str) -> None:
    """Add what both commands about a run have."""
    command.add_argument("run", help="a config such as mine/noisy, or a run such as mine/noisy-seed1 or its folder")
    command.add_argument("--test", default="", metavar="NAME", help="the test set (default: the only one)")
    command.add_argument("--by", choices=methods, default=methods[0], help=by)
    command.add_argument("--classes", default="", metavar="A,B,...", help="names of the classes (default: numbers)")
    command.add_argument("--to", type=Path, metavar="FOLDER", help=f"where to write them (default: {folder}/PAPER)")


def suspects(given: argparse.Namespace) -> None:
    """`repro labels suspects`: write tasks for Label Studio, its labelling interface, and a page; print the paths."""
    from repro.labels import finding

    path, seed = subject(given.run)
    folder = _folder(given, path, FOLDER)
    found = finding.find(path, seed, given.test, given.by, given.most, _classes(given))
    logging.getLogger("repro").info("%d of %d labels look wrong", found.total, len(found.scores))
    _write(found, folder)


def select(given: argparse.Namespace) -> None:
    """`repro labels select`: write the items to label next, as `suspects` does; print the paths."""
    from repro.labels import choosing

    hit = RECORD.fullmatch(given.run)
    path, seed = subject(f"{hit['paper']}/{hit['run']}" if hit else given.run)
    folder = _folder(given, path, CHOSEN)
    found = choosing.choose(path, seed, given.test, given.by, given.size, given.passes, _classes(given))
    logging.getLogger("repro").info("%d of %d items without an answer", len(found.rows), found.total)
    _write(found, folder)


def _classes(given: argparse.Namespace) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.classes.split(",")) if given.classes else ()


def _folder(given: argparse.Namespace, path: Path, name: str) -> Path:
    """The folder of the tasks. Raises BadInput if nobody may write there."""
    from repro import config

    folder: Path = given.to or Path(name, config.read(path).paper)
    disk.refuse_unwritable(folder)
    return folder


def _write(found: Any, folder: Path) -> None:
    """Write the tasks, their interface and their page into `folder`, and print the paths."""
    from repro.labels import page, tasks

    folder.mkdir(parents=True, exist_ok=True)
    replaced = tasks.remove(found, folder)
    written, items = tasks.write(found, folder)
    written.append(page.write(found, items, folder))
    if replaced:
        logging.getLogger("repro").info("%d tasks of an earlier command were replaced by %d", replaced, len(found.rows))
    print("\n".join(where(one) for one in written))


def subject(given: str) -> tuple[Path, int]:
    """The config and the seed that are meant: a config means seed 0.

    Raises BadInput for an unknown config, for a record, and for the folder of a run of another version of its config.
    """
    if hit := RECORD.fullmatch(given):
        expected = f"the run of this record, {hit['paper']}/{hit['run']}, or a config such as mine/noisy"
        raise BadInput("is a record", given, expected=expected)
    if given.endswith(".gin") or given in names.every():
        return names.find(given), 0
    if hit := FOLDER_OF_RUN.fullmatch(given):
        path = names.find(hit["config"])
        _refuse_other(path, Path(given))
        return path, int(hit["seed"])
    if hit := RUN.fullmatch(given):
        return names.find(hit["config"]), int(hit["seed"])
    return names.find(given), 0


def _refuse_other(path: Path, folder: Path) -> None:
    from repro import config

    digest = config.read(path).digest[:8]
    if not folder.name.startswith(digest):
        raise BadInput(f"{where(path)} has changed since this run", where(folder), expected=f"the run {digest}-seed...")


def annotate(given: argparse.Namespace) -> None:
    """`repro labels annotate`: ask for labels; print the path of the answers, if there are any."""
    from repro.labels import terminal

    path = terminal.annotate(given.tasks, given.who, _ask, _say)
    if path.is_file():
        print(where(path))
    else:
        _say("no task was answered, so no file was written")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _ask(prompt: str) -> str:
    """A line from stdin. The prompt goes to stderr, because stdout is for the result."""
    print(prompt, end="", file=sys.stderr, flush=True)
    return input()


def bring_in(given: argparse.Namespace) -> None:
    """`repro labels import`: store answers; print the table, and what changes and what is tied on stderr."""
    from repro.datasets import label_table
    from repro.labels import answers

    found = answers.bring_in(given.file, given.name, given.who)
    old = {one.item: one.old for one in found.answers}
    changed = sum(old[item] != new for item, new in label_table.decided(found.answers).items())
    tied = label_table.ties(found.answers)
    _say(f"{found.given} answers; the table has {len(old)} items, {changed} get another label, {len(tied)} are tied")
    for item in tied:
        votes = ", ".join(f"{one.who}: {one.new}" for one in found.answers if one.item == item)
        _say(f"tied: {item} keeps its label {old[item]} ({votes})")
    print(where(found.table))
