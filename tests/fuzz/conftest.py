"""`fuzz`: runs a reader on generated cases, few of them in `make test`, at least 10,000 in `make test-all`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from repro.data import store
from repro.errors import BadInput
from tests.fuzz.referee import Referee, refereed

Fuzz = Callable[[SearchStrategy[Any], Callable[[Referee, Any], None]], Referee]

FEW, MANY = 30, 10_000
PROFILES = [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)]


@pytest.fixture(params=PROFILES)
def fuzz(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fuzz]:
    """Judge `FEW` or `MANY` cases that a strategy makes, in a folder that is there for nothing else.

    The few are the same each time, the many others each time. Some must be read and some refused: a fuzzer whose cases
    are all one or the other tests little.
    """
    handlers, level = logging.root.handlers[:], logging.root.level
    cases = request.param

    def run(strategy: SearchStrategy[Any], case: Callable[[Referee, Any], None]) -> Referee:
        (tmp_path / "case").mkdir()
        with refereed(tmp_path / "case") as referee:

            @settings(
                max_examples=cases,
                derandomize=cases == FEW,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(strategy)
            def every(made: Any) -> None:
                case(referee, made)

            every()
        assert referee.cases >= cases
        assert min(referee.outcomes["read"], referee.outcomes["refused"]) >= cases // 50, referee.outcomes
        return referee

    yield run
    logging.root.handlers[:], logging.root.level = handlers, level


@pytest.fixture
def fuzzed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the case as a paper that is called so; there is no data, and none can be downloaded."""
    (tmp_path / "papers").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "papers" / "fuzzed").symlink_to(tmp_path / "case")
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    monkeypatch.setattr(store, "_fetch", _refuse)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "papers" / "fuzzed"


def _refuse(name: str) -> Path:
    raise BadInput(f"{name} is not here, and a fuzzer downloads nothing")
