"""Judging 1,000 claims over 10,000 records, against the bare reading of the same JSON files."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro import config, record, verdict
from repro.claim import paper
from repro.record import Measurement, Record, code_digest
from tests.conftest import trusted

CLAIMS, SEEDS, ITEMS = 1000, 10, 50
CLAIM = """[[claim]]
id = "row{number}"
says = "The number of row {number}"
where = "Table 1"
config = "configs/row{number}.gin"
metric = "M"
value = 5.0
tolerance = 0.5
because = "generated"
seeds = 10
"""


def generate(folder: Path) -> None:
    """A paper with a config and ten records per claim, as a run leaves them."""
    dice = random.Random(0)
    (folder / "configs").mkdir(parents=True)
    head = '[paper]\ntitle = "T"\nauthors = ["A"]\nyear = 2020\n'
    (folder / "paper.toml").write_text(head + "".join(CLAIM.format(number=n) for n in range(CLAIMS)))
    identity = {"name": "M", "version": 1, "unit": "dB", "better": "higher"}
    for number in range(CLAIMS):
        path = folder / "configs" / f"row{number}.gin"
        path.write_text(f"import repro.trainers.supervised\ntrainers.Supervised.steps = {number + 1}\n")
        read = config.read(path)
        one = trusted(Record(folder.name, f"row{number}", 0, read.digest, [], read.text, code=code_digest.code(read)))
        for seed in range(SEEDS):
            values = [dice.gauss(5.0, 0.3) for _ in range(ITEMS)]
            found = replace(one, seed=seed, measurements=[Measurement("test", "M", identity, values)])
            record.write(found, folder / "records")


def seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def test_a_thousand_claims(benchmark: Any, tmp_path: Path) -> None:
    folder = tmp_path / "papers" / "large"
    generate(folder)

    def judge() -> set[str]:
        one = paper.read(folder)
        return {found.outcome for found in verdict.judge_all(one.claims, record.of_paper(folder))}

    def bare() -> None:
        for path in (folder / "records").glob("*.json"):
            json.loads(path.read_text())

    assert benchmark.pedantic(judge, rounds=3, warmup_rounds=1) == {"reproduced"}
    ours, theirs = min(seconds(judge) for _ in range(3)), min(seconds(bare) for _ in range(3))
    benchmark.extra_info["ratio"] = round(ours / theirs, 2)
    print(f"\n{CLAIMS} claims, {CLAIMS * SEEDS} records: {ours:.1f} s (wanted: 5), {ours / theirs:.1f} x json.loads")
