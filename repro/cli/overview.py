"""The text of `repro --help`, and the script that completes commands in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from repro.errors import BadInput

GROUPS = {
    "claim": ("new", "list", "show", "check"),
    "config": ("explain", "debug", "diff"),
    "run": ("todo", "plan", "run", "smoke", "launch", "status", "attach", "stop", "logs"),
    "record": ("replay", "renew", "certify", "rot"),
    "verdict": ("verdict",),
    "report": ("report", "review", "export"),
    "model": ("serve", "watch", "track", "dvc"),
    "label": ("labels",),
    "course": ("course", "grade"),
    "machine": ("data", "doctor", "completion"),
}
"""The commands in the order of a reproduction. A command that is in no group is shown at the end."""

PAPERS, CONFIGS = "_repro_papers", "_repro_configs"
COMPLETED = {"paper": PAPERS, "config": CONFIGS, "name": CONFIGS}
FUNCTIONS = r"""
_repro_root() { git rev-parse --show-toplevel 2>/dev/null || pwd; }
_repro_list() {
  local file
  for file in "$(_repro_root)"/papers/*/paper.toml; do
    file=${file%/paper.toml}; printf '%s\n' "${file##*/}"
  done
  [ "$1" = papers ] || for file in "$(_repro_root)"/papers/*/configs/*.gin; do
    file=${file%.gin}; printf '%s/%s\n' "$(basename "${file%/configs/*}")" "${file##*/}"
  done
}
"""
PREAMBLE = {
    "bash": FUNCTIONS
    + f'{PAPERS}() {{ compgen -W "$(_repro_list papers)" -- "$1"; }}\n'
    + f'{CONFIGS}() {{ compgen -W "$(_repro_list)" -- "$1"; compgen -f -- "$1"; }}\n',
    "zsh": FUNCTIONS
    + f'{PAPERS}() {{ compadd -- ${{(f)"$(_repro_list papers)"}}; }}\n'
    + f'{CONFIGS}() {{ compadd -- ${{(f)"$(_repro_list)"}}; _files; }}\n',
}


def text(commands: Mapping[str, argparse.ArgumentParser]) -> str:
    """The help of the program: one line for each command, in groups."""
    return "\n".join(
        [
            "usage: repro COMMAND ...",
            "",
            "Reproduce papers: claim, config, run, record, verdict, report.",
            "",
            *_lines(commands),
            "",
            "options: --help, --version; repro COMMAND --help explains a command",
            "",
        ]
    )


def _lines(commands: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    grouped = {name for names in GROUPS.values() for name in names}
    rest = tuple(name for name in commands if name not in grouped)
    for group, names in {**GROUPS, "other": rest}.items():
        for number, name in enumerate(name for name in names if name in commands):
            yield f"  {'' if number else group:8} {name:10} {commands[name].description}"


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script with which `shell` completes the commands, options, papers and configs of `parser`."""
    try:
        import shtab
    except ModuleNotFoundError:
        raise BadInput("shtab is not installed", expected="pip install shtab, or make venv") from None
    for action in _positionals(parser):
        if function := COMPLETED.get(action.dest):
            action.complete = dict.fromkeys(PREAMBLE, function)  # type: ignore[attr-defined]  # shtab reads it
    written = shtab.complete(parser, shell, root_prefix="repro", preamble=PREAMBLE)  # type: ignore[arg-type]  # a dict too
    return str(written)


def _positionals(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _positionals(inner)
        elif not action.option_strings and not action.choices:
            yield action
