"""The machine in a record: packages, variables that change a number, and processes that a run refuses."""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

import pytest

from repro.record import determinism, machine


def test_the_environment_is_plain_and_names_what_decides() -> None:
    import torch

    found = machine.environment(3, "none", {})
    assert json.loads(json.dumps(found)) == found
    assert found["packages"]["torch"] == torch.__version__ and found["threads"] == 3
    assert "pytest" not in found["packages"], "extras do not move numbers"


def test_a_source_tree_that_is_not_installed_names_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    known, requires = machine.packages(), importlib.metadata.requires

    def absent(name: str) -> Any:
        if name == "repro-papers":
            raise importlib.metadata.PackageNotFoundError(name)
        return requires(name)

    monkeypatch.setattr(importlib.metadata, "requires", absent)
    assert machine.packages() == known


def test_a_package_without_metadata_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version

    def lost(name: str) -> str:
        if name == "numpy":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", lost)
    found = machine.packages()
    assert found["numpy"] == "unknown" and found["torch"] != "unknown"


def run(repro: Any, paper: Any) -> Any:
    code, _, err = repro("run", f"papers/{paper.name}/configs/smoke.gin", "--publish")
    assert code == 0, err
    return json.loads((paper.records / "smoke-seed0.json").read_text()), err


def test_what_changes_kernels_is_recorded_and_compared(paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, _ = run(repro, paper)
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    monkeypatch.setenv("LD_PRELOAD_", "")
    monkeypatch.setenv("TORCH_HOME", "/somewhere")
    found, _ = run(repro, paper)
    assert found["environment"]["variables"]["ONEDNN_DEFAULT_FPMATH_MODE"] == "BF16"
    assert "TORCH_HOME" not in found["environment"]["variables"]
    (unlike,) = determinism.differences(plain["environment"], found["environment"])
    assert "ONEDNN_DEFAULT_FPMATH_MODE" in unlike
