"""A record, through `repro verdict`: its numbers are set beside a claim."""

from __future__ import annotations

import json
from pathlib import Path

from repro import record, verdict
from repro.claim import paper
from repro.cli import listing
from repro.verdict import suspected_causes, verdicts_json
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import altered
from tests.fuzz.referee import Referee

CLAIMS = """
[paper]
title = "t"
authors = ["a"]
year = 2020
[[claim]]
id = "value"
says = "s"
where = "w"
config = "configs/a.gin"
metric = "M"
value = 0.5
tolerance = 0.1
because = "b"
seeds = 1
[[claim]]
id = "printed"
says = "s"
where = "w"
config = "configs/a.gin"
metric = "M"
printed = "50.0 %"
item = "one"
[[claim]]
id = "order"
says = "s"
where = "w"
config = "configs/a.gin"
metric = "M"
above = 0.1
[[cause]]
claims = ["value"]
says = "s"
config = "configs/b.gin"
"""
MEASURED = {"test": "test", "metric": "M", "identity": {"unit": "%", "better": "higher"}, "values": [0.5, 0.25, 1e-9]}
SPARSE = {"items": 200, "usual": 1.0, "others": {"0.0": [3, 150]}}
RECORD = {
    "paper": "fuzzed",
    "config": "a",
    "seed": 0,
    "digest": "0" * 64,
    "measurements": [MEASURED, {**MEASURED, "metric": "N", "test": "many", "values": SPARSE}],
    "text": "experiment.data = {'test': 'mnist/test'}\n",
    "data": {"test": "0" * 16},
    "items": {"test": ["one", "two", "three"]},
    "code": {"papers.fuzzed.model": "0" * 64},
    "source": {"commit": "0" * 40, "dirty": False},
    "environment": {"packages": {"torch": "2.0"}, "threads": 1},
    "cost": {"seconds": 1.0},
    "curves": {"loss": [[0, 1.0], [10, 0.5]]},
    "examples": [{"test": "test", "item": 0, "panels": []}],
    "finished": "2026-01-01T00:00:00+00:00",
    "format": record.FORMAT,
}
COMMITTED = {"value": "not reproduced", "printed": "reproduced", "order": "inconclusive"}


def files(**content: bytes) -> dict[str, bytes]:
    configs = {f"configs/{name}.gin": b"" for name in "ab"}
    return {"paper.toml": CLAIMS.encode(), **configs, **content}


def test_any_record_is_judged_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    def read() -> None:
        one = paper.read(fuzzed)
        records = record.of_paper(fuzzed)
        judged = verdict.judge_all(one.claims, records)
        listing.verdicts(judged, suspected_causes.ledger(one, judged, records))
        verdicts_json.as_json(one, judged, suspected_causes.ledger(one, judged, records))

    def case(referee: Referee, content: bytes) -> None:
        both = {"records/a-seed0.json": content, "records/b-seed0.json": OTHER}
        referee.judge(read, files(**both), ["verdict", fuzzed.name, "--json"])

    fuzz(altered([RECORD]), case)


OTHER = json.dumps({**RECORD, "config": "b", "measurements": [{**MEASURED, "values": [0.1, 0.2, 0.3]}]}).encode()


def test_any_file_of_verdicts_is_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    def read() -> None:
        verdicts_json.changes(verdicts_json.read(fuzzed), verdict.judge_all(paper.read(fuzzed).claims, []))

    def case(referee: Referee, content: bytes) -> None:
        referee.judge(read, files(**{verdicts_json.FILE: content}), ["verdict", fuzzed.name, "--check"])

    fuzz(altered([COMMITTED, dict.fromkeys(COMMITTED, "not transcribed")]), case)
