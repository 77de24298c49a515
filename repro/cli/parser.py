"""argparse, with the errors and the help of `repro`."""

from __future__ import annotations

import argparse
import functools
import re
from typing import Any, NoReturn

from repro.claim.paper import folders
from repro.cli import named, overview
from repro.errors import BadInput, close


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong argument raises BadInput, which is one line with the nearest option or choice."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more, allow_abbrev=False)  # else `launch --seed 2` would mean `--seeds 2`

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        given, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown)
        return given, unknown

    def _refuse(self, unknown: list[str]) -> NoReturn:
        """Raise BadInput for the first unknown option, else for the first argument too many."""
        name = next((word for word in unknown if word.startswith("-")), unknown[0]).partition("=")[0][:40]
        if not name.startswith("-"):
            raise BadInput(f"{self.prog}: one argument too many: {name!r} (see {self.prog} --help)")
        known = [one for action in self._actions for one in action.option_strings if one.startswith("--")]
        raise BadInput(f"{self.prog} has no option '{name}' (see {self.prog} --help)", given=name, known=known)

    def error(self, message: str) -> NoReturn:
        if hit := re.fullmatch(r"(.*invalid choice: '(.*)') \(choose from (.*)\)", message, re.DOTALL):
            choices = re.findall(r"'([^']*)'|([^\s,]+)", hit[3])
            choices = [quoted or bare for quoted, bare in choices]
            known = choices if close(hit[2][:40], choices) else []
            expected = f"one of {', '.join(choices)} (see {self.prog} --help)"
            raise BadInput(f"{hit[1]:.120}", expected=expected, given=hit[2][:40], known=known)
        papers = folders() if message.endswith("required: paper") else {}
        raise BadInput(f"{message} (see {self.prog} --help)", known=papers)


def _resolved(call: Any, given: argparse.Namespace) -> Any:
    named.resolve(given)
    return call(given)


class Program(Parser):
    """The parser of `repro`: its help shows the commands in groups."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.commands = self.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The arguments. Their names are looked up as soon as the command is called, when all papers can be found."""
        given = super().parse_args(args, namespace)
        given.call = functools.partial(_resolved, given.call)
        return given

    def format_help(self) -> str:
        return overview.text(self.commands.choices)
