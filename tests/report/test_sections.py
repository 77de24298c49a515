"""The ledger of causes, the features of papers and the keys of paper.toml, as they are printed."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.claim import Cause, Features
from repro.claim import paper as papers
from repro.errors import BadInput
from repro.report import commands, evidence, features, keys, outcome, schema, suspected_causes
from repro.report.html import files
from repro.verdict.suspected_causes import Entry
from tests.report.read_once import read_once

TEMPLATE = read_once("template")


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_ledger_shows_change_effect_and_verdict_of_each_cause() -> None:
    said = plain(suspected_causes.section(TEMPLATE))
    means = {
        name: sum(r.measurements[0].mean for r in TEMPLATE.records if r.config == name) / 3
        for name in ("ten_steps", "ten_steps_fast")
    }
    effect = means["ten_steps_fast"] - means["ten_steps"]
    assert "torch.optim.SGD.lr = 0.6 was 0.3" in said and "trainers.Supervised.batch_size = 200 was 50" in said
    assert (
        f"−{-effect:.4f} [" in said and f"closes {effect / (0.01 - means['ten_steps']):.0%} of the difference" in said
    )
    assert said.count("not reproduced") == 2 and said.count("✓ reproduced") == 1


def test_a_failure_without_a_cause_is_named_and_one_without_records_is_not_measured() -> None:
    bare = replace(TEMPLATE, paper=replace(TEMPLATE.paper, causes=[]))
    said = suspected_causes.section(bare)
    assert "without a tested cause" in plain(said) and "#claim-fit.ten-steps" in said
    suspicion = Cause(["fit.ten-steps"], "something", "configs/smoke.gin")
    open_end = replace(TEMPLATE, paper=replace(TEMPLATE.paper, causes=[suspicion]))
    said = plain(suspected_causes.section(open_end))
    assert "not measured" in said and "0 of 3 seeds of “smoke”" in said


def test_numbers_of_unlike_metrics_are_a_dash_with_one_note(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = suspected_causes.ledger(TEMPLATE.paper, TEMPLATE.verdicts, TEMPLATE.records)
    why = "the records do not measure the same thing: their metrics have another reference"
    unlike = [replace(one, effect=replace(one.effect, unlike=why)) for one in entries if one.effect]
    monkeypatch.setattr(suspected_causes, "ledger", lambda *given: unlike)
    said = plain(suspected_causes.section(TEMPLATE))
    assert len(unlike) == 2 and said.count("the change is in the metric itself (reference)") == 1
    assert "not a difference" not in said and "do not measure the same" not in said


def test_an_effect_in_the_wrong_direction_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    one = suspected_causes.ledger(TEMPLATE.paper, TEMPLATE.verdicts, TEMPLATE.records)[0]
    ours = one.before.judged.interval.mean
    for times, said in [(-48.9, "48.9 times"), (-0.25, "25%")]:
        found = one.after.judged
        moved = replace(found, interval=replace(found.interval, mean=ours + times * (0.01 - ours)))
        after = replace(one.after, judged=moved)
        monkeypatch.setattr(suspected_causes, "ledger", lambda *given, after=after: [replace(one, after=after)])
        assert f"widens the difference by {said}" in plain(suspected_causes.section(TEMPLATE))


def test_a_cause_of_both_sides_shows_what_each_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = next(one for one in TEMPLATE.verdicts if one.claim.over)
    names = {"config": "configs/ten_steps_fast.gin", "over_config": "configs/ten_steps_all_points.gin"}
    cause = Cause([verdict.claim.id], "both are too slow", **names)
    one = Entry(verdict.claim, cause, "configs/ten_steps.gin", "configs/ten_steps.gin", verdict, verdict, None)
    monkeypatch.setattr(suspected_causes, "ledger", lambda *given: [one])
    said = plain(suspected_causes.section(TEMPLATE))
    for name, change in zip(names.values(), ("SGD.lr = 0.6 was 0.3", "batch_size = 200 was 50"), strict=True):
        assert Path(name).name in said and change in said


def test_every_number_of_the_ledger_leads_to_its_record() -> None:
    html = suspected_causes.section(TEMPLATE)
    assert f'href="{TEMPLATE.origin(next(r for r in TEMPLATE.records if r.config == "ten_steps_fast"))}"' in html


@pytest.mark.parametrize("name", [*schema.TABLES, *schema.DATA])
def test_the_guide_prints_every_key(name: str) -> None:
    html = keys.keys(name)
    assert all(f"<code>{key}</code>" in html for key, _, _ in schema.rows(name))


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(BadInput, match=r"no table 'clam' in paper\.toml or data\.toml; did you mean 'claim'"):
        keys.keys("clam")


def study(*lines: str) -> features.Study:
    return features.study(read_once("raff2019"), lines)


def test_the_rate_of_a_level_is_what_the_records_count() -> None:
    """Table 11 of the paper: of 75 papers of low readability 14 were reproduced."""
    there = study("readability: table11", "rigor: table8")
    assert plain(there.rate("readability", "Low")) == "14 of 75 (19%)"
    assert plain(there.rate("rigor", "Theory")) == "31 of 84 (37%)"
    assert there.rate("pseudo_code", "No") is None, "no table is named for it"
    assert there.rate("readability", "Unheard of") is None
    assert plain(there.rate("rigor", "Empirical")) == "66 of 80 (83%)", "82.5 % rounds up"


def test_each_scored_paper_has_one_row_with_its_levels_and_one_bar(elements: Any) -> None:
    scored = Features(readability="Low", authors_reply="N/A", equations_per_page=1.5)
    one = replace(TEMPLATE, paper=replace(TEMPLATE.paper, features=scored))
    html = str(features.features([one, read_once("deep_clustering"), TEMPLATE], study("readability: table11")))
    found = elements(html)
    assert len(found.values("class", "svg")) == html.count("<tr") - 1 == 2
    assert found.values("data-label", "td") == list(features.HEADS[1:]) * 2
    row = plain(html.split("<tr")[2])
    assert row.index("Readability") < row.index("Equations per page") and "reply" not in row, "no row for N/A"
    assert outcome.said(TEMPLATE.verdicts) in row and "Low 14 of 75 (19%)" in row and "1.5" in row
    assert features.features([TEMPLATE], study()) == features.features([], study())


@pytest.mark.parametrize(("line", "words"), [
    ("readabilty: table11", "no feature 'readabilty'; did you mean 'readability'"),
    ("readability: table111", "no table 'table111'; did you mean 'table11'"),
])  # fmt: skip
def test_a_misspelt_feature_or_table_is_refused(line: str, words: str) -> None:
    with pytest.raises(BadInput, match=re.escape(words)):
        study(line)


def test_one_can_begin_from_nothing() -> None:
    """With the commit of the newest record, which may not be all, then the runs of each scope, none of it folded."""
    newest = replace(TEMPLATE.records[0], finished="2999", source={"commit": "abc", "dirty": True})
    site = replace(TEMPLATE.site, repository="https://example.org/repro")
    said = plain(commands.commands(replace(TEMPLATE, site=site, records=[*TEMPLATE.records, newest])))
    order = (
        "Install",
        "git clone",
        "cd repro",
        "git checkout abc",
        "make venv",
        "template/smoke",
        "template/line",
        "repro verdict",
    )
    places = [said.index(one) for one in order]
    assert places == sorted(places) and places[-1] < said.index("The time of each config")
    assert "made with uncommitted changes" in said
    none = plain(commands.commands(replace(TEMPLATE, records=[])))
    assert "git checkout" not in none and "make venv" in none


@pytest.mark.parametrize(("source", "said"), [
    ("read in the PDF", "Read in the PDF"), ("the abstract", "Read in: the abstract"), ("", ""),
])  # fmt: skip
def test_where_a_claim_was_read_is_said_once(source: str, said: str) -> None:
    html = evidence.read_in(replace(TEMPLATE.paper.claims[0], source=source))
    assert re.sub(r"<[^>]+>", "", html) == said


def test_the_page_of_every_paper_is_told_by_its_claims() -> None:
    """Nothing that a paper claims is left out of what is judged."""
    for name in papers.folders():
        shown = read_once(name)
        assert [verdict.claim for verdict in shown.verdicts] == shown.paper.claims


def test_an_edit_of_the_site_does_not_reach_a_record_and_links_are_not_followed(tmp_path: Path) -> None:
    home, site = tmp_path / "paper", tmp_path / "site"
    (home / "records").mkdir(parents=True)
    record = home / "records" / "line-seed0.json"
    record.write_text("{}")
    (tmp_path / "secret.json").write_text("secret")
    (home / "data.json").symlink_to(tmp_path / "secret.json")
    files.publish(home, "p", site)
    shown = site / "files" / "papers" / "p"
    assert not (shown / "data.json").exists()
    (shown / "records" / "line-seed0.json").write_text("[1]")
    assert record.read_text() == "{}"
    files.publish(home, "p", site)
    assert (shown / "records" / "line-seed0.json").read_text() == "{}"
    other = tmp_path / "older.json"
    other.write_text("[]")
    os.utime(other, (1, 1))
    other.replace(record)  # of the same size, and older
    files.publish(home, "p", site)
    assert (shown / "records" / "line-seed0.json").read_text() == "[]"
