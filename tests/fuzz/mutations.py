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
    *(
        "é",
        "\u202e",
        "\u2028",
        "\x00",
        "\x1b[2J",
        "\ufeff",
        "١",
        "²",
        "..",
        "/",
        "/etc/passwd",
        "../x",
        "x" * 300,
        "%",
        "@",
    ),
    *('"', "'", '"""', "'''", "\\", "\\u", "#", ",", ";", "=", ".", "[", "]", "{", "}", "(", ")", "[" * DEEP, "{row}"),
]
INTEGERS = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\x7f\xff\xff\xff", b"\1\0\0\0"]


@st.composite
def spoilt(draw: st.DrawFn, originals: Sequence[bytes], least: int = 0) -> bytes:
    """One of `originals`, with up to four edits of its bytes."""
    content = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(least, 4))):
        at = draw(st.integers(0, len(content)))
        edit = draw(st.sampled_from(["cut", "flip", "number", "put in", "take out", "double"]))
        span = slice(at, at + draw(st.integers(1, 40)))
        if edit == "cut":
            del content[at:]
        elif edit == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif edit == "number":
            content[at : at + 4] = draw(st.sampled_from(INTEGERS))
        elif edit == "put in":
            content[at:at] = draw(st.binary(max_size=8))
        elif edit == "take out":
            del content[span]
        else:
            content[at:at] = content[span]
    return bytes(content)


@st.composite
def rewritten(draw: st.DrawFn, originals: Sequence[str], words: Sequence[str]) -> bytes:
    """One of `originals` as a text, with up to four edits of its lines; `words` are what its language has."""
    lines = draw(st.sampled_from(originals)).split("\n")
    word = st.sampled_from([*words, *WORDS])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(lines) - 1, 0)))
        edit = draw(st.sampled_from(["value", "key", "word", "line", "drop", "double", "swap", "cut", "join"]))
        line = lines[at] if lines else ""
        key, sign, value = line.partition("=")
        if edit == "value" and sign:
            lines[at] = f"{key}= {draw(word)}"
        elif edit == "key" and sign:
            lines[at] = f"{draw(word)} ={value}"
        elif edit == "word":
            parts = line.split(" ")
            parts[draw(st.integers(0, len(parts) - 1))] = draw(word)
            lines[at : at + 1] = [" ".join(parts)]
        elif edit == "line":
            lines.insert(at, draw(word))
        elif edit in ("drop", "cut"):
            del lines[at : at + 1 if edit == "drop" else None]
        elif edit == "join":
            lines[at : at + 2] = ["".join(lines[at : at + 2])]
        else:
            other = draw(st.integers(0, max(len(lines) - 1, 0)))
            lines[at : at + 1] = [lines[other], line] if edit == "double" and lines else lines[other : other + 1]
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(spoilt([content], 1)) if draw(st.integers(0, 9)) == 9 else content


def odd() -> st.SearchStrategy[Any]:
    """A value that is not what was expected."""
    plain = [None, True, 0, -1, 1, 2**63, 10**400, 0.5, 1e308, -1e308, 5e-324, math.nan, math.inf, [], {}, *WORDS[:-2]]
    return st.one_of(st.sampled_from(plain), st.recursive(st.sampled_from(plain[:8]), _nested, max_leaves=4))


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS[:12]), inner, max_size=3))


@st.composite
def altered(draw: st.DrawFn, originals: Sequence[Any]) -> bytes:
    """One of `originals`, a tree of JSON, with up to four edits of its values and keys, as a text."""
    top = {"": copy.deepcopy(draw(st.sampled_from(originals)))}
    for _ in range(draw(st.integers(0, 4))):
        parent, key = _chosen(draw, top)
        edit = draw(st.sampled_from(["replace", "replace", "drop", "double", "rename"]))
        if edit == "replace" or parent is top:
            parent[key] = draw(odd())
        elif edit == "drop":
            del parent[key]
        elif edit == "double" and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            value = parent.pop(key)
            parent.append(value) if isinstance(parent, list) else parent.update({draw(st.sampled_from(WORDS)): value})
    text = json.dumps(top[""])
    if draw(st.integers(0, 9)) == 9:
        text = text.replace("{", '{"seed": 0, ', 1) if draw(st.booleans()) else text.replace("0", LONG, 1)
    content = text.encode("utf-8", "surrogatepass")
    return draw(spoilt([content], 1)) if draw(st.integers(0, 9)) == 9 else content


def _chosen(draw: st.DrawFn, top: dict[str, Any]) -> tuple[Any, Any]:
    """A container in the tree, and the key or the index of one of its values."""
    parent: Any = top
    key: Any = ""
    while isinstance(parent[key], (dict, list)) and parent[key] and draw(st.integers(0, 4)):
        parent = parent[key]
        key = draw(st.sampled_from(sorted(parent) if isinstance(parent, dict) else range(len(parent))))
    return parent, key
