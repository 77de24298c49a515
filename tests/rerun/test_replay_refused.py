"""`repro replay` refuses what it cannot use before it runs anything."""

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
