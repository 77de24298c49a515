"""The record of the smoke config: it is the evidence of tier 1, and never of a claim; and the certificates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.record import Record, determinism
from repro.record.determinism import Certificate, Comparison

BOARD = "\n```{leaderboard}\n:metric: Length\n```\n"


@pytest.fixture
def smoky(fresh: Path, keep: Callable[..., Record]) -> Path:
    """The small paper with a record of its smoke config, newer than all others and of other data; and a leaderboard."""
    (fresh / "configs" / "smoke.gin").write_text("import papers.tiny.model\nwidth = 'smoke'\n")
    made = keep(fresh, "smoke", 0, 9.0)
    row = {**vars(made), "data": {"test": "other"}, "finished": "2031-01-02T03:04:05+00:00"}
    record.write(Record(**row), fresh / "records")
    report = fresh / "report.md"
    report.write_text(report.read_text() + BOARD)
    return fresh


def shown(root: Path, html: Any) -> str:
    """The text of the page, without blanks: elements that stand side by side have none between them."""
    return "".join(html(root).text.split())


def bare(text: str) -> str:
    return "".join(text.split())


def test_a_smoke_record_is_the_evidence_of_tier_1_and_of_no_claim(
    smoky: Path, tmp_path: Path, build: Any, html: Any
) -> None:
    assert build(tmp_path) == (0, "")
    text, page = shown(tmp_path, html), html(tmp_path)
    assert bare("Smoke test ran in 75 s 2031-01-02") in text
    assert bare("smoke 1 record, 75 s, 2031-01-02: tier 1, no claim depends on it") in text
    assert "record-smoke-seed0" in page.values("id") and "papers/tiny/records/smoke-seed0.json" in "".join(
        page.values("href", "a")
    )
    assert bare("repro replay papers/tiny/records/smoke-seed0.json") in text
    assert bare("Newest record 2026-01-02") in text and bare("in 3 runs") in text
    assert [path for path in page.values("src") if "smoke-seed0" in path] == [], "no example of it"
    assert bare("Learning curves of smoke") not in text and text.count(bare("repro run tiny/smoke")) == 1


def test_a_leaderboard_of_all_configs_leaves_it_out(smoky: Path, tmp_path: Path, build: Any, html: Any) -> None:
    """It was measured on other data: with it there would be no leaderboard at all."""
    assert build(tmp_path) == (0, "")
    places = [link for link in html(tmp_path).values("href", "a") if "record-" in link]
    assert any("record-proxy-seed0" in link for link in places)
    assert bare("cannot be ranked together") not in shown(tmp_path, html)


def test_a_stale_smoke_record_is_shown_as_stale_and_warned_of(
    smoky: Path, tmp_path: Path, build: Any, html: Any
) -> None:
    (smoky / "configs" / "smoke.gin").write_text("import papers.tiny.model\nwidth = 'wider'\n")
    code, said = build(tmp_path)
    assert code == 1 and said.count("is stale") == 1
    assert "papers/tiny/records/smoke-seed0.json is stale: changed since the record: configs/smoke.gin" in said
    text = shown(tmp_path, html)
    assert bare("Smoke test ran in 75 s 2031-01-02 stale") in text and text.count("stale") == 2, (
        "there and where it comes from"
    )


def test_one_that_a_claim_names_is_a_record_like_any_other(smoky: Path, tmp_path: Path, build: Any, html: Any) -> None:
    toml = (smoky / "paper.toml").read_text()
    (smoky / "paper.toml").write_text(toml.replace('proxy = "configs/proxy.gin"', 'proxy = "configs/smoke.gin"'))
    report = smoky / "report.md"
    report.write_text(report.read_text().replace(BOARD, ""))
    assert build(tmp_path) == (0, "")
    text = shown(tmp_path, html)
    assert bare("Smoke ran") not in text and "tier1" not in text and bare("in 4 runs") in text


def test_each_record_states_its_determinism_class(smoky: Path, tmp_path: Path, build: Any, html: Any) -> None:
    found = record.read(smoky / "records" / "full-seed0.json")
    comparisons = dict.fromkeys(determinism.COMPARISONS, Comparison()) | {"ranks": Comparison(0.0, 3e-6)}
    machine = determinism.machine(found.environment)
    mine = Certificate(found.digest, found.code, machine, comparisons, 50, "2026-02-03T00:00:00+00:00")
    determinism.store(mine, "full", smoky)
    smoke = record.read(smoky / "records" / "smoke-seed0.json")
    there = Certificate(smoke.digest, smoke.code, {**machine, "processor": "Brain"}, comparisons, 1, "2026-02-04")
    determinism.store(there, "smoke", smoky)
    assert build(tmp_path) == (0, "")
    text = shown(tmp_path, html)
    assert bare("determinism within 1 × 10⁻⁵ (ranks), measured over 50 steps on Abacus on 2026-02-03") in text
    assert bare("determinism not measured") in text, "of the proxy"
    told = (
        "measured over 1 step on Brain on 2026-02-04: measured on another machine, or with other code, than the record"
    )
    assert bare(told) in text


def test_a_broken_certificate_is_one_line(smoky: Path, tmp_path: Path, build: Any) -> None:
    (smoky / "records/certificates").mkdir()
    (smoky / "records/certificates" / "full.json").write_text("{")
    code, said = build(tmp_path)
    assert code and "records/certificates/full.json:1: not a certificate: " in said and "Traceback" not in said
