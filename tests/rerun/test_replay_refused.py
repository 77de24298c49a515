"""`repro replay` refuses what it cannot use before it runs anything, and says nothing of what it deletes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro.record import determinism
from repro.rerun import replay
from tests.rerun.test_replay import kept as kept


def test_a_broken_certificate_is_refused_before_the_run(
    paper: Any, kept: Path, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (paper.folder / determinism.FOLDER).mkdir()
    (paper.folder / determinism.FOLDER / "smoke.json").write_text("{}")
    monkeypatch.setattr(replay, "run", None)
    assert "certificates/smoke.json" in refused("replay", kept)


def test_a_name_is_replayed_without_a_word_of_the_run_folder_that_is_deleted(
    paper: Any, kept: Path, repro: Any
) -> None:
    code, out, err = repro("replay", f"{paper.name}/smoke-seed0")
    assert code == 0 and out.startswith(f"{kept}: agrees")
    assert "smoke.gin, seed 0" in err and "run folder" not in err and "runs/" not in err
