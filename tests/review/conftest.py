"""Records of a copied paper, written without a run."""

from __future__ import annotations

from typing import Any

import pytest

from repro import config, record
from repro.record import Measurement, Record, code_digest
from repro.record import git as repository
from repro.report import page
from repro.rerun import counter_record
from repro.review import page as review

GROUP = "Group 2"
CONFIGS = ("line", "mean", "ten_steps")


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


@pytest.fixture
def recorded(paper: Any, git: Any) -> Any:
    """The paper with three records, in a commit; its files say where the reviewer's name is."""
    for name in CONFIGS:
        record.write(made(paper, name), paper.records)
    git("add", "-A")
    git("commit", "-qm", "records")
    git("config", "user.name", "Ada Reviewer")
    page.forget()
    return paper


def sections(paper: Any, **more: Any) -> dict[str, review.Section]:
    page.forget()
    return {found.title.partition(" since ")[0]: found for found in review.sections(paper.name, **more)}


def counter(paper: Any, name: str, group: str = GROUP, by: float = 0.0) -> None:
    """A counter-record of the record of `name` with seed 0; its values are larger `by` this much."""
    source = clean(paper) | {"group": group, "who": "Ada Reviewer"}
    again = made(paper, name, mean=0.01 + by, source=source, finished="2026-02-02T00:00:00+00:00")
    record.write(again, paper.folder / counter_record.FOLDER / counter_record.name(group))
