"""Records of a copied paper, written without a run."""

from __future__ import annotations

from typing import Any

from repro import config
from repro.record import Measurement, Record, code_digest
from repro.record import git as repository


def clean(paper: Any) -> dict[str, Any]:
    """The source of a record that is made from the commit that is checked out."""
    return {"commit": repository.head(paper.folder), "dirty": False}


def made(paper: Any, name: str, seed: int = 0, mean: float = 0.01, **more: Any) -> Record:
    """A record of a config of the paper as it is now."""
    found = config.read(paper.folder / "configs" / f"{name}.gin")
    measured = [Measurement("test", "SquaredError", {"unit": ""}, [mean, mean + 0.002])]
    facts = {"text": found.text, "code": code_digest.code(found), "core": code_digest.core()}
    facts |= {} if "source" in more else {"source": clean(paper)}
    facts |= {"cost": {"seconds": 1.0 + seed}, "finished": "2026-01-01T00:00:00+00:00"}
    return Record(paper.name, name, seed, found.digest, measured, **(facts | more))
