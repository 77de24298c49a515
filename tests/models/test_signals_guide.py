"""docs/guide/signals.md: its config trains and is measured, its code runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import gin
import torch

from repro import config
from repro.experiment import binding
from tests.guide import blocks

ROOT = Path(__file__).parents[2]


def test_the_config_trains_and_finds_most_marks(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "paper.toml").touch()
    path = tmp_path / "configs" / "pulses.gin"
    path.write_text(blocks("signals", "text")[0], encoding="utf-8")
    torch.manual_seed(0)
    try:
        built = binding.build(config.read(path))
    finally:
        gin.clear_config()  # otherwise an experiment of a later test would have these parts
    built.fit(tmp_path / "run", 0)
    measured = {one.metric: one for one in built.measure(lambda indices, name: indices)}
    assert len(measured["F1Within50ms"].values) == 12
    assert measured["F1Within50ms"].mean > 90 >= 0.9 * measured["F1Within0ms"].mean
    assert measured["MarkLatency"].mean > 0


def test_the_code_runs() -> None:
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(blocks("signals", "python")[0], names)
    assert names["found"] == names["model"].find(names["signal"]).marks.tolist() != []


def test_the_reader_is_a_source_of_stretches_and_windows(tmp_path: Path) -> None:
    """In a process of its own, because the reader stays registered."""
    check = """
from repro.datasets.stretches import Stretches, Windows
clicks = Clicks(seed=1)
assert len(Stretches(clicks, 10)) == 6 and Windows(clicks, 2.0)[0][1].sum() == 4
assert clicks.fingerprint() != Clicks(seed=2).fingerprint()
"""
    (tmp_path / "reader.py").write_text(blocks("signals", "py")[0] + check, encoding="utf-8")
    subprocess.run([sys.executable, str(tmp_path / "reader.py")], check=True, cwd=ROOT)
