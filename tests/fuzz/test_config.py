"""A config, as far as a run takes it before anything is built: read, bound, every statement checked. None is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import repro.trainers.supervised  # noqa: F401  # it loads torch: no case must wait for that
from repro import config
from repro.errors import BadInput
from repro.experiment import binding
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import rewritten
from tests.fuzz.referee import Referee, refereed

PAPERS = Path(__file__).parents[2] / "papers"
SAFE = ("papers.template.", "repro.datasets.", "repro.models.", "repro.losses.", "repro.trainers.", "repro.metrics.")
ORIGINALS = [
    (PAPERS / "template" / "configs" / f"{name}.gin").read_text() for name in ("base", "smoke", "line", "mean")
]
WORDS = [
    *("include 'base.gin'", "include 'fuzzed.gin'", "include '../x'", "include ''", "import repro.datasets.digits"),
    *(
        "import repro.datasets.nothing",
        "import .x",
        "import a..b",
        "import repro.datasets.digits as d",
        "include 'a\0b'",
    ),
    *("experiment.train = @datasets.Digits()", "@datasets.Digits", "@a/datasets.Digits()", "%A", "A = %A", "A = %B"),
    *(
        "B = [%A, %A]",
        "A = 1",
        "a/b/experiment.seed = 1",
        "experiment.model = @models.Line()",
        "x.y = 1",
        "experiment = 1",
    ),
    *("{'a': %A}", "{[]: 1}", "1 if 2 else 3", "lambda: 1", "__import__('os')", "'a' 'b'", "1e999", "-1", "1j", "b'a'"),
    *("(", ")", "\\", '"""', "f'{1}'", "[" * 300, "-" * 5000, "@" * 99, "experiment.data = {'test': 'mnist/test'}"),
]
CHAINS = {  # texts that say much in little, with what they are refused by
    "values": (["A0 = [1, 2]", *(f"A{n} = [%A{n - 1}, %A{n - 1}]" for n in range(1, 40)), "experiment.examples = %A39"],
               "macro '%A13' expands to more than 10000 values"),
    "macros": (["A0 = 1", *(f"A{n} = %A{n - 1}" for n in range(1, 3000)), "experiment.examples = %A2999"],
               "macro '%A50' expands to more than 50 nested macros"),
    "parts": (["experiment.model = @a0/models.Line()", *(
        f"a{n}/models.Line.slope = [@a{n + 1}/models.Line(), @a{n + 1}/models.Line()]" for n in range(40))],
        "the config describes more than 1000 parts"),
    "includes": (["include 'x0.gin'"], "more than 100 files are included"),
    "brackets": ([f"experiment.examples = {'[' * 3000}{']' * 3000}"], "cannot be read as gin"),
}  # fmt: skip


def imports(text: str) -> set[str]:
    return set(re.findall(r"^\s*import\s+([\w.]+)", text, re.MULTILINE))


@pytest.fixture
def template(fuzzed: Path) -> Path:
    """The config of the case, beside the configs of the template."""
    return fuzzed / "configs" / "fuzzed.gin"


def test_any_config_is_bound_or_refused_in_a_line(fuzz: Fuzz, template: Path) -> None:
    """What a config imports is executed: only the parts of the template and of the core are let through."""
    beside = {f"configs/{path.name}": path.read_bytes() for path in (PAPERS / "template" / "configs").glob("*.gin")}

    def bind() -> None:
        binding.bind(config.read(template), whole=True)

    def case(referee: Referee, content: bytes) -> None:
        named = imports(content.decode("utf-8", "replace"))
        known = all(f"{name}.".startswith(SAFE) or not re.match(r"[a-z]", name) for name in named)
        files = {**beside, "paper.toml": b"", "configs/fuzzed.gin": content}
        referee.judge(bind if known else lambda: config.read(template), files)

    fuzz(rewritten(ORIGINALS, WORDS), case)


@pytest.mark.parametrize(("lines", "said"), CHAINS.values(), ids=CHAINS)
def test_a_little_text_that_says_too_much_is_refused_soon(
    template: Path, tmp_path: Path, lines: list[str], said: str
) -> None:
    twice = {f"configs/x{n}.gin": f"include 'x{n + 1}.gin'\n".encode() * 2 for n in range(30)}
    beside = {f"configs/{path.name}": path.read_bytes() for path in (PAPERS / "template" / "configs").glob("*.gin")}
    files = {**beside, **twice, "configs/x30.gin": b"", "paper.toml": b""}
    files["configs/fuzzed.gin"] = "\n".join(["include 'base.gin'", *lines]).encode()

    def bind() -> None:
        with pytest.raises(BadInput, match=said):
            binding.bind(config.read(template), whole=True)

    (tmp_path / "case").mkdir()
    with refereed(tmp_path / "case") as referee:
        referee.judge(bind, files)
