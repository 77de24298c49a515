"""Where the keys of a TOML file stand, which `tomllib` does not tell: the line of every header and of every key."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

HEADER = re.compile(r"""\s*\[{1,2}\s*(?P<path>(?:[^\]"']|"[^"]*"|'[^']*')+?)\s*\]{1,2}\s*(#.*)?$""")
NAME = re.compile(r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[\w-]+))\s*(?P<next>[.=])?""")
COMMENT = re.compile(r"""^((?:[^#"']|"[^"]*"|'[^']*')*)#.*$""")
FENCES = ('"""', "'''")


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
    block, prefix, fence = Block(path, 1), "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if not fence and (header := HEADER.match(line)):
            first, *rest = _names(header["path"] + "=")
            prefix = ".".join(rest)
            if not prefix or not found[first]:
                found[first].append(Block(path, number))
            block = found[first][-1]
            block.lines.setdefault(prefix, number) if prefix else None
        elif not fence and (names := _names(line)):
            block.lines[".".join(filter(None, (prefix, *names)))] = number
        fence = _fence(line, fence)
    return found


def _names(line: str) -> list[str]:
    """`a."b c" = 1` as ["a", "b c"]; empty for a line that sets nothing."""
    names: list[str] = []
    start = 0
    while hit := NAME.match(line, start):
        names.append(hit["double"] or hit["single"] or hit["bare"] or "")
        if hit["next"] != ".":
            return names if hit["next"] == "=" else []
        start = hit.end()
    return []


def _fence(line: str, fence: str) -> str:
    """The marks of a text of several lines that is still open after `line`."""
    told = line if fence else COMMENT.sub(r"\1", line)
    for mark in FENCES:
        if fence in ("", mark) and told.count(mark) % 2:
            return "" if fence else mark
    return fence
