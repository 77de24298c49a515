"""The line number of every header and key of a TOML file, for error messages. `tomllib` does not report them."""

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
    """A `[header]` or `[[header]]` with the line numbers of its keys. The keys of `[header.sub]` are `sub.key`."""

    path: str
    line: int
    lines: dict[str, int] = field(default_factory=dict)

    def place(self, key: str = "") -> str:
        """`paper.toml:12`: the line of `key` if it is in the file, else the line of the header."""
        return f"{self.path}:{self.lines.get(key, self.line)}"

    def below(self, *keys: str) -> Block:
        """A block without keys, so that `place` always returns the line of the inner key `keys`.

        If that key is not in the file, it is the line of the nearest outer key or of the header.
        """
        names = [".".join(filter(None, keys[:depth])) for depth in range(len(keys), 0, -1)]
        return Block(self.path, next((self.lines[name] for name in names if name in self.lines), self.line))

    def inner(self, *keys: str) -> Block:
        """The inner table `keys` as a separate block."""
        start = ".".join(keys) + "."
        lines = {name.removeprefix(start): line for name, line in self.lines.items() if name.startswith(start)}
        return Block(self.path, self.below(*keys).line, lines)


def blocks(text: str, path: str) -> dict[str, list[Block]]:
    """The blocks of a valid TOML text, by the first name of their header, in the order of the file.

    >>> found = blocks("[paper]\\ntitle = 'T'\\n[[claim]]\\nid = 'a'", "paper.toml")
    >>> found["claim"][0].place("id")
    'paper.toml:4'
    """
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
    """(line number, text) of each header and of each key with its value. A value may have several lines."""
    number = line = 1
    begin = depth = 0
    for hit in TOKEN.finditer(f"{text}\n"):
        token = hit[0]
        depth += (token in ("[", "{")) - (token in ("]", "}"))
        line += token.count("\n")
        if token == "\n" and not depth:  # nosec B105  # a token of TOML, not a password
            yield number, text[begin : hit.start()]
            number, begin = line, hit.end()


def _names(statement: str, end: str) -> list[str]:
    """The names in a header or before `=`: ["a", "b c"] for `a."b c" = 1`. Empty for a line without a key."""
    names: list[str] = []
    start = 0
    while hit := NAME.match(statement, start):
        names.append(hit["double"] or hit["single"] or hit["bare"] or "")
        if hit["next"] != ".":
            return names if hit["next"] == end else []
        start = hit.end()
    return []
