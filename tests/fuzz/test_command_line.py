"""The words of a command, and the variables that it goes by. Nothing is trained, and nothing is written.

Commands that would are given what is not there, or is broken: a config, a record or a paper of the case's own folder.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest
from hypothesis import strategies as st

from repro import cli, interruption, registry
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import WORDS as ODD
from tests.fuzz.referee import Referee, ended

ODD_WORDS = [word for word in ODD if "\0" not in word and len(word) < 6000]
HARMLESS = ["template", "mnist_quickstart", "models.Line", "datasets.Mnist", "mnist", "mnist/test", "fsdd", "test"]
BROKEN = [f"case/configs/{name}.gin" for name in ("broken", "unbound", "nowhere")] + [
    "case/configs",
    "case",
    "/",
    ".",
    "-",
]
RECORDS = ["case/records/a-seed0.json", "case/paper.toml", "case", "nowhere.json"]
FLAGS = [
    *(
        "--json",
        "--check",
        "--data",
        "--help",
        "--version",
        "--seed",
        "0",
        "-1",
        "7",
        "٣",
        "--set",
        "a.b=1",
        "a.b = ",
        "=",
    ),
    *(
        "--steps",
        "--smoke=1",
        "--failed-step",
        "-h",
        "--no",
        "--",
        "--set=include 'x'",
        "--seed=9999999999999999999999",
    ),
]
FILES = {
    "paper.toml": b"[paper]\ntitle = 1\n",
    "configs/broken.gin": b"include 'base.gin'\n",
    "configs/unbound.gin": b"import papers.nowhere\n",
    "records/a-seed0.json": b'{"format": 1}',
}
GIVEN = {
    "list": [*cli.KINDS, "paper"],
    "show": [*HARMLESS, *BROKEN],
    "todo": ["template", "fuzzed", "nobody"],
    "plan": ["template", "fuzzed", "nobody"],
    "verdict": ["template", "fuzzed", "nobody"],
    "run": BROKEN,
    "debug": BROKEN,
    "certify": BROKEN,
    "replay": RECORDS,
    "renew": ["fuzzed", "nobody"],
    "new": ["template", "Fuzzed", "class", "a-b", "../x", "a b"],
    "data list": [],
    "data where": HARMLESS,
    "data get": HARMLESS,
    "data verify": HARMLESS,
    "report": ["more"],
    "nothing": [],
    "": [],
}


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    """A command with words that it takes, and up to three that it may not."""
    name = draw(st.sampled_from(sorted(GIVEN)))
    words = [draw(st.sampled_from(GIVEN[name]))] if GIVEN[name] and draw(st.integers(0, 5)) else []
    if name == "report" and not words:
        words = ["more"]  # alone it would build the site
    if name in ("todo", "plan") and not words:
        words = ["template"]  # alone it would read every record there is
    for _ in range(draw(st.integers(0, 3))):
        words.insert(draw(st.integers(0, len(words))), draw(st.sampled_from([*FLAGS, *ODD_WORDS])))
    return [*name.split(), *words]


@pytest.fixture
def listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts are read from the sources once: they do not change meanwhile."""
    monkeypatch.setattr(registry, "every", functools.cache(registry.every))


@pytest.mark.usefixtures("listed_once")
def test_any_command_is_done_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    def case(referee: Referee, words: list[str]) -> None:
        referee.judge(lambda: ended(words), FILES)

    fuzz(commands(), case)


PLACES = [
    *(
        "",
        ".",
        "/",
        "case",
        "nowhere/at/all",
        "/dev/null",
        "/proc/self/mem",
        "case/paper.toml",
        "~",
        "~nobody/x",
        "x" * 5000,
    ),
    *(
        "\udcff",
        "é",
        " ",
        "a\nb",
        "\x1b[2J",
        "a:b",
        "$HOME",
        "../..",
        "https://x/",
        "0",
        "-1",
        "nan",
        "1e999",
        "9" * 5000,
    ),
]
ASKED = [
    *(
        ["data", "where", "mnist"],
        ["data", "where", "fsdd/train"],
        ["data", "get", "raff2019"],
        ["data", "verify", "imdb"],
    ),
    *(["run", "case/configs/unbound.gin"], ["show", "template"], ["verdict", "template"], ["list", "runs"]),
]
VARIABLES = ["REPRO_DATA", "REPRO_MIRROR", "WORLD_SIZE", "REPRO_CHECKPOINT_SECONDS", "HOME"]


@pytest.mark.usefixtures("listed_once")
def test_any_environment_is_taken_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    def case(referee: Referee, given: tuple[dict[str, str], list[str]]) -> None:
        variables, words = given
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            referee.judge(lambda: (interruption.seconds_between(), ended(words)), FILES)

    fuzz(
        st.tuples(
            st.dictionaries(st.sampled_from(VARIABLES), st.sampled_from(PLACES), min_size=1), st.sampled_from(ASKED)
        ),
        case,
    )
    assert os.environ["REPRO_DATA"].endswith("data"), "each case puts back what it found"
