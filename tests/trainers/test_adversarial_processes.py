"""Two processes make the same steps of both networks as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
SCRIPT = """
import json, sys
from pathlib import Path
from repro.training import processes
from pairs import dense, fit
from torch import nn

with processes.joined():
    model = dense()
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0  # each process draws its own random numbers
    folder = Path(sys.argv[1]) / str(processes.rank())
    history, weights = fit(folder, model, steps=6, valid_every=3)
    if processes.rank() == 0:
        print(json.dumps([history["curves"], {name: one.flatten().tolist() for name, one in weights.items()}]))
"""


def trained(folder: Path, *launch: str) -> Any:
    folder.mkdir()
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    own = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'trainers'}"}
    command = [*(launch or [sys.executable]), str(folder / "script.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **own})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    curves, weights = trained(tmp_path / "one")
    shared_curves, shared = trained(tmp_path / "two", *TORCHRUN, "--nproc-per-node", "2")
    for name, weight in weights.items():
        torch.testing.assert_close(torch.tensor(shared[name]), torch.tensor(weight), atol=1e-5, rtol=1e-5, msg=name)
    for name in ("train", "valid", "discriminator", "accuracy of the discriminator"):
        assert shared_curves[name] == [pytest.approx(point, abs=1e-5) for point in curves[name]]
