"""What the command line costs before it does anything: seconds of CPU, with 3 papers and with 1,000."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOML = """[paper]
title = "Paper {number}"
authors = ["A. Author"]
year = 2020
summary = "Generated."

[[claim]]
id = "table1.row{number}"
says = "A number"
where = "Table 1"
metric = "Accuracy"
config = "configs/row.gin"
value = 0.9
tolerance = 0.01
because = "generated"
"""


@pytest.mark.parametrize(("papers", "limit"), [(3, 0.3), (1000, 1.0)])
def test_list(benchmark: Any, tmp_path: Path, papers: int, limit: float) -> None:
    """`repro list` in a tree of its own, which the process finds by PYTHONPATH."""
    for number in range(papers):
        folder = tmp_path / "papers" / f"paper_{number}"
        (folder / "configs").mkdir(parents=True)
        (folder / "configs" / "row.gin").write_text("")
        (folder / "paper.toml").write_text(TOML.format(number=number))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def listing() -> None:
        command = [sys.executable, "-c", "from repro.cli import main; main(['list'])"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path)
        assert done.stdout.count("paper_") == papers

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    benchmark.pedantic(listing, rounds=5, warmup_rounds=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 6
    benchmark.extra_info["cpu_seconds"] = round(seconds, 3)
    print(f"\nrepro list with {papers} papers: {seconds:.2f} s of CPU (wanted: at most {limit})")
