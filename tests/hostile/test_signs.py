"""Signs that are not shown, or that show another text than the one that is read, are refused with their name."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import config, untrusted

ROOT = Path(__file__).parents[2]
ONE: dict[str, Any] = {"test": "t", "metric": "m", "identity": {"name": "m"}, "values": [1.0]}
ROW = {"format": 1, "paper": "p", "config": "c", "seed": 0, "digest": "", "measurements": [ONE]}


@pytest.fixture
def refused(repro: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """The one line with which a command refuses."""

    def call(*words: object) -> str:
        code, _, said = repro(*words)
        assert (code, len(said.splitlines())) == (2, 1), said
        return said

    return call


def _unseen() -> list[str]:
    """Every sign that Unicode calls a format, a control, a separator of lines, or that has no width, and its kin."""
    kinds = {"Cf", "Cc", "Zl", "Zp", "Cs"}
    others = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u3164\ufe0f\uffa0\U000e0100"
    found = (chr(code) for code in range(sys.maxunicode + 1))
    shown = {"\t", "\n", "\r", *map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD))}
    shown |= set(map(chr, range(0x13430, 0x13440)))  # joiners of hieroglyphs
    return [sign for sign in found if unicodedata.category(sign) in kinds and sign not in shown] + list(others)


def test_every_sign_that_is_not_shown_is_known() -> None:
    assert [f"U+{ord(sign):04X}" for sign in _unseen() if not untrusted.UNSEEN.search(sign)] == []
    for text in ("a b\tc\nd\r\ne", "Ünï × − ′ α 数 é", "e\u0301", "…–“”"):
        assert not untrusted.UNSEEN.search(text)


LINES = ["\u2028", "\u2029", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\r"]
INVISIBLE = ["\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u2066", "\u2069", "\u061c", "\xad", "\0", "\x1b"]


@pytest.mark.parametrize("sign", [*LINES, *INVISIBLE], ids=lambda sign: f"{ord(sign):04X}")
def test_a_config_shows_every_statement_that_it_makes(paper: Any, refused: Callable[..., str], sign: str) -> None:
    """A sign that ends a line for gin and not for an editor would hide a statement in a comment."""
    path = paper.folder / "configs" / "signs.gin"
    path.write_bytes(f"include 'smoke.gin'\n# a comment{sign}STEPS = 1\n".encode())
    said = refused("run", path)
    assert f"signs.gin:2: contains the invisible character U+{ord(sign):04X} (" in said and said.strip().isprintable()
    assert f"U+{ord(sign):04X}" in refused("show", path)
    if sign not in "\0":
        line = refused("run", paper.folder / "configs/smoke.gin", "--set", f"STEPS = 1 #{sign} x")
        assert "--set" in line and line.strip().isprintable()


@pytest.mark.parametrize(
    "sign", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\x85"], ids=lambda s: f"{ord(s):04X}"
)
def test_claims_data_sets_and_records_have_no_sign_that_is_not_shown(
    paper: Any, refused: Callable[..., str], repro: Callable[..., tuple[int, str, str]], sign: str
) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(f"{text}\n# a comment{sign}\n")
    assert f"paper.toml:{text.count(chr(10)) + 2}: contains the invisible character U+{ord(sign):04X}" in refused(
        "verdict", paper.name
    )
    paper.toml(text)
    (paper.folder / "data.toml").write_text(f"# {sign}\n", encoding="utf-8")
    assert f"data.toml:1: contains the invisible character U+{ord(sign):04X}" in repro("data", "list")[2]
    (paper.folder / "data.toml").unlink()
    path = paper.records / "c-seed0.json"
    path.parent.mkdir(exist_ok=True)
    for key in ("text", "finished", "digest"):
        path.write_text(json.dumps({**ROW, key: f"a{sign}b"}), encoding="utf-8")
        assert f"U+{ord(sign):04X}" in refused("verdict", paper.name)


def test_line_ends_of_windows_and_a_byte_order_mark_are_no_such_signs(paper: Any) -> None:
    path = paper.folder / "configs" / "windows.gin"
    path.write_bytes(b"\xef\xbb\xbf# a comment\r\ninclude 'smoke.gin'\r\n")
    untrusted.refuse_unseen_in(path.read_bytes().decode("utf-8-sig"), "windows.gin")
    path.write_bytes(b"# a comment\r\ninclude 'smoke.gin'\r\n")
    assert config.read(path).digest == config.read(paper.folder / "configs/smoke.gin").digest
