"""`paper.toml`: what `repro show` and `repro todo` read."""

from __future__ import annotations

from pathlib import Path

from repro import launch
from repro.claim import paper
from repro.cli import listing
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import rewritten
from tests.fuzz.referee import Referee

PAPERS = Path(__file__).parents[2] / "papers"
FIRST = 4  # claims of an original: the others say no more
ORIGINALS = ["\n[[".join(path.read_text().split("\n[[")[: FIRST + 1]) for path in sorted(PAPERS.glob("*/paper.toml"))]
WORDS = [
    *("[paper]", "[[paper]]", "[[claim]]", "[claim]", "[[table]]", "[table.printed]", "[table.value]", "[[cause]]"),
    *(
        "[reproducibility]",
        "[other]",
        '[["claim"]]',
        "[claim.identity]",
        "[[claim.proxy]]",
        "[table]",
        "claim = []",
        "table = 1",
    ),
    *('"configs/a.gin"', '"configs/b.gin"', '["configs/a.gin"]', '["configs/a.gin", "configs/b.gin"]', '"reproduced"'),
    *("seeds = 1000000000000", "seeds = 0", "value = 1e308", "value = 0", "tolerance = nan", "tolerance = 1"),
    *('printed = "1e999999999"', 'printed = "0.1 %"', 'over = "configs/b.gin"', "identity = {a = 1}"),
    "transcribed = false",
    *(
        'x = ["""',
        '"""]',
        "x = [",
        "[1, 2]",
        '["a"]',
        "]",
        "1979-05-27",
        "{ a = 1 }",
        "0x1f",
        "1_000",
        f"x = {'[' * 500}",
    ),
    *('id = "a"', 'says = "b"', 'where = "c"', 'metric = "d"', 'because = "e"', 'claims = ["a"]', 'over_test = "test"'),
]


def configs(text: str) -> dict[str, bytes]:
    """An empty file for each config that the original names, and two more."""
    names = {word.strip('"[],') for word in text.split() if "configs/" in word} | {"configs/a.gin", "configs/b.gin"}
    return {name: b"" for name in names if name.startswith("configs/") and name.endswith(".gin")}


EVERY = {name: b"" for text in ORIGINALS for name in configs(text)}


def test_any_manifest_is_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    def case(referee: Referee, content: bytes) -> None:
        def read() -> None:
            listing.show(fuzzed.name)
            launch.todo(paper.read(fuzzed), [])  # what its claims ask for

        referee.judge(read, {"paper.toml": content, **EVERY}, ["show", fuzzed.name])

    fuzz(rewritten(ORIGINALS, WORDS), case)
