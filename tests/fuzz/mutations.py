"""What is done to a valid input: to its bytes, to its lines, to the values of its tree."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

LONG = "9" * 5000  # Python reads no number of so many digits
DEEP = 20_000  # brackets in brackets
WORDS = [
    *("", " ", "a", "0", "-1", "1e400", "1e308", "-1e-308", "nan", "inf", LONG, "0.5", "true", "null", "None"),
    *("é", "\u202e", "\u2028", "\x00", "\x1b[2J", "\ufeff", "١", "²", "..", "/", "/etc/passwd", "../x"),
    *("x" * 300, "%", "@"),
    *('"', "'", '"""', "'''", "\\", "\\u", "#", ",", ";", "=", ".", "[", "]", "{", "}", "(", ")", "[" * DEEP, "{row}"),
]  # fmt: skip
INTEGERS = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\x7f\xff\xff\xff", b"\1\0\0\0"]

# Strategies that are made once: hypothesis checks each new one, which takes longer than to use it.
FEW = st.integers(0, 4)
SELDOM = st.integers(0, 9)
ANY = st.integers(0, 2**20)
BIT = st.integers(0, 7)
NOISE = st.binary(max_size=8)
NUMBER = st.sampled_from(INTEGERS)
WORD = st.sampled_from(WORDS)
OF_BYTES = st.sampled_from(["cut", "flip", "number", "put in", "take out", "double"])
OF_LINES = st.sampled_from(["value", "key", "word", "line", "drop", "double", "swap", "cut", "join"])
OF_TREES = st.sampled_from(["replace", "replace", "drop", "double", "rename"])


def index(draw: st.DrawFn, length: int) -> int:
    """A number from 0 to below `length`; 0 where that is 0."""
    return draw(ANY) % max(length, 1)


@st.composite
def spoilt(draw: st.DrawFn, originals: Sequence[bytes], least: int = 0) -> bytes:
    """One of `originals`, with up to four edits of its bytes."""
    content = bytearray(originals[index(draw, len(originals))])
    for _ in range(max(draw(FEW), least)):
        at = index(draw, len(content) + 1)
        edit = draw(OF_BYTES)
        span = slice(at, at + 1 + index(draw, 40))
        if edit == "cut":
            del content[at:]
        elif edit == "flip" and at < len(content):
            content[at] ^= 1 << draw(BIT)
        elif edit == "number":
            content[at : at + 4] = draw(NUMBER)
        elif edit == "put in":
            content[at:at] = draw(NOISE)
        elif edit == "take out":
            del content[span]
        else:
            content[at:at] = content[span]
    return bytes(content)


@st.composite
def rewritten(draw: st.DrawFn, originals: Sequence[str], words: Sequence[str]) -> bytes:
    """One of `originals` as a text, with up to four edits of its lines; `words` are what its language has."""
    lines = originals[index(draw, len(originals))].split("\n")
    every = [*words, *WORDS]
    for _ in range(draw(FEW)):
        at, word = index(draw, len(lines)), every[index(draw, len(every))]
        edit = draw(OF_LINES)
        line = lines[at] if lines else ""
        key, sign, value = line.partition("=")
        if edit == "value" and sign:
            lines[at] = f"{key}= {word}"
        elif edit == "key" and sign:
            lines[at] = f"{word} ={value}"
        elif edit == "word":
            parts = line.split(" ")
            parts[index(draw, len(parts))] = word
            lines[at : at + 1] = [" ".join(parts)]
        elif edit == "line":
            lines.insert(at, word)
        elif edit in ("drop", "cut"):
            del lines[at : at + 1 if edit == "drop" else None]
        elif edit == "join":
            lines[at : at + 2] = ["".join(lines[at : at + 2])]
        else:
            other = index(draw, len(lines))
            lines[at : at + 1] = [lines[other], line] if edit == "double" and lines else lines[other : other + 1]
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(spoilt([content], 1)) if draw(SELDOM) == 9 else content


PLAIN = [None, True, 0, -1, 1, 2**63, 10**400, 0.5, 1e308, -1e308, 5e-324, math.nan, math.inf, [], {}, *WORDS[:-2]]
NESTED = [[0, [0.5, None]], {"a": {"b": []}}, [[]], [[1, 2], [3]], {"": 0}, [True, "x"], {"é": [{}]}, [None] * 3]
ODD = st.sampled_from([*PLAIN, *NESTED])  # values that are not what was expected


@st.composite
def altered(draw: st.DrawFn, originals: Sequence[Any]) -> bytes:
    """One of `originals`, a tree of JSON, with up to four edits of its values and keys, as a text."""
    top = {"": copy.deepcopy(originals[index(draw, len(originals))])}
    for _ in range(draw(FEW)):
        parent, key = _chosen(draw, top)
        edit = draw(OF_TREES)
        if edit == "replace" or parent is top:
            parent[key] = copy.deepcopy(draw(ODD))
        elif edit == "drop":
            del parent[key]
        elif edit == "double" and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            value = parent.pop(key)
            parent.append(value) if isinstance(parent, list) else parent.update({draw(WORD): value})
    text = json.dumps(top[""])
    if draw(SELDOM) == 9:
        twice, long, deep = ("{", '{"seed": 0, ', 1), ("0", LONG, 1), ("{", '{"a": ' * DEEP, 1)
        text = text.replace(*(twice, long, deep)[index(draw, 3)])
    content = text.encode("utf-8", "surrogatepass")
    return draw(spoilt([content], 1)) if draw(SELDOM) == 9 else content


def _chosen(draw: st.DrawFn, top: dict[str, Any]) -> tuple[Any, Any]:
    """A container in the tree, and the key or the index of one of its values."""
    parent: Any = top
    key: Any = ""
    while isinstance(parent[key], (dict, list)) and parent[key] and draw(FEW):
        parent = parent[key]
        at = index(draw, len(parent))
        key = list(parent)[at] if isinstance(parent, dict) else at
    return parent, key
