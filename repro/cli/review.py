"""`repro review`: the reviewer's summary, as text or Markdown; and the file of a weekly review."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from repro.errors import BadInput, where

if TYPE_CHECKING:
    from repro.review.page import Section


def options(command: Any) -> None:
    """Add the arguments of `repro review`."""
    command.add_argument("paper", help="name of a paper")
    command.add_argument("--since", metavar="REV", help="compare with this commit (default: last review)")
    command.add_argument("--seed", default="", help="seed of the lottery of claims (default: the commit)")
    command.add_argument("--coverage", action="store_true", help="run the paper's tests: which lines do they run?")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown, for a comment on the pull request")
    form.add_argument("--write", action="store_true", help="start the file of a review in reviews/")
    command.add_argument("--group", help="with --write: your group")


def review(given: argparse.Namespace) -> None:
    """`repro review`: print the summary, or start a review."""
    from repro.report import page as pages
    from repro.review import form, page
    from repro.verdict import uncommitted

    if given.write != (given.group is not None):
        raise BadInput("--write and --group belong together", expected="both, or none (see repro review --help)")
    if given.write:
        shown = pages.read(given.paper)
        print(where(form.start(shown, given.group)))
        uncommitted.warn(shown.paper.folder, "the review names the commit")
        return
    found = page.sections(given.paper, given.since, given.seed, given.coverage)
    print(markdown(given.paper, found) if given.markdown else text(found))


def text(found: Iterable[Section]) -> str:
    """The sections for a terminal: the lines and the commands are indented."""
    blocks = []
    for section in found:
        lines = [f"  {line}" for line in section.lines or ["none"]]
        blocks.append("\n".join([section.title, *lines, *(f"  $ {command}" for command in section.commands)]))
    return "\n\n".join(blocks)


def markdown(paper: str, found: Iterable[Section]) -> str:
    """The sections for a pull request: a list of findings, and a block of commands. What was found is not markup."""
    blocks = [f"# Review of {paper}"]
    for section in found:
        blocks.append(f"## {section.title}")
        blocks.append("\n".join(f"- {_plain(line)}" for line in section.lines or ["none"]))
        if section.commands:
            blocks.append("\n".join(["```", *section.commands, "```"]))
    return "\n\n".join(blocks)


def _plain(line: str) -> str:
    """A line in a code span that no backtick within it can end."""
    fence = "`" * (line.count("`") + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"
