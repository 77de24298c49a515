"""Several processes on one machine: the same global batch gives the same weights, and no two write one file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import functools, sys, torch
from pathlib import Path
from papers.template.dataset import NoisyLine
from papers.template.loss import MeanSquare
from papers.template.model import Line
from repro.trainers.supervised import Supervised

torch.manual_seed(0)
folder, model = Path(sys.argv[1]), Line()
trainer = Supervised(20, 50, functools.partial(torch.optim.SGD, lr=0.1), valid_every=10)
trainer.fit(model, MeanSquare(), NoisyLine(200), NoisyLine(50, 1), folder, 0)
print("weights", model.slope.item(), model.offset.item())
"""


def weights(command: list[str], folder: Path) -> list[str]:
    folder.mkdir()
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1"}
    done = subprocess.run(
        [*command, str(script), str(folder)], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return [line for line in done.stdout.splitlines() if line.startswith("weights")]


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"]
    alone = weights([sys.executable], tmp_path / "alone")
    together = weights([*launch, "--master-port", "29611"], tmp_path / "together")
    assert len(alone) == 1 and together == alone * 2
    files = {str(path.relative_to(tmp_path / "together")) for path in (tmp_path / "together").rglob("*.safetensors")}
    assert {"checkpoints/last.safetensors", "process1/checkpoints/last.safetensors"} <= files
