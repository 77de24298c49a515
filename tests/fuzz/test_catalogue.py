"""`data.toml`, through what `repro data list` reads."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

from repro.data import catalogue
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import rewritten
from tests.fuzz.referee import Referee

ROOT = Path(__file__).parents[2]
CORE = (ROOT / "repro" / "data" / "data.toml").read_text()
PARTS = re.split(r"\n\n(?=\[)", CORE.partition("\n\n")[2])  # a data set each
ORIGINALS = [re.sub(r"^\[\w+", r"\g<0>_fuzzed", part, flags=re.M) for part in PARTS]
WORDS = [
    *("[a]", "[a.variants.b]", "[a.files.c]", '[a.files."c/d"]', "[[a]]", "[a.variants]", "[a]\n[a.b]", "a = 1"),
    *('"https://x/"', '["https://x/"]', '"sha256:00"', "items = 0", "items = 1_000", "size = 99999999999999999999"),
    *(
        'layouts = [["a"], ["b", "c"]]',
        'layouts = [\n["a"]\n]',
        "layouts = [[]]",
        'layouts = [["../x"]]',
        "x = [\n[1, 2]\n]",
    ),
    *("arguments = { split = 1 }", "arguments = { }", "unpack = true", 'obtain = "ask"', 'reader = "a:b"', '"a.b:C"'),
]


def test_any_catalogue_is_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    clock = itertools.count(1)

    def read() -> None:
        os.utime(fuzzed / "data.toml", (0, next(clock)))  # what has been read is read again where the time is another
        catalogue.read(fuzzed / "data.toml")

    def case(referee: Referee, content: bytes) -> None:
        referee.judge(read, {"paper.toml": b"", "data.toml": content}, ["data", "list"])

    fuzz(rewritten(ORIGINALS, WORDS), case)
