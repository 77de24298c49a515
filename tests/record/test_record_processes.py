"""Processes that write records into one folder at once: none is lost, none torn, nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro import record

ROOT = Path(__file__).parents[2]
PROCESSES, TIMES = 32, 4
WRITER = f"""
import sys
from pathlib import Path
from repro import record
from repro.record import Measurement, Record

number, folder = int(sys.argv[1]), Path(sys.argv[2])
values = [number + item / 7 for item in range(2000)]  # a file of several blocks, so that half of one can be seen
made = [
    Record("p", config, seed, str(number), [Measurement("test", "M", {{"name": "M"}}, values)], text="x" * 20_000)
    for config, seed in (("own", number), ("shared", 0), ("shared", number % 4))
]
print("ready", flush=True)
sys.stdin.readline()
for _ in range({TIMES}):
    for one in made:
        record.write(one, folder)
        assert record.read(folder / f"{{one.stem}}.json").stem == one.stem
"""


@pytest.mark.slow
def test_32_processes_that_write_at_once_lose_no_record(tmp_path: Path) -> None:
    """Each writes one of its own, and several the same ones: of those the last whole one stays.

    Each reads what it has just written, by itself or by another, and never finds half of one.
    """
    folder = tmp_path / "records"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(number), str(folder)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers:  # all are there: now they begin
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [(writer.communicate(timeout=240)[1], writer.returncode) for writer in writers] == [("", 0)] * PROCESSES
    own = [f"own-seed{number}.json" for number in range(PROCESSES)]
    shared = [f"shared-seed{seed}.json" for seed in range(4)]
    assert sorted(os.listdir(folder)) == sorted([*own, *shared]), "lost, or left behind"
    for name in own + shared:
        found = record.read(folder / name)
        number = int(found.digest)
        assert found.measurements[0].values == [number + item / 7 for item in range(2000)], name
        assert name in (f"own-seed{number}.json", "shared-seed0.json", f"shared-seed{number % 4}.json")
        assert found.text == "x" * 20_000
