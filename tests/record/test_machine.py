"""The machine in a record: packages, variables that change a number, and processes that a run refuses."""

from __future__ import annotations

import importlib.metadata
import json
import os
from typing import Any

import pytest

from repro.errors import BadInput
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


@pytest.mark.parametrize("variable", [
    {"ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4"}, {"ACCELERATE_MIXED_PRECISION": "bf16"},
    {"ACCELERATE_DYNAMO_BACKEND": "EAGER"},
])  # fmt: skip
def test_what_accelerate_would_obey_changes_nothing_and_that_is_said(
    paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch, variable: dict[str, str]
) -> None:
    plain, _ = run(repro, paper)
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    found, said = run(repro, paper)
    assert found["measurements"] == plain["measurements"]
    assert all(name in said and os.environ[name] == value for name, value in variable.items())


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


@pytest.mark.parametrize("variables", [
    {"WORLD_SIZE": "2"}, {"LOCAL_RANK": "0"}, {"RANK": "0"}, {"RANK": "1", "LOCAL_RANK": "1"}, {"WORLD_SIZE": "two"},
    {"OMPI_COMM_WORLD_SIZE": "4"}, {"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}, {"LOCAL_RANK": ""},
])  # fmt: skip
def test_one_of_several_processes_is_refused_in_a_line(
    paper: Any, refused: Any, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    line = refused("run", f"papers/{paper.name}/configs/smoke.gin")
    assert any(name in line for name in (*machine.SIZES, *machine.RANKS))


def test_one_process_as_a_launcher_starts_it_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "WORLD_SIZE": "1",
        "RANK": "0",
        "LOCAL_RANK": "0",
        "MASTER_ADDR": "a",
        "MASTER_PORT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    machine.refuse_processes()
    monkeypatch.delenv("MASTER_PORT")
    with pytest.raises(BadInput, match="MASTER_PORT"):
        machine.refuse_processes()
