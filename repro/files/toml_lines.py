"""Where the keys of a TOML file stand, which `tomllib` does not tell: the line of every header and of every key."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

NAME = re.compile(r"""\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[\w-]+))\s*(?P<next>[.=\]])?""")
TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|"(?:\\.|[^"\\\n])*"|#[^\n]*|[][{}\n]|''' r"""'{3}.*?'{3,5}|'[^'\n]*'""", re.DOTALL
)


@dataclass
class Block:
    """A `[header]` or `[[header]]` with the lines of its keys; those of `[header.sub]` as `sub.key`."""

    path: str
    line: int
    lines: dict[str, int] = field(default_factory=dict)

    def place(self, key: str = "") -> str:
        """`paper.toml:12`, the line of `key` where it has one, else that of the header."""
        return f"{self.path}:{self.lines.get(key, self.line)}"

    def below(self, *keys: str) -> Block:
        """The block seen from one of its inner keys: whatever is asked for, that line is the answer."""
        names = [".".join(filter(None, keys[:depth])) for depth in range(len(keys), 0, -1)]
        return Block(self.path, next((self.lines[name] for name in names if name in self.lines), self.line))

    def inner(self, *keys: str) -> Block:
        """The table `keys` within this one, as a block of its own."""
        start = ".".join(keys) + "."
        lines = {name.removeprefix(start): line for name, line in self.lines.items() if name.startswith(start)}
        return Block(self.path, self.below(*keys).line, lines)


def blocks(text: str, path: str) -> dict[str, list[Block]]:
    """The blocks of a valid TOML text by the first name of their header, in the order of the file."""
    found: dict[str, list[Block]] = defaultdict(list)
    block, prefix = Block(path, 1), ""
    for number, statement in _statements(text):
        if statement.lstrip().startswith("["):
            first, *rest = _names(statement.lstrip().lstrip("["), "]")
            prefix = ".".join(rest)
            if not prefix or not found[first]:
                found[first].append(Block(path, number))
            block = found[first][-1]
            block.lines.setdefault(prefix, number) if prefix else None
        elif names := _names(statement, "="):
            block.lines[".".join(filter(None, (prefix, *names)))] = number
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header, and each key with its value, which may take several lines; with the number of its first line."""
    number = line = 1
    begin = depth = 0
    for hit in TOKEN.finditer(f"{text}\n"):
        token = hit[0]
        depth += (token in ("[", "{")) - (token in ("]", "}"))
        line += token.count("\n")
        if token == "\n" and not depth:  # nosec B105  # a token of TOML, no password
            yield number, text[begin : hit.start()]
            number, begin = line, hit.end()


def _names(statement: str, end: str) -> list[str]:
    """`a."b c" = 1` as ["a", "b c"]; empty for what sets nothing."""
    names: list[str] = []
    start = 0
    while hit := NAME.match(statement, start):
        names.append(hit["double"] or hit["single"] or hit["bare"] or "")
        if hit["next"] != ".":
            return names if hit["next"] == end else []
        start = hit.end()
    return []
